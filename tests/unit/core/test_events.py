import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.actors import Actor
from reconciler.core.drift import Decision, DecisionAction, Drift, DriftType, Severity
from reconciler.core.events import events_of_look
from reconciler.core.history import EVIDENCE, OWNER, Event, EventType, KnownDrift, remembered
from reconciler.core.inventory import Inventory
from reconciler.core.live import Unread
from reconciler.core.outcome import Outcome, OutcomeType
from reconciler.core.ownership import FieldManager
from reconciler.core.plan import Evict, Plan, Quarantine
from reconciler.core.plan_events import events_of_intent, events_of_outcomes, events_of_verdict
from reconciler.core.report import Comparison, Insight, Report, Requests, Summary
from reconciler.core.resource import Catalog, JsonObject, ResourceKey
from reconciler.core.sides import Sides
from reconciler.core.words import Speaker
from tests.unit.core.build import (
    CATALOG,
    desired_of,
    detected,
    key_of,
    live_of,
    lived,
    made,
    managed,
    planned,
    sides_of,
)
from tests.unit.render.pods import EVIL, SESSION, seen

NOON, LATER = "2026-11-24T12:00:00Z", "2026-11-24T12:05:00Z"
WEB = made(data={"colour": "blue"})
EDITED = lived(
    {**WEB, "data": {"colour": "red"}},
    managedFields=[managed("kubectl-edit", NOON, {"f:data": {"f:colour": {}}})],
)
RESTORE = Decision(DecisionAction.RESTORE, "default", "Git is the source of truth")


def looked(
    *live: JsonObject, declared: tuple[JsonObject, ...] = (WEB,), **sides: Any
) -> tuple[Report, Sides]:
    unread = sides.pop("unread", ())
    both = sides_of(desired_of(*declared), live_of(*live, unread=unread), **sides)
    drifts = detected(both, namespaces=("shop",)).drifts
    return report_of(*drifts), both


def report_of(*drifts: Drift, outcomes: tuple[Outcome, ...] = ()) -> Report:
    summary = Summary(1, 0, len(drifts), 0)
    return Report(
        "shop", "4f0c", NOON, Comparison.SERVER, summary, Requests(), drifts, outcomes=outcomes
    )


def types(events: tuple[Event, ...]) -> list[EventType]:
    return [event.type for event in events]


def test_a_drift_is_seen_once_and_gone_once() -> None:
    report, sides = looked(EDITED)
    (event,), known = events_of_look({}, report, sides, NOON)
    (drift,) = report.drifts
    assert replace(event, digest="") == Event(
        time=NOON,
        target="shop",
        type=EventType.SEEN,
        drift=drift.id,
        key=key_of(WEB),
        actor="kubectl-edit",
        revision="4f0c",
        reason="Modified (medium)",
        before={"data.colour": "blue"},
        after={"data.colour": "red"},
    )
    live = {"data.colour": "red"}
    assert known == {drift.id: KnownDrift(key_of(WEB), NOON, event.digest, "", live)}

    assert events_of_look(known, report, sides, LATER) == ((), known)

    events, now_known = events_of_look(known, *looked(lived(WEB)), LATER)
    assert now_known == {}
    assert [(e.type, e.drift, e.before, e.after) for e in events] == [
        (EventType.GONE, drift.id, live, None)
    ]


def test_a_drift_that_differs_otherwise_has_changed() -> None:
    report, sides = looked(EDITED)
    _, known = events_of_look({}, report, sides, NOON)
    again = lived({**WEB, "data": {"colour": "green", "size": "9"}})
    (event,), now_known = events_of_look(known, *looked(again), LATER)
    assert event.type is EventType.CHANGED
    assert event.before == {"data.colour": "red"}
    assert event.after == {"data.colour": "green", "data.size": "9"}
    (drift,) = now_known.values()
    assert (drift.first_seen, drift.live) == (NOON, event.after)


