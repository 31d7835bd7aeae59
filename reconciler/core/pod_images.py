"""Containers that run another image than their siblings, though the same one is declared.

A tag may move between the starts of two containers: what one pulled isn't what the other runs. The
node says which digest each container runs; siblings are the containers of one name, of pods of one
revision, that name the same image.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.core.drift import Change, ChangeType
from reconciler.core.path import Item, Path
from reconciler.core.pods import TargetPod, items, mapping
from reconciler.core.resource import ResourceKey

_LISTS: Final = (("containers", "containerStatuses"), ("initContainers", "initContainerStatuses"))


@dataclass(frozen=True, slots=True)
class _Running:
    """What a container runs.

    Attributes:
        pod: Its pod.
        path: Where the pod's status says what it runs.
        alike: The same for containers whose digests may be compared.
        digest: Of its image.
        started_at: When it was started, RFC 3339.
    """

    pod: TargetPod
    path: Path
    alike: tuple[str, ...]
    digest: str
    started_at: str


def odd_images(pods: Sequence[TargetPod]) -> dict[ResourceKey, list[Change]]:
    """Finds containers that run another digest than most of their siblings.

    Where there are as many of one digest as of another, those differ that were started later: what
    was pulled first is what was rolled out.

    Returns:
        By pod, what differs: from the digest of most siblings to its own.
    """
    alike: dict[tuple[str, ...], list[_Running]] = {}
    for pod in (each for each in pods if not each.is_ending):
        if pod.template is not None:
            for running in _running(pod, pod.template.revision):
                alike.setdefault(running.alike, []).append(running)
    found: dict[ResourceKey, list[Change]] = {}
    for siblings in alike.values():
        counts = Counter(each.digest for each in siblings)
        if len(counts) == 1:
            continue
        first = {
            digest: min(each.started_at for each in siblings if each.digest == digest)
            for digest in counts
        }
        usual = min(counts, key=lambda digest: (-counts[digest], first[digest], digest))
        for each in siblings:
            if each.digest != usual:
                change = Change(each.path, ChangeType.CHANGED, usual, each.digest)
                found.setdefault(each.pod.key, []).append(change)
    return found


def _running(pod: TargetPod, revision: str) -> Iterator[_Running]:
    """Gives what a pod's containers run."""
    spec, status = mapping(pod.body.get("spec")), mapping(pod.body.get("status"))
    for declared, reported in _LISTS:
        images = {
            str(mapping(each).get("name")): str(mapping(each).get("image"))
            for each in items(spec.get(declared))
        }
        for each in items(status.get(reported)):
            name, runs = str(mapping(each).get("name")), str(mapping(each).get("imageID") or "")
            state = mapping(mapping(each).get("state"))
            started = str(mapping(state.get("running")).get("startedAt") or "")
            if name in images and runs and started:
                path: Path = ("status", reported, Item((("name", name),)), "imageID")
                # A digest with a name before it is the registry's. One without is that of the
                # configuration, which isn't the same on nodes of another platform.
                where = "" if "@" in runs else pod.node
                alike = (revision, reported, name, images[name], where)
                yield _Running(pod, path, alike, _plain(runs), started)


def _plain(runs: str) -> str:
    """Takes the image's name off a digest, and the scheme that Docker's runtime puts before it."""
    return runs.rpartition("@")[2] if "@" in runs else runs.rpartition("://")[2]
