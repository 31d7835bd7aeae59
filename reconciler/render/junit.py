"""Reports as JUnit XML: a test suite for each target, a test case for each object."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from xml.etree import ElementTree as ET  # writes only; nothing is parsed

from reconciler.core.report import Report
from reconciler.core.resource import ResourceKey
from reconciler.render.findings import Finding, findings_of
from reconciler.render.terminal import safe

_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'


def reports_junit(reports: Sequence[Report], now: datetime) -> str:
    """Writes reports as one JUnit XML document.

    An object that drifted is a failure, one that couldn't be read an error. Where commits were
    compared, a failure is what merging would overwrite.

    Args:
        reports: What was found; secrets in it are masked already.
        now: The time of writing, with its zone.
    """
    root = ET.Element("testsuites", {"name": "plumbline"})
    for report in reports:
        _suite(root, report, now)
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root)
    return _DECLARATION + ET.tostring(root, encoding="unicode") + "\n"


def _suite(root: ET.Element, report: Report, now: datetime) -> None:
    failing: dict[ResourceKey, list[Finding]] = {}
    for finding in findings_of(report, now):
        failing.setdefault(finding.key, []).append(finding)
    keys = dict.fromkeys((*report.declared, *failing))
    suite = ET.SubElement(root, "testsuite", {"name": safe(report.target)})
    facts = {"revision": report.revision, "comparison": report.comparison.value}
    properties = ET.SubElement(suite, "properties")
    for name, value in facts.items():
        ET.SubElement(properties, "property", {"name": name, "value": safe(value)})
    counts = _cases(suite, report, keys, failing)
    attributes = {"tests": len(keys), **counts, "skipped": 0}
    suite.attrib.update({name: str(count) for name, count in attributes.items()})
    # As the schema has it: without a zone, in UTC.
    suite.attrib.update({"time": "0", "timestamp": safe(report.checked_at.removesuffix("Z"))})
    if report.notes:
        ET.SubElement(suite, "system-out").text = "\n".join(safe(note) for note in report.notes)


def _cases(
    suite: ET.Element,
    report: Report,
    keys: Iterable[ResourceKey],
    found: Mapping[ResourceKey, Sequence[Finding]],
) -> dict[str, int]:
    counts = {"failures": 0, "errors": 0}
    for key in keys:
        place = f"{key.namespace}/{key.name}" if key.namespace else key.name
        names = {"classname": safe(f"{report.target}.{key.kind}"), "name": safe(place)}
        case = ET.SubElement(suite, "testcase", {**names, "time": "0"})
        for finding in found.get(key, ()):
            if not finding.fails:
                ET.SubElement(case, "system-out").text = finding.text
                continue
            what, count = ("error", "errors") if finding.is_unknown else ("failure", "failures")
            about = {"message": finding.title, "type": finding.rule.id}
            where = [f"at {safe(str(finding.place))}"] if finding.place else []
            ET.SubElement(case, what, about).text = "\n".join((*finding.lines, *where))
            counts[count] += 1
    return counts
