"""What happens to a notice later, as replies in its Slack thread; and answers to who pressed."""

from collections.abc import Sequence
from typing import Final

from reconciler.core.history import Event, EventType
from reconciler.core.notices import Notice
from reconciler.core.resource import JsonObject
from reconciler.core.words import Hearing
from reconciler.render.notices import notice_title
from reconciler.render.slack import SlackMessage
from reconciler.render.slack_fields import short_lines
from reconciler.render.slack_text import (
    NAME,
    SENTENCE,
    cut,
    escaped,
    line_break,
    preformatted,
    rich,
    section,
    units,
    when,
    words,
)
from reconciler.render.summaries import counted

#: How many characters of fields are shown in a reply, and how many earlier events in one.
_FIELDS: Final = 1500
_EARLIER: Final = 15

#: How many lines of an answer are read as sentences; how much of a longer one is shown, in pieces
#: of what Slack takes as one text.
_SENTENCES: Final = 3
_PIECE: Final = 2900
_PIECES: Final = 3

_SAYINGS: Final = {
    EventType.SEEN: "🔎 Found",
    EventType.CHANGED: "🔁 Changed again",
    EventType.GONE: "✅ No longer found",
    EventType.DECIDED: "📋 Decided",
    EventType.APPROVED: "👍 Approved",
    EventType.REJECTED: "👎 Rejected",
    EventType.RESTORED: "✅ Restored",
    EventType.CONFLICT: "🟡 Not written, it moved meanwhile",
    EventType.REFUSED: "❌ Refused by the API server",
    EventType.UNVERIFIED: "🟠 Written, but not seen to be right",
    EventType.SKIPPED: "⏩ Not tried",
    EventType.WRITTEN: "📝 Written",
}


def replies_of(notice: Notice) -> tuple[Event, ...]:
    """Gives the events of which the thread tells, in order.

    Of what is about to be written its outcome tells.
    """
    events = (event for episode in notice.episodes for event in episode.life)
    told = [event for event in events if event.type in _SAYINGS]
    return tuple(sorted(told, key=lambda event: event.time))


def reply_of(event: Event, *, named: bool) -> SlackMessage:
    """Writes an event as a reply.

    Args:
        event: What happened.
        named: Whether to say to which object.
    """
    pieces = _saying(event, named=named)
    paragraphs = [section(*pieces)]
    if event.type is EventType.CHANGED:
        lines, _ = short_lines(event, _FIELDS)
        paragraphs += [preformatted(lines)] if lines else []
    subject = f" {event.key}" if event.key is not None else ""
    text = cut(f"{_SAYINGS[event.type]}{subject}", SENTENCE)
    return SlackMessage(escaped(text), (rich(*paragraphs),))


def earlier_of(events: Sequence[Event], *, named: bool) -> SlackMessage:
    """Writes in one reply what had happened before the message was there."""
    shown = events[-_EARLIER:]
    pieces = [words("What happened before", "bold")]
    if len(shown) < len(events):
        left = counted(len(events) - len(shown), "older event")
        pieces += [line_break(), words(f"… {left}")]
    for event in shown:
        pieces += [line_break(), *_saying(event, named=named)]
    return SlackMessage("What happened before", (rich(section(*pieces)),))


def reminder_of(notice: Notice) -> SlackMessage:
    """Writes that nothing has happened since, though something should."""
    text = cut(notice_title(notice), SENTENCE)
    return SlackMessage(escaped(text), (rich(section(words(text))),))


def _saying(event: Event, *, named: bool) -> list[list[JsonObject]]:
    pieces = [words(_SAYINGS[event.type], "bold")]
    if named and event.key is not None:
        pieces.append(words(f" {event.key}", limit=NAME))
    if event.actor:
        pieces.append(words(f" by {event.actor}", limit=NAME))
    pieces += [words(", "), when(event.time)]
    if event.plan:
        pieces += [words(", plan "), words(event.plan, "code", limit=NAME)]
    if event.reason:
        pieces.append(words(f": {event.reason}", limit=SENTENCE))
    return pieces


def answer_of(hearing: Hearing) -> SlackMessage:
    """Writes what is told to somebody who pressed a button."""
    mark = "✅" if hearing.heeded else "🚫"
    lines = [cut(line, SENTENCE) for line in hearing.text.splitlines() if line.strip()]
    first, *more = lines or ["Done" if hearing.heeded else "Not done"]
    said = [words(f"{mark} {first}")]
    paragraphs: list[JsonObject] = []
    if len(lines) <= _SENTENCES:
        for line in more:
            said += [line_break(), words(line)]
    else:
        pieces, left = _pieces(more)
        paragraphs += [preformatted(piece) for piece in pieces]
        if left:
            paragraphs.append(section(words(f"… {counted(left, 'more line')}")))
    return SlackMessage(f"{mark} {escaped(first)}", (rich(section(*said), *paragraphs),))


def _pieces(lines: Sequence[str]) -> tuple[list[list[str]], int]:
    """Puts lines into pieces that fit; says how many lines are left out."""
    pieces: list[list[str]] = [[]]
    room = _PIECE
    for at, line in enumerate(lines):
        size = units(line) + 1
        if size > room:
            if len(pieces) == _PIECES:
                return pieces, len(lines) - at
            pieces.append([])
            room = _PIECE
        room -= size
        pieces[-1].append(line)
    return pieces, 0
