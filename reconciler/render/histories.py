"""A history as text and as data: what happened, who did it, what was there before."""

from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any, Final

from reconciler.core.drift import Change, ChangeType, MaskedDigest
from reconciler.core.history import DIGESTS, WHOLE, Event, EventType, Verification
from reconciler.core.resource import JsonObject
from reconciler.render.ages import moment
from reconciler.render.changes import HANGING, INDENT, SIGNS, changed_lines, digest_words
from reconciler.render.json_values import json_value, key_document
from reconciler.render.summaries import counted, short_revision
from reconciler.render.terminal import Cell, Ink, Line, Span, Style, flow, line_width, painted
from reconciler.render.values import block, inline, is_many_lines, is_tree

HISTORY: Final = "plumbline.dev/history/v1"
VERIFICATION: Final = "plumbline.dev/verification/v1"

#: Where the type and the object stand on an event's first line.
_TYPE = 22
_OBJECT = 34

#: How many lines of a value are shown unless all is asked for, and where they stand.
_LINES = 16
_VALUES = 10

#: How wide a value may be to be written on the line of its path.
_SHORT = 120

_INKS = {
    EventType.SEEN: Ink.RED,
    EventType.CHANGED: Ink.YELLOW,
    EventType.GONE: Ink.GREEN,
    EventType.APPROVED: Ink.GREEN,
    EventType.REJECTED: Ink.RED,
    EventType.RESTORED: Ink.GREEN,
    EventType.CONFLICT: Ink.YELLOW,
    EventType.REFUSED: Ink.RED,
    EventType.UNVERIFIED: Ink.YELLOW,
    EventType.SKIPPED: Ink.YELLOW,
    EventType.SUSPENDED: Ink.YELLOW,
    EventType.RESUMED: Ink.GREEN,
}


def history_document(events: Sequence[Event]) -> JsonObject:
    """Gives events as a JSON object."""
    document: JsonObject = json_value(
        {"schema": HISTORY, "events": [_event(event) for event in events]}
    )
    return document


def verification_document(verification: Verification) -> JsonObject:
    """Gives what a verification found as a JSON object."""
    return {
        "schema": VERIFICATION,
        "sound": verification.sound,
        "checked": verification.checked,
        "first": verification.first,
        "last": verification.last,
        "head": verification.head or None,
        "brokenAt": verification.broken_at or None,
        "problem": verification.problem or None,
    }


def _event(event: Event) -> JsonObject:
    key = event.key
    return {
        "time": event.time,
        "target": event.target,
        "type": event.type.value,
        "drift": event.drift or None,
        "resource": key_document(key) if key else None,
        "actor": event.actor or None,
        "revision": event.revision or None,
        "plan": event.plan or None,
        "reason": event.reason or None,
        "fields": [_field(event, path) for path in _paths(event)],
    }


def _field(event: Event, path: str) -> JsonObject:
    before, after = event.before or {}, event.after or {}
    document = {"path": path, "before": before.get(path), "after": after.get(path)}
    digests = _digests(event, path)
    if digests is not None:
        document["digest"] = {"before": digests.desired or None, "after": digests.live or None}
    return document


def _paths(event: Event) -> list[str]:
    """Gives the fields that an event tells of, in the order in which they were found."""
    return [path for path in (event.before or {}) | (event.after or {}) if path != DIGESTS]


def _digests(event: Event, path: str) -> MaskedDigest | None:
    """Gives the digests of a masked field, before and after; None where it isn't masked."""
    sides = ((event.before or {}).get(DIGESTS, {}), (event.after or {}).get(DIGESTS, {}))
    was, now_is = (str(side.get(path, "")) for side in sides)
    return MaskedDigest(was, now_is) if was or now_is else None


def history_text(events: Sequence[Event], style: Style) -> str:
    """Writes events, each on a line with what is told of it below.

    Args:
        events: In the order in which they are shown.
        style: How to write.

    Returns:
        Lines, each with its newline; none is longer than the style's width.
    """
    if not events:
        return painted(flow([Cell((Span("no such event"),))], style), style)
    lines: list[Line] = []
    targets = len({event.target for event in events}) > 1
    for event in events:
        lines += _event_lines(event, style, with_target=targets)
    lines += [(), *flow([Cell((Span(counted(len(events), "event"), Ink.DIM),))], style)]
    return painted(lines, style)


def verification_text(verification: Verification, style: Style) -> str:
    """Writes what a verification found.

    Returns:
        Lines, each with its newline; none is longer than the style's width.
    """
    if verification.sound:
        checked = counted(verification.checked, "event")
        spans = (Span("✓ ", Ink.GREEN), Span(f"{checked}, all as written", Ink.GREEN))
    else:
        spans = (Span("✗ ", Ink.RED), Span(verification.problem, Ink.RED))
    lines = flow([Cell(spans)], style, hanging=2)
    if not verification.sound:
        text = f"{counted(verification.checked, 'event')} before it as written"
        lines += flow([Cell((Span(text),))], style, indent=2, hanging=2)
    if verification.first > 1:
        text = f"{counted(verification.first - 1, 'older event')} let go"
        lines += flow([Cell((Span(text),))], style, indent=2, hanging=2)
    if verification.head:
        text = f"head: event {verification.last}, {verification.head}"
        lines += flow([Cell((Span(text, Ink.DIM),))], style, indent=2, hanging=2)
    return painted(lines, style)


