"""What `doctor` found: one line each, with its fix."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, assert_never

from reconciler.cli.exit_codes import ExitCode
from reconciler.core.errors import ManifestError, PlumblineError
from reconciler.render.terminal import Cell, Ink, Line, Span, Style, display_width, flow, painted

_INDENT = 4
_FIX = "  fix: "


class State(StrEnum):
    """How something stands."""

    GOOD = "good"
    MEND = "mend"  # something to mend that doesn't stop a check
    BROKEN = "broken"  # something that does


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        topic: What it is about, such as `git` or `shop: rights`.
        state: How it stands.
        text: What was found, in a sentence without secrets.
        fix: What to do about it; empty where all is well.
    """

    topic: str
    state: State
    text: str
    fix: str = ""


def good(topic: str, text: str) -> Finding:
    """Says that all is well."""
    return Finding(topic, State.GOOD, text)


def of_error(topic: str, error: PlumblineError) -> Finding:
    """Says what an error says: something that stops a check."""
    if not isinstance(error, ManifestError):
        return Finding(topic, State.BROKEN, error.message, error.fix)
    first, *rest = error.problems
    place = f"{first.path}:{first.line}" if first.line else first.path
    more = f" (and {len(rest)} more: `plumbline check` names them all)" if rest else ""
    return Finding(topic, State.BROKEN, f"{place}: {first.message}{more}", first.fix)


def of_errors(topic: str, error: PlumblineError) -> list[Finding]:
    """Says each of the things that an error names; they are written as `PlumblineError` is."""
    findings: list[Finding] = []
    for line in str(error).splitlines():
        if line.startswith(_FIX) and findings:
            findings[-1] = replace(findings[-1], fix=line.removeprefix(_FIX))
        else:
            findings.append(Finding(topic, State.BROKEN, line))
    return findings


def exit_code(findings: Sequence[Finding]) -> ExitCode:
    """Says how it stands by the worst finding."""
    states = {finding.state for finding in findings}
    if State.BROKEN in states:
        return ExitCode.COULD_NOT
    return ExitCode.DRIFT if State.MEND in states else ExitCode.DONE


def findings_text(findings: Sequence[Finding], style: Style) -> str:
    """Writes findings for people, the topics in a column of their own."""
    lines: list[Line] = []
    widest = max((display_width(finding.topic) for finding in findings), default=0)
    column = min(2 + widest + 2, style.columns // 2)
    for finding in findings:
        mark, ink = _mark(finding.state)
        head = Cell((Span(f"{mark} ", ink), Span(finding.topic, Ink.BOLD)))
        lines += flow([head, Cell((Span(finding.text),), column)], style, hanging=_INDENT)
        if finding.fix:
            fix = Cell((Span("fix: ", Ink.DIM), Span(finding.fix)))
            lines += flow([fix], style, indent=_INDENT, hanging=_INDENT + 5)
    lines += [(), *flow([Cell(_summary(findings))], style, hanging=2)]
    return painted(lines, style)


def findings_document(findings: Sequence[Finding]) -> dict[str, Any]:
    """Gives findings as data for programs."""
    return {
        "schema": "plumbline.dev/doctor/v1",
        "findings": [
            {
                "topic": finding.topic,
                "state": str(finding.state),
                "text": finding.text,
                "fix": finding.fix or None,
            }
            for finding in findings
        ],
    }


def _mark(state: State) -> tuple[str, Ink]:
    match state:
        case State.GOOD:
            return "✓", Ink.GREEN
        case State.MEND:
            return "!", Ink.YELLOW
        case State.BROKEN:
            return "✗", Ink.RED
        case _:
            assert_never(state)


def _summary(findings: Sequence[Finding]) -> Line:
    broken = sum(finding.state is State.BROKEN for finding in findings)
    mend = sum(finding.state is State.MEND for finding in findings)
    if broken:
        rest = f", {mend} more to mend" if mend else ""
        return (Span(f"✗ {broken} of {len(findings)} stop a check{rest}", Ink.RED),)
    if mend:
        return (Span(f"! {mend} of {len(findings)} to mend; a check works", Ink.YELLOW),)
    return (Span(f"✓ all {len(findings)} well", Ink.GREEN),)