def test_a_field_that_is_gone_is_told_as_none() -> None:
    report, sides = looked(lived({**WEB, "data": {"size": "9"}}))
    (event,), _ = events_of_look({}, report, sides, NOON)
    assert event.before == {"data.colour": "blue", "data.size": None}
    assert event.after == {"data.colour": None, "data.size": "9"}


def test_the_order_of_changes_does_not_matter() -> None:
    report, sides = looked(lived({**WEB, "data": {"size": "9"}}))
    _, known = events_of_look({}, report, sides, NOON)
    (drift,) = report.drifts
    turned = report_of(replace(drift, changes=drift.changes[::-1]))
    assert events_of_look(known, turned, sides, LATER)[0] == ()


def secret(value: str) -> JsonObject:
    return made("Secret", "key", data={"token": value})


def test_a_secret_shows_that_it_changed_and_not_what_it_is() -> None:
    declared = (secret("aGlkZGVu"),)
    report, sides = looked(lived(secret("c2VjcmV0")), declared=declared)
    (seen,), known = events_of_look({}, report, sides, NOON)
    assert seen.before is not None
    assert seen.after is not None
    assert seen.before["data.token"] == seen.after["data.token"] == "***"
    assert seen.before["***"] != seen.after["***"]
    (changed,), _ = events_of_look(
        known, *looked(lived(secret("b3RoZXI=")), declared=declared), LATER
    )
    assert changed.type is EventType.CHANGED
    assert changed.before == seen.after
    assert changed.after != seen.after
    text = repr((seen, changed))
    assert not [each for each in ("aGlkZGVu", "c2VjcmV0", "b3RoZXI=") if each in text]


def test_what_could_not_be_read_is_never_gone() -> None:
    stranger = lived(made(name="other"))
    role = lived(made("Role", "reader", rules=[]))
    report, sides = looked(EDITED, stranger, role)
    _, known = events_of_look({}, report, sides, NOON)
    assert len(known) == 3

    unread = (Unread("", "ConfigMap", "", "forbidden"),)
    events, now_known = events_of_look(known, *looked(unread=unread), LATER)
    # The declared one is told of as unreadable; of the strange one nothing can be told.
    assert [(e.type, e.key) for e in events] == [
        (EventType.SEEN, key_of(WEB)),
        (EventType.GONE, key_of(role)),
    ]
    assert set(now_known) >= {i for i, d in known.items() if d.key != key_of(role)}

    report, sides = looked(lived(WEB))
    events, last_known = events_of_look(now_known, report, sides, LATER)
    assert types(events) == [EventType.GONE] * 3
    assert last_known == {}


def test_what_could_not_be_compared_is_not_gone() -> None:
    report, sides = looked(EDITED)
    _, known = events_of_look({}, report, sides, NOON)
    (drift,) = report.drifts
    untold = replace(drift, id="d-2", type=DriftType.UNREADABLE, changes=(), note="no answer")
    events, now_known = events_of_look(known, report_of(untold), sides, LATER)
    assert [(e.type, e.reason) for e in events] == [
        (EventType.SEEN, "Unreadable (medium): no answer")
    ]
    assert set(now_known) == {drift.id, "d-2"}


@pytest.mark.parametrize(
    "catalog",
    [
        replace(CATALOG, unreadable={"rbac.authorization.k8s.io/v1": "down"}),
        Catalog("", {}, {}, {}, partial="not in the dump"),
    ],
)
def test_an_object_of_a_kind_that_is_not_known_now_is_not_gone(catalog: Catalog) -> None:
    role = lived(made("Role", "reader", rules=[]))
    _, known = events_of_look({}, *looked(lived(WEB), role), NOON)
    report, sides = looked(lived(WEB))
    events, now_known = events_of_look(known, report, replace(sides, catalog=catalog), LATER)
    assert events == ()
    assert now_known == known


