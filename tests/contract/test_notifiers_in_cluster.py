"""What every `ports.Notifier` does that writes objects: Events, policy reports.

They promise what those of test_notifier.py promise; what is seen of it are objects, of which an
end may take one away.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.adapters.notifiers.kubernetes_events import KubernetesEvents
from reconciler.adapters.notifiers.policy_reports import PolicyReports
from reconciler.core.drift import DriftType, Severity
from reconciler.core.errors import ClusterError, ConfigError, NotifierError
from reconciler.core.history import Event, EventType
from reconciler.core.notices import Episode, Notice, Standing, notice_of
from reconciler.core.resource import JsonObject, ResourceKey, ResourceKind
from reconciler.ports import Cluster, Notifier
from tests.fakes.cluster import FakeCluster
from tests.fakes.kinds import BUILTIN, kind_of
from tests.fakes.policy_reports import working_group

KEY = ResourceKey("apps", "Deployment", "shop", "web")
SEEN = Event("2026-11-24T12:00:00Z", "shop", EventType.SEEN, "d-1", KEY)
EPISODE = Episode(
    "shop",
    "d-1",
    SEEN.time,
    KEY,
    DriftType.MODIFIED,
    Severity.HIGH,
    actor="jane",
    before={"spec.replicas": 2},
    after={"spec.replicas": 3},
    standing=Standing.ASKED,
    plan="p-1",
    life=(SEEN,),
)
NOTICE = notice_of([EPISODE])
OVER = notice_of([replace(EPISODE, standing=Standing.RESTORED, plan="")])
MANY = notice_of(
    [replace(EPISODE, drift=f"d-{n}", key=KEY._replace(name=f"web-{n}")) for n in range(30)]
)

Make = Callable[[Cluster], Notifier]


def events(cluster: Cluster) -> KubernetesEvents:
    return KubernetesEvents(
        "events", cluster, "plumbline-0", lambda: datetime(2026, 1, 1, 0, tzinfo=UTC)
    )


def reports(cluster: Cluster) -> PolicyReports:
    return PolicyReports("reports", cluster)


@dataclass
class World:
    """A notifier and its cluster."""

    make: Make
    cluster: FakeCluster

    def show(self, notice: Notice, shown: str) -> str:
        """Shows a notice as a process does that has just begun."""
        return self.make(self.cluster).show(notice, shown)

    def objects(self) -> list[JsonObject]:
        """What was written, the oldest first."""
        kinds = ("Event", "PolicyReport", "ClusterPolicyReport")
        found = [body for key, body in self.cluster.objects().items() if key.kind in kinds]
        return sorted(found, key=lambda body: int(body["metadata"]["resourceVersion"]))

    def names(self) -> set[str]:
        """Of which objects something is told."""
        told = self.objects()
        referred = [each["regarding"] for each in told if "regarding" in each]
        referred += [r for each in told for x in each.get("results", ()) for r in x["resources"]]
        return {each["name"] for each in referred}

    def writes(self) -> int:
        return self.cluster.requests.write


KINDS = (*BUILTIN, kind_of("events.k8s.io/v1", "Event", "events"))


def peopled(cluster: FakeCluster) -> FakeCluster:
    """Adds the definitions of policy reports, and namespaces."""
    for each in working_group():
        cluster.add(each)
    for name in ("shop", "default"):
        cluster.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return cluster


@pytest.fixture(params=[events, reports], ids=["events", "reports"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param, peopled(FakeCluster(kinds=KINDS)))


def test_a_notice_is_shown_and_not_again(world: World) -> None:
    shown = world.show(NOTICE, "")
    assert shown
    assert world.names() == {"web"}
    assert "spec.replicas: 2 → 3" in json.dumps(world.objects(), ensure_ascii=False)
    requests = world.cluster.requests
    assert world.show(NOTICE, shown) == shown
    assert world.cluster.requests == requests


def test_a_notice_whose_answer_was_lost_is_shown_once(world: World) -> None:
    shown = world.show(NOTICE, "")
    before = world.objects()
    assert world.show(NOTICE, "") == shown
    assert world.objects() == before


def test_its_end_is_shown_too(world: World) -> None:
    world.show(OVER, world.show(NOTICE, ""))
    left = world.objects()
    assert not left or left[-1]["reason"] == "DriftRestored"


def test_many_are_shown_and_then_only_what_changed(world: World) -> None:
    shown = world.show(MANY, "")
    assert len(world.names()) == 30
    before = world.writes()
    worse = replace(MANY.episodes[7], standing=Standing.FAILED)
    changed = notice_of([worse if each.drift == worse.drift else each for each in MANY.episodes])
    world.show(changed, shown)
    assert world.writes() == before + 1


def test_what_is_told_again_is_written_again(world: World) -> None:
    shown = world.show(NOTICE, "")
    for key in list(world.cluster.objects()):
        if key.kind in ("Event", "PolicyReport"):
            world.cluster.remove(key)
    assert world.show(replace(NOTICE, reminder=1), shown) != shown
    assert world.names() == {"web"}


def test_what_is_hostile_or_huge_harms_nobody(world: World) -> None:
    hostile = "\x1b[31m\u202e@everyone <script>\n" * 5_000
    episode = replace(EPISODE, note=hostile, actor=hostile, after={hostile: hostile})
    world.show(notice_of([episode]), "")
    (told,) = world.objects()
    assert len(json.dumps(told)) < 5_000
    assert (told["note"] if "note" in told else told["results"][0]["message"]).isprintable()


def test_cluster_scoped_objects_are_told_of(world: World) -> None:
    role = ResourceKey("rbac.authorization.k8s.io", "ClusterRole", "", "reader")
    world.show(notice_of([replace(EPISODE, key=role)]), "")
    assert world.names() == {"reader"}


def test_a_namespace_that_is_gone_is_no_trouble(world: World) -> None:
    assert world.show(notice_of([replace(EPISODE, key=KEY._replace(namespace="gone"))]), "")
    assert world.objects() == []


@pytest.mark.parametrize(
    ("error", "lasting"), [(ClusterError("it is away"), False), (ConfigError("no token"), True)]
)
def test_who_is_away_is_said_and_then_all_is_shown(world: World, error: Any, lasting: bool) -> None:
    world.cluster.unreachable = error
    with pytest.raises(NotifierError) as caught:
        world.show(NOTICE, "")
    assert caught.value.lasting is lasting
    assert error.message in str(caught.value)
    world.cluster.unreachable = None
    world.show(NOTICE, "")
    assert world.names() == {"web"}


@pytest.mark.parametrize("verb", ["get", "create"])
def test_a_right_that_is_missing_is_named(world: World, verb: str) -> None:
    for kind in ("Event", "PolicyReport"):
        world.cluster.forbid(verb, kind)
    with pytest.raises(NotifierError, match=f"cannot {verb}") as caught:
        world.show(NOTICE, "")
    assert caught.value.lasting


def test_a_right_to_change_that_is_missing_is_named(world: World) -> None:
    shown = world.show(NOTICE, "")
    for kind in ("Event", "PolicyReport"):
        world.cluster.forbid("update", kind)
    failed = replace(EPISODE, standing=Standing.FAILED)
    moved = replace(NOTICE, reminder=1) if world.make is events else notice_of([failed])
    with pytest.raises(NotifierError, match="cannot update") as caught:
        world.show(moved, shown)
    assert caught.value.lasting


def test_what_the_cluster_does_not_serve_is_said(world: World) -> None:
    world.cluster.catalog_faults = {"events.k8s.io/v1": "away", "wgpolicyk8s.io/v1alpha2": "away"}
    with pytest.raises(NotifierError, match="doesn't serve"):
        world.show(NOTICE, "")


def test_an_object_that_may_not_be_read_is_told_of_all_the_same(world: World) -> None:
    world.cluster.forbid("get", "Deployment")
    world.show(NOTICE, "")
    assert world.names() == {"web"}


class Contested(FakeCluster):
    """A cluster in which somebody else writes a report whenever it has been read.

    Attributes:
        left: How often they will.
    """

    left = 0

    def get(self, kind: ResourceKind, key: ResourceKey) -> JsonObject | None:
        body = super().get(kind, key)
        if body is not None and key.kind == "PolicyReport" and self.left:
            self.left -= 1

            def touch(each: JsonObject) -> None:
                each["metadata"].setdefault("annotations", {})["left"] = str(self.left)

            self.edit("somebody", key, touch)
        return body


@pytest.mark.parametrize("end", [False, True], ids=["changed", "over"])
def test_a_report_that_somebody_else_writes_is_read_anew(end: bool) -> None:
    world = World(reports, peopled(Contested(kinds=KINDS)))
    assert isinstance(world.cluster, Contested)
    shown = world.show(NOTICE, "")
    moved = OVER if end else notice_of([replace(EPISODE, standing=Standing.FAILED)])
    world.cluster.left = 100
    with pytest.raises(NotifierError, match="somebody else writes") as caught:
        world.show(moved, shown)
    assert not caught.value.lasting
    world.cluster.left = 2
    world.show(moved, shown)
    assert world.names() == (set() if end else {"web"})


def test_a_report_has_its_limit() -> None:
    world = World(reports, peopled(FakeCluster(kinds=KINDS)))
    many = [replace(EPISODE, drift=f"d-{n}") for n in range(1001)]
    with pytest.raises(NotifierError, match="more than 1,000 results") as caught:
        world.show(notice_of(many), "")
    assert caught.value.lasting
    world.show(notice_of(many[1:]), "")
    assert len(json.dumps(world.objects())) < 1_000_000
