"""One pull request a target, and what its end says."""

import json
from datetime import timedelta

import pytest

from reconciler.controller import check
from reconciler.core.approving import ApprovalPolicy, ApprovalRule
from reconciler.core.deciding import Mode, Policy
from reconciler.core.drift import DecisionAction
from reconciler.core.errors import ForgeError
from reconciler.core.events import events_of_look
from reconciler.core.history import EventType
from reconciler.core.pull_requests import BranchContent, PullRequestState
from reconciler.core.redact import Redaction
from reconciler.core.resource import JsonObject
from reconciler.core.selection import Selector
from reconciler.deliberation import Deliberation, deliberate
from reconciler.proposing import Proposer, Repository
from tests.fakes.forge import FakeForge
from tests.fakes.history import FakeHistory
from tests.fakes.notices import FakeNoticeStore
from tests.unit.test_controller import NOON, World, config, edited, world

MERGED, CLOSED, OPEN = PullRequestState.MERGED, PullRequestState.CLOSED, PullRequestState.OPEN


class Office:
    """A target whose drifts are proposed, with a forge in memory."""

    def __init__(self, made: World, policy: Policy | None = None) -> None:
        self.world = made
        self.policy = policy or Policy(Mode.PROPOSE)
        self.history = FakeHistory()
        self.forge = FakeForge()
        self.store = FakeNoticeStore()
        self.now = NOON
        self.restart()

    def restart(self) -> None:
        """Forgets all but what is kept."""
        repository = Repository(self.forge, self.forge, "main", "gitea")
        self.proposer = Proposer(
            "shop",
            repository,
            self.policy,
            self.history,
            self.store,
            Redaction(b"a key"),
            lambda: self.now,
        )

    def look(self) -> Deliberation:
        target = self.world.target()
        look = check(target)
        done = deliberate(target, look, self.policy, self.history, self.now)
        known = self.history.known("shop")
        events, _ = events_of_look(known, done.look.report, done.look.sides, "2026-11-24T12:00:00Z")
        self.history.append(events)
        return done

    def follow(self) -> str:
        return self.proposer.follow(self.look())

    @property
    def states(self) -> list[PullRequestState]:
        return [pull.state for pull in self.forge.pulls.values()]

    @property
    def said(self) -> list[str]:
        verdicts = (EventType.APPROVED, EventType.REJECTED)
        return [f"{e.type}: {e.actor}" for e in self.history.events if e.type in verdicts]

    def commits(self) -> None:
        """Moves Git on by a commit that changes nothing of what is declared."""
        self.world.repository.revision = "b" * 40


def office(**data: str) -> Office:
    return Office(edited(world(config(colour="blue")), **(data or {"colour": "red"})))


def test_a_drift_is_proposed_once() -> None:
    made = office()
    assert made.follow() == f"pull request 1 proposes {made.look().proposed.digest}"
    pushes = made.forge.pushes
    for _ in range(3):
        assert made.follow() == ""
    made.restart()
    assert made.follow() == ""
    assert (made.states, made.forge.pushes) == ([OPEN], pushes)
    (pull,) = made.forge.pulls.values()
    assert "Restore shop" in pull.title
    assert "red" in pull.body
    (drift,) = made.look().look.report.drifts
    assert drift.decision is not None
    assert drift.decision.action is DecisionAction.PROPOSE


def test_it_is_brought_up_to_date_in_place() -> None:
    made = office()
    made.follow()
    edited(made.world, colour="green")
    assert "proposes" in made.follow()
    (pull,) = made.forge.pulls.values()
    assert "green" in pull.body
    assert made.follow() == ""


def test_its_merge_is_a_yes_to_exactly_that_plan_though_git_moved_by_it() -> None:
    made = office()
    made.follow()
    made.forge.end(1, "jane", MERGED)
    made.commits()
    assert made.look().plan.actions == ()
    assert "taken down" in made.follow()
    assert made.said == ["approved: gitea:jane"]
    done = made.look()
    assert [action.key.name for action in done.plan.actions] == ["web"]
    assert done.approved == "gitea:jane"
    # Said once, whoever asks again.
    made.restart()
    assert made.follow() == ""
    assert len(made.said) == 1


