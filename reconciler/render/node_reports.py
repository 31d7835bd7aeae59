"""What node agents said last, as text and as data: who was silent for too long is unknown."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from reconciler.core.containers import NodeReport
from reconciler.core.node_words import is_silent
from reconciler.core.resource import JsonObject
from reconciler.render.ages import ago
from reconciler.render.container_documents import node_document
from reconciler.render.container_schema import containers_schema
from reconciler.render.containers import node_text
from reconciler.render.json_values import json_value
from reconciler.render.schema_fields import described, maybe_part, text, time, truth
from reconciler.render.summaries import counted
from reconciler.render.terminal import Cell, Ink, Line, Span, Style, flow, painted

NODE_REPORT: Final = "plumbline.dev/node-report/v1"
NODE_REPORTS: Final = "plumbline.dev/node-reports/v1"


def reports_text(
    reports: Sequence[NodeReport], stale_after: timedelta, style: Style, now: datetime
) -> str:
    """Writes what agents said, node by node; those that are silent last, as what is to be done."""
    silent = [each for each in reports if is_silent(each, now, stale_after)]
    parts = [_heard_text(each, style, now) for each in reports if each not in silent]
    parts += [painted(_silent_lines(each, style, now), style) for each in silent]
    return "\n".join(parts)


def _heard_text(report: NodeReport, style: Style, now: datetime) -> str:
    said = Span(f"  said {ago(report.received_at, now)}", Ink.DIM)
    return node_text(report.look, style, now) + painted([(said,)], style)


def _silent_lines(report: NodeReport, style: Style, now: datetime) -> Iterator[Line]:
    head = (
        Span("? ", Ink.YELLOW),
        Span(report.look.node, Ink.BOLD),
        Span(f": unknown since {report.received_at}, when its agent was heard last"),
        Span(f" ({ago(report.received_at, now)})"),
    )
    yield from flow([Cell(head)], style, hanging=2)
    drifts = sum(len(each.drifts) for each in report.look.looks)
    then = f"then it told of {counted(len(report.look.looks), 'container')}"
    words = f"{then} with {counted(drifts, 'drift')}; see that its agent runs"
    yield from flow([Cell((Span(words, Ink.DIM),))], style, indent=2, hanging=4)


def report_document(report: NodeReport, stale_after: timedelta, now: datetime) -> JsonObject:
    """Gives what an agent said as a JSON object: `look` is null where that is too long ago."""
    silent = is_silent(report, now, stale_after)
    look = node_document(report.look)
    document: JsonObject = json_value(
        {
            "schema": NODE_REPORT,
            "node": report.look.node,
            "receivedAt": report.received_at,
            "stale": silent,
            "look": None if silent else look,
            "lastLook": look if silent else None,
        }
    )
    return document


def node_report_schema() -> JsonObject:
    """Gives the JSON schema (draft 2020-12) of what `report_document` makes."""
    inner = containers_schema()
    fields = {
        "schema": {"enum": [NODE_REPORT], "description": "The version of this format."},
        "node": text("The machine's name."),
        "receivedAt": time("When its agent was heard last"),
        "stale": truth("Whether that is too long ago: what is there now is unknown."),
        "look": maybe_part("said", "What is there; null where that is unknown."),
        "lastLook": maybe_part("said", "What was there when it was heard last; null if known now."),
    }
    said = {name: inner[name] for name in ("description", "type", "required", "properties")}
    return {
        "$schema": inner["$schema"],
        "$id": f"https://{NODE_REPORT}",
        "title": "What a Plumbline node agent told last",
        "description": "What the agent of one machine told the controller last.",
        **described(fields),
        "$defs": {"said": said, **inner["$defs"]},
    }
