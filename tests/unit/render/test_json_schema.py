from collections.abc import Iterator
from typing import Any

import jsonschema
from hypothesis import given

from reconciler.core.report import Report
from reconciler.render.document import report_document
from reconciler.render.json_schema import report_schema
from tests.unit.render.cases import REPORTS
from tests.unit.render.strategies import REPORTS as RANDOM_REPORTS
from tests.unit.render.test_harmless import slow


def _closed(schema: Any) -> Any:
    """Forbids fields that the schema doesn't describe: ours are all to be described."""
    if isinstance(schema, dict):
        closed = {name: _closed(child) for name, child in schema.items()}
        return {**closed, "additionalProperties": False} if "required" in schema else closed
    return [_closed(child) for child in schema] if isinstance(schema, list) else schema


OPEN = jsonschema.Draft202012Validator(report_schema())
CLOSED = jsonschema.Draft202012Validator(_closed(report_schema()))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(report_schema())


@slow
@given(RANDOM_REPORTS)
def test_every_report_is_as_the_schema_says_and_has_nothing_else(report: Report) -> None:
    CLOSED.validate(report_document(report))


def test_unknown_fields_are_for_readers_to_ignore() -> None:
    document = report_document(REPORTS["drifted"])
    document["drifts"][0]["moonPhase"] = {"sign": "ram"}
    OPEN.validate(document)
    assert not CLOSED.is_valid(document)


def test_every_described_field_occurs() -> None:
    described = set(_described(report_schema()))
    seen = {name for report in REPORTS.values() for name in _names(report_document(report))}
    assert described == seen & described


def test_a_field_of_the_wrong_type_is_refused() -> None:
    document = report_document(REPORTS["drifted"])
    document["drifts"][0]["severity"] = "dreadful"
    assert not OPEN.is_valid(document)


def _described(schema: Any) -> Iterator[str]:
    for part in (schema, *schema["$defs"].values()):
        yield from part["properties"]


def _names(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        for name, child in document.items():
            yield name
            yield from _names(child)
    elif isinstance(document, list):
        for child in document:
            yield from _names(child)
