"""An audit as text, as Markdown, and as a document for JSON and YAML."""

import html
from collections.abc import Iterable, Sequence
from itertools import groupby

from reconciler.core.drift import Severity
from reconciler.core.hardening.findings import Audit, Finding, Measure
from reconciler.core.hardening.mounting import measured_words
from reconciler.core.path import format_path
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.render.json_values import encodable
from reconciler.render.markdown import LEFT_OUT, LIMIT, fitting, size
from reconciler.render.summaries import short_revision
from reconciler.render.terminal import Cell, Ink, Line, Span, Style, flow, painted, safe

_INKS = {Severity.HIGH: Ink.RED, Severity.MEDIUM: Ink.YELLOW, Severity.LOW: Ink.PLAIN}
_LONGEST = 200
#: Columns at which a finding's rule and place begin.
_RULE, _PLACE = 11, 38


def audit_text(audit: Audit, style: Style) -> str:
    """Writes an audit for people."""
    lines: list[Line] = []
    for key, group in groupby(audit.findings, key=lambda each: each.key):
        found = list(group)
        source = f"  {found[0].source}" if found[0].source else ""
        lines.append((Span(str(key), Ink.BOLD), Span(source, Ink.DIM)))
        for same, those in _alike(found):
            where = ", ".join(dict.fromkeys(each.container for each in those if each.container))
            details = ", ".join(dict.fromkeys(each.detail for each in those if each.detail))
            cells = [
                Cell((Span(str(same.rule.severity), _INKS[same.rule.severity]),)),
                Cell((Span(same.rule.id),), _RULE),
                Cell((Span(_place(where, _short(details, style))),), _PLACE),
            ]
            lines += flow(cells, style, indent=2, hanging=4)
            for each in those:
                lines += _measured(each, style)
        lines.append(())
    lines += _legend(audit, style)
    lines += [(Span(f"note: {note}"),) for note in audit.notes]
    lines.append((Span(summary(audit), Ink.BOLD),))
    return painted(lines, style)


def _measured(finding: Finding, style: Style) -> Iterable[Line]:
    if finding.measure is None:
        return
    ink = Ink.YELLOW if finding.measure.reason else Ink.GREEN
    mark = Span("- " if finding.measure.reason else "✓ ", ink)
    words = f"{finding.container}: {measured_words(finding.measure)}"
    yield from flow([Cell((mark, Span(words)))], style, indent=_RULE, hanging=_RULE + 2)


def _alike(found: Sequence[Finding]) -> Iterable[tuple[Finding, list[Finding]]]:
    for _, group in groupby(found, key=lambda each: each.rule.id):
        those = list(group)
        yield those[0], those


def _place(where: str, details: str) -> str:
    return f"{where}: {details}" if where and details else where or details


def _short(text: str, style: Style) -> str:
    return text if style.full or len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _legend(audit: Audit, style: Style) -> Iterable[Line]:
    """Says of each rule once what is wrong, what to write, and who asks for it."""
    rules = {each.rule.id: each.rule for each in audit.findings}
    for rule in sorted(
        rules.values(), key=lambda each: (list(Severity).index(each.severity), each.id)
    ):
        yield (Span(rule.id, Ink.BOLD), Span(f": {rule.reason}"))
        yield from flow([Cell((Span(f"fix: {rule.fix}"),))], style, indent=4, hanging=6)
        yield from flow(
            [Cell((Span(", ".join(rule.controls), Ink.DIM),))], style, indent=4, hanging=6
        )
    if rules:
        yield ()


def summary(audit: Audit) -> str:
    """Counts in a line."""
    counts = [
        f"{count} {severity}"
        for severity in Severity
        if (count := sum(each.rule.severity is severity for each in audit.findings))
    ]
    total = f"{len(audit.findings)} finding{'' if len(audit.findings) == 1 else 's'}"
    told = f"{total} ({', '.join(counts)})" if counts else "nothing amiss"
    hidden = f", {audit.ignored} explained by rules" if audit.ignored else ""
    sign = "✗" if audit.findings else "✓"
    revision = f" @ {short_revision(audit.revision)}" if audit.revision else ""
    workloads = f"{audit.workloads} workload{'' if audit.workloads == 1 else 's'}"
    containers = f"{audit.containers} container{'' if audit.containers == 1 else 's'}"
    return f"{sign} {audit.target}{revision}: {workloads}, {containers}, {told}{hidden}"


def audit_document(audit: Audit) -> JsonObject:
    """Gives an audit as a document, as `-o json` and `-o yaml` write it."""
    return {
        "schema": "plumbline.dev/guard-audit/v1",
        "target": audit.target,
        "revision": audit.revision,
        "summary": {
            "workloads": audit.workloads,
            "containers": audit.containers,
            "findings": len(audit.findings),
            "ignored": audit.ignored,
        },
        "findings": [_finding(each) for each in audit.findings],
        "notes": list(audit.notes),
    }


def _finding(finding: Finding) -> JsonObject:
    source = finding.source
    measured = {"measured": _measure(finding.measure)} if finding.measure is not None else {}
    return {
        **measured,
        "rule": finding.rule.id,
        "severity": str(finding.rule.severity),
        "resource": _resource(finding.key),
        "source": {"path": source.path, "line": source.line} if source else None,
        "container": finding.container,
        "path": format_path(finding.path),
        "detail": finding.detail,
        "reason": finding.rule.reason,
        "fix": finding.rule.fix,
        "controls": list(finding.rule.controls),
    }


def _measure(measure: Measure) -> JsonObject:
    return {
        "verdict": measure.verdict.value,
        "pods": measure.pods,
        "seconds": measure.seconds,
        "matchedBy": "owner" if measure.by_owner else "name",
        "mounts": [encodable(each) for each in measure.mounts],
        "reason": encodable(measure.reason) or None,
    }


def _resource(key: ResourceKey) -> JsonObject:
    return {"group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name}


def audit_markdown(audit: Audit) -> str:
    """Writes an audit as Markdown of at most 65,536 characters; what was read is in code alone."""
    head = [f"**{_escaped(summary(audit))}**", ""]
    if audit.findings:
        head += ["| severity | rule | object | where | fix |", "|---|---|---|---|---|"]
    tail, _ = fitting((["", f"note: {_code(note)}"] for note in audit.notes[:10]), LIMIT // 2)
    room = LIMIT - size(head) - size(tail) - LEFT_OUT
    lines, shown = fitting(([_row(each)] for each in audit.findings), room)
    if shown < len(audit.findings):
        lines += ["", f"{len(audit.findings) - shown} more findings are left out here."]
    return "\n".join([*head, *lines, *tail]) + "\n"


def _row(finding: Finding) -> str:
    source = f" at {_code(str(finding.source))}" if finding.source else ""
    where = _place(finding.container, _short(finding.detail, Style(colour=False, width=0)))
    if finding.measure is not None:
        where = f"{where}; {measured_words(finding.measure)}"
    return (
        f"| {finding.rule.severity} | {finding.rule.id} | {_code(str(finding.key))}{source} | "
        f"{_code(where)} | {_escaped(finding.rule.fix)} |"
    )


def _code(text: str) -> str:
    """Writes a text in code, where neither Markdown nor HTML is read, nor a cell's end."""
    return f"<code>{_escaped(text)}</code>" if text else ""


def _escaped(text: str) -> str:
    plain = html.escape(safe(text), quote=False)
    return "".join(f"&#{ord(char)};" if char in "|`*_[]@#:~\\$" else char for char in plain)
