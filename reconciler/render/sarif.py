"""Reports as SARIF 2.1.0, for code scanning (docs.oasis-open.org/sarif/sarif/v2.1.0)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from reconciler.core.drift import Severity
from reconciler.core.report import Report
from reconciler.core.resource import JsonObject
from reconciler.render.findings import Finding, findings_of
from reconciler.render.json_values import encodable
from reconciler.render.rules import RULES, Rule
from reconciler.render.serialized import json_text
from reconciler.render.terminal import safe

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"

LEVELS: Final = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}

_INDEX: Final = {rule.id: number for number, rule in enumerate(RULES)}

#: What stands in a URI's path as it is (RFC 3986: unreserved, and the slash).
_UNRESERVED: Final = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"
)


def reports_sarif(reports: Sequence[Report], now: datetime, version: str) -> str:
    """Writes reports as one SARIF log, a run for each target.

    Args:
        reports: What was found; secrets in it are masked already.
        now: The time of writing, with its zone.
        version: This program's version.
    """
    runs = [_run(report, now, version) for report in reports]
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": runs})


def _run(report: Report, now: datetime, version: str) -> JsonObject:
    properties = {"target": _text(report.target), "revision": _text(report.revision)}
    if report.merge is not None:
        properties |= {"base": _text(report.merge.base), "head": _text(report.merge.head)}
    driver = {
        "name": "Plumbline",
        "semanticVersion": version,
        "rules": [_rule(rule) for rule in RULES],
    }
    notes = [
        *report.notes,
        *(f"not proven: {each.key} {each.path}: {each.reason}" for each in report.unproven),
    ]
    invocation: JsonObject = {
        "executionSuccessful": report.summary.unreadable == 0,
        "toolExecutionNotifications": [
            {"level": "note", "message": {"text": _message(note)}} for note in notes
        ],
    }
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"plumbline/{_text(report.target)}/"},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "properties": properties,
        "results": [_result(finding) for finding in findings_of(report, now)],
    }


def _rule(rule: Rule) -> JsonObject:
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.short},
        "fullDescription": {"text": rule.short},
        "help": {"text": rule.help, "markdown": rule.help},
        "properties": {"tags": ["drift", "kubernetes"]},
    }


def _result(finding: Finding) -> JsonObject:
    result: JsonObject = {
        "ruleId": finding.rule.id,
        "ruleIndex": _INDEX[finding.rule.id],
        "level": LEVELS[finding.severity],
        "message": {"text": _message(finding.text)},
        "locations": [_location(finding)],
        # GitHub follows an alert by the second; it would make one of the line's text else.
        "partialFingerprints": {
            "plumblineDrift/v1": finding.fingerprint,
            "primaryLocationLineHash": finding.fingerprint,
        },
        "properties": {"severity": finding.severity.value},
    }
    return result


def _location(finding: Finding) -> JsonObject:
    key = finding.key
    location: JsonObject = {
        "logicalLocations": [
            {"fullyQualifiedName": _text(safe(str(key))), "name": _text(safe(key.name)),
             "kind": "resource"}
        ]
    }  # fmt: skip
    if finding.place is not None:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": uri_of(finding.place.path), "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": max(finding.place.line, 1)},
        }
    return location


def _message(text: str) -> str:
    """Writes foreign text as a message: `[text](address)` would be read as a link."""
    lines = (safe(line) for line in text.split("\n"))
    return "\n".join(lines).replace("](", "] (")


def _text(text: str) -> str:
    return encodable(text)


def uri_of(path: str) -> str:
    """Writes a path as a relative URI reference."""
    octets = encodable(path).encode()
    quoted = "".join(chr(o) if chr(o) in _UNRESERVED else f"%{o:02X}" for o in octets)
    # A leading slash or two would lead out of the repository, to another host even.
    return quoted.lstrip("/") or "."
