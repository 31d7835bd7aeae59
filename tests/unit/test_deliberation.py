"""What a look leads to: by itself, once a person has agreed, and what voids a yes."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from reconciler.controller import check
from reconciler.core.approving import ApprovalPolicy
from reconciler.core.deciding import Mode, Policy, PolicyRule
from reconciler.core.drift import DecisionAction
from reconciler.core.history import Event, EventType
from reconciler.core.inventory import Inventory
from reconciler.core.moments import rfc3339
from reconciler.core.plan_events import events_of_verdict
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.core.selection import Selector
from reconciler.core.suspension import Suspension, suspension_event
from reconciler.core.windows import parse_window
from reconciler.core.words import Speaker
from reconciler.deliberation import Deliberation, deliberate
from tests.fakes.history import FakeHistory
from tests.unit.test_controller import KEY, NAMESPACE, NOON, World, config, edited, key, world

APPROVE = Policy(Mode.APPROVE)
RESTORE = Policy(Mode.RESTORE)
SECOND = timedelta(seconds=1)
LASTS = ApprovalPolicy().lasts


def decided(
    made: World, policy: Policy, history: FakeHistory, now: datetime = NOON
) -> Deliberation:
    made.now = now
    target = made.target()
    return deliberate(target, check(target), policy, history, now)


def say(history: FakeHistory, done: Deliberation, verdict: EventType, by: str = "john") -> None:
    now = done.look.report.checked_at
    history.append(events_of_verdict(done.asked, done.look.report, verdict, Speaker(by), now))


def drifted(**data: str) -> World:
    return edited(world(config(colour="blue")), **(data or {"colour": "red"}))


def written(done: Deliberation) -> list[str]:
    return [action.key.name for action in done.plan.actions]


def test_what_is_in_sync_asks_for_nothing() -> None:
    done = decided(world(config(colour="blue")), APPROVE, FakeHistory())
    assert (done.plan.actions, done.asked.actions, done.approved) == ((), (), "")
    assert not done.waits_for_person


def test_what_may_be_restored_is_and_waits_for_nobody() -> None:
    done = decided(drifted(), RESTORE, FakeHistory())
    assert written(done) == ["web"]
    assert done.plan == done.asked
    assert not done.waits_for_person


def test_to_observe_asks_for_nothing() -> None:
    done = decided(drifted(), Policy(Mode.OBSERVE), FakeHistory())
    assert (done.plan.actions, done.asked.actions) == ((), ())
    assert not done.waits_for_person


def test_what_needs_a_yes_waits_for_it() -> None:
    done = decided(drifted(), APPROVE, FakeHistory())
    assert written(done) == []
    assert [action.key for action in done.asked.actions] == [KEY]
    assert done.waits_for_person
    (drift,) = done.look.report.drifts
    assert drift.decision is not None
    assert drift.decision.action is DecisionAction.APPROVE


def test_the_look_tells_the_decisions_wherever_it_tells_of_drifts() -> None:
    look = decided(drifted(), APPROVE, FakeHistory()).look
    assert look.report.drifts == look.detection.drifts


def test_a_yes_has_all_that_was_asked_carried_out() -> None:
    made, history = drifted(), FakeHistory()
    say(history, decided(made, APPROVE, history), EventType.APPROVED)
    done = decided(made, APPROVE, history)
    assert done.plan == done.asked
    assert written(done) == ["web"]
    assert done.approved == "john"
    assert not done.waits_for_person


def test_what_was_agreed_to_is_done_when_a_window_is_open() -> None:
    made, history = drifted(), FakeHistory()
    say(history, decided(made, APPROVE, history), EventType.APPROVED)
    nightly = replace(APPROVE, windows=(parse_window("daily 22:00-04:00"),))
    shut = decided(made, nightly, history)
    assert (written(shut), shut.waits_for_person) == ([], True)
    assert written(decided(made, nightly, history, NOON + timedelta(hours=11))) == ["web"]


@pytest.mark.parametrize(
    ("verdicts", "approved"),
    [
        ([EventType.REJECTED], False),
        ([EventType.APPROVED, EventType.REJECTED], False),
        ([EventType.REJECTED, EventType.APPROVED], True),
        ([EventType.APPROVED, EventType.REJECTED, EventType.APPROVED], True),
    ],
)
def test_the_last_verdict_is_the_one(verdicts: list[EventType], *, approved: bool) -> None:
    made, history = drifted(), FakeHistory()
    asked = decided(made, APPROVE, history)
    for verdict in verdicts:  # all of them in the same second: their order is what counts
        say(history, asked, verdict)
    done = decided(made, APPROVE, history)
    assert bool(done.plan.actions) is approved
    assert done.waits_for_person is not approved


@pytest.mark.parametrize(
    ("later", "counts"),
    [
        (timedelta(0), True),
        (LASTS - SECOND, True),
        (LASTS, False),
        (LASTS + SECOND, False),
    ],
)
def test_a_yes_counts_for_a_day(later: timedelta, *, counts: bool) -> None:
    made, history = drifted(), FakeHistory()
    say(history, decided(made, APPROVE, history), EventType.APPROVED)
    done = decided(made, APPROVE, history, NOON + later)
    assert bool(done.plan.actions) is counts
    assert done.approved == ("john" if counts else "")


def _edited_again(made: World) -> None:
    edited(made, colour="green")


def _edited_elsewhere(made: World) -> None:
    edited(made, size="large")


def _git_moved(made: World) -> None:
    made.repository.bodies = [NAMESPACE, config(colour="white")]


@pytest.mark.parametrize("move", [_edited_again, _edited_elsewhere, _git_moved])
def test_a_yes_is_void_once_either_side_moved(move: object) -> None:
    made, history = drifted(), FakeHistory()
    say(history, decided(made, APPROVE, history), EventType.APPROVED)
    assert callable(move)
    move(made)
    done = decided(made, APPROVE, history)
    assert done.plan.actions == ()
    assert done.waits_for_person
    assert done.approved == ""


def test_a_yes_to_one_drift_is_none_to_the_next() -> None:
    made, history = drifted(), FakeHistory()
    say(history, decided(made, APPROVE, history), EventType.APPROVED)
    made.repository.bodies.append(config("other"))
    done = decided(made, APPROVE, history)
    assert written(done) == ["web"]
    assert done.waits_for_person


def test_each_drift_can_be_agreed_to_alone() -> None:
    made, history = crowd(3), FakeHistory()
    done = decided(made, APPROVE, history)
    asked = {drift.key.name: drift.decision.plan for drift in done.look.report.drifts
             if drift.decision}  # fmt: skip
    assert len({*asked.values(), done.asked.digest}) == 4
    assert set(done.missing.values()) == {"nobody has said yes"}
    plan = done.find(asked["c1"])
    assert plan is not None
    now = done.look.report.checked_at
    report = done.look.report
    history.append(events_of_verdict(plan, report, EventType.APPROVED, Speaker("jane"), now))
    done = decided(made, APPROVE, history)
    assert (written(done), done.plan.digest, done.approved) == (["c1"], asked["c1"], "jane")
    assert len(done.asked.actions) == 3
    assert done.find("p-0") is None


def test_what_is_too_much_to_restore_unasked_says_that_it_waits() -> None:
    done = decided(crowd(6), RESTORE, FakeHistory())
    for drift in done.look.report.drifts:
        assert drift.decision is not None
        assert (drift.decision.action, drift.decision.rule) == (DecisionAction.APPROVE, "rails")
        assert "more than 30 %" in drift.decision.reason
        assert done.find(drift.decision.plan) is not None


def test_a_yes_to_another_target_or_plan_is_none_to_this() -> None:
    made, history = drifted(), FakeHistory()
    asked = decided(made, APPROVE, history).asked
    yes = Event(rfc3339(NOON), "shop", EventType.APPROVED, key=KEY, actor="john", plan=asked.digest)
    history.append([replace(yes, target="bank"), replace(yes, plan="p-0000000000000000")])
    assert decided(made, APPROVE, history).waits_for_person
    history.append([yes])
    assert decided(made, APPROVE, history).approved == "john"


def test_a_yes_of_no_moment_counts_for_nothing() -> None:
    made, history = drifted(), FakeHistory()
    asked = decided(made, APPROVE, history).asked
    history.append([Event("", "shop", EventType.APPROVED, key=KEY, actor="j", plan=asked.digest)])
    assert decided(made, APPROVE, history).waits_for_person


def test_only_part_of_a_look_may_wait() -> None:
    made = edited(world(config(colour="blue"), config("other", colour="blue")), colour="red")
    made.cluster.edit("kubectl-edit", key("other"), lambda body: body["data"].update(colour="red"))
    rule = PolicyRule("rules[1]", Selector(object_name="web"), Mode.APPROVE, "ask first")
    policy, history = replace(RESTORE, rules=(rule,)), FakeHistory()
    done = decided(made, policy, history)
    assert written(done) == ["other"]
    assert {action.key.name for action in done.asked.actions} == {"other", "web"}
    assert done.waits_for_person
    say(history, done, EventType.APPROVED)
    assert set(written(decided(made, policy, history))) == {"other", "web"}


def crowd(count: int) -> World:
    """A world of which every ConfigMap was edited."""
    bodies: list[JsonObject] = [config(f"c{number}", colour="blue") for number in range(count)]
    made = world(*bodies)
    for number in range(count):
        made.cluster.edit("a", key(f"c{number}"), lambda body: body["data"].update(colour="red"))
    return made


def test_a_plan_that_writes_too_much_waits_for_a_person_whatever_the_mode() -> None:
    made, history = crowd(6), FakeHistory()
    done = decided(made, RESTORE, history)
    assert done.plan.actions == ()
    assert "the plan writes 6 of 7 objects, more than 30 %" in done.plan.held[-1].reason
    assert done.plan.digest == done.asked.digest
    assert done.waits_for_person
    say(history, done, EventType.APPROVED)
    assert len(decided(made, RESTORE, history).plan.actions) == 6


def test_five_writes_are_never_too_much() -> None:
    assert len(decided(crowd(5), RESTORE, FakeHistory()).plan.actions) == 5


def test_to_delete_several_objects_waits_for_a_person() -> None:
    made, history = world(config(colour="blue")), FakeHistory()
    gone = [config("old"), config("older")]
    for body in gone:
        made.cluster.add(body)
    made.memory.inventory = Inventory(frozenset({key("old"), key("older")}))
    assert decided(made, RESTORE, history).asked.actions == ()
    policy = replace(RESTORE, prune=True)
    done = decided(made, policy, history)
    assert (done.plan.actions, len(done.asked.actions)) == ((), 2)
    assert "the plan deletes 2 of 4 objects" in done.plan.held[-1].reason
    say(history, done, EventType.APPROVED)
    assert written(decided(made, policy, history)) == ["old", "older"]


def restored(minutes: int) -> Event:
    time = rfc3339(NOON - timedelta(minutes=minutes))
    return Event(time, "shop", EventType.RESTORED, key=KEY, plan=f"p-{minutes}")


@pytest.mark.parametrize(
    ("ago", "fights"),
    [
        ((5, 10), False),
        ((5, 10, 15), True),
        ((5, 10, 61), False),
        ((5, 10, 59), True),
    ],
)
def test_what_was_restored_thrice_in_an_hour_is_left_alone(
    ago: tuple[int, ...], *, fights: bool
) -> None:
    history = FakeHistory()
    history.append([restored(minutes) for minutes in sorted(ago, reverse=True)])
    done = decided(drifted(), RESTORE, history)
    assert bool(done.plan.actions) is not fights
    (drift,) = done.look.report.drifts
    assert drift.decision is not None
    assert (drift.decision.rule == "fight") is fights
    if fights:
        assert drift.decision.action is DecisionAction.OBSERVE
        assert "restored 3 times" in drift.decision.reason
        assert "kubectl-edit changed it again" in drift.decision.reason
        assert not done.waits_for_person


def test_another_targets_restores_are_no_fight() -> None:
    history = FakeHistory()
    history.append([replace(restored(minutes), target="bank") for minutes in (15, 10, 5)])
    assert written(decided(drifted(), RESTORE, history)) == ["web"]


def suspend(history: FakeHistory, suspension: Suspension) -> None:
    history.append([suspension_event("shop", suspension, rfc3339(NOON))])


@pytest.mark.parametrize("what", [None, KEY])
def test_what_is_suspended_is_told_of_and_left(what: ResourceKey | None) -> None:
    made, history = drifted(), FakeHistory()
    suspend(history, Suspension(what, NOON + timedelta(hours=1), "jane", "load test"))
    for policy in (RESTORE, APPROVE):
        done = decided(made, policy, history)
        assert (done.plan.actions, done.asked.actions) == ((), ())
        assert not done.waits_for_person
        (drift,) = done.look.report.drifts
        assert drift.decision is not None
        assert (drift.decision.action, drift.decision.rule) == (DecisionAction.WAIT, "suspended")
        assert drift.decision.until == rfc3339(NOON + timedelta(hours=1))
        assert "by jane" in drift.decision.reason
    assert written(decided(made, RESTORE, history, NOON + timedelta(hours=1))) == ["web"]


def test_what_is_resumed_is_restored_and_another_suspension_is_none_of_it() -> None:
    made, history = drifted(), FakeHistory()
    suspend(history, Suspension(KEY._replace(name="other")))
    assert written(decided(made, RESTORE, history)) == ["web"]
    suspend(history, Suspension(KEY))
    assert written(decided(made, RESTORE, history)) == []
    history.append([Event(rfc3339(NOON), "shop", EventType.RESUMED, key=KEY)])
    assert written(decided(made, RESTORE, history)) == ["web"]


def test_a_yes_is_not_acted_on_while_it_is_suspended() -> None:
    made, history = drifted(), FakeHistory()
    say(history, decided(made, APPROVE, history), EventType.APPROVED)
    suspend(history, Suspension(until=NOON + timedelta(hours=1)))
    assert written(decided(made, APPROVE, history)) == []
    later = decided(made, APPROVE, history, NOON + timedelta(hours=1))
    assert (written(later), later.approved) == (["web"], "john")
