"""What was witnessed of requests: when, and which of it was told twice."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from reconciler.core.actors import AuditEvent, Witness

#: How far the clocks of a webhook, or of whoever says since when, may be from the API server's.
SLACK: Final = timedelta(seconds=3)
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)

_SECOND: Final = timedelta(seconds=1)


def distinct(events: Sequence[AuditEvent]) -> list[AuditEvent]:
    """Puts together what was told twice: by two servers' logs, or by a webhook and an audit log."""
    by_id = {event.request_id: event for event in events}
    audited = [event for event in by_id.values() if event.witness is Witness.AUDIT]
    alone = [event for event in by_id.values() if event.witness is Witness.ADMISSION]
    found: list[AuditEvent] = []
    for event in audited:
        same = [review for review in alone if _is_same(review, event)]
        found.append(_completed(event, same) if same else event)
    told = [review for review in alone if not any(_is_same(review, each) for each in audited)]
    return found + told


def _is_same(review: AuditEvent, audited: AuditEvent) -> bool:
    """Whether a webhook's event is of a request that was audited too."""
    return (
        review.user == audited.acted_as
        and review.deed is audited.deed
        and review.subresource == audited.subresource
        and review.ref.name == audited.ref.name
        and is_at(audited, moment(review.time), timedelta() if review.operation else SLACK)
    )


def _completed(event: AuditEvent, reviews: Sequence[AuditEvent]) -> AuditEvent:
    """Adds to an audit event what only the webhook saw of the same request.

    Where several requests may be meant, the event has touched what any of them did, and of the
    rest only what all of them say is known.
    """
    touched: frozenset[tuple[str, ...]] | None = frozenset()
    for review in reviews:
        touched = None if touched is None or review.touched is None else touched | review.touched
    return replace(
        event,
        manager=event.manager or _agreed({review.manager for review in reviews}),
        operation=event.operation or _agreed({review.operation for review in reviews}),
        uid=event.uid or _agreed({review.uid for review in reviews}),
        touched=event.touched if event.touched is not None else touched,
    )


def _agreed(words: set[str]) -> str:
    """Gives what all say; empty where they differ."""
    return words.pop() if len(words) == 1 else ""


def is_at(event: AuditEvent, when: datetime, slack: timedelta = timedelta()) -> bool:
    """Whether a time of whole seconds lies between a request's begin and its end.

    A webhook that saw no managedFields only knows when it was asked, by its own clock.
    """
    if event.witness is Witness.ADMISSION and not event.operation:
        slack = SLACK
    return moment(event.received) - slack - _SECOND < when <= moment(event.time) + slack


def moment(time: str) -> datetime:
    """Reads an RFC 3339 time; one that can't be read is long ago, and so matches nothing."""
    try:
        parsed = datetime.fromisoformat(time)
    except ValueError:
        return LONG_AGO
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
