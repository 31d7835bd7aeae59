"""Findings where a forge shows code: GitHub's workflow commands, GitLab's code quality report."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from reconciler.core.drift import Severity
from reconciler.core.report import Report
from reconciler.core.resource import JsonObject
from reconciler.render.findings import Finding, findings_of
from reconciler.render.serialized import json_text
from reconciler.render.terminal import safe

_COMMANDS: Final = {
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
}
#: https://docs.gitlab.com/ci/testing/code_quality: info, minor, major, critical or blocker.
_QUALITIES: Final = {
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
}


def reports_github(reports: Sequence[Report], now: datetime) -> str:
    """Writes reports as GitHub's workflow commands, one finding a line.

    GitHub shows ten of each level a step, and so the worst come first.
    """
    found = [finding for report in reports for finding in findings_of(report, now)]
    order = list(Severity)
    found.sort(key=lambda finding: order.index(finding.severity))
    return "".join(f"{_command(finding)}\n" for finding in found)


def _command(finding: Finding) -> str:
    properties = {"title": f"plumbline: {finding.rule.id}"}
    if finding.place is not None:
        line = max(finding.place.line, 1)
        properties = {"file": safe(finding.place.path), "line": str(line), **properties}
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[finding.severity]} {written}::{_data(finding.text)}"


def _data(text: str) -> str:
    """Escapes as the runner undoes it (actions/toolkit: packages/core/src/command.ts)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def reports_gitlab(reports: Sequence[Report], now: datetime) -> str:
    """Writes reports as GitLab's code quality report: a JSON list of what was found."""
    found = [finding for report in reports for finding in findings_of(report, now)]
    listed = [_quality(finding) for finding in found]
    return json_text(listed) if listed else "[]\n"


def _quality(finding: Finding) -> JsonObject:
    place = finding.place
    return {
        "description": finding.text.replace("\n", "; "),
        "check_name": finding.rule.id,
        "fingerprint": finding.fingerprint,
        "severity": "info" if not finding.fails else _QUALITIES[finding.severity],
        "location": {
            "path": safe(place.path) if place else ".",
            "lines": {"begin": max(place.line, 1) if place else 1},
        },
    }
