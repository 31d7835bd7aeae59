"""An episode's fields as lines: first where, then what Git wants (`-`) and what is live (`+`)."""

from collections.abc import Iterator
from typing import Any, Final

from reconciler.core.drift import Change, ChangeType, MaskedDigest
from reconciler.core.history import DIGESTS, WHOLE
from reconciler.core.resource import JsonObject
from reconciler.render.changes import changed_lines, digest_words
from reconciler.render.slack_text import units
from reconciler.render.terminal import Style, safe
from reconciler.render.values import block, inline, is_many_lines, is_tree, text_lines

#: How many lines of one field are shown in a message, and how much of a line: the other fields
#: want room too.
_LINES: Final = 14
_WIDTH: Final = 200

_SHORT = Style(colour=False, width=0)
_FULL = Style(colour=False, width=0, full=True)


def field_lines(before: JsonObject | None, after: JsonObject | None) -> list[str]:
    """Writes all fields in full.

    Args:
        before: By path, the values of the left side, as in `history.Event`.
        after: By path, those of the right side.

    Returns:
        Lines without newlines, each harmless.
    """
    return [line for _, lines in _fields(before, after, _FULL) for line in lines]


def short_lines(
    before: JsonObject | None, after: JsonObject | None, room: int
) -> tuple[list[str], bool]:
    """Writes as many fields as there is room for, long ones cut.

    Args:
        before: As for `field_lines`.
        after: Likewise.
        room: How many characters, with newlines.

    Returns:
        The lines, and whether something of the fields isn't in them.
    """
    shown: list[str] = []
    fields = list(_fields(before, after, _SHORT))
    left_out = 0
    room -= len(_more(len(fields)))
    is_cut = False
    for name, lines in fields:
        short = [name, *_cut(lines[1:])]
        size = sum(units(line) + 1 for line in short)
        if left_out or size > room:
            left_out += 1
            continue
        room -= size
        shown += short
        is_cut = is_cut or short != lines
    if left_out:
        shown.append(_more(left_out))
    return shown, is_cut or bool(left_out)


def _more(count: int) -> str:
    return f"… {count} more field" + ("s" if count > 1 else "")


def _cut(lines: list[str]) -> list[str]:
    kept = lines if len(lines) <= _LINES + 1 else lines[:_LINES]
    shown = [line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…" for line in kept]
    left = len(lines) - len(kept)
    return [*shown, f"… {left} more lines"] if left else shown


def _fields(
    before: JsonObject | None, after: JsonObject | None, style: Style
) -> Iterator[tuple[str, list[str]]]:
    """Gives each field's name, cut where it is long, and its lines, of which the first names it."""
    was, now_is = before or {}, after or {}
    for path in was | now_is:
        if path == DIGESTS:
            continue
        digests = _digests(was, now_is, path)
        old, new = was.get(path), now_is.get(path)
        if old == new and (digests is None or digests.desired == digests.live):
            continue
        name = safe(path) if path != WHOLE else "the whole object"
        words = digest_words(digests)
        title = f"{name} {words}" if words else name
        short = f"{title[:_WIDTH]}…" if len(title) > _WIDTH else title
        yield short, [title, *_values(old, new, style)]


def _digests(was: JsonObject, now_is: JsonObject, path: str) -> MaskedDigest | None:
    old, new = (str(side.get(DIGESTS, {}).get(path, "")) for side in (was, now_is))
    return MaskedDigest(old, new) if old or new else None


def _values(old: Any, new: Any, style: Style) -> list[str]:
    if old is None:
        return [f"+ {line}" for line in _lines(new)]
    if new is None:
        return [f"- {line}" for line in _lines(old)]
    lines = changed_lines(Change((), ChangeType.CHANGED, old, new), style)
    return [f"{line[:1]} {line[1:]}" if line[:1] in "+- " else line for line in lines]


def _lines(value: Any) -> list[str]:
    if is_many_lines(value):
        return text_lines(str(value))
    return block(value) if is_tree(value) else [inline(value)]