def test_a_decision_is_told_when_it_is_another() -> None:
    report, sides = looked(EDITED)
    (drift,) = report.drifts
    decided = report_of(replace(drift, decision=RESTORE))
    events, known = events_of_look({}, decided, sides, NOON)
    assert types(events) == [EventType.SEEN, EventType.DECIDED]
    assert events[1].actor == "plumbline"
    assert events[1].reason == "restore, by the rule default: Git is the source of truth"

    reworded = replace(RESTORE, reason="in 5 minutes")
    same = report_of(replace(drift, decision=reworded))
    assert events_of_look(known, same, sides, LATER) == ((), known)

    observe = Decision(DecisionAction.OBSERVE, "suspended", "jane said so")
    other = report_of(replace(drift, decision=observe))
    events, _ = events_of_look(known, other, sides, LATER)
    assert types(events) == [EventType.DECIDED]
    assert events[0].drift == drift.id


JANE = Actor("jane", impersonated="admin", manager="kubectl-edit")
MAYBE = Actor("jane", certain=False, others=("john",))


@pytest.mark.parametrize(
    ("actor", "by", "name"),
    [
        (JANE, None, "jane as admin with kubectl-edit"),
        (MAYBE, FieldManager(NOON, "curl", "Update"), "jane or john with curl"),
        (Actor("jane"), None, "jane"),
        (None, FieldManager(NOON, "curl", "Update"), "curl"),
        (None, None, ""),
    ],
)
def test_whoever_is_known_is_named(actor: Actor | None, by: FieldManager | None, name: str) -> None:
    report, sides = looked(EDITED)
    (drift,) = report.drifts
    (change,) = drift.changes
    change = replace(change, actor=actor, by=by)
    (event,), _ = events_of_look(
        {}, report_of(replace(drift, changes=(change, change))), sides, NOON
    )
    assert event.actor == name
    whole = replace(drift, type=DriftType.UNMANAGED, changes=(), actor=actor, by=by)
    (event,), _ = events_of_look({}, report_of(whole), sides, NOON)
    assert event.actor == name


def made_plan(*live: JsonObject, declared: tuple[JsonObject, ...]) -> Plan:
    return planned(*declared, live=live_of(*live))


def test_a_restore_tells_what_was_before_and_after() -> None:
    declared = (WEB, made(name="new", data={"a": "1"}), secret("aGlkZGVu"))
    live = (EDITED,)
    report, sides = looked(*live, declared=declared)
    plan = made_plan(*live, declared=declared)
    done = tuple(Outcome(action.key, OutcomeType.RESTORED) for action in plan.actions)
    events = events_of_outcomes(plan, done, report, sides, "jane", LATER, verified=True)
    intents = events_of_intent(plan, report, sides, "jane", LATER)
    assert intents == tuple(replace(event, type=EventType.INTENDED) for event in events)
    by_name = {event.key.name: event for event in events if event.key}
    ids = {drift.key.name: drift.id for drift in report.drifts}
    assert by_name["web"] == Event(
        time=LATER,
        target="shop",
        type=EventType.RESTORED,
        drift=ids["web"],
        key=key_of(WEB),
        actor="jane",
        revision="4f0c",
        plan=plan.digest,
        reason="replace",
        before={"data.colour": "red"},
        after={"data.colour": "blue"},
    )
    assert by_name["new"].before == {"": None}
    assert by_name["new"].after == {"": declared[1]}
    assert by_name["new"].reason == "create"
    assert by_name["key"].after is not None
    assert by_name["key"].after[""]["data"] == {"token": "***"}
    assert "aGlkZGVu" not in repr(events)


