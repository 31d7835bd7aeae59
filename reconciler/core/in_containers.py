"""What node agents saw in the containers of a target's pods, as drifts of these pods."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, assert_never

from reconciler.core.containers import (
    ContainerDrift,
    ContainerLook,
    ContainerRef,
    FileDrift,
    NodeReport,
    PortDrift,
    ProcessDrift,
    SessionDrift,
)
from reconciler.core.drift import Drift, DriftType, Severity
from reconciler.core.moments import moment_of, rfc3339
from reconciler.core.pods import TargetPod, items, mapping
from reconciler.core.ranking import drift_id, worst_first
from reconciler.core.report import Unproven
from reconciler.core.resource import ResourceKey

#: So many drifts of one type are listed of one container, the worst first: who is woken by it
#: reads no more, and the others are counted.
LISTED: Final = 50
#: So many are listed of all containers of a target. Where a whole image is noisy each of its pods
#: is, and a history of all of it would hide the one that matters.
LISTED_IN_ALL: Final = 1_000
#: So many reasons why something couldn't be told are listed of one container.
_UNKNOWN: Final = 3
_REASON: Final = 300
#: A container that began so short a time before a look needn't have been seen by it.
_JUST_BEGUN: Final = timedelta(minutes=1)

_WORDS: Final = {
    DriftType.FILE: ("file that differs", "files that differ"),
    DriftType.PROCESS: ("process that drifted", "processes that drifted"),
    DriftType.SESSION: ("session", "sessions"),
    DriftType.PORT: ("port that nothing declares", "ports that nothing declares"),
}


@dataclass(slots=True)
class ContainerDetection:
    """What was seen in containers.

    Attributes:
        drifts: Pod by pod, each container's worst first.
        unproven: What couldn't be told.
        notes: What a reader should know.
        untold: As in `report.Insight`.
        unlisted: As in `report.Insight`.
    """

    drifts: list[Drift] = field(default_factory=list)
    unproven: list[Unproven] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    untold: set[ResourceKey] = field(default_factory=set)
    unlisted: set[str] = field(default_factory=set)


def container_drifts(
    pods: Sequence[TargetPod], reports: Sequence[NodeReport], now: datetime, stale_after: timedelta
) -> ContainerDetection:
    """Finds what node agents saw in the containers of some pods.

    What a node that is silent by now said last counts on: nobody knows that it is otherwise.

    Args:
        pods: The target's.
        reports: What each node's agent said last.
        now: A moment with its zone.
        stale_after: A node that was silent for longer isn't known any more.
    """
    found = ContainerDetection()
    by_node = {report.look.node: report for report in reports}
    looks = {node: _looks_of(report) for node, report in by_node.items()}
    running = [pod for pod in pods if pod.node and not pod.is_over]
    for pod in running:
        report = by_node.get(pod.node)
        if report is None:
            found.untold.add(pod.key)
            continue
        mine = looks[pod.node].get(pod.uid, ())
        silent = is_silent(report, now, stale_after)
        for look in mine:
            # What a silent node said of a container that has been replaced since is over.
            if _is_of(look.container, pod) and not (silent and _is_replaced(look.container, pod)):
                _take(found, pod, look)
        _note_unseen(found, pod, report, mine)
        if silent:
            found.untold.add(pod.key)
    _note_silent(found, running, by_node, now, stale_after)
    _limit(found)
    return found


def _limit(found: ContainerDetection) -> None:
    """Leaves out what is too much of all containers, the least bad; it stays known."""
    if len(found.drifts) <= LISTED_IN_ALL:
        return
    severities = tuple(Severity)
    ordered = sorted(found.drifts, key=lambda each: severities.index(each.severity))
    found.drifts, left_out = ordered[:LISTED_IN_ALL], ordered[LISTED_IN_ALL:]
    found.unlisted |= {each.id for each in left_out}
    pods = len({each.key for each in left_out})
    found.notes.append(
        f"{len(left_out):,} more drifts in containers of {pods:,} pods, not listed: none is worse"
    )


def _is_of(container: ContainerRef, pod: TargetPod) -> bool:
    """Whether a node speaks of a pod as the cluster knows it."""
    return (container.namespace, container.pod) == (pod.key.namespace, pod.key.name)


def _is_replaced(container: ContainerRef, pod: TargetPod) -> bool:
    running = {container_id for _, container_id, _ in _running(pod)}
    return bool(running) and container.container_id not in running


def _looks_of(report: NodeReport) -> Mapping[str, Sequence[ContainerLook]]:
    """Gives a node's looks by their pod's uid."""
    looks: dict[str, list[ContainerLook]] = {}
    for look in report.look.looks:
        looks.setdefault(look.container.pod_uid, []).append(look)
    return looks


def _take(found: ContainerDetection, pod: TargetPod, look: ContainerLook) -> None:
    path = f"spec.containers[name={look.container.container}]"
    if look.unknown:
        found.untold.add(pod.key)
        shown = "; ".join(why[:_REASON] for why in look.unknown[:_UNKNOWN])
        left = len(look.unknown) - _UNKNOWN
        more = f"; and {left:,} more" if left > 0 else ""
        found.unproven.append(Unproven(pod.key, path, f"{shown}{more}"))
    listed: Counter[DriftType] = Counter()
    left_out: Counter[DriftType] = Counter()
    for seen in worst_first(look.drifts):
        drift = _drift(pod, look.container, seen)
        if listed[drift.type] < LISTED:
            listed[drift.type] += 1
            found.drifts.append(drift)
        else:
            left_out[drift.type] += 1
            found.unlisted.add(drift.id)
    for type_, count in left_out.items():
        words = _WORDS[type_][count > 1]
        found.notes.append(
            f"{pod.key}, container {look.container.container}: {count:,} more {words}, not listed"
        )


def _drift(pod: TargetPod, container: ContainerRef, seen: ContainerDrift) -> Drift:
    return Drift(
        id=drift_id(container, seen),
        type=type_of(seen),
        severity=seen.severity,
        key=pod.key,
        api_version="v1",
        uid=pod.uid,
        source=pod.source,
        container=container,
        seen=seen,
        owner=pod.owner,
    )


def type_of(seen: ContainerDrift) -> DriftType:
    """Gives the type of what was seen in a container."""
    match seen:
        case FileDrift():
            return DriftType.FILE
        case ProcessDrift():
            return DriftType.PROCESS
        case SessionDrift():
            return DriftType.SESSION
        case PortDrift():
            return DriftType.PORT
        case _:
            assert_never(seen)


def _note_unseen(
    found: ContainerDetection, pod: TargetPod, report: NodeReport, looks: Sequence[ContainerLook]
) -> None:
    """Says which running containers the node's agent said nothing of, though it must have seen."""
    looked_at = moment_of(report.look.checked_at)
    seen = {look.container.container_id for look in looks}
    for name, container_id, began in _running(pod):
        if container_id in seen:
            continue
        found.untold.add(pod.key)
        if looked_at is None or began is None or began + _JUST_BEGUN < looked_at:
            reason = f"the agent of the node {pod.node} said nothing of this container"
            found.unproven.append(Unproven(pod.key, f"spec.containers[name={name}]", reason))


