"""Joins the planes: what differs from Git, and what drifted in the pods that Git's objects made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from reconciler.core.containers import NodeReport
from reconciler.core.detect import Detection
from reconciler.core.ignore import IgnoreRule
from reconciler.core.in_containers import ContainerDetection, container_drifts
from reconciler.core.pod_specs import Compared, pod_drifts
from reconciler.core.pods import pods_of
from reconciler.core.policy import worst_first
from reconciler.core.redact import Redaction
from reconciler.core.report import Insight
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
    inside = ContainerDetection()
    if seen is not None:
        inside = container_drifts(pods, seen.reports, now, seen.stale_after)
    whole = replace(
        found,
        drifts=worst_first((*found.drifts, *specs.drifts, *inside.drifts)),
        unproven=(*found.unproven, *specs.unproven, *inside.unproven),
        hidden=found.hidden + specs.hidden,
        insight=Insight(frozenset(inside.untold), frozenset(inside.unlisted), tuple(inside.notes)),
    )
    return whole, specs.compared
