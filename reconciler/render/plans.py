"""A plan as text: what would be written, in which order, and what is left alone."""

from collections.abc import Mapping
from datetime import datetime
from typing import assert_never

from reconciler.core.drift import Change
from reconciler.core.plan import (
    Action,
    Create,
    Delete,
    Evict,
    Plan,
    Quarantine,
    Recreate,
    Replace,
)
from reconciler.render.changes import INDENT, PLANNED, changes_lines, inverted
from reconciler.render.credits import credit
from reconciler.render.summaries import counted, short_revision
from reconciler.render.terminal import Cell, Ink, Line, Span, Style, flow, painted

#: As wide as the longest verb but `quarantine`, which is rare.
_VERB = 8
#: What an action does that isn't plain from its verb.
_WARNINGS: Mapping[type[Action], str] = {
    Recreate: "deletes it first, with what it owns",
    Evict: "its controller makes a new one",
    Quarantine: "takes its labels and the network from it, and keeps it; a new one is made",
}


def plan_text(plan: Plan, style: Style, now: datetime, verb: str = "restore --plan") -> str:
    """Writes a plan; its changes are seen from live to Git, as they would be written.

    Args:
        plan: What to write.
        style: How to write.
        now: The time of reading, with its zone.
        verb: What has exactly this plan carried out.

    Returns:
        Lines, each with its newline; none is longer than the style's width.
    """
    lines = _title_lines(plan, style)
    digits = len(str(len(plan.actions)))
    for number, action in enumerate(plan.actions, 1):
        lines += _action_lines(number, digits, action, style, now)
    if plan.held:
        lines += [(), *flow([Cell((Span("Left alone", Ink.BOLD),))], style)]
        for held in plan.held:
            line = (Span("- "), Span(str(held.key), Ink.BOLD), Span(f": {held.reason}"))
            lines += flow([Cell(line)], style, indent=2, hanging=INDENT)
    if plan.actions:
        command = f"plumbline {verb} {plan.digest}"
        words = "To carry out this plan and no other:"
        cells = [Cell((Span(words),)), Cell((Span(command, Ink.BOLD),))]
        lines += [(), *flow(cells, style, hanging=2)]
    return painted(lines, style)


def verb_of(action: Action) -> tuple[str, Ink]:
    """Names what an action does, and its colour."""
    match action:
        case Create():
            return "create", Ink.GREEN
        case Replace():
            return "replace", Ink.YELLOW
        case Recreate():
            return "recreate", Ink.RED
        case Delete():
            return "delete", Ink.RED
        case Evict():
            return "evict", Ink.RED
        case Quarantine():
            return "quarantine", Ink.RED
        case _:
            assert_never(action)


def changes_of(action: Action) -> tuple[Change, ...]:
    """Gives what an action puts right, seen from Git to live; empty where the whole object is."""
    return action.changes if isinstance(action, Replace | Recreate) else ()


def _title_lines(plan: Plan, style: Style) -> list[Line]:
    place = f"{plan.target} @ {short_revision(plan.revision)}"
    if not plan.actions:
        spans = (Span("Nothing to restore", Ink.BOLD), Span(f" in {place}"))
        return flow([Cell(spans)], style, hanging=2)
    title = (
        Span(f"Plan {plan.digest}", Ink.BOLD),
        Span(f" for {place}: {counted(len(plan.actions), 'write')}, in this order"),
    )
    return flow([Cell(title)], style, hanging=2)


def _action_lines(
    number: int, digits: int, action: Action, style: Style, now: datetime
) -> list[Line]:
    verb, ink = verb_of(action)
    spans = [
        Span(f"{number:>{digits}}. ", Ink.DIM),
        Span(f"{verb:<{_VERB}} ", ink),
        Span(str(action.key), Ink.BOLD),
    ]
    if (warning := _WARNINGS.get(type(action))) is not None:
        spans.append(Span(f"  {warning}", Ink.RED))
    lines: list[Line] = [(), *flow([Cell(tuple(spans))], style, hanging=INDENT)]
    changes = changes_of(action)
    undone = [f"undoes {_whose(change, now)}" for change in changes]
    return lines + changes_lines([inverted(each) for each in changes], undone, style, PLANNED)


def _whose(change: Change, now: datetime) -> str:
    if change.by is None and change.candidates:
        return f"a removal, {credit(change, now)}"
    return credit(change, now).removeprefix("by ")
