"""What drifted in running pods: in words, and in its place under what is declared."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from reconciler.core.drift import Drift, DriftType, Severity
from reconciler.core.resource import ResourceKey

#: What a pod is or does, by its drift's type.
STATES: Final = {
    DriftType.POD_SPEC: "differs from its template",
    DriftType.FILE: "has a file that isn't its image's",
    DriftType.PROCESS: "runs what its image doesn't hold",
    DriftType.SESSION: "was entered from outside",
    DriftType.PORT: "listens where nothing declares it",
    DriftType.IMAGE: "has a stale image",
}

#: The drifts of one pod, at least one, the worst first.
Pod: TypeAlias = tuple[Drift, ...]


def by_object(drifts: Sequence[Drift]) -> Iterator[tuple[Drift | None, tuple[Pod, ...]]]:
    """Gives each object's drift with its pods', in the order of the worst of both.

    Returns:
        An object's drift and the pods under it; None for pods of an object that is as declared.
    """
    pods: dict[ResourceKey, dict[ResourceKey, list[Drift]]] = {}
    objects: dict[ResourceKey, list[Drift]] = {}
    for drift in drifts:
        if drift.is_in_pod:
            pods.setdefault(place_of(drift), {}).setdefault(drift.key, []).append(drift)
        else:
            objects.setdefault(drift.key, []).append(drift)
    for drift in drifts:
        place = place_of(drift)
        own, inside = objects.pop(place, []), pods.pop(place, {})
        if own or inside:
            yield own[0] if own else None, tuple(tuple(each) for each in inside.values())
        yield from ((other, ()) for other in own[1:])


def place_of(drift: Drift) -> ResourceKey:
    """Gives the object under which a drift is told: a pod's is told under what declares it."""
    return drift.owner if drift.is_in_pod and drift.owner is not None else drift.key


def worst_of(pod: Pod) -> Severity:
    """Gives the severity of a pod's worst drift."""
    return min((drift.severity for drift in pod), key=list(Severity).index)
