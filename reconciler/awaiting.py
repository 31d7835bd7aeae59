"""What a target waits for when a cycle has left something undone: the clock, or a person."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.core.annotated import unwitnessed_at
from reconciler.core.drift import DecisionAction
from reconciler.core.errors import HistoryError
from reconciler.core.history import Event, EventType, HistoryQuery
from reconciler.core.moments import moment_of, rfc3339
from reconciler.deliberation import Deliberation
from reconciler.ports import History

#: What a person says that may change what is decided.
_WORDS = frozenset({EventType.APPROVED, EventType.REJECTED, EventType.SUSPENDED, EventType.RESUMED})
_LATELY = timedelta(hours=1)
#: How long witnesses are waited for, and how long before each further look for what they tell.
_WITNESS_WITHIN = timedelta(minutes=1)
_WITNESS_PAUSE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Awaited:
    """What would change a decision without anything moving in Git or in the cluster.

    Attributes:
        until: When the first wait ends by itself; None where none does.
        word: The last word of a person that was heeded; None where there was none.
        person: Whether the word of a person would change anything.
    """

    until: datetime | None = None
    word: Event | None = None
    person: bool = False

    def has_come(self, target: str, history: History, now: datetime) -> bool:
        """Whether it is there: then the target is to be looked at again, though nothing moved."""
        if self.until is not None and now >= self.until:
            return True
        if not self.person:
            return False
        try:
            return last_word(target, history, now) != self.word
        except HistoryError:  # the next cycle tells of it
            return False


def awaited(done: Deliberation, word: Event | None, *others: datetime | None) -> Awaited:
    """Gives what a deliberation leaves to wait for.

    Args:
        done: The deliberation.
        word: The last word of a person before it.
        others: When else to look again, as for who wrote an annotation; None for never.
    """
    decisions = [drift.decision for drift in done.look.report.drifts if drift.decision]
    waits = [each for each in decisions if each.action is DecisionAction.WAIT]
    ends = [*(moment_of(each.until) for each in waits), *others]
    until = min((end for end in ends if end is not None), default=None)
    return Awaited(until, word, bool(waits) or done.waits_for_person)


def witness_due(done: Deliberation, now: datetime) -> datetime | None:
    """Says when to look again for who wrote an annotation: who watches may hear of it first."""
    times = (moment_of(unwitnessed_at(drift)) for drift in done.look.report.drifts)
    is_late = any(time is not None and now - time < _WITNESS_WITHIN for time in times)
    return now + _WITNESS_PAUSE if is_late else None


def last_word(target: str, history: History, now: datetime) -> Event | None:
    """Gives the last word of a person about a target, of the last hour.

    Asked each second while somebody is waited for, so it looks through no more of the history than
    it must: an hour is more than the clocks of two machines are ever apart.

    Raises:
        HistoryError: The history can't be read.
    """
    since = rfc3339(now - _LATELY)
    said = history.find(HistoryQuery(target=target, types=_WORDS, since=since, limit=1))
    return said[-1] if said else None
