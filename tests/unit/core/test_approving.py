"""Whose yes counts, by policy, drifts and what was said."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.actors import Actor
from reconciler.core.approving import (
    ApprovalPolicy,
    ApprovalRule,
    Concerned,
    Person,
    no_say,
    speaker_of,
    weigh,
    why_not,
)
from reconciler.core.drift import Drift, DriftType, Severity
from reconciler.core.history import Event, EventType
from reconciler.core.moments import rfc3339
from reconciler.core.resource import ResourceKey
from reconciler.core.selection import Selector
from reconciler.core.words import GROUPS, Speaker

NOON = datetime.fromisoformat("2026-11-24T12:00:00+00:00")
WEB = ResourceKey("apps", "Deployment", "shop", "web")
JANE = Speaker("slack:U1", "Jane Doe", frozenset({"slack:S9", "slack:C7"}))
JOE = Speaker("joe@bastion")
PEOPLE = (
    Person("jane", ("slack:U1", "gitea:jane", "jane@example.org")),
    Person("joe", ("joe@bastion",)),
)


def drift(severity: Severity = Severity.HIGH, by: str = "") -> Drift:
    made = Drift(
        id="d-1", type=DriftType.MISSING, severity=severity, key=WEB, api_version="apps/v1"
    )
    return replace(made, actor=Actor(by)) if by else made


def concerned(severity: Severity = Severity.HIGH, by: str = "") -> list[Concerned]:
    return [Concerned(drift(severity, by), {"team": "web"})]


def says(speaker: Speaker, type_: EventType = EventType.APPROVED, minutes: int = 0) -> Event:
    groups = {GROUPS: sorted(speaker.groups)} if speaker.groups else None
    time = rfc3339(NOON - timedelta(minutes=minutes))
    return Event(time, "shop", type_, key=WEB, actor=str(speaker), plan="p-1", after=groups)


def rule(*approvers: str, needed: int = 1, own: bool = False) -> ApprovalPolicy:
    made = ApprovalRule("rules[1]", Selector(severity=Severity.HIGH), approvers, needed, own)
    return ApprovalPolicy(PEOPLE, (made,))


def test_without_a_word_nothing_is_approved() -> None:
    assert weigh(concerned(), [], ApprovalPolicy(), NOON).missing == "nobody has said yes"


def test_one_yes_of_anybody_is_enough_where_no_rule_speaks() -> None:
    found = weigh(concerned(), [says(JANE)], ApprovalPolicy(), NOON)
    assert (found.approvers, found.missing) == (("Jane Doe (slack:U1)",), "")
    assert weigh(concerned(Severity.LOW), [says(JOE)], rule("jane"), NOON).approvers


@pytest.mark.parametrize("approver", ["jane", "slack:U1", "slack:S9", "slack:C*", "j?ne"])
def test_an_approver_is_named_by_person_identity_or_group(approver: str) -> None:
    assert weigh(concerned(), [says(JANE)], rule(approver), NOON).approvers
    assert why_not(JANE, concerned(), rule(approver)) == ""


def test_who_is_not_among_the_approvers_is_told_so() -> None:
    policy = rule("jane")
    found = weigh(concerned(), [says(JOE)], policy, NOON)
    why = "joe may not say yes to Deployment shop/web by the rule rules[1]"
    assert why_not(JOE, concerned(), policy) == why
    assert found.missing == (f"0 of 1 who must say yes to Deployment shop/web have ({why})")


def test_two_must_be_two_persons() -> None:
    policy = rule(needed=2)
    other_door = Speaker("gitea:jane")
    once = weigh(concerned(), [says(JANE), says(other_door)], policy, NOON)
    assert once.missing == "1 of 2 who must say yes to Deployment shop/web have"
    twice = weigh(concerned(), [says(JANE), says(JOE)], policy, NOON)
    assert twice.approvers == ("Jane Doe (slack:U1)", "joe@bastion")


@pytest.mark.parametrize(
    "actor",
    [
        Actor("jane@example.org"),
        Actor("admin", impersonated="jane@example.org"),
        Actor("jim", certain=False, others=("jane@example.org",)),
    ],
)
def test_nobody_agrees_to_undo_their_own_change_unasked(actor: Actor) -> None:
    mine = [Concerned(replace(drift(), actor=actor), {})]
    policy = ApprovalPolicy(PEOPLE)
    assert "jane changed Deployment shop/web" in why_not(JANE, mine, policy)
    assert weigh(mine, [says(JANE)], policy, NOON).missing
    assert weigh(mine, [says(JANE), says(JOE)], policy, NOON).approvers
    assert why_not(JANE, mine, rule(own=True)) == ""


def test_a_no_takes_back_every_yes_before_it() -> None:
    no = says(JOE, EventType.REJECTED)
    assert weigh(concerned(), [says(JANE), no], ApprovalPolicy(), NOON).missing
    assert weigh(concerned(), [no, says(JANE)], ApprovalPolicy(), NOON).approvers


@pytest.mark.parametrize(("minutes", "counts"), [(0, True), (1439, True), (1440, False)])
def test_a_yes_counts_for_its_time(minutes: int, *, counts: bool) -> None:
    found = weigh(concerned(), [says(JANE, minutes=minutes)], ApprovalPolicy(), NOON)
    assert bool(found.approvers) is counts


def test_a_yes_of_no_moment_and_what_is_no_verdict_count_for_nothing() -> None:
    said = [replace(says(JANE), time="soon"), replace(says(JANE), type=EventType.SEEN)]
    assert weigh(concerned(), said, ApprovalPolicy(), NOON).missing == "nobody has said yes"


def test_every_drift_of_a_plan_needs_its_own_yes() -> None:
    both = [*concerned(), *concerned(Severity.LOW)]
    assert weigh(both, [says(JOE)], rule("jane"), NOON).missing
    assert weigh(both, [says(JANE)], rule("jane"), NOON).approvers


@given(
    st.builds(
        Speaker,
        st.text("abc:@U019-", min_size=1),
        st.text("Jane Doé("),
        st.frozensets(st.text("slack:SC09", min_size=1)),
    )
)
def test_who_spoke_is_read_back(speaker: Speaker) -> None:
    assert speaker_of(says(speaker)) == speaker


def test_groups_that_are_none_count_for_none() -> None:
    event = replace(says(JANE), after={GROUPS: "slack:S9"})
    assert speaker_of(event) == Speaker("slack:U1", "Jane Doe")


def test_who_changed_it_has_a_say_in_it_though_no_yes() -> None:
    rules = (ApprovalRule("rules[1]", Selector(), ("jane",)),)
    policy = ApprovalPolicy(PEOPLE, rules)
    own = concerned(by="jane@example.org")
    assert "may not say yes to it" in why_not(JANE, own, policy)
    assert no_say(JANE, own, policy) == ""
    assert "by the rule rules[1]" in no_say(JOE, own, policy)
    assert no_say(JOE, [], policy) == ""