def test_a_pruned_object_is_kept_masked() -> None:
    old = lived({**made(name="old"), "data": {"password": "hunter2", "a": "1"}})
    report, sides = looked(lived(WEB), old)
    live = live_of(lived(WEB), old)
    plan = planned(WEB, live=live, inventory=Inventory(frozenset({key_of(old)})), prune=True)
    outcomes = (Outcome(key_of(old), OutcomeType.RESTORED),)
    (event,) = events_of_outcomes(plan, outcomes, report, sides, "jane", LATER, verified=False)
    assert (event.type, event.reason, event.after) == (EventType.WRITTEN, "delete", {"": None})
    assert event.before is not None
    assert event.before[""]["data"] == {"password": "***", "a": "1"}
    assert "uid" not in event.before[""]["metadata"]
    # What was gone already when it was looked at.
    empty = replace(sides, live=live_of())
    (event,) = events_of_outcomes(plan, outcomes, report, empty, "jane", LATER, verified=True)
    assert (event.type, event.before) == (EventType.RESTORED, {"": None})


@pytest.mark.parametrize("outcome", OutcomeType)
def test_every_outcome_is_an_event(outcome: OutcomeType) -> None:
    report, sides = looked(EDITED)
    plan = made_plan(EDITED, declared=(WEB,))
    outcomes = (Outcome(key_of(WEB), outcome, "because"),)
    (event,) = events_of_outcomes(plan, outcomes, report, sides, "jane", LATER, verified=True)
    assert event.type.value == outcome.value
    assert event.reason == "replace: because"
    written = outcome in (OutcomeType.RESTORED, OutcomeType.UNVERIFIED)
    assert (event.before is not None) is (event.after is not None) is written


def test_a_verdict_is_told_of_every_object_of_the_plan() -> None:
    report, _ = looked(EDITED)
    plan = made_plan(EDITED, declared=(WEB, made(name="new")))
    events = events_of_verdict(
        plan, report, EventType.APPROVED, Speaker("jane"), NOON, "looks right"
    )
    assert {(e.type, e.actor, e.plan, e.reason) for e in events} == {
        (EventType.APPROVED, "jane", plan.digest, "looks right")
    }
    found = {e.key: e.drift for e in events}
    assert set(found) == {key_of(WEB), key_of(made(name="new"))}
    # The report knows no drift of the second one.
    assert sorted(found.values()) == ["", report.drifts[0].id]


COLOURS = st.sampled_from(["blue", "red", "green", None])
UNREAD = (Unread("", "ConfigMap", "shop", "forbidden"),)


@given(st.lists(st.tuples(COLOURS, st.booleans()), max_size=6))
def test_every_life_begins_and_ends_once(looks: list[tuple[str | None, bool]]) -> None:
    """Whatever is edited and whatever can't be read: seen, changed…, gone, in this order."""
    known: dict[str, KnownDrift] = {}
    story: list[Event] = []
    for colour, unread in looks:
        live = [] if colour is None else [lived({**WEB, "data": {"colour": colour}})]
        report, sides = looked(*([] if unread else live), unread=UNREAD if unread else ())
        events, now_known = events_of_look(known, report, sides, NOON)
        assert events_of_look(now_known, report, sides, NOON) == ((), now_known)
        assert {drift.id for drift in report.drifts} <= set(now_known)
        if not unread:
            assert {drift.id for drift in report.drifts} == set(now_known)
        story += events
        known = dict(now_known)
    assert remembered({}, story) == known
    for drift in {event.drift for event in story}:
        life = [event.type for event in story if event.drift == drift]
        open_ = False
        for type_ in life:
            assert (type_ is EventType.SEEN) is not open_
            open_ = type_ is not EventType.GONE
        assert open_ is (drift in known)
    assert json.dumps([event.after for event in story])


def test_rolling_out_a_commit_is_told_as_that() -> None:
    report, sides = looked(EDITED)
    plan = made_plan(EDITED, declared=(WEB,))
    pending = replace(report, drifts=(replace(report.drifts[0], type=DriftType.PENDING),))
    (intent,) = events_of_intent(plan, pending, sides, "plumbline", LATER)
    assert intent.reason == "roll out"
    outcomes = (Outcome(key_of(WEB), OutcomeType.REFUSED, "no"),)
    (event,) = events_of_outcomes(plan, outcomes, pending, sides, "jane", LATER, verified=True)
    assert event.reason == "roll out: no"


