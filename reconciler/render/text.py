"""A report as text for people: by object, the worst first, the summary last."""

import shlex
from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from reconciler.core.drift import Drift, DriftType
from reconciler.core.outcome import OutcomeType
from reconciler.core.report import Comparison, Report, Unproven
from reconciler.core.resource import ResourceKey
from reconciler.render.ages import ago, moment
from reconciler.render.changes import FOUND, INDENT, changes_lines
from reconciler.render.credits import actor_and_when, credit, maker
from reconciler.render.in_pods import Pod, by_object, place_of
from reconciler.render.summaries import INKS, counted, request_words, summary_line
from reconciler.render.terminal import Cell, Ink, Line, Span, Style, display_width, flow, painted

#: The object's column is at most this wide, so that what follows isn't far from it.
_OBJECT = 48

#: How many unproven fields are named; all are in the JSON.
_UNPROVEN = 8

#: A drift seen for less than this before the look is called new, in seconds.
_NEW = 60


def report_text(report: Report, style: Style, now: datetime) -> str:
    """Writes a report.

    Args:
        report: What to write; secrets in it are masked already.
        style: How to write.
        now: The time of reading, with its zone.

    Returns:
        Lines, each with its newline; none is longer than the style's width.
    """
    lines: list[Line] = []
    column = _object_column(report.drifts, style)
    for drift, pods in by_object(report.drifts):
        if drift is not None:
            lines += _drift_lines(drift, report.checked_at, style, now, column)
        elif pods[0][0].owner not in (None, pods[0][0].key):
            lines += _owner_lines(pods[0][0], style, column)
        lines += [*_pods_lines(pods, style, now), ()]
    lines += _unproven_lines(report.unproven, style)
    lines += _footer_lines(report, style, now)
    lines += flow([Cell(summary_line(report))], style, hanging=2)
    return painted(lines, style)


