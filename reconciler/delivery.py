"""Tells people: brings what each notifier shows up to date with the history, whatever fails.

Nothing waits for it, and it keeps no queue: what is due is computed from the history and from what
was shown, so that a notifier which was away, or a process that was killed, loses nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from reconciler.core.cycle import Cycle, CycleResult
from reconciler.core.drift import Drift
from reconciler.core.errors import HistoryError, NotifierError
from reconciler.core.events import desired_of
from reconciler.core.history import EventType, HistoryQuery
from reconciler.core.moments import rfc3339
from reconciler.core.notices import Episode, episodes_of
from reconciler.core.routing import Route, Silence
from reconciler.core.telling import Delivery, Told, due
from reconciler.ports import History, NoticeStore, Notifier
from reconciler.rounds import BackOff, Rounds

#: Seconds between two looks where nothing happened: silences end, reminders fall due.
_IDLE = 30.0
#: Seconds before a second try, doubled with each further one, up to the longest.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 300.0
#: What is over is remembered for so long, lest a look at old events tell of it again.
_KEPT = timedelta(days=7)


@dataclass(slots=True)
class Desk:
    """What all notifiers share.

    Attributes:
        history: Knows what happened.
        stores: By target, what was told.
        leads: Whether this replica acts for a target: only that one tells of it.
        routes: What goes where.
        silences: What is not told for a while.
        clock: Tells the time, with its zone.
        say: Tells of trouble, in the log.
    """

    history: History
    stores: Mapping[str, NoticeStore]
    leads: Callable[[str], bool]
    routes: Sequence[Route]
    silences: Sequence[Silence]
    clock: Callable[[], datetime]
    say: Callable[..., None]
    _current: dict[str, Mapping[str, Drift]] = field(default_factory=dict)

    def note(self, cycle: Cycle) -> None:
        """Notes what the last look at a target found."""
        if cycle.report is not None:
            self._current[cycle.target] = {drift.id: drift for drift in cycle.report.drifts}

    def deliveries(self, notifier: str, target: str) -> Sequence[Delivery]:
        """Gives what a notifier is to show now of a target.

        Raises:
            HistoryError: The history can't be read.
        """
        store, now = self.stores[target], self.clock()
        told = store.load(notifier)
        until = store.until(notifier)
        if not until:
            # What ended before it was set up is no news.
            until = rfc3339(now)
            store.set_until(notifier, until)
        episodes = self._episodes(target, until, told)
        routes = [route for route in self.routes if route.notifier == notifier]
        return due(episodes, routes, self.silences, told, now)

    def close_books(self, notifier: str, target: str, began: datetime) -> None:
        """Remembers that a notifier was told of all that happened until a moment.

        Raises:
            HistoryError: The history can't be written.
        """
        store = self.stores[target]
        # Events have whole seconds: what happens within this one is looked at once more.
        store.set_until(notifier, rfc3339(began))
        old = [t.subject for t in store.load(notifier) if t.is_over and began - t.at > _KEPT]
        if old:
            store.forget(notifier, old)

    def _episodes(self, target: str, until: str, told: Sequence[Told]) -> Sequence[Episode]:
        """Gives the episodes that are open, those that are shown as open, and those begun since."""
        wanted = {drift: known.first_seen for drift, known in self.history.known(target).items()}
        shown = (name for each in told if not each.is_over for name in each.episodes)
        pairs = [tuple(name.rsplit("/", 2)[1:]) for name in shown]
        fresh = self.history.find(
            HistoryQuery(target=target, since=until, types=frozenset({EventType.SEEN}))
        )
        pairs += [(event.drift, event.time) for event in fresh]
        for drift, since in pairs:
            wanted[drift] = min(since, wanted.get(drift, since))
        if not wanted:
            return ()
        query = HistoryQuery(target=target, drifts=frozenset(wanted), since=min(wanted.values()))
        names = {(drift, since) for drift, since in (*wanted.items(), *pairs)}
        current = self._current.get(target, {})
        return [
            enriched(episode, current.get(episode.drift))
            for episode in episodes_of(self.history.find(query))
            if not episode.is_over or (episode.drift, episode.first_seen) in names
        ]


def enriched(episode: Episode, drift: Drift | None) -> Episode:
    """Says of every field what Git wants: a change in the history tells only what was before."""
    if drift is None or episode.is_over:
        return episode
    return replace(episode, before=desired_of(drift))


class Teller(Rounds):
    """Keeps one notifier up to date."""

    def __init__(self, name: str, notifier: Notifier, desk: Desk) -> None:
        """Tells nothing yet.

        Args:
            name: As routes name it.
            notifier: Shows it.
            desk: Says what is due.
        """
        super().__init__(f"teller-{name}", _IDLE)
        self.name = name
        self._notifier = notifier
        self._desk = desk
        self._back_off = BackOff(_FIRST_PAUSE, _LONGEST_PAUSE)

    def start(self) -> None:
        """Begins to tell."""
        self._begin()

    def round(self) -> float:
        """Shows all that is due.

        Returns:
            For how many seconds to leave the notifier alone; zero where all went well.
        """
        leads = self._desk.leads
        pauses = [self._tell(target) for target in self._desk.stores if leads(target)]
        self._back_off.note(failed=any(pauses))
        return max(pauses, default=0.0)

    def _tell(self, target: str) -> float:
        """Shows what is due of one target; gives for how long to pause then."""
        began, refused = self._desk.clock(), 0.0
        try:
            for each in self._desk.deliveries(self.name, target):
                if self._stopping.is_set():
                    return refused
                try:
                    self._show(target, each)
                except NotifierError as error:
                    self._complain(str(error))
                    if not error.lasting:
                        return max(error.after, self._back_off.pause)
                    # One that is refused for good must not keep the others back.
                    refused = _LONGEST_PAUSE
            if not refused:
                self._desk.close_books(self.name, target, began)
        except HistoryError as error:
            self._complain(str(error))
            return self._back_off.pause
        return refused

    def _show(self, target: str, delivery: Delivery) -> None:
        shown = self._notifier.show(delivery.notice, delivery.shown)
        self._desk.stores[target].save(delivery.told(shown, self._desk.clock()))

    def _complain(self, error: str) -> None:
        self._desk.say("people could not be told", notifier=self.name, error=error)


class Telling:
    """See `ports.Observer`: wakes whoever tells people."""

    def __init__(self, desk: Desk, tellers: Sequence[Teller]) -> None:
        self._desk = desk
        self._tellers = tellers

    def saw(self, cycle: Cycle) -> None:
        """Has people told of what a cycle found or did."""
        if cycle.result not in (CycleResult.DONE, CycleResult.FAILED):
            return
        self._desk.note(cycle)
        for teller in self._tellers:
            teller.wake()
