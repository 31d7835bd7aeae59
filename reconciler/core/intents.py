"""Writes that were intended and never told of again: whoever intended them ended in the middle."""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.core.history import OWNER, Event, EventType
from reconciler.core.report import Report
from reconciler.core.resource import ResourceKey
from reconciler.core.sides import Sides

_OUTCOMES = frozenset(
    {
        EventType.RESTORED,
        EventType.CONFLICT,
        EventType.REFUSED,
        EventType.UNVERIFIED,
        EventType.SKIPPED,
        EventType.WRITTEN,
    }
)
#: What a look must know to tell which intents are open.
INTENT_TYPES = _OUTCOMES | {EventType.INTENDED}


def open_intents(events: Sequence[Event]) -> tuple[Event, ...]:
    """Gives the intents that no outcome followed.

    Args:
        events: All of one plan, in their order. A plan may have been carried out several times.
    """
    open_ones: dict[ResourceKey, Event] = {}
    for event in events:
        if event.key is None:
            continue
        if event.type is EventType.INTENDED:
            open_ones[event.key] = event
        elif event.type in _OUTCOMES:
            open_ones.pop(event.key, None)
    return tuple(open_ones.values())


def settled(intents: Sequence[Event], report: Report, sides: Sides, now: str) -> tuple[Event, ...]:
    """Says what became of open intents, as far as a look can tell.

    Args:
        intents: See `open_intents`.
        report: What the look found.
        sides: What it read.
        now: When, RFC 3339 in UTC, to the second.
    """
    declared = {drift.key for drift in report.drifts if not drift.is_in_pod}
    in_pods = {drift.key for drift in report.drifts if drift.is_in_pod}
    events = []
    for intent in intents:
        key = intent.key
        drifting = in_pods if OWNER in (intent.after or {}) else declared
        if key is not None and key not in drifting and sides.live.why_unread(key) is None:
            type_, found = EventType.RESTORED, "it is as declared now"
        else:
            type_, found = EventType.UNVERIFIED, "it drifts, or could not be read: tried anew"
        reason = f"{intent.reason}: the process ended before it could say what came of it; {found}"
        events.append(replace(intent, time=now, type=type_, reason=reason))
    return tuple(events)
