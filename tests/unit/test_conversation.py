"""What people say to the controller, over a cluster in memory."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.controller import Look
from reconciler.conversation import Conversation
from reconciler.core.approving import ApprovalPolicy, ApprovalRule
from reconciler.core.deciding import Mode, Policy
from reconciler.core.drift import Drift
from reconciler.core.history import EventType
from reconciler.core.selection import Selector
from reconciler.core.suspension import suspensions_of
from reconciler.core.words import Hearing, Speaker, Word, WordType
from tests.unit.test_controller import KEY, NOON, edited
from tests.unit.test_keeper import Kept, kept

JANE = Speaker("slack:U1", "Jane")


def conversation(made: Kept) -> Conversation:
    return Conversation({"shop": made.keeper}, made.history, lambda: NOON)


def asked() -> tuple[Kept, Drift]:
    """A target whose drift waits for a person, and the drift."""
    made = kept(Mode.APPROVE)
    edited(made.world, colour="red")
    report = made.keeper.cycle().report
    assert report is not None
    return made, report.drifts[0]


def word(type_: WordType, drift: Drift, plan: str = "") -> Word:
    return Word(type_, JANE, "shop", drift.id, plan)


def test_a_yes_is_carried_out_by_the_next_cycle() -> None:
    made, drift = asked()
    assert drift.decision is not None
    heard = conversation(made).hear(word(WordType.APPROVE, drift, drift.decision.plan))
    assert heard.heeded
    assert made.keeper.is_due()
    made.keeper.cycle()
    assert made.colour == "blue"


def test_a_no_is_taken_down() -> None:
    made, drift = asked()
    assert drift.decision is not None
    assert conversation(made).hear(word(WordType.REJECT, drift, drift.decision.plan)).heeded
    assert made.types[-1] is EventType.REJECTED


def test_any_replica_hears_whoever_leads() -> None:
    made, drift = asked()
    assert drift.decision is not None
    made.leads = False
    made.keeper.cycle()
    assert made.keeper.last is None
    assert conversation(made).hear(word(WordType.APPROVE, drift, drift.decision.plan)).heeded


def test_what_is_done_unasked_is_nobody_s_to_judge() -> None:
    made, drift = asked()
    made.keeper.policy = Policy(Mode.RESTORE)
    heard = conversation(made).hear(word(WordType.APPROVE, drift, "p-1"))
    assert heard == Hearing(False, heard.text)
    assert "no plan p-1 is there to judge" in heard.text


def test_who_looks_for_a_target_that_was_taken_away_is_told_so() -> None:
    made, drift = asked()
    heard = conversation(made).hear(replace(word(WordType.EXPLAIN, drift), target="gone"))
    assert heard == Hearing(False, "there is no such target any more")


@pytest.mark.parametrize("type_", [WordType.EXPLAIN, WordType.IGNORE, WordType.ADOPT])
def test_a_drift_that_is_over_is_said_to_be(type_: WordType) -> None:
    made, drift = asked()
    edited(made.world, colour="blue")
    heard = conversation(made).hear(word(type_, drift))
    assert not heard.heeded
    assert "that drift is over" in heard.text


def test_an_explanation_has_every_field() -> None:
    made, drift = asked()
    heard = conversation(made).hear(word(WordType.EXPLAIN, drift))
    assert heard.heeded
    assert "colour" in heard.text
    assert "\x1b" not in heard.text


def test_what_is_ignored_is_suspended_and_how_it_ends_is_said() -> None:
    made, drift = asked()
    until = NOON + timedelta(hours=8)
    heard = conversation(made).hear(replace(word(WordType.IGNORE, drift), until=until))
    assert heard.heeded
    assert "until 2026-" in heard.text
    assert f"plumbline resume shop --object configmap/{KEY.name} -n shop" in heard.text
    (found,) = suspensions_of(made.history.events, "shop")
    assert (found.key, found.until, found.by) == (drift.key, until, "Jane (slack:U1)")


def test_nothing_is_ignored_without_an_end() -> None:
    made, drift = asked()
    for until in (None, NOON):
        heard = conversation(made).hear(replace(word(WordType.IGNORE, drift), until=until))
        assert not heard.heeded
    assert EventType.SUSPENDED not in made.types


def test_who_has_no_say_can_not_have_it_ignored() -> None:
    made, drift = asked()
    rule = ApprovalRule("rules[1]", Selector(), ("joe",))
    made.keeper.policy = Policy(Mode.APPROVE, approvals=ApprovalPolicy(rules=(rule,)))
    until = NOON + timedelta(hours=8)
    heard = conversation(made).hear(replace(word(WordType.IGNORE, drift), until=until))
    assert not heard.heeded
    assert "by the rule rules[1]" in heard.text
    assert EventType.SUSPENDED not in made.types


def test_to_adopt_takes_a_forge() -> None:
    made, drift = asked()
    heard = conversation(made).hear(word(WordType.ADOPT, drift))
    assert "no forge is configured" in heard.text
    given: list[str] = []

    def adopt(look: Look, drift: Drift) -> Hearing:
        given.append(f"{drift.id} {len(look.report.drifts)}")
        return Hearing(True, "#1")

    able = replace(conversation(made), adopters={"shop": adopt})
    assert able.hear(word(WordType.ADOPT, drift)) == Hearing(True, "#1")
    assert given == [f"{drift.id} 1"]
