"""A pull request is followed beside the cycles, and a commit shows how the cluster stands."""

from dataclasses import replace

import pytest

from reconciler.core.cycle import Cycle, CycleResult
from reconciler.core.drift import Severity
from reconciler.core.report import Report
from reconciler.following import Follower, standing_of
from tests.unit.test_controller import config, edited, world
from tests.unit.test_proposing import OPEN, Office, office


class Desk:
    """A follower of an office's pull request, and what it says."""

    def __init__(self, made: Office, marks: bool = True) -> None:
        self.office = made
        self.leads = True
        self.said: list[str] = []
        self.follower = Follower(
            "shop",
            made.proposer,
            made.forge if marks else None,
            lambda: self.leads,
            lambda event, **more: self.said.append(
                f"{event}: {more.get('told', more.get('error'))}"
            ),
        )
        self.last = made.look()
        self.follower._last = lambda: self.last

    def saw(self, target: str = "shop") -> Report:
        report = self.last.look.report
        self.follower.saw(Cycle(target, CycleResult.DONE, 0.1, report))
        return report


def test_it_proposes_and_marks_the_commit() -> None:
    made = Desk(office())
    report = made.saw()
    assert made.follower.round() == 0
    assert made.office.states == [OPEN]
    assert made.said[0].startswith("forge: pull request 1 proposes p-")
    good, text = made.office.forge.statuses[report.revision]
    assert (good, text) == (False, "1 of 2 objects aren't as declared")
    made.office.forge.statuses.clear()
    assert made.follower.round() == 0
    assert made.office.forge.statuses == {}
    assert len(made.said) == 1


def test_who_marks_nothing_marks_nothing() -> None:
    made = Desk(office(), marks=False)
    made.saw()
    made.follower.round()
    assert made.office.forge.statuses == {}


def test_only_who_leads_and_has_looked_follows() -> None:
    made = Desk(office())
    made.leads = False
    made.follower.round()
    made.leads = True
    made.follower._last = lambda: None
    made.follower.round()
    assert made.office.states == []


def test_what_another_target_found_is_none_of_its_business() -> None:
    made = Desk(office())
    made.saw("bank")
    made.follower.saw(Cycle("shop", CycleResult.UNMOVED, 0.1))
    made.follower.round()
    assert made.office.forge.statuses == {}


def test_a_forge_that_is_away_is_left_alone_for_longer_each_time() -> None:
    made = Desk(office())
    made.office.forge.down = True
    pauses = [made.follower.round() for _ in range(1100)]
    assert pauses[0] == 60  # as the forge asks
    assert pauses == sorted(pauses)
    assert pauses[-1] == 300
    made.office.forge.down = False
    assert made.follower.round() == 0
    assert made.office.states == [OPEN]


def test_it_runs_until_it_is_stopped() -> None:
    made = Desk(office())
    made.follower.start(lambda: made.last)
    made.saw()
    for _ in range(1000):
        if made.office.states:
            break
        made.follower._stopping.wait(0.01)
    made.follower.stop()
    assert made.office.states == [OPEN]
    made.follower.stop()


@pytest.mark.parametrize(
    ("severity", "text"),
    [
        (Severity.HIGH, "1 of 2 objects aren't as declared, 1 of high severity"),
        (Severity.LOW, "1 of 2 objects aren't as declared"),
    ],
)
def test_a_standing_is_said_in_a_few_words(severity: Severity, text: str) -> None:
    made = Office(edited(world(config(colour="blue")), colour="red"))
    report = made.look().look.report
    drifts = tuple(replace(drift, severity=severity) for drift in report.drifts)
    assert standing_of(replace(report, drifts=drifts)) == text
    assert standing_of(replace(report, drifts=())) == "2 objects are as declared"


def test_a_bug_ends_nothing_and_quotes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Desk(office())

    def broken() -> float:
        made.follower._stopping.set()
        raise KeyError("a secret value")

    monkeypatch.setattr(made.follower, "round", broken)
    made.follower._run()
    assert "a bug in Plumbline: KeyError" in made.said[0]
    assert "secret" not in made.said[0]