def _running(pod: TargetPod) -> Iterator[tuple[str, str, datetime | None]]:
    """Gives a pod's running containers: the name, the runtime's id, since when."""
    status = mapping(pod.body.get("status"))
    lists = ("containerStatuses", "ephemeralContainerStatuses")
    for each in (each for name in lists for each in items(status.get(name))):
        state = mapping(mapping(mapping(each).get("state")).get("running"))
        container_id = str(mapping(each).get("containerID") or "").rpartition("://")[2]
        if container_id and state:
            began = moment_of(str(state.get("startedAt") or ""))
            yield str(mapping(each).get("name")), container_id, began


def is_silent(report: NodeReport, now: datetime, stale_after: timedelta) -> bool:
    """Whether a node said nothing for so long that it isn't known any more."""
    received = moment_of(report.received_at)
    return received is None or now - received > stale_after


def _note_silent(
    found: ContainerDetection,
    running: Sequence[TargetPod],
    by_node: Mapping[str, NodeReport],
    now: datetime,
    stale_after: timedelta,
) -> None:
    """Says of each node that can't be told of, once, and of how many pods that is."""
    for node, count in sorted(Counter(pod.node for pod in running).items()):
        report = by_node.get(node)
        pods = "1 pod" if count == 1 else f"{count:,} pods"
        if report is None:
            why = f"no agent has said anything of it: what runs in {pods} there is unknown"
        elif is_silent(report, now, stale_after):
            received = moment_of(report.received_at)
            since = f" since {rfc3339(received)}" if received is not None else ""
            why = f"its agent is silent{since}: what changed in {pods} there is unknown"
        else:
            continue
        found.unproven.append(Unproven(ResourceKey("", "Node", "", node), "", why))
