"""What merging a pull request would do, for people: as text, and as Markdown for a comment."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from reconciler.core.merge import Effect, Merge, MergeEffect
from reconciler.core.report import Report
from reconciler.render.ages import minute
from reconciler.render.changes import FOUND, INDENT, PLANNED, changes_lines, inverted
from reconciler.render.findings import edited_words, effect_lines, effect_words
from reconciler.render.markdown import LEFT_OUT, LIMIT, code, fenced, fitting, size
from reconciler.render.summaries import counted, short_revision, summary_line
from reconciler.render.terminal import Cell, Ink, Line, Span, Style, flow, painted, safe

_INKS: Final = {
    Effect.OVERWRITE: Ink.RED,
    Effect.UNKNOWN: Ink.YELLOW,
    Effect.CHANGE: Ink.CYAN,
    Effect.ADOPT: Ink.GREEN,
    Effect.KEEP: Ink.DIM,
}
_MARKS: Final = {
    Effect.OVERWRITE: "✗",
    Effect.UNKNOWN: "?",
    Effect.CHANGE: "~",
    Effect.ADOPT: "✓",
    Effect.KEEP: "·",
}

_TITLES: Final = {
    Effect.OVERWRITE: "⛔ Merging overwrites what was changed in the cluster",
    Effect.UNKNOWN: "❔ What merging does here could not be told",
    Effect.CHANGE: "🔁 What merging changes, as the pull request says",
    Effect.ADOPT: "✅ Drift that the pull request declares",
    Effect.KEEP: "⏸️ Drift that the pull request leaves as it is",
}

#: Characters of one object in a comment, and of a line.
_OBJECT: Final = 12_000
_LINE: Final = 400


def merge_words(merge: Merge) -> str:
    """Says in one line what merging would do."""
    place = f"{short_revision(merge.base)}..{short_revision(merge.head)}"
    counts = {each: len({e.drift.key for e in merge.of(each)}) for each in Effect}
    parts = [
        f"changes {counted(counts[Effect.CHANGE], 'live object')}",
        f"overwrites live drift of {counted(counts[Effect.OVERWRITE], 'object')}"
        if counts[Effect.OVERWRITE]
        else "overwrites no live drift",
    ]
    if counts[Effect.ADOPT]:
        parts.append(f"declares the drift of {counts[Effect.ADOPT]:,}")
    if counts[Effect.KEEP]:
        parts.append(f"leaves that of {counts[Effect.KEEP]:,}")
    if counts[Effect.UNKNOWN]:
        parts.append(f"and of {counts[Effect.UNKNOWN]:,} it is unknown")
    return f"merging {place} {', '.join(parts)}"


def merge_text(report: Report, merge: Merge, style: Style, now: datetime) -> str:
    """Writes what merging would do, for people at a terminal.

    Args:
        report: That of the base.
        merge: What merging would do.
        style: How to write.
        now: The time of reading, with its zone.
    """
    lines: list[Line] = []
    for each in merge.effects:
        lines += [*_effect_lines(each, style, now), ()]
    for note in report.notes:
        lines += flow([Cell((Span(f"note: {note}", Ink.DIM),))], style, hanging=6)
    lines += flow([Cell((Span("now: ", Ink.DIM), *summary_line(report)))], style, hanging=2)
    bad = merge.of(Effect.OVERWRITE) or merge.of(Effect.UNKNOWN)
    mark, ink = ("✗ ", Ink.RED) if bad else ("✓ ", Ink.GREEN)
    said = (Span(mark, ink), Span(f"{report.target}: ", Ink.BOLD), Span(merge_words(merge), ink))
    lines += flow([Cell(said)], style, hanging=2)
    return painted(lines, style)


def _effect_lines(each: MergeEffect, style: Style, now: datetime) -> list[Line]:
    drift, ink = each.drift, _INKS[each.effect]
    cells = [
        Cell((Span(f"{_MARKS[each.effect]} ", ink), Span(str(drift.key), Ink.BOLD))),
        Cell((Span(effect_words(each), ink),)),
    ]
    if drift.source is not None:
        cells.append(Cell((Span(str(drift.source), Ink.DIM),)))
    lines = flow(cells, style, hanging=INDENT)
    if drift.note:
        lines += flow([Cell((Span(drift.note),))], style, indent=INDENT, hanging=INDENT)
    # Who once rolled out what is to be replaced is of no interest.
    is_planned = each.effect is Effect.CHANGE
    credits = ["" if is_planned else edited_words(change, now) for change in drift.changes]
    if each.effect in (Effect.CHANGE, Effect.OVERWRITE):
        # Seen as the merge would do it, from live to the head.
        changes = [inverted(change) for change in drift.changes]
        return lines + changes_lines(changes, credits, style, PLANNED)
    return lines + changes_lines(drift.changes, credits, style, FOUND)


def merge_markdown(report: Report, merge: Merge, now: datetime) -> str:
    """Writes what merging would do as Markdown of at most 65,536 characters."""
    bad = bool(merge.of(Effect.OVERWRITE))
    mark = "⛔" if bad else "❔" if merge.of(Effect.UNKNOWN) else "✅"
    head = [f"### {mark} {code(report.target)}: {code(merge_words(merge))}", ""]
    tail = [f"> {code(note)}" for note in report.notes[:10]]
    tail += [
        "",
        f"<sub>values are those of live → those of the head; live as of {minute(now)}</sub>",
    ]
    room = LIMIT - size(head) - size(tail) - LEFT_OUT
    body, shown = fitting(_effects(merge, now), room)
    if shown < len(merge.effects):
        left = counted(len(merge.effects) - shown, "effect")
        body += [f"**{left} more, left out: a comment can't be longer.**", ""]
    return "\n".join([*head, *body, *tail]) + "\n"


def _effects(merge: Merge, now: datetime) -> Iterator[list[str]]:
    """Writes each effect; the first of its kind has the kind's heading."""
    for effect in Effect:
        heading = [f"#### {_TITLES[effect]}", ""]
        for each in merge.of(effect):
            yield [*heading, *_markdown_of(each, now)]
            heading = []


def _markdown_of(each: MergeEffect, now: datetime) -> list[str]:
    drift = each.drift
    place = f" — {code(str(drift.source))}" if drift.source else ""
    lines = [f"- {code(str(drift.key))}: {effect_words(each)}{place}"]
    said: list[str] = []
    room = _OBJECT
    for line in effect_lines(each, now):
        room -= len(line) + 8
        if room < 0:
            said.append("…")
            break
        said.append(_cut(safe(line)))
    if said:
        lines += ["", *(f"  {line}" for line in fenced(list(_signed(said))))]
    return [*lines, ""]


def _signed(lines: list[str]) -> Iterator[str]:
    return (f"# {line}" for line in lines)


def _cut(line: str) -> str:
    return line if len(line) <= _LINE else f"{line[:_LINE]}…"
