"""What is suspended, as text and as data."""

from collections.abc import Sequence
from typing import Final

from reconciler.core.moments import rfc3339
from reconciler.core.resource import JsonObject
from reconciler.core.suspension import Suspension
from reconciler.render.json_values import json_value, key_document
from reconciler.render.terminal import Cell, Ink, Line, Span, Style, flow, painted

SUSPENSIONS: Final = "plumbline.dev/suspensions/v1"

#: Where the end stands on a line.
_END = 34


def suspensions_document(found: Sequence[tuple[str, Suspension]]) -> JsonObject:
    """Gives suspensions as a JSON object.

    Args:
        found: Each with its target's name.
    """
    document: JsonObject = json_value(
        {"schema": SUSPENSIONS, "suspensions": [_entry(name, each) for name, each in found]}
    )
    return document


def _entry(target: str, suspension: Suspension) -> JsonObject:
    key = suspension.key
    return {
        "target": target,
        "resource": key_document(key) if key else None,
        "until": rfc3339(suspension.until) if suspension.until else None,
        "by": suspension.by or None,
        "reason": suspension.reason or None,
    }


def suspensions_text(found: Sequence[tuple[str, Suspension]], style: Style) -> str:
    """Writes suspensions, each with who asked for it and why.

    Args:
        found: Each with its target's name.
        style: How to write.

    Returns:
        Lines, each with its newline; none is longer than the style's width.
    """
    if not found:
        return painted(flow([Cell((Span("nothing is suspended by command"),))], style), style)
    lines: list[Line] = []
    for target, each in found:
        what = f"{each.key} of {target}" if each.key else f"target {target}"
        until = f"until {rfc3339(each.until)}" if each.until else "until it is resumed"
        cells = [
            Cell((Span(what, Ink.BOLD),)),
            Cell((Span(until, Ink.YELLOW),), _END),
            Cell((Span(f"by {each.by}"),)),
        ]
        lines += flow(cells if each.by else cells[:2], style, hanging=2)
        if each.reason:
            lines += flow([Cell((Span(each.reason),))], style, indent=2, hanging=2)
    return painted(lines, style)
