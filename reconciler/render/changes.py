"""A field's change as a person would write it, seen from Git to live.

`+` live has it and Git doesn't; `-` Git wants it and live lost it; `~` both have it, and differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

from reconciler.core.drift import Change, ChangeType, MaskedDigest
from reconciler.core.path import format_path
from reconciler.core.redact import MASK
from reconciler.render.terminal import (
    Cell,
    Ink,
    Line,
    Span,
    Style,
    display_width,
    flow,
    line_width,
    split_at,
    wrapped,
)
from reconciler.render.values import (
    block,
    difference,
    inline,
    is_many_lines,
    is_tree,
    quoted,
    text_lines,
)

SIGNS: Mapping[ChangeType, tuple[str, Ink]] = {
    ChangeType.ADDED: ("+", Ink.GREEN),
    ChangeType.REMOVED: ("-", Ink.RED),
    ChangeType.CHANGED: ("~", Ink.YELLOW),
}

#: Where a change's sign stands, where its line goes on below, and where its values stand there.
INDENT = 4
HANGING = 8
_VALUES = 10

#: How many lines of a value, and characters of a line, are shown unless all is asked for.
_LINES = 16
_CHARACTERS = 240

#: How wide a map or a list may be to be written on the line of its path.
_SHORT = 48

#: Where values begin at most, so that they aren't far from their path.
_COLUMN = 64

#: How much of what two long lines share is shown on either side of where they differ.
_SHARED = 24

#: Hex digits that are shown of a masked value's digest, where they tell the two apart.
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Wording:
    """The words around values.

    Attributes:
        added: Before who did it, where an added value stands below.
        removed: The same for a removed one.
        was: Before a removed value.
    """

    added: str
    removed: str
    was: str


#: What happened, seen from Git to live.
FOUND = Wording("added ", "removed; ", "was ")

#: What is about to happen, seen from live to Git.
PLANNED = Wording("", "", "now ")


def changes_lines(
    changes: Sequence[Change], credits: Sequence[str], style: Style, wording: Wording
) -> list[Line]:
    """Writes an object's changes: each with its path, its values, and who did it.

    Values stand under each other, unless that would take more lines.

    Args:
        changes: What differs.
        credits: For each change, who did it; empty to leave it out.
        style: How to write.
        wording: The words around values.
    """
    widest = max((display_width(format_path(change.path)) for change in changes), default=0)
    column = min(INDENT + 2 + widest + 2, style.columns // 2, _COLUMN)
    aligned = _laid_out(changes, credits, style, wording, column)
    if len(aligned) == len(changes):
        return aligned
    ragged = _laid_out(changes, credits, style, wording, 0)
    return aligned if len(aligned) <= len(ragged) else ragged


def _laid_out(
    changes: Sequence[Change], credits: Sequence[str], style: Style, wording: Wording, column: int
) -> list[Line]:
    pairs = zip(changes, credits, strict=True)
    return [
        line
        for change, credit in pairs
        for line in _change_lines(change, credit, style, wording, column)
    ]


def _change_lines(
    change: Change, credit: str, style: Style, wording: Wording, column: int
) -> list[Line]:
    sign, ink = SIGNS[change.change]
    cells = [Cell((Span(f"{sign} ", ink), Span(format_path(change.path), Ink.BOLD)))]
    values = _short_values(change, wording)
    if values and HANGING + line_width(values) <= style.columns:
        cells.append(Cell(values, column))
        below: list[Line] = []
    else:
        digests = _digests(change.masked)
        if digests:
            cells.append(Cell(digests, column))
        credit = (_verb(change, wording) + credit).rstrip(" ;")
        below = _value_lines(change, style)
    if credit:
        cells.append(Cell((Span(credit, Ink.DIM),)))
    return [*flow(cells, style, indent=INDENT, hanging=HANGING), *below]


def _verb(change: Change, wording: Wording) -> str:
    match change.change:
        case ChangeType.ADDED:
            return wording.added
        case ChangeType.REMOVED:
            return wording.removed
        case ChangeType.CHANGED:
            return ""
        case _:
            assert_never(change.change)


def inverted(change: Change) -> Change:
    """Gives the change that puts a change right, seen from live to Git."""
    opposite = {
        ChangeType.ADDED: ChangeType.REMOVED,
        ChangeType.REMOVED: ChangeType.ADDED,
        ChangeType.CHANGED: ChangeType.CHANGED,
    }
    masked = change.masked
    return replace(
        change,
        change=opposite[change.change],
        desired=change.live,
        live=change.desired,
        masked=MaskedDigest(masked.live, masked.desired) if masked else None,
    )


def _short_values(change: Change, wording: Wording) -> Line:
    """Writes a change's values for the line of its path; empty where they are too long for it."""
    match change.change:
        case ChangeType.ADDED if _is_short(change.live):
            spans: Line = (Span(inline(change.live), Ink.GREEN),)
        case ChangeType.REMOVED if _is_short(change.desired):
            value = change.desired
            plain = not isinstance(value, str) or value == MASK
            shown = inline(value) if plain else quoted(value)
            spans = (Span(wording.was, Ink.DIM), Span(shown, Ink.RED))
        case ChangeType.CHANGED if _is_short(change.desired) and _is_short(change.live):
            old, new = inline(change.desired), inline(change.live)
            spans = (Span(old, Ink.RED), Span(" → "), Span(new, Ink.GREEN))
        case _:
            return ()
    digests = _digests(change.masked)
    return (*spans, Span(" "), *digests) if digests else spans


