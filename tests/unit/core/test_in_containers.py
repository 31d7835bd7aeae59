"""What agents saw in the containers of a target's pods, and of which pods that can't be told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.core.containers import (
    ContainerDrift,
    ContainerLook,
    ContainerRef,
    NodeLook,
    NodeReport,
)
from reconciler.core.drift import DriftType, Severity
from reconciler.core.in_containers import (
    LISTED,
    LISTED_IN_ALL,
    ContainerDetection,
    container_drifts,
)
from reconciler.core.ranking import drift_id
from reconciler.core.report import Unproven
from reconciler.core.resource import JsonObject, ResourceKey
from tests.unit.core.running_pods import REPLICAS, found, pod, running
from tests.unit.render.pods import CONF, EVIL, PORT, PROCESS, SESSION

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WEB = ContainerRef("shop", "web-1-a", "uid-web-1-a", "web", "c-1", node="node-1")
POD = ResourceKey("", "Pod", "shop", "web-1-a")


def said(
    *drifts: ContainerDrift, ref: ContainerRef = WEB, ago: int = 10, unknown: tuple[str, ...] = ()
) -> NodeReport:
    time = (NOW - timedelta(seconds=ago)).isoformat().replace("+00:00", "Z")
    return NodeReport(
        NodeLook("node-1", time, (ContainerLook(ref, drifts, unknown=unknown),)), time
    )


def seen(*reports: NodeReport, pods: tuple[JsonObject, ...] = ()) -> ContainerDetection:
    read = pods or (pod(status=running()),)
    of_target = found(REPLICAS, *read)
    return container_drifts(of_target, reports, NOW, timedelta(minutes=5))


def test_what_an_agent_saw_is_drift_of_the_pod_and_its_owner() -> None:
    found = seen(said(EVIL, PROCESS, SESSION, PORT))
    assert [each.type for each in found.drifts] == [
        DriftType.PROCESS,
        DriftType.FILE,
        DriftType.SESSION,
        DriftType.PORT,
    ]
    first = found.drifts[0]
    assert (first.key, first.uid, first.severity) == (POD, "uid-web-1-a", Severity.HIGH)
    assert first.owner == ResourceKey("apps", "Deployment", "shop", "web")
    assert str(first.source) == "apps/web.yaml:3"
    assert (first.container, first.seen) == (WEB, PROCESS)
    assert first.id == drift_id(WEB, PROCESS)
    assert (found.unproven, found.notes, found.untold, found.unlisted) == ([], [], set(), set())


def test_too_many_are_counted_and_stay_known() -> None:
    many = [replace(CONF, path=f"/etc/{number:03}") for number in range(LISTED + 3)]
    found = seen(said(*many, EVIL))
    assert len(found.drifts) == LISTED
    assert found.drifts[0].seen == EVIL
    assert found.notes == ["Pod shop/web-1-a, container web: 4 more files that differ, not listed"]
    assert found.unlisted == {drift_id(WEB, each) for each in many[LISTED - 1 :]}
    one = seen(said(*many[:LISTED], EVIL))
    assert one.notes[0].endswith("1 more file that differs, not listed")


def test_of_all_containers_no_more_is_listed_than_anybody_reads() -> None:
    pods = [pod(f"web-{number}") for number in range(41)]
    low = [replace(CONF, path=f"/{number}", severity=Severity.LOW) for number in range(25)]
    looks = []
    for number, each in enumerate(pods):
        ref = replace(
            WEB,
            pod=f"web-{number}",
            pod_uid=f"uid-web-{number}",
            container_id=each["metadata"]["name"],
        )
        looks.append(ContainerLook(ref, (*low, *((EVIL,) if number == 40 else ()))))
    time = "2026-11-24T11:59:50Z"
    found = seen(NodeReport(NodeLook("node-1", time, tuple(looks)), time), pods=tuple(pods))
    assert len(found.drifts) == LISTED_IN_ALL
    assert found.drifts[0].seen == EVIL
    assert found.notes == ["26 more drifts in containers of 2 pods, not listed: none is worse"]
    assert len(found.unlisted) == 26


@pytest.mark.parametrize(
    "ref",
    [
        replace(WEB, pod_uid="another"),
        replace(WEB, pod="another"),
        replace(WEB, namespace="another"),
    ],
)
def test_an_agent_is_believed_only_what_the_cluster_knows(ref: ContainerRef) -> None:
    assert seen(said(EVIL, ref=ref)).drifts == []


def test_a_node_speaks_of_its_own_pods_alone() -> None:
    elsewhere = pod(status=running(), spec={"nodeName": "node-2"})
    found = seen(said(EVIL), pods=(elsewhere,))
    assert found.drifts == []
    assert found.untold == {POD}


def test_what_could_not_be_told_is_said() -> None:
    reasons = tuple(f"/u{number}: not read" for number in range(5))
    found = seen(said(EVIL, unknown=reasons))
    assert len(found.drifts) == 1
    assert found.unproven == [
        Unproven(
            POD,
            "spec.containers[name=web]",
            "/u0: not read; /u1: not read; /u2: not read; and 2 more",
        )
    ]
    assert found.untold == {POD}
    assert seen(said(unknown=("x",))).unproven[0].reason == "x"


def test_a_silent_node_is_unknown_and_its_last_word_counts_on() -> None:
    found = seen(said(EVIL, ago=301))
    assert len(found.drifts) == 1
    assert found.untold == {POD}
    (unproven,) = found.unproven
    assert unproven.key == ResourceKey("", "Node", "", "node-1")
    assert unproven.reason == (
        "its agent is silent since 2026-11-24T11:54:59Z: what changed in 1 pod there is unknown"
    )
    odd = replace(said(EVIL), received_at="soon")
    assert "is silent:" in seen(odd).unproven[0].reason


def test_what_a_silent_node_said_of_a_container_that_was_replaced_is_over() -> None:
    earlier = replace(WEB, container_id="c-0")
    assert seen(said(EVIL, ref=earlier, ago=301)).drifts == []
    # Of one that isn't silent the agent may know more than the kubelet has said yet.
    assert len(seen(said(EVIL, ref=earlier)).drifts) == 1
    assert len(seen(said(EVIL, ago=301), pods=(pod(),)).drifts) == 1


def test_a_node_without_an_agent_is_told_once_with_its_pods() -> None:
    found = seen(pods=(pod(), pod("web-1-b")))
    assert [each.reason for each in found.unproven] == [
        "no agent has said anything of it: what runs in 2 pods there is unknown"
    ]
    assert {key.name for key in found.untold} == {"web-1-a", "web-1-b"}


@pytest.mark.parametrize(
    ("more", "is_told"),
    [
        ({}, True),
        ({"state": {"running": {"startedAt": "2026-11-24T11:59:30Z"}}}, False),
        ({"state": {"running": {"startedAt": "odd"}}}, True),
    ],
)
def test_a_running_container_that_the_agent_says_nothing_of_is_unknown(
    more: dict[str, Any], is_told: bool
) -> None:
    nothing = NodeReport(NodeLook("node-1", "2026-11-24T11:59:50Z", ()), "2026-11-24T11:59:50Z")
    found = seen(nothing, pods=(pod(status=running(**more)),))
    assert found.untold == {POD}
    assert bool(found.unproven) is is_told
    unclear = replace(nothing, look=replace(nothing.look, checked_at="odd"))
    assert seen(unclear, pods=(pod(status=running(**more)),)).unproven


def test_containers_that_dont_run_and_pods_that_are_over_need_no_agent() -> None:
    nothing = NodeReport(NodeLook("node-1", "2026-11-24T11:59:50Z", ()), "2026-11-24T11:59:50Z")
    waiting = pod(status=running(state={"waiting": {}}))
    over = pod("web-1-b", status={"phase": "Failed"})
    pending = pod("web-1-c", spec={"nodeName": ""})
    found = seen(nothing, pods=(waiting, over, pending))
    assert found == ContainerDetection()


def test_a_debugger_is_a_container_too() -> None:
    status = running()
    debugger = {**status["containerStatuses"][0], "name": "dbg", "containerID": "containerd://c-2"}
    status = {**status, "ephemeralContainerStatuses": [debugger]}
    found = seen(said(EVIL), pods=(pod(status=status),))
    assert [each.path for each in found.unproven] == ["spec.containers[name=dbg]"]