def test_once_the_drift_is_gone_it_is_closed_with_a_word() -> None:
    made = office()
    made.follow()
    edited(made.world, colour="blue")
    assert "end" in made.follow()
    assert made.states == [CLOSED]
    assert "gone" in made.forge.comments[1][0]
    assert made.store.told == {}
    assert made.follow() == ""


def test_a_merged_one_whose_drift_is_gone_is_only_forgotten() -> None:
    made = office()
    made.follow()
    made.forge.end(1, "jane", MERGED)
    made.follow()
    edited(made.world, colour="blue")
    made.follow()
    assert made.states == [MERGED]
    assert made.store.told == {}


def test_its_closing_is_a_no_until_something_moves() -> None:
    made = office()
    made.follow()
    made.forge.end(1, "jane", CLOSED)
    made.follow()
    assert made.said == ["rejected: gitea:jane"]
    assert made.follow() == ""
    assert made.states == [CLOSED]
    edited(made.world, colour="green")
    made.follow()
    assert made.states == [CLOSED, OPEN]


def test_the_merge_of_another_plan_is_a_yes_to_nothing() -> None:
    made = office()
    made.follow()
    made.forge.end(1, "jane", MERGED)
    edited(made.world, colour="green")
    assert "pull request 2 proposes" in made.follow()
    assert made.said == []
    assert made.look().plan.actions == ()


def test_who_pushed_to_the_branch_has_nothing_agreed_to() -> None:
    made = office()
    made.follow()
    other = made.look()
    made.forge.push(made.proposer.branch, BranchContent("c" * 40, {"x": "y"}, "mine"))
    made.forge.end(1, "mallory", MERGED)
    assert "pull request 2" in made.proposer.follow(other)
    assert made.said == []


def test_a_yes_that_does_not_count_is_said_and_asked_for_again() -> None:
    rule = ApprovalRule("rules[1]", Selector(), ("gitea:joe",))
    policy = Policy(Mode.PROPOSE, approvals=ApprovalPolicy(rules=(rule,)))
    made = Office(edited(world(config(colour="blue")), colour="red"), policy)
    made.follow()
    made.forge.end(1, "jane", MERGED)
    made.follow()
    assert made.said == []
    assert made.states == [MERGED, OPEN]
    assert "jane may not say yes" in made.forge.pulls[2].body.replace("gitea:", "")
    made.forge.end(2, "joe", MERGED)
    made.follow()
    assert made.said == ["approved: gitea:joe"]


def test_a_secret_is_in_no_record() -> None:
    body: JsonObject = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "key", "namespace": "shop"},
        "data": {"token": "aGlkZGVu"},
    }
    made = Office(world(body))
    (key,) = (key for key in made.world.cluster.objects() if key.kind == "Secret")
    made.world.cluster.edit("kubectl-edit", key, lambda live: live["data"].update(token="b3RoZXI="))
    made.follow()
    texts = json.dumps([pull.body for pull in made.forge.pulls.values()])
    texts += repr(vars(made.forge)) + repr(made.store.told)
    assert "aGlkZGVu" not in texts
    assert "b3RoZXI=" not in texts


def test_a_forge_that_is_away_leaves_all_as_it_is() -> None:
    made = office()
    made.forge.down = True
    with pytest.raises(ForgeError):
        made.follow()
    made.forge.down = False
    made.now += timedelta(minutes=1)
    assert "pull request 1 proposes" in made.follow()


def test_what_is_not_proposed_opens_nothing() -> None:
    made = Office(edited(world(config(colour="blue")), colour="red"), Policy(Mode.APPROVE))
    assert made.follow() == ""
    assert made.states == []


def test_what_has_lasted_for_longer_than_the_history_is_proposed_all_the_same() -> None:
    made = office()
    made.look()
    made.history.forget("2030-01-01T00:00:00Z")
    assert "pull request 1 proposes" in made.proposer.follow(made.look())
    assert "red" in made.forge.pulls[1].body
