"""Whatever a cluster holds, no rendering does anything but show it, within its width."""

import json
import re
import unicodedata
from collections.abc import Callable
from xml.etree import ElementTree

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.core.explain import Explanation
from reconciler.core.plan import Plan
from reconciler.core.report import Report
from reconciler.render.document import explanation_document, plan_document, report_document
from reconciler.render.explanations import explanation_text
from reconciler.render.markdown import LIMIT, report_markdown
from reconciler.render.merges import merge_markdown, merge_text
from reconciler.render.plans import plan_text
from reconciler.render.serialized import json_text, report_json, report_yaml, yaml_text
from reconciler.render.terminal import Style
from reconciler.render.text import outcomes_text, report_text
from tests.unit.render import strategies as some
from tests.unit.render.cases import NOW
from tests.unit.render.goldens import for_machines

SGR = re.compile(r"\x1b\[[0-9]+m")
WIDTHS = st.integers(40, 200) | st.just(0)

slow = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def harmful(text: str) -> set[str]:
    """Finds what must never be in any output but as an escape; newlines are the layout's own."""
    categories = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    return {char for char in text if unicodedata.category(char) in categories} - {"\n"}


def columns(line: str) -> int:
    """Counts columns in its own way: by Unicode's width, marks taking none."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in line)
    marks = sum(unicodedata.category(char) in ("Mn", "Me") for char in line)
    return len(line) + wide - marks


def _check_text(write: Callable[[Style], str], width: int, full: bool) -> None:
    text = write(Style(False, width, full))
    assert not harmful(text)
    assert text.endswith("\n")
    lines = text.split("\n")
    assert not [line for line in lines if line != line.rstrip(" ")]
    if width:
        assert max(map(columns, lines)) <= width
    coloured = write(Style(True, width, full))
    assert not harmful(SGR.sub("", coloured))
    stripped = "\n".join(line.rstrip(" ") for line in SGR.sub("", coloured).split("\n"))
    assert stripped == text


@slow
@given(some.REPORTS, WIDTHS, st.booleans())
def test_a_report_is_harmless_and_keeps_its_width(report: Report, width: int, full: bool) -> None:
    _check_text(lambda style: report_text(report, style, NOW), width, full)
    _check_text(lambda style: outcomes_text(report, style), width, full)


@slow
@given(some.PLANS, WIDTHS, st.booleans())
def test_a_plan_is_harmless_and_keeps_its_width(plan: Plan, width: int, full: bool) -> None:
    _check_text(lambda style: plan_text(plan, style, NOW), width, full)
    assert "never shown" not in json_text(plan_document(plan))


@slow
@given(some.EXPLANATIONS, WIDTHS, st.booleans())
def test_an_explanation_is_harmless_and_keeps_its_width(
    explanation: Explanation, width: int, full: bool
) -> None:
    _check_text(lambda style: explanation_text(explanation, style, NOW), width, full)
    document = explanation_document(explanation)
    assert len(document["fields"]) == len(explanation.fields)
    assert yaml.safe_load(yaml_text(document)) == json.loads(json_text(document))


@slow
@given(some.REPORTS)
def test_json_and_yaml_are_harmless_and_are_read_back_as_they_were(report: Report) -> None:
    document = report_document(report)
    as_json, as_yaml = report_json(report), report_yaml(report)
    assert not harmful(as_json)
    assert not harmful(as_yaml)
    assert json.loads(as_json) == document
    assert yaml.safe_load(as_yaml) == document


@slow
@given(some.REPORTS)
def test_markdown_is_harmless_and_fits(report: Report) -> None:
    text = report_markdown(report, NOW)
    assert not harmful(text)
    assert len(text.encode("utf-16-le")) // 2 <= LIMIT


@slow
@given(st.lists(some.ANY_REPORTS, max_size=2))
def test_what_machines_read_is_harmless_and_well_formed(reports: list[Report]) -> None:
    files = for_machines(reports)
    for text in files.values():
        assert not harmful(text)
        assert text == "" or text.endswith("\n")
    log = json.loads(files["sarif.json"])
    counts = [len(r.merge.effects if r.merge else r.drifts) for r in reports]
    assert [len(run["results"]) for run in log["runs"]] == counts
    assert len(json.loads(files["gitlab.json"])) == sum(counts)
    lines = files["github.txt"].splitlines()
    assert len(lines) == sum(counts)
    assert all(re.match("::(error|warning|notice) ", line) for line in lines)
    suites = ElementTree.fromstring(files["junit.xml"])
    assert len(suites) == len(reports)


@slow
@given(some.ANY_REPORTS, WIDTHS)
def test_a_merge_is_harmless_and_keeps_its_width(report: Report, width: int) -> None:
    if report.merge is None:
        return
    merge = report.merge
    _check_text(lambda style: merge_text(report, merge, style, NOW), width, False)
    text = merge_markdown(report, merge, NOW)
    assert not harmful(text)
    assert len(text.encode("utf-16-le")) // 2 <= LIMIT
    assert yaml.safe_load(report_yaml(report)) == report_document(report)
