"""The flow from end to end on a cluster in memory: check, restore, explain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from reconciler.adapters.comparers.server import ServerComparer
from reconciler.adapters.history.answers import NoAnswers
from reconciler.controller import Target, check
from reconciler.core.desired import Manifest, Rendered, SourceLocation
from reconciler.core.drift import DriftType
from reconciler.core.errors import ConfigError, SourceError
from reconciler.core.explain import Origin
from reconciler.core.ignore import IgnoreRule
from reconciler.core.inventory import Inventory
from reconciler.core.live import Listing, LiveState
from reconciler.core.outcome import OutcomeType
from reconciler.core.path import format_path
from reconciler.core.planning import Permissions
from reconciler.core.redact import Redaction
from reconciler.core.report import Comparison, Summary
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.core.scope import TransientKind
from reconciler.explanation import explain_object
from reconciler.restoration import plan_restore, restore
from tests.fakes.cluster import FakeCluster

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def key(name: str) -> ResourceKey:
    return ResourceKey("", "ConfigMap", "shop", name)


KEY = key("web")


def config(name: str = "web", namespace: str = "shop", **data: str) -> JsonObject:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}


class Repository:
    """A source that gives what it was made with."""

    def __init__(self, *bodies: JsonObject) -> None:
        self.bodies = list(bodies)
        self.error: SourceError | None = None
        self.revision = "4f0c"

    def fetch(self) -> Rendered:
        if self.error is not None:
            raise self.error
        place = SourceLocation("all.yaml", 1)
        return Rendered(self.revision, tuple(Manifest(b, place) for b in self.bodies), ("a note",))


class Memory:
    """Sightings and an inventory, in memory."""

    def __init__(self) -> None:
        self.times: dict[str, str] = {}
        self.inventory = Inventory()
        self.saves = 0

    def first_seen(self, ids: Sequence[str], now: str) -> Mapping[str, str]:
        self.times = {each: self.times.get(each, now) for each in ids}
        return self.times

    def load(self) -> Inventory:
        return self.inventory

    def save(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.saves += 1


class Anonymous(FakeCluster):
    """A cluster as `kubectl get` dumps it."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.__dict__ = cluster.__dict__

    def read(self, listings: Sequence[Listing]) -> LiveState:
        live = super().read(listings)
        for _, _, body in live.each():
            body["metadata"].pop("managedFields", None)
        return live


@dataclass
class World:
    """A target with all that it needs, in memory."""

    repository: Repository
    cluster: FakeCluster = field(default_factory=FakeCluster)
    memory: Memory = field(default_factory=Memory)
    now: datetime = NOON

    def target(self, *rules: IgnoreRule, scope: tuple[str, ...] = ("shop",)) -> Target:
        redaction = Redaction(b"a key")
        return Target(
            name="shop",
            source=self.repository,
            live=self.cluster,
            comparer=ServerComparer(self.cluster, NoAnswers(), redaction),
            namespace="shop",
            scope=frozenset(scope),
            rules=rules,
            transient=(TransientKind("metrics.k8s.io", "*", "measurements"),),
            redaction=redaction,
            sightings=self.memory,
            inventory=self.memory,
            clock=lambda: self.now,
        )


def world(*bodies: JsonObject) -> World:
    """Makes a world where everything that is declared is live."""
    made = World(Repository(NAMESPACE, *bodies))
    for body in made.repository.bodies:
        made.cluster.add(body)
    return made


def edited(made: World, **data: str) -> World:
    made.cluster.edit("kubectl-edit", KEY, lambda body: body["data"].update(data))
    return made


def test_a_look_at_what_is_in_sync() -> None:
    made = world(config(colour="blue"))
    report = check(made.target()).report
    assert report.summary == Summary(2, 2, 0, 0, 0)
    assert (report.target, report.revision, report.checked_at) == (
        "shop",
        "4f0c",
        "2026-11-24T12:00:00Z",
    )
    assert (report.comparison, report.notes, report.outcomes) == (
        Comparison.SERVER,
        ("a note",),
        (),
    )
    assert report.requests == made.cluster.requests


