"""A commit that may not be acted on, as it is told."""

from reconciler.core.drift import DriftType, Severity
from reconciler.core.history import Event, EventType, KnownDrift, remembered
from reconciler.core.notices import episodes_of, kind_of
from reconciler.core.refusals import COMMIT, events_of_refusal
from reconciler.core.resource import ResourceKey

NOW = "2026-11-24T12:00:00Z"
WHY = "commit 4f0c is refused: it isn't signed; sign it"


def refused(commit: str, known: dict[str, KnownDrift] | None = None) -> tuple[Event, ...]:
    return events_of_refusal(known or {}, "shop", commit, WHY, NOW)


def test_it_is_told_once_as_something_that_cannot_be_read() -> None:
    (seen,) = refused("4f0c1b7d2a5e8c91")
    assert seen.key == ResourceKey("", COMMIT, "", "4f0c1b7d2a5e")
    assert kind_of(seen) == (DriftType.UNREADABLE, Severity.HIGH, WHY)
    known = dict(remembered({}, [seen]))
    assert refused("4f0c1b7d2a5e8c91", known) == ()
    (episode,) = episodes_of([seen])
    assert (episode.note, episode.revision) == (WHY, "4f0c1b7d2a5e8c91")


def test_another_refused_commit_ends_it_and_nothing_else() -> None:
    (first,) = refused("4f0c1b7d2a5e8c91")
    other = Event(NOW, "shop", EventType.SEEN, "d-1", ResourceKey("a.b", COMMIT, "", "x"))
    known = dict(remembered({}, [first, other]))
    seen, gone = refused("77aa", known)
    assert (seen.type, gone.type, gone.drift) == (EventType.SEEN, EventType.GONE, first.drift)


def test_what_is_no_commit_has_a_name_too() -> None:
    (seen,) = refused("")
    assert seen.key == ResourceKey("", COMMIT, "", "none")