def outcomes_text(report: Report, style: Style) -> str:
    """Writes what became of a plan, and how it stands after it."""
    lines: list[Line] = []
    widest = max((display_width(str(o.key)) for o in report.outcomes), default=0)
    column = min(2 + widest + 2, style.columns // 2, _OBJECT)
    for outcome in report.outcomes:
        mark, ink = _OUTCOME_MARKS[outcome.outcome]
        cells = [
            Cell((Span(f"{mark} ", ink), Span(str(outcome.key), Ink.BOLD))),
            Cell((Span(outcome.outcome, ink),), column),
        ]
        if outcome.reason:
            cells.append(Cell((Span(outcome.reason),)))
        lines += flow(cells, style, hanging=INDENT)
    if any(o.outcome is OutcomeType.CONFLICT for o in report.outcomes):
        advice = "What moved since the plan was made was left alone: restore again for a new plan."
        lines += flow([Cell((Span(advice, Ink.DIM),))], style)
    if lines:
        lines.append(())
    lines += flow([Cell(summary_line(report))], style, hanging=2)
    return painted(lines, style)


_OUTCOME_MARKS = {
    OutcomeType.RESTORED: ("✓", Ink.GREEN),
    OutcomeType.CONFLICT: ("✗", Ink.YELLOW),
    OutcomeType.REFUSED: ("✗", Ink.RED),
    OutcomeType.UNVERIFIED: ("?", Ink.YELLOW),
    OutcomeType.SKIPPED: ("-", Ink.DIM),
}


def _object_column(drifts: Sequence[Drift], style: Style) -> int:
    widest = max((display_width(str(place_of(drift))) for drift in drifts), default=0)
    return min(2 + widest + 2, style.columns // 2, _OBJECT)


def _drift_lines(
    drift: Drift, checked_at: str, style: Style, now: datetime, column: int
) -> list[Line]:
    lines = _header_lines(drift, style, column)
    credits = [credit(change, now) for change in drift.changes]
    shared = credits[0] if len(credits) > 1 and len(set(credits)) == 1 else ""
    about = [shared] if shared else []
    if _is_older(drift.first_seen, checked_at):
        about.append(f"first seen {ago(drift.first_seen, now)}")
    if about:
        lines += _dim(" · ".join(about), style)
    each = [""] * len(credits) if shared else credits
    lines += changes_lines(drift.changes, each, style, FOUND)
    for sentence in _advice(drift, now):
        lines += flow([Cell((Span(sentence),))], style, indent=INDENT, hanging=INDENT)
    if drift.type is DriftType.UNMANAGED:
        advice = "declare it, ignore it by a rule, or delete it:"
        lines += _with_command(advice, delete_command(drift.key), Ink.PLAIN, style)
    if drift.hidden:
        advice = f"{len(drift.hidden)} more explained by rules:"
        lines += _with_command(advice, explain_command(drift.key), Ink.DIM, style)
    return lines


def _owner_lines(drift: Drift, style: Style, column: int) -> list[Line]:
    """Names what is as declared, and whose pods aren't as it would make them."""
    cells = [
        Cell((Span("✗ ", Ink.RED), Span(str(place_of(drift)), Ink.BOLD))),
        Cell((Span("drifted in its pods"),), column),
    ]
    if drift.source is not None:
        cells.append(Cell((Span(str(drift.source), Ink.DIM),), column + 20))
    return flow(cells, style, hanging=INDENT)


def _pods_lines(pods: Sequence[Pod], style: Style, now: datetime) -> list[Line]:
    if not pods:
        return []
    # Late: a check that looks into no pods needs none of it.
    from reconciler.render.pod_text import pod_lines

    return [line for pod in pods for line in pod_lines(pod, style, now)]


def _with_command(words: str, command: str, ink: Ink, style: Style) -> list[Line]:
    """Writes words and a command, which is broken only where it is longer than a line."""
    cells = [Cell((Span(words, ink),)), Cell((Span(command, ink),))]
    return flow(cells, style, indent=INDENT, hanging=INDENT)


def _header_lines(drift: Drift, style: Style, column: int) -> list[Line]:
    unknown = drift.type is DriftType.UNREADABLE
    mark, ink = ("?", Ink.YELLOW) if unknown else ("✗", Ink.RED)
    cells = [
        Cell((Span(f"{mark} ", ink), Span(str(drift.key), Ink.BOLD))),
        Cell(
            (Span(f"{drift.type.lower()} · "), Span(drift.severity, INKS[drift.severity])), column
        ),
    ]
    if drift.source is not None:
        # Under each other: "unmanaged · medium" is the longest that comes before.
        cells.append(Cell((Span(str(drift.source), Ink.DIM),), column + 20))
    return flow(cells, style, hanging=INDENT)


def _advice(drift: Drift, now: datetime) -> list[str]:
    """Says what a reader must know of a drift beside its changes, and what can be done."""
    match drift.type:
        case (
            DriftType.MODIFIED
            | DriftType.POD_SPEC
            | DriftType.FILE
            | DriftType.PROCESS
            | DriftType.SESSION
            | DriftType.PORT
            | DriftType.IMAGE
        ):
            return [drift.note] if drift.note else []
        case DriftType.PENDING:
            pending = "not edited: live is what an earlier revision declared, and Git has moved on"
            return [f"{pending}; {drift.note}" if drift.note else pending]
        case DriftType.MISSING:
            if drift.note:
                return [f"declared but not live: {drift.note}"]
            deleted = f": deleted by {actor_and_when(drift.actor, now)}" if drift.actor else ""
            return [f"declared but not live{deleted}; `plumbline restore` makes it"]
        case DriftType.UNMANAGED:
            made = f"; made by {known}" if (known := maker(drift, now)) else ""
            note = f"; {drift.note}" if drift.note else ""
            return [f"live but not declared{made}{note}"]
        case DriftType.UNREADABLE:
            why = drift.note or "it could not be read"
            return [f"unknown: {why}", "`plumbline doctor` checks access and rights"]
        case _:
            assert_never(drift.type)


def _unproven_lines(unproven: Sequence[Unproven], style: Style) -> list[Line]:
    if not unproven:
        return []
    title = f"? {counted(len(unproven), 'field')} could not be proven"
    lines = flow([Cell((Span(title, Ink.YELLOW),))], style, hanging=INDENT)
    for each in unproven[:_UNPROVEN]:
        place = f"{each.key} {each.path}".rstrip()
        cells = [Cell((Span(place),)), Cell((Span(each.reason, Ink.DIM),))]
        lines += flow(cells, style, indent=INDENT, hanging=INDENT + 4)
    if len(unproven) > _UNPROVEN:
        lines += _dim(f"… ({len(unproven) - _UNPROVEN} more: -o json names them all)", style)
    return [*lines, ()]


def _footer_lines(report: Report, style: Style, now: datetime) -> list[Line]:
    lines: list[Line] = []
    for note in report.notes:
        lines += flow([Cell((Span(f"note: {note}", Ink.DIM),))], style, hanging=6)
    if report.summary.hidden:
        count = counted(report.summary.hidden, "difference")
        verb = "is" if report.summary.hidden == 1 else "are"
        text = f"{count} {verb} explained by rules: plumbline explain KIND/NAME"
        lines += flow([Cell((Span(text, Ink.DIM),))], style, hanging=2)
    facts = [comparison_words(report.comparison), request_words(report.requests)]
    if _is_older(report.checked_at, now.isoformat()):
        facts.append(f"checked {ago(report.checked_at, now)}")
    lines += flow([Cell((Span(" · ".join(facts), Ink.DIM),))], style, hanging=2)
    return lines


def comparison_words(comparison: Comparison) -> str:
    """Says which comparison was made."""
    match comparison:
        case Comparison.SERVER:
            return "compared with the server's own answer"
        case Comparison.OFFLINE:
            return "compared offline, by schema and field managers"
        case _:
            assert_never(comparison)


def explain_command(key: ResourceKey) -> str:
    """Gives the command that accounts for every field of an object."""
    return _command(["plumbline", "explain", f"{key.kind.lower()}/{key.name}"], key)


def delete_command(key: ResourceKey) -> str:
    """Gives the command that deletes an object; safe to paste, whatever its name."""
    kind = f"{key.kind}.{key.group}" if key.group else key.kind
    return _command(["kubectl", "delete", kind.lower(), key.name], key)


def _command(words: list[str], key: ResourceKey) -> str:
    return shlex.join([*words, *(["-n", key.namespace] if key.namespace else [])])


def _dim(text: str, style: Style) -> list[Line]:
    return flow([Cell((Span(text, Ink.DIM),))], style, indent=INDENT, hanging=INDENT)


def _is_older(time: str, than: str) -> bool:
    then, reference = moment(time), moment(than)
    if then is None or reference is None:
        return False
    return (reference - then).total_seconds() >= _NEW
