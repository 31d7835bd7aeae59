"""What a person says about a plan is taken down in one way, whichever door it comes through."""

from reconciler.core.approving import ApprovalPolicy, ApprovalRule
from reconciler.core.deciding import Mode, Policy, PolicyRule
from reconciler.core.history import EventType
from reconciler.core.selection import Selector
from reconciler.core.words import GROUPS, Hearing, Speaker
from reconciler.deliberation import Deliberation
from reconciler.hearing import no_such_plan, take_down
from tests.fakes.history import FakeHistory
from tests.unit.test_controller import NOON
from tests.unit.test_deliberation import APPROVE, crowd, decided, drifted

JANE = Speaker("slack:U1", "Jane", frozenset({"slack:S1"}))


def hear(
    done: Deliberation,
    plan: str,
    history: FakeHistory,
    verdict: EventType = EventType.APPROVED,
    policy: Policy = APPROVE,
) -> Hearing:
    return take_down(done, plan, verdict, JANE, "it is right", policy, history, NOON)


def test_a_yes_is_taken_down_with_who_said_it_and_what_they_belong_to() -> None:
    history = FakeHistory()
    done = decided(drifted(), APPROVE, history)
    heard = hear(done, done.asked.digest, history)
    assert heard == Hearing(True, f"{done.asked.digest} of shop is approved by Jane (slack:U1)")
    (event,) = history.events
    assert (event.actor, event.reason) == ("Jane (slack:U1)", "it is right")
    assert event.after == {GROUPS: ["slack:S1"]}


def test_a_no_is_taken_down_whoever_says_it() -> None:
    rule = ApprovalRule("rules[1]", Selector(), ("joe",))
    policy = Policy(Mode.APPROVE, approvals=ApprovalPolicy(rules=(rule,)))
    history = FakeHistory()
    done = decided(drifted(), policy, history)
    assert hear(done, done.asked.digest, history, EventType.REJECTED, policy).heeded
    refused = hear(done, done.asked.digest, history, EventType.APPROVED, policy)
    assert not refused.heeded
    assert "may not say yes" in refused.text
    assert len(history.events) == 1


def test_a_yes_that_is_not_enough_yet_says_what_is_missing() -> None:
    rule = ApprovalRule("rules[1]", Selector(), needed=2)
    policy = Policy(Mode.APPROVE, approvals=ApprovalPolicy(rules=(rule,)))
    history = FakeHistory()
    done = decided(drifted(), policy, history)
    heard = hear(done, done.asked.digest, history, EventType.APPROVED, policy)
    assert heard.heeded
    assert "1 of 2 who must say yes" in heard.text


def test_a_plan_that_is_not_there_is_named_with_those_that_are() -> None:
    history = FakeHistory()
    done = decided(crowd(2), APPROVE, history)
    heard = hear(done, "p-0", history)
    assert not heard.heeded
    assert "no plan p-0 is there to judge" in heard.text
    assert all(plan.digest in heard.text for plan in (done.asked, *done.each.values()))
    assert no_such_plan("p-0", []).endswith("what is there now: nothing")
    assert history.events == []


def test_what_a_pull_request_proposes_is_there_to_judge_too() -> None:
    policy = Policy(
        Mode.APPROVE,
        rules=(PolicyRule("rules[1]", Selector(object_name="c[01]"), Mode.PROPOSE, "so"),),
    )
    done = decided(crowd(3), policy, FakeHistory())
    assert 0 < len(done.proposed.actions) < len(done.asked.actions)
    assert done.find(done.proposed.digest) == done.proposed
    assert f"{done.proposed.digest} of shop" in no_such_plan("p-0", [done])