def _event_lines(event: Event, style: Style, *, with_target: bool) -> list[Line]:
    cells = [
        Cell((Span(_time(event.time), Ink.DIM),)),
        Cell((Span(event.type.value, _INKS.get(event.type, Ink.PLAIN)),), _TYPE),
    ]
    about = str(event.key) if event.key else f"target {event.target}"
    cells.append(Cell((Span(about, Ink.BOLD),), _OBJECT))
    if event.actor:
        cells.append(Cell((Span(f"by {event.actor}"),)))
    lines = flow(cells, style, hanging=INDENT)
    told = [
        (event.reason, Ink.PLAIN),
        (f"in {event.target}" if with_target and event.key else "", Ink.DIM),
        (event.drift, Ink.DIM),
        (f"plan {event.plan}" if event.plan else "", Ink.DIM),
        (f"@ {short_revision(event.revision)}" if event.revision else "", Ink.DIM),
    ]
    more = [Cell((Span(text, ink),)) for text, ink in told if text]
    if more:
        lines += flow(more, style, indent=INDENT, hanging=INDENT)
    # What is gone was told of when it was seen; of what is intended its outcome tells.
    if event.type not in (EventType.GONE, EventType.INTENDED) or style.full:
        for path in _paths(event):
            lines += _field_lines(event, path, style)
    return lines


def _time(time: str) -> str:
    then = moment(time)
    return then.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ") if then else time


def _field_lines(event: Event, path: str, style: Style) -> list[Line]:
    before, after, digests = event.before or {}, event.after or {}, _digests(event, path)
    was, now_is = before.get(path), after.get(path)
    if was == now_is and (digests is None or digests.desired == digests.live):
        return []
    change = _change_of(was, now_is)
    sign, ink = SIGNS[change.change]
    name = "the whole object" if path == WHOLE else path
    cells = [Cell((Span(f"{sign} ", ink), Span(name, Ink.BOLD)))]
    values = _short_values(change)
    below: list[tuple[str, Ink]] = []
    if values and HANGING + line_width(values) <= style.columns:
        cells.append(Cell(values))
    elif path != WHOLE or style.full:
        below = list(_long_values(change, style))
    if digests is not None:
        cells.append(Cell((Span(digest_words(digests), Ink.DIM),)))
    remark = _remark(event, path)
    if remark:
        cells.append(Cell((Span(remark, Ink.DIM),)))
    return [*flow(cells, style, indent=INDENT, hanging=HANGING), *_cut(below, style)]


def _change_of(was: Any, now_is: Any) -> Change:
    """Gives a field's change, seen from before to after."""
    if was is None:
        return Change((), ChangeType.ADDED, None, now_is)
    type_ = ChangeType.REMOVED if now_is is None else ChangeType.CHANGED
    return Change((), type_, was, now_is)


def _remark(event: Event, path: str) -> str:
    """Says of a drift that changed which of its fields weren't there before, or aren't now."""
    if event.type is not EventType.CHANGED:
        return ""
    if path not in (event.after or {}):
        return "differs no longer"
    return "" if path in (event.before or {}) else "differs now too"


def _short_values(change: Change) -> Line:
    """Writes what fits on the line of the path; nothing where something doesn't."""
    if not all(map(_is_short, (change.desired, change.live))):
        return ()
    old = Span(inline(change.desired), Ink.RED)
    new = Span(inline(change.live), Ink.GREEN)
    match change.change:
        case ChangeType.ADDED:
            return (new,)
        case ChangeType.REMOVED:
            return (Span("was ", Ink.DIM), old)
        case _:
            return (old, Span(" → "), new)


def _is_short(value: Any) -> bool:
    if is_tree(value) or is_many_lines(value):
        return False
    return not isinstance(value, str) or len(value) <= _SHORT


def _long_values(change: Change, style: Style) -> Iterator[tuple[str, Ink]]:
    match change.change:
        case ChangeType.ADDED:
            yield from ((line, Ink.GREEN) for line in block(change.live))
        case ChangeType.REMOVED:
            yield from ((line, Ink.RED) for line in block(change.desired))
        case _:
            inks = {"-": Ink.RED, "+": Ink.GREEN}
            for line in changed_lines(change, style):
                yield line, inks.get(line[:1], Ink.DIM)


def _cut(below: Sequence[tuple[str, Ink]], style: Style) -> list[Line]:
    """Places a value's lines, and leaves out those that are too many."""
    shown = below if style.full or len(below) <= _LINES + 1 else below[:_LINES]
    lines: list[Line] = []
    for text, ink in shown:
        lines += flow([Cell((Span(text, ink),))], style, indent=_VALUES, hanging=_VALUES + 2)
    if len(shown) < len(below):
        more = f"… ({len(below) - len(shown)} more lines)"
        lines += flow([Cell((Span(more, Ink.DIM),))], style, indent=_VALUES, hanging=_VALUES)
    return lines
