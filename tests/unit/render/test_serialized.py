import json

import pytest
import yaml

from reconciler.render.document import report_document
from reconciler.render.serialized import json_text, reports_json, yaml_text
from tests.unit.render.cases import DRIFTED, IN_SYNC


def test_json_writes_what_is_not_safe_as_escapes_and_the_rest_as_it_is() -> None:
    document = {"a": "日本 🚀\x7f\u202e\U000e0041\n"}
    text = json_text(document)
    assert text == '{\n  "a": "日本 🚀\\u007f\\u202e\\udb40\\udc41\\n"\n}\n'
    assert json.loads(text) == document


@pytest.mark.parametrize(
    "text",
    # What readers of YAML 1.1, of 1.2 and Go's loader take for something else.
    (
        *("80", "1e3", "0o17", "0x1f", "1:30", "+1", "-.5", ".inf", "1_000", "2026-11-24"),
        *("y", "N", "on", "yes", "true", "null", "~", "=", "<<"),
        *("- a", "# a", "a: b", "", " a", "'", '"'),
    ),
)
def test_yaml_quotes_what_might_be_read_otherwise(text: str) -> None:
    written = yaml_text({"a": text})
    assert written.startswith(("a: '", 'a: "'))
    assert yaml.safe_load(written) == {"a": text}


def test_yaml_is_for_people_too() -> None:
    same = {"x": 1}
    written = yaml_text(
        {"conf": "a\nb\n", "plain": "日本", "bad": "日\u202e", "one": same, "two": same}
    )
    assert written == (
        'conf: |\n  a\n  b\nplain: 日本\nbad: "\\u65E5\\u202E"\none:\n  x: 1\ntwo:\n  x: 1\n'
    )


def test_several_reports_are_one_document() -> None:
    assert json.loads(reports_json([DRIFTED, IN_SYNC])) == {
        "schema": "plumbline.dev/reports/v1",
        "reports": [report_document(DRIFTED), report_document(IN_SYNC)],
    }
