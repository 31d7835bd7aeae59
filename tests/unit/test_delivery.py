"""People are told what the history says, once, whatever fails meanwhile."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from reconciler.core.cycle import Cycle, CycleResult
from reconciler.core.drift import ChangeType
from reconciler.core.errors import HistoryError, NotifierError
from reconciler.core.history import Event, EventType, HistoryQuery
from reconciler.core.moments import rfc3339
from reconciler.core.notices import Standing
from reconciler.core.resource import ResourceKey
from reconciler.core.routing import Route
from reconciler.delivery import Desk, Teller, Telling
from tests.fakes.history import FakeHistory
from tests.fakes.notices import Board, FakeNoticeStore
from tests.unit.core.test_events import EDITED, looked

KEY = ResourceKey("", "ConfigMap", "shop", "web")
NOON = datetime.fromisoformat("2026-11-24T12:00:00+00:00")


class Office:
    """A desk with one notifier, and a clock that only the test moves."""

    def __init__(self, history: FakeHistory | None = None) -> None:
        self.now = NOON
        self.history = history or FakeHistory()
        self.store = FakeNoticeStore()
        self.board = Board()
        self.leads = True
        self.said: list[str] = []
        self.reopen()

    def reopen(self) -> None:
        """Starts anew, as after a crash: what was remembered is all that is left."""
        self.desk = Desk(
            self.history,
            {"shop": self.store},
            lambda _: self.leads,
            [Route("board")],
            (),
            lambda: self.now,
            lambda event, **more: self.said.append(f"{event}: {more['error']}"),
        )
        self.teller = Teller("board", self.board, self.desk)

    def happens(self, type_: EventType, drift: str = "d-1", **more: object) -> None:
        self.now += timedelta(seconds=1)
        event = Event(rfc3339(self.now), "shop", type_, drift, KEY)
        if type_ in (EventType.SEEN, EventType.CHANGED):
            event = replace(event, reason="Modified (high)", after={"data.a": "2"})
        self.history.append([replace(event, **more)])  # type: ignore[arg-type]

    @property
    def standings(self) -> list[Standing]:
        return [each.episodes[0].standing for each in self.board.shown.values()]


@pytest.fixture
def office() -> Office:
    made = Office()
    made.teller.round()
    return made


def test_a_drift_is_shown_once_and_followed_to_its_end(office: Office) -> None:
    office.happens(EventType.SEEN)
    for _ in range(3):
        assert office.teller.round() == 0
    assert (office.board.calls, office.standings) == (1, [Standing.FOUND])
    office.happens(EventType.RESTORED)
    office.happens(EventType.GONE)
    for _ in range(3):
        office.teller.round()
    assert (office.board.calls, office.standings) == (2, [Standing.RESTORED])


def test_what_began_and_ended_between_two_looks_is_told(office: Office) -> None:
    for type_ in (EventType.SEEN, EventType.RESTORED, EventType.GONE):
        office.happens(type_)
    office.teller.round()
    office.teller.round()
    assert (office.board.calls, office.standings) == (1, [Standing.RESTORED])


def test_what_was_over_before_a_notifier_was_set_up_is_no_news() -> None:
    history = FakeHistory()
    office = Office(history)
    office.happens(EventType.SEEN, "d-0")
    office.happens(EventType.GONE, "d-0")
    office.happens(EventType.SEEN, "d-1")
    office.now += timedelta(minutes=1)
    office.teller.round()
    assert [each.episodes[0].drift for each in office.board.shown.values()] == ["d-1"]


def test_nothing_is_lost_while_a_notifier_is_away_or_over_a_restart(office: Office) -> None:
    office.board.away = NotifierError("no connection")
    office.happens(EventType.SEEN, "d-1")
    pauses = [office.teller.round() for _ in range(12)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (1, 300)
    office.happens(EventType.GONE, "d-1")
    office.happens(EventType.SEEN, "d-2")
    office.reopen()
    office.board.away = None
    assert office.teller.round() == 0
    assert sorted(office.standings) == [Standing.FOUND, Standing.GONE]
    assert office.said[0].startswith("people could not be told: no connection")


def test_who_says_when_to_come_again_is_left_alone_until_then(office: Office) -> None:
    office.board.away = NotifierError("too many", after=42.0)
    office.happens(EventType.SEEN)
    assert office.teller.round() == 42.0


def test_what_is_refused_for_good_keeps_nothing_else_back(office: Office) -> None:
    office.happens(EventType.SEEN, "d-1")
    office.board.refused = {f"shop/d-1/{rfc3339(office.now)}"}
    office.happens(EventType.SEEN, "d-2")
    assert office.teller.round() == 300
    assert [each.episodes[0].drift for each in office.board.shown.values()] == ["d-2"]
    office.board.refused = set()
    assert office.teller.round() == 0
    assert len(office.board.shown) == 2


def test_only_who_leads_tells(office: Office) -> None:
    office.leads = False
    office.happens(EventType.SEEN)
    office.teller.round()
    assert office.board.calls == 0


def test_a_history_that_is_away_is_said_and_asked_again(office: Office) -> None:
    class Away(FakeHistory):
        def find(self, query: HistoryQuery) -> list[Event]:
            raise HistoryError("the database is away")

    office.desk.history = Away()
    assert office.teller.round() == 1
    assert office.said == ["people could not be told: the database is away"]


def test_what_is_long_over_is_let_go(office: Office) -> None:
    office.happens(EventType.SEEN)
    office.happens(EventType.GONE)
    office.teller.round()
    assert len(office.store.told) == 1
    office.now += timedelta(days=8)
    office.teller.round()
    assert office.store.told == {}
    office.teller.round()
    assert office.board.calls == 1


def test_what_git_wants_of_a_field_is_told_as_the_last_look_found_it(office: Office) -> None:
    report, _ = looked(EDITED)
    (drift,) = report.drifts
    telling = Telling(office.desk, [office.teller])
    telling.saw(Cycle("shop", CycleResult.STANDBY, 0.1))
    telling.saw(Cycle("shop", CycleResult.DONE, 0.1, report))
    office.happens(EventType.SEEN, drift.id)
    office.happens(EventType.CHANGED, drift.id, before={"data.colour": "green"})
    office.teller.round()
    ((notice,)) = office.board.shown.values()
    assert drift.changes[0].change is ChangeType.CHANGED
    assert notice.episodes[0].before == {"data.colour": "blue"}


def test_it_tells_as_soon_as_something_happened(office: Office) -> None:
    telling = Telling(office.desk, [office.teller])
    office.teller.start()
    try:
        office.happens(EventType.SEEN)
        report, _ = looked(EDITED)
        telling.saw(Cycle("shop", CycleResult.DONE, 0.1, report))
        until(lambda: office.board.calls == 1)
        office.board.away = NotifierError("no connection", after=600)
        office.happens(EventType.SEEN, "d-2")
        telling.saw(Cycle("shop", CycleResult.DONE, 0.1, report))
        until(lambda: office.board.calls == 2)
        # However much happens meanwhile.
        telling.saw(Cycle("shop", CycleResult.DONE, 0.1, report))
    finally:
        office.teller.stop()
    assert office.board.calls == 2


def until(met: Callable[[], bool]) -> None:
    for _ in range(3000):
        if met():
            return
        threading.Event().wait(0.01)
    pytest.fail("it never came to be")


def test_who_is_asked_to_stop_shows_nothing_more(office: Office) -> None:
    office.happens(EventType.SEEN)
    office.teller.stop()
    office.teller.round()
    assert office.board.calls == 0


def test_a_bug_ends_nothing_and_quotes_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> float:
        office.teller._stopping.set()
        raise KeyError("a secret value")

    monkeypatch.setattr(office.teller, "round", broken)
    office.teller._run()
    assert "a bug in Plumbline: KeyError" in office.said[0]
    assert "secret" not in office.said[0]
