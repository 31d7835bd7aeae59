"""Volumes for a container that is to have a read-only root: where it was measured to write."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from reconciler.core.fixes import Fix
from reconciler.core.hardening.findings import Measure, Verdict
from reconciler.core.hardening.measuring import time_words
from reconciler.core.hardening.pods import Container, Pod, listed, mapping
from reconciler.core.path import Item

#: A volume's name is a label of DNS (k8s.io/apimachinery/pkg/util/validation: IsDNS1123Label).
_LONGEST: Final = 63
_NOT_IN_NAME: Final = re.compile(r"[^a-z0-9]+")


def with_volumes(fix: Fix, measure: Measure, pod: Pod, container: Container) -> tuple[Fix, ...]:
    """Gives the fix of a read-only root, with the volumes that the container needs: all or none.

    Args:
        fix: Makes the root read-only.
        measure: Where the container wrote.
        pod: The pod.
        container: The container.
    """
    together = f"{container.name} read-only"
    first = replace(fix, caution=_caution(measure), together=together)
    mounts = listed(container.body.get("volumeMounts"))
    mounted = {mapping(each).get("mountPath") for each in mounts}
    return (
        first,
        *(
            replace(each, caution="", together=together)
            for place in measure.mounts
            if place not in mounted
            for each in _volume(fix, place, pod, container)
        ),
    )


def _volume(fix: Fix, place: str, pod: Pod, container: Container) -> Iterator[Fix]:
    name = _name(place, pod, container)
    volume = Item((("name", name),))
    yield replace(
        fix,
        path=(*pod.path, "volumes", volume),
        value={"name": name, "emptyDir": {}},
        before="no volume",
    )
    yield replace(
        fix,
        path=(*container.path, "volumeMounts", Item((("mountPath", place),))),
        value={"name": name, "mountPath": place},
        before="not mounted",
    )


def _name(place: str, pod: Pod, container: Container) -> str:
    """Names a volume after its container and place; by a digest, where that's long or taken."""
    plain = _NOT_IN_NAME.sub("-", f"{container.name}{place}".lower()).strip("-")
    taken = {mapping(each).get("name") for each in listed(pod.spec.get("volumes"))}
    if len(plain) <= _LONGEST and plain not in taken:
        return plain
    digest = hashlib.sha256(f"{container.name}{place}".encode()).hexdigest()[:8]
    return f"{plain[: _LONGEST - 9].rstrip('-')}-{digest}".lstrip("-")


def _caution(measure: Measure) -> str:
    words = f"{measured_words(measure)}; what it writes less often wasn't seen"
    if measure.verdict is Verdict.MOUNTS:
        words += "; its emptyDir is empty when a pod starts, and anybody in the pod may write there"
    return words


def measured_words(measure: Measure) -> str:
    """Says what was measured, in a sentence's words."""
    if measure.reason:
        return measure.reason
    pods = "1 pod" if measure.pods == 1 else f"{measure.pods} pods"
    told = "" if measure.by_owner else " (told by name)"
    place = "outside its volumes"
    what = f"it never wrote {place}"
    if measure.mounts:
        what = f"{place} it wrote only in {', '.join(measure.mounts)}"
    return f"as measured in {pods}{told} over {time_words(measure.seconds)} or more, {what}"
