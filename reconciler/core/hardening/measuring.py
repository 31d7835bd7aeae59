"""Which containers could do with a read-only root, as node agents measured what they wrote.

A container's own layer holds what it wrote since it was started, so one look at it is a measurement
of all that time. What was written and deleted again leaves the directory's copy there.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from reconciler.core.container_files import FileType
from reconciler.core.containers import (
    SANDBOX,
    ContainerLook,
    ContainerRef,
    FileDrift,
    NodeLook,
    WrittenPlace,
)
from reconciler.core.drift import ChangeType
from reconciler.core.hardening.auditing import Subject
from reconciler.core.hardening.findings import Audit, Finding, Measure, Verdict
from reconciler.core.hardening.pods import Container, Pod, mapping, pod_of
from reconciler.core.images.naming import image_name
from reconciler.core.moments import moment_of
from reconciler.core.resource import JsonObject, ResourceKey, metadata_of

#: The rule whose findings are measured.
READ_ONLY: Final = "root-filesystem-writable"
#: So many paths are named in a reason.
_NAMED: Final = 3

#: Names of places that need no thought in any manifest. A colon may not be in a mount's path.
_MOUNTABLE: Final = re.compile(r"(?:/[A-Za-z0-9_.+@-]+)+")

# k8s.io/apimachinery/pkg/util/rand: the letters of which Kubernetes makes names.
_RANDOM: Final = "[bcdfghjklmnpqrstvwxz2456789]{5}"
#: What stands after a workload's name in its pods' names.
_SUFFIXES: Final[Mapping[str, str]] = {
    "Pod": "",
    "StatefulSet": r"-\d+",
    "Deployment": rf"-[bcdfghjklmnpqrstvwxz2456789]{{1,10}}-{_RANDOM}",
    "CronJob": rf"-\d+-{_RANDOM}",
}
_OTHERS: Final = rf"-{_RANDOM}"


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one container wrote from its start on.

    Attributes:
        container: Which one.
        seconds: How long that was; 0 where it isn't known.
        written: Where it wrote what is no drift.
        drifted: What isn't as its image has it.
        unknown: What couldn't be told.
        shells: Paths of the shells that are in it.
    """

    container: ContainerRef
    seconds: int
    written: tuple[WrittenPlace, ...]
    drifted: tuple[str, ...]
    unknown: tuple[str, ...]
    shells: tuple[str, ...] = ()


def measurements_of(look: NodeLook) -> tuple[Measurement, ...]:
    """Gives what a look at a machine measured."""
    return tuple(_measurement(each, look.checked_at) for each in look.looks)


def _measurement(look: ContainerLook, checked_at: str) -> Measurement:
    files = [drift for drift in look.drifts if isinstance(drift, FileDrift)]
    # A directory that was only made on the way to something is told by that.
    above = {path for each in files for path in _above(each.path)}
    for place in look.written:
        above |= {place.path, *_above(place.path)}
    drifted = tuple(sorted(e.path for e in files if not (_is_made_folder(e) and e.path in above)))
    begun, seen = moment_of(look.started_at), moment_of(checked_at)
    seconds = int((seen - begun).total_seconds()) if begun is not None and seen is not None else 0
    return Measurement(
        look.container, max(seconds, 0), look.written, drifted, look.unknown, look.shells
    )


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _is_made_folder(drift: FileDrift) -> bool:
    is_made = drift.change is ChangeType.ADDED and drift.now is not None
    return is_made and drift.now is not None and drift.now.type is FileType.DIRECTORY


def owners_of(subjects: Iterable[Subject]) -> Mapping[str, ResourceKey]:
    """Says of each live pod whose it is, by the pod's uid."""
    above: dict[ResourceKey, ResourceKey] = {}
    uids: dict[str, ResourceKey] = {}
    for subject in subjects:
        owner = _controller(subject)
        if owner is not None:
            above[subject.key] = owner
        if subject.key.kind == "Pod":
            uids[str(metadata_of(subject.body).get("uid"))] = subject.key
    return {uid: _topmost(key, above) for uid, key in uids.items()}


def _controller(subject: Subject) -> ResourceKey | None:
    owners = metadata_of(subject.body).get("ownerReferences")
    for each in owners if isinstance(owners, list) else ():
        owner = mapping(each)
        if owner.get("controller") is True:
            group = str(owner.get("apiVersion") or "").rpartition("/")[0]
            name = str(owner.get("name") or "")
            return ResourceKey(group, str(owner.get("kind") or ""), subject.key.namespace, name)
    return None


def _topmost(key: ResourceKey, above: Mapping[ResourceKey, ResourceKey]) -> ResourceKey:
    seen = {key}
    while (owner := above.get(key)) is not None and owner not in seen:
        seen.add(owner)
        key = owner
    return key


def measured(
    audit: Audit,
    subjects: Sequence[Subject],
    measurements: Sequence[Measurement],
    owners: Mapping[str, ResourceKey],
    least: int,
) -> Audit:
    """Adds to an audit's findings of writable roots what was measured of them.

    Args:
        audit: The audit.
        subjects: What was audited.
        measurements: What was measured; of one container, several count together.
        owners: Whose each pod is, by its uid; of others the name tells that.
        least: So many seconds a container must have been measured for to prove anything.
    """
    bodies = {each.key: each.body for each in subjects}
    matched, strays = _matched(audit, bodies, measurements, owners)
    findings = tuple(
        replace(each, measure=_measure(matched.get((each.key, each.container), []), owners, least))
        if each.rule.id == READ_ONLY
        else each
        for each in audit.findings
    )
    notes = audit.notes
    if strays:
        noun = "containers belong" if strays > 1 else "container belongs"
        notes = (*notes, f"{strays} measured {noun} to nothing that has a writable root here")
    return replace(audit, findings=findings, notes=notes)


