"""Break-glass as people are told of it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.core.emergencies import events_of_glass, next_end
from reconciler.core.events import events_of_look
from reconciler.core.history import GLASS, Event, EventType, KnownDrift, remembered
from reconciler.core.live import Unread
from reconciler.core.notices import episodes_of, notice_of
from reconciler.core.resource import JsonObject
from reconciler.core.sides import Sides
from reconciler.render.notices import notice_title
from tests.unit.core.build import desired_of, live_of, lived, made, managed, sides_of
from tests.unit.core.test_events import report_of

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
ONE = "2026-11-25T13:00:00Z"
REASON, UNTIL = "plumbline.dev/break-glass", "plumbline.dev/break-glass-until"


def broken(until: str = ONE, reason: str = "outage 4711", name: str = "web") -> JsonObject:
    fields: JsonObject = {"f:metadata": {"f:annotations": {f"f:{REASON}": {}}}}
    who = [managed("kubectl-annotate", "2026-11-25T11:59:00Z", fields)]
    annotations = {REASON: reason, UNTIL: until}
    return lived(made(name=name), annotations=annotations, managedFields=who)


def sides(*live: JsonObject, unread: tuple[Unread, ...] = ()) -> Sides:
    return sides_of(desired_of(made()), live_of(*live, unread=unread))


def told(
    read: Sides, known: Mapping[str, KnownDrift] | None = None, **later: Any
) -> tuple[Event, ...]:
    return events_of_glass(known or {}, "shop", read, NOON + timedelta(**later))


def test_it_is_told_who_broke_the_glass_until_when_and_why() -> None:
    # What isn't declared isn't guarded.
    (seen,) = told(sides(broken(), broken(name="stranger")))
    assert (seen.type, seen.actor, seen.time) == (
        EventType.SEEN, "kubectl-annotate", "2026-11-25T12:00:00Z",
    )  # fmt: skip
    assert seen.drift.startswith(GLASS)
    assert seen.reason == f"Modified (high): the glass was broken until {ONE}: outage 4711"
    (episode,) = episodes_of([seen])
    assert notice_title(notice_of([episode])) == "ConfigMap shop/web is under break-glass (high)"
    assert told(sides(broken()), remembered({}, [seen]), minutes=59) == ()
    assert told(sides(lived(made()))) == ()


def test_its_end_another_end_and_that_it_is_mended_are_told() -> None:
    (seen,) = told(sides(broken()))
    known = remembered({}, [seen])
    (longer,) = told(sides(broken(until="2026-11-25T15:00:00Z")), known)
    assert (longer.type, longer.before) == (EventType.CHANGED, seen.after)
    (over,) = told(sides(broken()), known, hours=1)
    assert (over.type, over.drift) == (EventType.CHANGED, seen.drift)
    assert "which is over; its annotations are still set: outage" in over.reason
    known = remembered(known, [over])
    assert told(sides(broken()), known, hours=2) == ()
    (gone,) = told(sides(lived(made())), known, hours=2)
    assert (gone.type, gone.reason) == (
        EventType.GONE, "break-glass has ended: its annotations are gone",
    )  # fmt: skip
    assert dict(remembered(known, [gone])) == {}


def test_what_cant_be_read_is_not_mended() -> None:
    known = remembered({}, told(sides(broken())))
    unread = Unread("", "ConfigMap", "shop", "forbidden")
    assert told(sides(unread=(unread,)), known) == ()
    # A look's own end of drifts isn't that of break-glass, nor the other way round.
    events, left = events_of_look(known, report_of(), sides(broken()), ONE)
    assert events == ()
    assert left == known
    other = {"d-1": KnownDrift(next(iter(known.values())).key, ONE, "aa")}
    assert told(sides(lived(made())), other) == ()


def test_a_time_that_is_none_and_a_secret_in_a_reason() -> None:
    (seen,) = told(sides(broken(until="soon", reason="password=hunter2 " + "x" * 300)))
    assert "until when can't be read" in seen.reason
    assert "hunter2" not in str(seen)
    assert len(seen.reason) < 400


def test_the_first_end_that_is_to_come_is_waited_for() -> None:
    assert next_end(sides(broken()), NOON) == NOON + timedelta(hours=1)
    assert next_end(sides(broken()), NOON + timedelta(hours=1)) is None
    assert next_end(sides(broken(until="soon")), NOON) is None
