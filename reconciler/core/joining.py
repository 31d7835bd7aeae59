"""Joins the planes: what differs from Git, and what drifted in the pods that Git's objects made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from reconciler.core.containers import NodeReport
from reconciler.core.detect import Detection
from reconciler.core.ignore import IgnoreRule
from reconciler.core.in_containers import ContainerDetection, container_drifts
from reconciler.core.pod_specs import Compared, pod_drifts
from reconciler.core.pods import TargetPod, pods_of
from reconciler.core.policy import worst_first
from reconciler.core.redact import Redaction
from reconciler.core.report import Insight, Unproven
from reconciler.core.resource import ResourceKey
from reconciler.core.scope import pod_kinds
from reconciler.core.sides import Sides


@dataclass(frozen=True, slots=True)
class Seen:
    """What node agents said.

    Attributes:
        reports: Each node's last word.
        stale_after: A node that was silent for longer isn't known any more.
    """

    reports: Sequence[NodeReport]
    stale_after: timedelta


def joined(
    target: str,
    found: Detection,
    sides: Sides,
    rules: Sequence[IgnoreRule],
    namespaces: frozenset[str],
    redaction: Redaction,
    seen: Seen | None,
    now: datetime,
    before: Mapping[str, Compared] = MappingProxyType({}),
) -> tuple[Detection, Mapping[str, Compared]]:
    """Adds to what was found of objects what drifted in their pods.

    Args:
        target: The target's name; part of the drifts' ids.
        found: What differs from Git.
        sides: What was read, pods among it.
        rules: Built-in rules and the user's that hold today.
        namespaces: Where unmanaged objects are looked for.
        redaction: Masks secrets.
        seen: What node agents said; None where there are none.
        now: A moment with its zone.
        before: The pods that the look before has compared.

    Returns:
        All of it, and the pods that were compared, for the next look.
    """
    pods = pods_of(sides, namespaces)
    node = sides.schema.node("v1", "Pod")
    specs = pod_drifts(target, pods, rules, node, redaction, before)
    blind, unclaimed = _unclaimed(sides, namespaces, pods)
    inside = ContainerDetection()
    if seen is not None:
        inside = container_drifts(pods, seen.reports, now, seen.stale_after)
    whole = replace(
        found,
        drifts=worst_first((*found.drifts, *specs.drifts, *inside.drifts)),
        unproven=(*found.unproven, *blind, *specs.unproven, *inside.unproven),
        hidden=found.hidden + specs.hidden,
        insight=Insight(
            untold=frozenset(inside.untold),
            unlisted=frozenset(inside.unlisted),
            unclaimed=unclaimed,
            notes=tuple(inside.notes),
        ),
    )
    return whole, specs.compared


#: Without these it can't be told whose a pod is; without others, only of what it was made.
_CLAIMING: Final = frozenset({("", "Pod"), ("apps", "ReplicaSet"), ("batch", "Job")})


def _unclaimed(
    sides: Sides, namespaces: frozenset[str], pods: Sequence[TargetPod]
) -> tuple[tuple[Unproven, ...], frozenset[ResourceKey]]:
    """Says what of the target's pods can't be told since something wasn't read, and of which."""
    unproven: list[Unproven] = []
    blind: set[str] = set()
    for (group, kind), spaces in pod_kinds(sides.desired, namespaces).items():
        for namespace in sorted(spaces):
            key = ResourceKey(group, kind, namespace, "*")
            version = f"{group}/v1" if group else "v1"
            why = sides.live.why_unread(key) or sides.catalog.why_unknown(version, kind)
            if why is None:
                continue
            unproven.append(Unproven(key, "", f"not all of pods can be told without it: {why}"))
            blind |= {namespace} if (group, kind) in _CLAIMING else set()
    known = {pod.key for pod in pods}
    unclaimed = (
        key
        for key in sides.live.objects.get("v1", {})
        if key.kind == "Pod" and key.namespace in blind and key not in known
    )
    return tuple(unproven), frozenset(unclaimed)
