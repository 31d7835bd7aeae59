"""One detection holds what differs from Git and what drifted in pods, the worst first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.core.containers import ContainerLook, ContainerRef, NodeLook, NodeReport
from reconciler.core.detect import Detection
from reconciler.core.drift import DriftType
from reconciler.core.joining import Seen, joined
from reconciler.core.live import Unread
from reconciler.core.report import Insight
from reconciler.core.resource import JsonObject, ResourceKey, ResourceKind
from tests.unit.core.build import (
    CATALOG,
    REDACTION,
    VERBS,
    desired_of,
    detected,
    live_of,
    sides_of,
)
from tests.unit.core.running_pods import REPLICAS, SHOP, WEB, body_of, pod, read, running
from tests.unit.render.pods import CONF, EVIL

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CONTAINER = ContainerRef("shop", "web-1-a", "uid-web-1-a", "web", "c-1", node="node-1")
_IMAGE: JsonObject = {"f:spec": {"f:containers": {'k:{"name":"web"}': {"f:image": {}}}}}


def test_the_planes_are_joined() -> None:
    edited = pod(image="evil:1", edits=(("by-hand", _IMAGE),), status=running())
    stray = {**WEB, "metadata": {**WEB["metadata"], "name": "stray", "uid": "s"}}
    sides = read(REPLICAS, edited, stray)
    time = "2026-11-24T11:59:50Z"
    look = NodeLook("node-1", time, (ContainerLook(CONTAINER, (CONF, EVIL), unknown=("x",)),))
    seen = Seen([NodeReport(look, time)], timedelta(minutes=5))
    found, compared = joined(
        "shop", detected(sides, namespaces=("shop",)), sides, (), SHOP, REDACTION, seen, NOW
    )
    assert [each.type for each in found.drifts] == [
        DriftType.UNMANAGED,
        DriftType.FILE,
        DriftType.POD_SPEC,
        DriftType.FILE,
    ]
    assert len(found.unproven) == 1
    assert found.insight is not None
    assert {key.name for key in found.insight.untold} == {"web-1-a"}
    assert set(compared) == {"uid-web-1-a"}


def test_without_agents_pods_are_compared_alone() -> None:
    sides = read(REPLICAS, pod(status=running()))
    before = detected(sides)
    found, _ = joined("shop", before, sides, (), SHOP, REDACTION, None, NOW)
    assert (found.drifts, found.unproven) == ((), ())
    assert found.insight == Insight()


CRON: JsonObject = body_of("batch/v1", "CronJob", "tidy")
STORE: JsonObject = body_of("apps/v1", "StatefulSet", "store")
SERVED = replace(
    CATALOG,
    kinds={
        **CATALOG.kinds,
        ("v1", "Pod"): ResourceKind("", "v1", "Pod", "pods", namespaced=True, verbs=VERBS),
    },
)


def seen_blind(unread: tuple[Unread, ...] = (), partial: str = "") -> Detection:
    sides = sides_of(
        desired_of(WEB, CRON, STORE),
        live_of(WEB, pod(), unread=unread),
        replace(SERVED, partial=partial),
        answers={},
    )
    return joined("shop", detected(sides), sides, (), SHOP, REDACTION, None, NOW)[0]


@pytest.mark.parametrize(
    ("kind", "is_blind"),
    [
        (("", "Pod"), True),
        (("apps", "ReplicaSet"), True),
        (("batch", "Job"), True),
        (("apps", "ControllerRevision"), False),
    ],
)
@pytest.mark.parametrize("namespace", ["", "shop"])
def test_what_stands_between_and_cant_be_read_is_said(
    kind: tuple[str, str], namespace: str, *, is_blind: bool
) -> None:
    found = seen_blind((Unread(*kind, namespace, "forbidden"),))
    (unproven,) = found.unproven
    assert unproven.key == ResourceKey(*kind, "shop", "*")
    assert unproven.reason == "not all of pods can be told without it: forbidden"
    assert found.insight is not None
    assert {key.name for key in found.insight.unclaimed} == ({"web-1-a"} if is_blind else set())


def test_what_a_dump_doesnt_hold_is_said() -> None:
    found = seen_blind(partial="it isn't in the dump")
    assert {each.key.kind for each in found.unproven} == {"Job", "ControllerRevision"}


def test_what_else_cant_be_read_is_told_elsewhere() -> None:
    found = seen_blind((Unread("", "Secret", "", "no"), Unread("", "Pod", "other", "no")))
    assert (found.unproven, found.insight) == ((), Insight())