@pytest.mark.parametrize("action", [Evict, Quarantine])
def test_a_replaced_pod_is_told_with_who_makes_it_anew(action: type[Evict | Quarantine]) -> None:
    pod = ResourceKey("", "Pod", "shop", "web-1")
    owner = ResourceKey("apps", "Deployment", "shop", "web")
    report, sides = looked(WEB)
    worst = Drift("d-worst", DriftType.PROCESS, Severity.HIGH, pod, "v1", owner=owner)
    drifts = (worst, replace(worst, id="d-other"))
    plan = Plan("shop", "4f0c", (action(pod, "v1", "u1", owner),), (), "p-1")
    told = (replace(report, drifts=drifts), sides, "john", LATER)
    (intent,) = events_of_intent(plan, *told)
    assert (intent.drift, intent.key, intent.reason) == ("d-worst", pod, action.__name__.lower())
    assert (intent.before, intent.after) == (None, {OWNER: str(owner)})
    done = (Outcome(pod, OutcomeType.RESTORED),)
    (event,) = events_of_outcomes(plan, done, *told, verified=True)
    assert (event.type, event.after) == (EventType.RESTORED, {OWNER: str(owner)})
    kept = replace(plan, actions=(action(pod, "v1", "u1", owner, "sha256:aa on the node n1"),))
    (intent,) = events_of_intent(kept, *told)
    assert intent.after == {OWNER: str(owner), EVIDENCE: "sha256:aa on the node n1"}


# --- running pods


def in_pods(*drifts: Drift, insight: Insight | None = None) -> Report:
    return replace(report_of(*drifts), insight=insight or Insight())


SIDES = sides_of(desired_of(), live_of())


def test_what_was_seen_in_a_container_is_told_by_its_place() -> None:
    drift = seen(EVIL)
    (event,), known = events_of_look({}, in_pods(drift), SIDES, NOON)
    assert event.reason == (
        "File (high): in the container web of Deployment shop/web; executable; setuid"
    )
    assert event.before == {"web:/usr/bin/evil": None}
    assert event.after == {
        "web:/usr/bin/evil": "file, 0755, owner 0:0, 70,000 bytes, sha256 bbbbbbbbbbbb…"
    }
    assert events_of_look(known, in_pods(drift), SIDES, LATER) == ((), known)


def test_other_content_of_what_matters_is_a_change_and_of_a_log_is_none() -> None:
    assert EVIL.now is not None
    other = replace(EVIL, now=replace(EVIL.now, sha256="c" * 64))
    _, known = events_of_look({}, in_pods(seen(EVIL)), SIDES, NOON)
    events, _ = events_of_look(known, in_pods(seen(other)), SIDES, LATER)
    assert types(events) == [EventType.CHANGED]
    log, grown = (replace(each, severity=Severity.LOW) for each in (EVIL, other))
    _, known = events_of_look({}, in_pods(seen(log)), SIDES, NOON)
    assert events_of_look(known, in_pods(seen(grown)), SIDES, LATER)[0] == ()


def test_who_came_into_a_container_is_named() -> None:
    jane = Actor("jane@example.org", manager="kubectl")
    (event,), _ = events_of_look({}, in_pods(replace(seen(SESSION), actor=jane)), SIDES, NOON)
    assert event.actor == "jane@example.org with kubectl"


def test_what_cant_be_told_of_a_pod_is_not_gone() -> None:
    drift = seen(EVIL)
    _, known = events_of_look({}, in_pods(drift), SIDES, NOON)
    for insight in (Insight(frozenset({drift.key})), Insight(unlisted=frozenset({drift.id}))):
        assert events_of_look(known, in_pods(insight=insight), SIDES, LATER)[0] == ()
    (gone,), _ = events_of_look(known, in_pods(), SIDES, LATER)
    assert (gone.type, gone.reason) == (EventType.GONE, "no longer found")
    (gone,), _ = events_of_look(known, report_of(), SIDES, LATER)
    assert gone.reason == "no longer looked for: running pods aren't looked into"