def _is_short(value: Any) -> bool:
    if is_many_lines(value):
        return False
    if is_tree(value):
        # Maps are read field by field, lists of plain values at a glance.
        plain = isinstance(value, list) and not any(is_tree(item) for item in value)
        return plain and display_width(inline(value)) <= _SHORT
    return not isinstance(value, str) or len(value) <= _CHARACTERS


def digest_words(masked: MaskedDigest | None) -> str:
    """Shows that a masked value changed: the first digits of what it was and of what it is."""
    if masked is None:
        return ""
    same = masked.desired[:_DIGITS] == masked.live[:_DIGITS]
    old, new = (d if same else d[:_DIGITS] for d in (masked.desired, masked.live))
    return f"({old}{' → ' if old and new else ''}{new})"


def _digests(masked: MaskedDigest | None) -> Line:
    return (Span(digest_words(masked), Ink.DIM),) if masked else ()


def _value_lines(change: Change, style: Style) -> list[Line]:
    """Writes a change's values below its path: a tree, or how the two differ."""
    match change.change:
        case ChangeType.ADDED:
            lines = [(line, Ink.GREEN) for line in _shown(change.live)]
        case ChangeType.REMOVED:
            lines = [(line, Ink.RED) for line in _shown(change.desired)]
        case ChangeType.CHANGED:
            lines = [(line, _ink_of(line)) for line in changed_lines(change, style)]
        case _:
            assert_never(change.change)
    signed = change.change is ChangeType.CHANGED
    return _cut([_shortened(line, ink, style) for line, ink in lines], style, signed=signed)


def _shown(value: Any) -> list[str]:
    return text_lines(value) if is_many_lines(value) else block(value)


def changed_lines(change: Change, style: Style) -> list[str]:
    """Writes how a value changed, as lines that begin with ` `, `-`, `+` or `…`."""
    desired, live = change.desired, change.live
    if _is_one_line(desired) and _is_one_line(live):
        old, new = inline(desired), inline(live)
        if not style.full:
            old, new = _around_difference(old, new)
        return [f"-{old}", f"+{new}"]
    if isinstance(desired, str) != isinstance(live, str):
        return [*(f"-{line}" for line in block(desired)), *(f"+{line}" for line in block(live))]
    return difference(desired, live)


def _is_one_line(value: Any) -> bool:
    return not is_tree(value) and not is_many_lines(value)


def _around_difference(old: str, new: str) -> tuple[str, str]:
    """Leaves out most of what two long lines begin and end with alike."""
    shortest = min(len(old), len(new))
    head = next((i for i in range(shortest) if old[i] != new[i]), shortest)
    most = shortest - head
    tail = next((i for i in range(most) if old[-1 - i] != new[-1 - i]), most)
    start = head - _SHARED if head > 2 * _SHARED else 0
    end = tail - _SHARED if tail > 2 * _SHARED else 0
    return _window(old, start, end), _window(new, start, end)


def _window(text: str, start: int, end: int) -> str:
    return ("…" if start else "") + text[start : len(text) - end] + ("…" if end else "")


def _ink_of(line: str) -> Ink:
    return {"-": Ink.RED, "+": Ink.GREEN}.get(line[0], Ink.DIM)


def _shortened(line: str, ink: Ink, style: Style) -> Line:
    if style.full or display_width(line) <= _CHARACTERS:
        return (Span(line, ink),)
    head, rest = split_at(line, _CHARACTERS)
    return (Span(head, ink), Span(f"… ({len(rest)} more characters)", Ink.DIM))


def _cut(lines: list[Line], style: Style, *, signed: bool) -> list[Line]:
    """Wraps a value's lines, and leaves out those that are too many."""
    # One line more is no longer than the line that would say so.
    shown = lines if style.full or len(lines) <= _LINES + 1 else lines[:_LINES]
    placed = []
    for line in shown:
        placed += _hung(line, style, signed=signed)
    if len(shown) < len(lines):
        more = f"… ({len(lines) - len(shown)} more lines)"
        placed.append((Span(" " * _VALUES), Span(more, Ink.DIM)))
    return placed


def _hung(line: Line, style: Style, *, signed: bool) -> list[Line]:
    """Places a value's line; what must be wrapped goes on below its first character."""
    text = line[0].text
    sign, body = (text[:1], text[1:]) if signed else ("", text)
    inner = len(body) - len(body.lstrip(" "))
    # A value that is nested too deep for the width is shown less deep, never cut off.
    inner = min(inner, style.columns // 3)
    start = _VALUES + len(sign) + (1 if sign else 0) + inner
    content = (Span(body.lstrip(" "), line[0].ink), *line[1:])
    lead = " " * _VALUES + sign + " " * (start - _VALUES - len(sign))
    placed: list[Line] = []
    for piece in wrapped(content, style.columns - start):
        placed.append((Span(lead, line[0].ink), *piece))
        lead = " " * start
    return placed
