"""The guard as YAML documents, and what people are told of it."""

from collections.abc import Sequence
from textwrap import wrap

from reconciler.core.guard.breaking import Broken
from reconciler.core.guard.objects import GuardObject
from reconciler.core.guard.rules import Mode
from reconciler.core.guard.standing import Standing, State
from reconciler.core.guard.writers import Refused, Writer
from reconciler.core.resource import JsonObject
from reconciler.render.serialized import yaml_text
from reconciler.render.terminal import Ink, Line, Span, Style, painted

_WIDTH = 98
_SIGNS = {
    State.SAME: ("✓", Ink.GREEN),
    State.FILES: ("✓", Ink.GREEN),
    State.DIFFERS: ("✗", Ink.RED),
    State.ABSENT: ("✗", Ink.RED),
    State.STALE: ("✗", Ink.RED),
}
_WORDS = {
    State.SAME: "as it is to be",
    State.FILES: "as it is to be, but for files that its message names",
    State.DIFFERS: "differs from what it is to be",
    State.ABSENT: "not installed",
    State.STALE: "ours, and no longer to be",
}
_VERBS = {
    State.SAME: ("keep   ", Ink.DIM),
    State.FILES: ("replace", Ink.YELLOW),
    State.DIFFERS: ("replace", Ink.YELLOW),
    State.ABSENT: ("create ", Ink.GREEN),
    State.STALE: ("delete ", Ink.RED),
}


def guard_manifests(head: Sequence[str], objects: Sequence[GuardObject]) -> str:
    """Writes policies and bindings as YAML documents.

    Args:
        head: Sentences that begin the file.
        objects: What is written.
    """
    comment = "".join(f"# {line}\n" for each in head for line in wrap(each, _WIDTH))
    return comment + "---\n".join(yaml_text(each.body) for each in objects)


def standings_text(found: Sequence[Standing], style: Style) -> str:
    """Writes how policies and bindings are, a line each."""
    lines: list[Line] = []
    for each in found:
        sign, ink = _SIGNS[each.state]
        ink = ink if each.is_sound or each.state is not State.SAME else Ink.YELLOW
        what = f"{each.key.kind} {each.key.name}"
        does = f"  {' and '.join(each.actions)}" if each.actions else ""
        lines.append(
            (Span(f"{sign} ", ink), Span(what, Ink.BOLD), Span(f"{does}  {_WORDS[each.state]}"))
        )
        if each.state is State.DIFFERS:
            lines.append((Span(f"    in {', '.join(each.fields)}"),))
        lines += [
            (Span(f"    the server warns: {problem}", Ink.YELLOW),) for problem in each.problems
        ]
    return painted(lines, style)


def broken_text(found: Sequence[Broken], style: Style) -> str:
    """Writes which objects were changed by breaking the glass, a line each."""
    lines: list[Line] = []
    for each in found:
        end = f"{'over since' if each.is_over else 'until'} {each.until or 'no time at all'}"
        by = f", by {each.manager}" if each.manager else ""
        what = f"  break-glass {end}{by}: {each.reason}"
        lines.append((Span("! ", Ink.YELLOW), Span(str(each.key), Ink.BOLD), Span(what)))
    return painted(lines, style)


def standings_document(found: Sequence[Standing], broken: Sequence[Broken] = ()) -> JsonObject:
    """Gives how policies and bindings are, and whose glass is broken, as a document."""
    return {
        "schema": "plumbline.dev/guard/v1",
        "objects": [
            {
                "kind": each.key.kind,
                "name": each.key.name,
                "state": str(each.state),
                "actions": list(each.actions),
                "fields": list(each.fields),
                "problems": list(each.problems),
            }
            for each in found
        ],
        "breakGlass": [
            {
                "kind": each.key.kind,
                "namespace": each.key.namespace,
                "name": each.key.name,
                "reason": each.reason,
                "until": each.until,
                "over": each.is_over,
                "manager": each.manager,
            }
            for each in broken
        ],
    }


def plan_text(changes: Sequence[Standing], mode: Mode | None, style: Style) -> str:
    """Writes what an installation would write, a line each; without a mode what would go."""
    lines: list[Line] = []
    for each in changes:
        verb, ink = _VERBS[each.state]
        wanted = each.wanted
        does = f"  ({wanted.mode})" if wanted is not None and wanted.mode is not None else ""
        name = Span(f"{each.key.kind} {each.key.name}", Ink.BOLD)
        where = f"  in {', '.join(each.fields)}" if each.fields else ""
        lines.append((Span(f"{verb} ", ink), name, Span(does + where)))
    count = len(changes)
    how = f", mode {mode}" if mode is not None else ""
    total = f"{count} object{'' if count == 1 else 's'} to write{how}"
    if not count:
        total = f"nothing to write: the guard is as it is to be{how}"
    return painted([*lines, (Span(total),)], style)


def writers_text(written: Sequence[Writer], refusals: Sequence[Refused], style: Style) -> str:
    """Writes who wrote lately, and whose witnessed requests would be refused."""
    lines: list[Line] = []
    if written:
        lines.append((Span("Programs that wrote declared objects lately, by field manager:"),))
    for each in written:
        count = "1 object" if each.count == 1 else f"{each.count} objects"
        lines.append(
            (
                Span(f"  {each.manager}", Ink.BOLD),
                Span(f"  {count}, last {each.example} at {each.last}"),
            )
        )
    if written:
        lines.append((Span("  Which of them are people's, nobody but an audit log can tell."),))
    for refusal in refusals:
        count = "1 request" if refusal.count == 1 else f"{refusal.count} requests"
        text = f" would be refused: {count} in the audit log, such as {refusal.what}"
        lines.append((Span("! ", Ink.YELLOW), Span(refusal.user, Ink.BOLD), Span(text)))
    return painted(lines, style)
