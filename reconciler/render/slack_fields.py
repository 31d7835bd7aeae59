"""Fields as lines for Slack: first where, then what Git wants (`-`) and what is live (`+`)."""

from collections.abc import Iterator
from typing import Final

from reconciler.core.drift import Change, ChangeType
from reconciler.core.history import WHOLE, Event
from reconciler.core.notices import Episode
from reconciler.render.changes import changed_lines, digest_words
from reconciler.render.notices import changes_of
from reconciler.render.slack_text import cut, units
from reconciler.render.summaries import counted
from reconciler.render.terminal import Style, safe
from reconciler.render.values import block, inline, is_many_lines, is_tree, text_lines

#: How many lines of one field are shown in a message, and how much of a line: the other fields
#: want room too.
_LINES: Final = 14
_WIDTH: Final = 200

_SHORT: Final = Style(colour=False, width=0)
_FULL: Final = Style(colour=False, width=0, full=True)


def field_lines(told: Episode | Event) -> list[str]:
    """Writes all fields in full, as harmless lines without newlines."""
    return [line for lines in _fields(told, _FULL) for line in lines]


def short_lines(told: Episode | Event, room: int) -> tuple[list[str], bool]:
    """Writes as many fields as there is room for, long ones cut.

    Args:
        told: What has the fields.
        room: How many characters, with newlines.

    Returns:
        Harmless lines without newlines, and whether something of the fields isn't in them.
    """
    shown: list[str] = []
    fields = list(zip(_fields(told, _SHORT), _fields(told, _FULL), strict=True))
    left_out, is_cut = 0, False
    room -= len(_more(len(fields)))
    for short, whole in fields:
        lines = _cut(short)
        size = sum(units(line) + 1 for line in lines)
        if left_out or size > room:
            left_out += 1
            continue
        room -= size
        shown += lines
        is_cut = is_cut or lines != whole
    if left_out:
        shown.append(_more(left_out))
    return shown, is_cut or bool(left_out)


def _more(count: int) -> str:
    return f"… {counted(count, 'more field')}"


def _cut(lines: list[str]) -> list[str]:
    kept = lines if len(lines) <= _LINES + 1 else lines[:_LINES]
    shown = [cut(line, _WIDTH) for line in kept]
    left = len(lines) - len(kept)
    return [*shown, f"… {counted(left, 'more line')}"] if left else shown


def _fields(told: Episode | Event, style: Style) -> Iterator[list[str]]:
    """Gives each field's lines, of which the first names it."""
    for path, change in changes_of(told):
        masked = change.masked
        if change.desired == change.live and (masked is None or masked.desired == masked.live):
            continue
        name = safe(path) if path != WHOLE else "the whole object"
        digests = digest_words(masked)
        yield [f"{name} {digests}" if digests else name, *_values(change, style)]


def _values(change: Change, style: Style) -> list[str]:
    if change.change is ChangeType.ADDED:
        return [f"+ {line}" for line in _lines(change.live)]
    if change.change is ChangeType.REMOVED:
        return [f"- {line}" for line in _lines(change.desired)]
    lines = changed_lines(change, style)
    return [f"{line[:1]} {line[1:]}" if line[:1] in "+- " else line for line in lines]


def _lines(value: object) -> list[str]:
    if is_many_lines(value):
        return text_lines(str(value))
    return block(value) if is_tree(value) else [inline(value)]