def test_a_look_at_what_drifted_counts_everything_once() -> None:
    made = edited(world(config(colour="blue"), config("gone"), config("held")), colour="red")
    made.cluster.remove(key("gone"))
    made.cluster.add(config("stray"))
    rule = IgnoreRule("r", "x", "data", object_name="held")
    made.cluster.edit("x", key("held"), lambda body: body["data"].update(a="b"))
    report = check(made.target(rule)).report
    found = {drift.key.name: drift.type for drift in report.drifts}
    assert found == {
        "web": DriftType.MODIFIED,
        "gone": DriftType.MISSING,
        "stray": DriftType.UNMANAGED,
    }
    assert report.summary == Summary(resources=5, in_sync=2, drifted=3, unreadable=0, hidden=1)
    assert {drift.decision.action for drift in report.drifts if drift.decision} == {
        "restore",
        "observe",
    }


def test_what_cannot_be_read_is_unreadable_and_its_kind_is_named() -> None:
    made = world(config(colour="blue"))
    made.cluster.list_faults["ConfigMap"] = "may not list configmaps"
    report = check(made.target()).report
    assert report.summary == Summary(2, 1, 0, 1, 0)
    assert any("may not list configmaps" in note for note in report.notes)


def test_that_field_managers_are_missing_is_said() -> None:
    made = edited(world(config(colour="blue")), colour="red")
    anonymous = replace(made.target(), live=Anonymous(made.cluster))
    assert not any("field managers" in note for note in check(made.target()).report.notes)
    assert any("--show-managed-fields" in note for note in check(anonymous).report.notes)


def test_without_a_scope_nothing_unmanaged_is_looked_for_and_that_is_said() -> None:
    made = world(config(colour="blue"))
    made.cluster.add(config("stray"))
    report = check(made.target(scope=())).report
    assert report.drifts == ()
    assert any(note.startswith("unmanaged objects were not looked for") for note in report.notes)


def test_a_drift_is_dated_from_when_it_was_first_seen() -> None:
    made = edited(world(config(colour="blue")), colour="red")
    first = check(made.target()).report.drifts[0]
    made.now = (NOON + timedelta(hours=1)).astimezone(timezone(timedelta(hours=2)))
    report = check(made.target()).report
    assert first.first_seen == report.drifts[0].first_seen == "2026-11-24T12:00:00Z"
    assert report.checked_at == "2026-11-24T13:00:00Z"


def test_an_expired_rule_hides_nothing_and_is_named() -> None:
    made = edited(world(config(colour="blue")), colour="red")
    rule = IgnoreRule("r", "until winter", "data", until=date(2026, 11, 23))
    report = check(made.target(rule)).report
    assert len(report.drifts) == 1
    assert any("an ignore rule has expired" in note for note in report.notes)


def test_only_what_was_declared_and_live_is_ours() -> None:
    made = world(config(colour="blue"))
    made.repository.bodies.append(config("never-live"))
    check(made.target())
    assert {each.name for each in made.memory.inventory.keys} == {"shop", "web"}
    check(made.target())
    assert made.memory.saves == 1, "the same inventory is not written again"


def test_a_side_that_cannot_be_read_ends_the_look() -> None:
    made = world(config())
    made.repository.error = SourceError("the repository is gone")
    with pytest.raises(SourceError, match="the repository is gone"):
        check(made.target())
    assert made.memory.inventory == Inventory()


def restored(made: World, *rules: IgnoreRule, **may: Any) -> tuple[Any, ...]:
    target = made.target(*rules)
    look = check(target)
    plan = plan_restore(target, look, Permissions(**may))
    report = restore(target, made.cluster, look, plan)
    return report, {each.key.name: each for each in report.outcomes}


def test_what_was_restored_is_verified_by_a_fresh_look() -> None:
    made = edited(world(config(colour="blue"), config("gone")), colour="red", extra="1")
    made.cluster.remove(key("gone"))
    report, outcomes = restored(made)
    assert {name: each.outcome for name, each in outcomes.items()} == {
        "web": OutcomeType.RESTORED,
        "gone": OutcomeType.RESTORED,
    }
    assert report.drifts == ()
    assert made.cluster.objects()[KEY]["data"] == {"colour": "blue"}


