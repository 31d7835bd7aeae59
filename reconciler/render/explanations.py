"""Every field of one object with its origin, as an annotated tree.

The origin stands in the first column, so that it is found at a glance whatever the depth.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, assert_never

from reconciler.core.drift import Change, ChangeType
from reconciler.core.explain import Explanation, FieldOrigin, Origin
from reconciler.core.path import Path, Step, format_path
from reconciler.render.changes import changed_lines
from reconciler.render.credits import credit, who_and_when
from reconciler.render.summaries import counted, short_revision
from reconciler.render.terminal import (
    Cell,
    Ink,
    Line,
    Span,
    Style,
    display_width,
    flow,
    painted,
    truncated,
)
from reconciler.render.values import inline, is_many_lines, is_tree, scalar

#: As wide as the longest origin, `controller`, and a gap.
_ORIGIN = 12

#: How many columns a value takes at most, unless all is asked for.
_VALUE = 60

#: Where what is said of a field begins at most, so that it isn't far from it.
_REMARK = 64

_ORIGINS: Mapping[Origin, tuple[Ink, str]] = {
    Origin.DRIFT: (Ink.RED, "neither declared nor explained"),
    Origin.IGNORED: (Ink.YELLOW, "explained by a rule of yours"),
    Origin.CONTROLLER: (Ink.CYAN, "explained by a built-in rule: a controller whose job it is"),
    Origin.DECLARED: (Ink.GREEN, "Git says so"),
    Origin.DEFAULTED: (Ink.PLAIN, "what the server makes of the declaration"),
    Origin.SERVER: (Ink.DIM, "the server's own metadata"),
    Origin.STATUS: (Ink.DIM, "reported by controllers, never desired"),
}


@dataclass(slots=True)
class _Branch:
    """A place in the object: what is known of it, and what is below."""

    leaves: list[FieldOrigin] = field(default_factory=list)
    below: dict[Step, "_Branch"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the tree."""

    depth: int
    name: str
    leaf: FieldOrigin | None