def _matched(
    audit: Audit,
    bodies: Mapping[ResourceKey, JsonObject],
    measurements: Sequence[Measurement],
    owners: Mapping[str, ResourceKey],
) -> tuple[Mapping[tuple[ResourceKey, str], list[Measurement]], int]:
    """Finds to which container of which workload each measurement belongs."""
    candidates = [
        (finding.key, container)
        for finding in audit.findings
        if finding.rule.id == READ_ONLY
        for container in _containers(finding, pod_of(bodies[finding.key]))
    ]
    matched: dict[tuple[ResourceKey, str], list[Measurement]] = {}
    strays = 0
    for each in measurements:
        ref = each.container
        found = [
            (key, container.name)
            for key, container in candidates
            if is_one_of(ref, key, container, owners)
        ]
        # Where a name fits two workloads, nothing says whose it is.
        if len(found) == 1:
            matched.setdefault(found[0], []).append(each)
        elif ref.container != SANDBOX:
            strays += 1
    return matched, strays


def _containers(finding: Finding, pod: Pod | None) -> Iterator[Container]:
    for each in pod.containers if pod is not None else ():
        if each.path == finding.path[: len(each.path)]:
            yield each


def is_one_of(
    ref: ContainerRef, key: ResourceKey, container: Container, owners: Mapping[str, ResourceKey]
) -> bool:
    """Whether a container that runs may be one that a workload declares.

    Args:
        ref: The one that runs.
        key: The workload.
        container: As it is declared.
        owners: Whose each pod is, by its uid; of others the name tells that.
    """
    return (
        container.name == ref.container
        and _is_of(ref, key, owners)
        and _is_same_image(str(container.body.get("image") or ""), ref.image)
    )


def _is_of(ref: ContainerRef, key: ResourceKey, owners: Mapping[str, ResourceKey]) -> bool:
    if ref.namespace != key.namespace or not ref.pod:
        return False
    owner = owners.get(ref.pod_uid)
    if owner is not None:
        return owner == key
    suffix = _SUFFIXES.get(key.kind, _OTHERS)
    return re.fullmatch(re.escape(key.name) + suffix, ref.pod) is not None


def _is_same_image(declared: str, ran: str) -> bool:
    one, other = image_name(declared), image_name(ran)
    if one is None or other is None or one.repository != other.repository:
        return False
    if one.digest and other.digest:
        return one.digest == other.digest
    return one.tag == other.tag


def _measure(
    found: Sequence[Measurement], owners: Mapping[str, ResourceKey], least: int
) -> Measure:
    lasting = [each for each in found if each.seconds >= least]
    by_owner = bool(found) and all(each.container.pod_uid in owners for each in found)
    pods = len({each.container.pod_uid or each.container.pod for each in lasting})
    seconds = min((each.seconds for each in lasting), default=0)
    reason = _objection(found, lasting, least)
    if reason:
        verdict = Verdict.WRITES if _writes(found) else Verdict.UNTOLD
        return Measure(verdict, pods, seconds, by_owner, (), reason)
    places = sorted({place.path for each in found for place in each.written})
    mounts = tuple(
        path for path in places if not any(path.startswith(f"{other}/") for other in places)
    )
    verdict = Verdict.MOUNTS if mounts else Verdict.SAFE
    return Measure(verdict, pods, seconds, by_owner, mounts)


def _writes(found: Sequence[Measurement]) -> bool:
    return any(
        each.drifted or any(not place.expected or place.hides for place in each.written)
        for each in found
    )


def _objection(found: Sequence[Measurement], lasting: Sequence[Measurement], least: int) -> str:
    """Says why nothing can be proposed; empty where something can."""
    drifted = sorted({path for each in found for path in each.drifted})
    if drifted:
        more = f" and {len(drifted) - _NAMED:,} more" if len(drifted) > _NAMED else ""
        return f"it wrote {', '.join(drifted[:_NAMED])}{more}"
    for place in (place for each in found for place in each.written):
        if place.path == "/":
            return "it wrote in its root, or in more places than are named"
        if not place.expected:
            return f"it wrote in {place.path}, where nothing differs by now"
        if place.hides:
            return f"it writes in {place.path}, where the image has files that a volume would hide"
        if _MOUNTABLE.fullmatch(place.path) is None:
            return f"it writes in {place.path}, and nothing can be mounted by such a name"
    unknown = [why for each in found for why in each.unknown]
    if unknown:
        return f"not all of it could be told: {unknown[0]}"
    if not found:
        return "no container of it was measured"
    if not lasting:
        longest = max(each.seconds for each in found)
        return f"it was measured for {time_words(longest)}, and {time_words(least)} is wanted"
    return ""


_UNITS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def time_words(seconds: int) -> str:
    """Writes a time in its largest unit that it has at least two of, or one whole of."""
    size, noun = next(
        (each for each in _UNITS if seconds >= 2 * each[0] or seconds == each[0]), _UNITS[-1]
    )
    count = seconds // size
    return f"{count} {noun}" + ("" if count == 1 else "s")