def test_what_drifts_again_at_once_is_not_called_restored() -> None:
    made = edited(world(config(colour="blue")), colour="red")
    target = made.target()
    look = check(target)
    plan = plan_restore(target, look, Permissions())
    store = made.cluster.store
    write = store.write

    def fought(kind: Any, body: JsonObject, manager: str, **how: bool) -> JsonObject:
        after = write(kind, body, manager, **how)
        if manager == "plumbline" and not how.get("dry"):
            store.write = write  # type: ignore[method-assign]
            edited(made, colour="red")
        return after

    store.write = fought  # type: ignore[method-assign]
    report = restore(target, made.cluster, look, plan)
    (outcome,) = report.outcomes
    assert outcome.outcome is OutcomeType.UNVERIFIED
    assert outcome.reason == "a fresh comparison still finds it modified"


def test_what_cannot_be_read_afterwards_is_not_called_restored() -> None:
    made = world(config(colour="blue"), config("old"))
    check(made.target())
    made.repository.bodies.pop()
    target = made.target()
    look = check(target)
    plan = plan_restore(target, look, Permissions(prune=True))
    made.cluster.list_faults["ConfigMap"] = "down"
    (outcome,) = restore(target, made.cluster, look, plan).outcomes
    assert outcome.outcome is OutcomeType.UNVERIFIED
    assert outcome.reason == "it could not be read afterwards: down"
    assert made.memory.inventory.holds(outcome.key)


def test_only_what_was_declared_once_is_pruned_and_then_forgotten() -> None:
    made = world(config(colour="blue"), config("old"))
    check(made.target())
    made.repository.bodies.pop()
    made.cluster.add(config("stray"))
    report, outcomes = restored(made)
    assert outcomes == {}
    report, outcomes = restored(made, prune=True)
    assert {name: each.outcome for name, each in outcomes.items()} == {"old": OutcomeType.RESTORED}
    assert [drift.key.name for drift in report.drifts] == ["stray"]
    assert {each.name for each in made.memory.inventory.keys} == {"shop", "web"}


def test_what_was_refused_stays_ours_to_prune() -> None:
    made = world(config(colour="blue"), config("old"))
    check(made.target())
    made.repository.bodies.pop()
    made.cluster.forbid("delete", "ConfigMap")
    _, outcomes = restored(made, prune=True)
    assert outcomes["old"].outcome is OutcomeType.REFUSED
    assert made.memory.inventory.holds(outcomes["old"].key)


def test_an_object_is_explained_field_by_field() -> None:
    made = edited(world(config(colour="blue")), colour="red", extra="1")
    rule = IgnoreRule("ignore[1]", "ours", "data.extra")
    found = explain_object(made.target(rule), "cm", "web", "shop")
    origins = {format_path(each.path): each.origin for each in found.fields}
    assert (found.note, found.revision, str(found.source)) == ("modified", "4f0c", "all.yaml:1")
    assert found.uid == made.cluster.objects()[KEY]["metadata"]["uid"]
    assert origins["data.colour"] is Origin.DRIFT
    assert origins["data.extra"] is Origin.IGNORED
    assert origins["metadata.name"] is Origin.DECLARED


@pytest.mark.parametrize("kind", ["cm", "ConfigMap", "configmaps", "CONFIGMAP"])
def test_a_kind_is_named_as_people_type_it(kind: str) -> None:
    found = explain_object(world(config()).target(), kind, "web", "")
    assert (found.key, found.note) == (KEY, "in sync")


def test_what_is_not_in_sync_is_explained_as_what_it_is() -> None:
    made = world(config(), config("gone"))
    made.cluster.remove(key("gone"))
    made.cluster.add(config("stray"))
    target = made.target()
    missing = explain_object(target, "cm", "gone", "shop")
    assert (missing.note, missing.fields, missing.uid) == (
        "missing: it is declared and not live",
        (),
        "",
    )
    stray = explain_object(target, "cm", "stray", "shop")
    assert (stray.note, stray.source) == ("unmanaged: it is live and not declared", None)
    made.cluster.list_faults["ConfigMap"] = "down"
    assert explain_object(target, "cm", "web", "shop").note == "unreadable: down"


def test_a_name_that_says_too_little_or_too_much_is_refused() -> None:
    made = world(config())
    made.cluster.add({**NAMESPACE, "metadata": {"name": "other"}})
    made.repository.bodies.append(config(namespace="other"))
    with pytest.raises(ConfigError, match="may be any of ConfigMap other/web, ConfigMap shop/web"):
        explain_object(made.target(), "cm", "web", "")
    with pytest.raises(ConfigError, match="neither declared nor live"):
        explain_object(made.target(), "cm", "no", "")