def explanation_text(explanation: Explanation, style: Style, now: datetime) -> str:
    """Writes an explanation: the object, its fields, the legend with counts.

    Args:
        explanation: What to write; secrets in it are masked already.
        style: How to write.
        now: The time of reading, with its zone.

    Returns:
        Lines, each with its newline; none is longer than the style's width.
    """
    lines = _title_lines(explanation, style)
    root = _Branch()
    for each in explanation.fields:
        _grow(root, each)
    rows = list(_rows(root, 0))
    widest = max((_ORIGIN + _row_width(row, style) for row in rows), default=0)
    column = min(widest + 2, style.columns * 3 // 5, _REMARK)
    if rows:
        lines.append(())
    for row in rows:
        lines += _row_lines(row, style, now, column)
    lines += _legend_lines(explanation, style)
    return painted(lines, style)


def _title_lines(explanation: Explanation, style: Style) -> list[Line]:
    revision = short_revision(explanation.revision)
    place = f"{explanation.source} @ {revision}" if explanation.source else f"not in {revision}"
    cells = [
        Cell((Span(str(explanation.key), Ink.BOLD),)),
        Cell((Span(explanation.api_version, Ink.DIM),)),
        Cell((Span(place, Ink.DIM),)),
    ]
    lines = flow(cells, style, hanging=2)
    ink = Ink.GREEN if explanation.note == "in sync" else Ink.YELLOW
    return [*lines, *flow([Cell((Span(explanation.note, ink),))], style)]


def _grow(root: _Branch, leaf: FieldOrigin) -> None:
    branch = root
    for step in leaf.path:
        branch = branch.below.setdefault(step, _Branch())
    branch.leaves.append(leaf)


def _rows(branch: _Branch, depth: int) -> Iterator[_Row]:
    for step, below in branch.below.items():
        path: Path = (step,)
        child = below
        # A branch that holds one thing only is written on the line of what it holds.
        while len(child.below) == 1 and not child.leaves:
            path = (*path, next(iter(child.below)))
            child = child.below[path[-1]]
        # On its own, a name with dots in it is readable without brackets and quotes.
        name = scalar(step) if path == (step,) and isinstance(step, str) else format_path(path)
        for leaf in child.leaves:
            yield _Row(depth, name, leaf)
        if not child.leaves:
            yield _Row(depth, name, None)
        yield from _rows(child, depth + 1)


def _row_lines(row: _Row, style: Style, now: datetime, column: int) -> list[Line]:
    # A field that is nested too deep for the width is shown less deep, never cut off.
    indent = min(2 * row.depth, style.columns // 3)
    if row.leaf is None:
        branch = (Span(" " * (_ORIGIN + indent)), Span(f"{row.name}:", Ink.DIM))
        return flow([Cell(branch)], style, hanging=_ORIGIN + indent)
    leaf = row.leaf
    ink, _ = _ORIGINS[leaf.origin]
    spans = (
        Span(f"{leaf.origin:<{_ORIGIN}}", ink),
        Span(" " * indent + f"{row.name}: "),
        Span(_value(leaf, style), ink),
    )
    cells = [Cell(spans)]
    remark = _remark(leaf, style, now)
    if remark:
        cells.append(Cell((Span(remark, Ink.DIM),), column))
    return flow(cells, style, hanging=_ORIGIN + indent + 4)


def _row_width(row: _Row, style: Style) -> int:
    """Counts the columns that a row would like before its remark; 0 where it has none."""
    if row.leaf is None:
        return 0
    return 2 * row.depth + display_width(f"{row.name}: {_value(row.leaf, style)}")


def _value(leaf: FieldOrigin, style: Style) -> str:
    if _is_removed(leaf):
        return "(removed)"
    if leaf.path == ("metadata", "managedFields") and isinstance(leaf.value, list):
        managers = len(leaf.value)
        return "1 manager" if managers == 1 else f"{managers} managers"
    return _short(leaf.value, style)


def _short(value: Any, style: Style) -> str:
    """Writes a value on one line; a long one shows its beginning and how much there is."""
    shown = inline(value) if is_tree(value) else scalar(value)
    if style.full:
        return shown
    if is_many_lines(value):
        first, *rest = value.rstrip("\n").split("\n")
        return f"{truncated(scalar(first), _VALUE)} … ({len(rest)} more)"
    return truncated(shown, _VALUE)


def _is_removed(leaf: FieldOrigin) -> bool:
    return leaf.change is not None and leaf.change.change is ChangeType.REMOVED


def _remark(leaf: FieldOrigin, style: Style, now: datetime) -> str:
    """Says who set a field, when, and by which rule it is explained."""
    by = who_and_when(leaf.by, now) if leaf.by else ""
    match leaf.origin:
        case Origin.DRIFT if leaf.change is not None:
            return " · ".join(filter(None, (_git_says(leaf, leaf.change, style), _by(leaf, now))))
        case Origin.DECLARED | Origin.SERVER:
            # Every declared field is declared at the place that the title names.
            return ""
        case Origin.CONTROLLER | Origin.IGNORED:
            return " · ".join(filter(None, (leaf.reason, by)))
        case _:
            return by


def _by(leaf: FieldOrigin, now: datetime) -> str:
    if leaf.by is not None:
        return who_and_when(leaf.by, now)
    return credit(leaf.change, now) if leaf.change is not None else ""


def _git_says(leaf: FieldOrigin, change: Change, style: Style) -> str:
    match change.change:
        case ChangeType.ADDED:
            return "not in Git"
        case ChangeType.REMOVED:
            return f"Git says {_short(change.desired, style)}"
        case ChangeType.CHANGED if change.path != leaf.path or is_tree(change.desired):
            return f"Git says otherwise of {format_path(change.path)}"
        case ChangeType.CHANGED if is_many_lines(change.desired) or is_many_lines(change.live):
            lines = changed_lines(change, style)
            gone, come = (sum(line[:1] == sign for line in lines) for sign in "-+")
            return f"{counted(gone, 'line')} less and {come:,} more than in Git"
        case ChangeType.CHANGED:
            return f"Git says {_short(change.desired, style)}"
        case _:
            assert_never(change.change)


def _legend_lines(explanation: Explanation, style: Style) -> list[Line]:
    counts = dict.fromkeys(_ORIGINS, 0)
    for each in explanation.fields:
        counts[each.origin] += 1
    lines: list[Line] = [()] if explanation.fields else []
    digits = max(len(f"{count:,}") for count in counts.values())
    for origin, (ink, meaning) in _ORIGINS.items():
        if counts[origin]:
            declared = origin is Origin.DECLARED and explanation.source is not None
            place = f": {explanation.source}" if declared else ""
            spans = (
                Span(f"{counts[origin]:>{digits},} "),
                Span(f"{origin:<{_ORIGIN}}", ink),
                Span(meaning + place, Ink.DIM),
            )
            lines += flow([Cell(spans)], style, hanging=_ORIGIN + digits + 1)
    return lines
