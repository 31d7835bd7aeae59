"""What the chart says about itself is what it is, and what the program's settings are."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from reconciler.settings.configuration import configuration_schema
from tests.tools import chart_documents
from tests.tools.documents import block_of


def test_the_table_is_that_of_the_values() -> None:
    readme = chart_documents.README.read_text(encoding="utf-8")
    stale = "python -m tests.tools.documents"
    assert block_of(readme, "values") == chart_documents.values_table(), stale


def test_every_value_has_its_meaning() -> None:
    content = yaml.safe_load(chart_documents.VALUES.read_text(encoding="utf-8"))
    named = {name: default for name, default, _ in chart_documents.values()}
    leaves = dict(_leaves(content))
    assert {name: yaml.safe_load(default) for name, default in named.items()} == leaves


def _leaves(content: dict[str, object], prefix: str = "") -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for name, value in content.items():
        if isinstance(value, dict) and value:
            found += _leaves(value, f"{prefix}{name}.")
        else:
            found.append((prefix + name, value))
    return found


def test_the_schema_is_the_program_s_own_and_allows_the_defaults() -> None:
    text = chart_documents.SCHEMA.read_text(encoding="utf-8")
    assert text == chart_documents.schema_text(), "python -m tests.tools.documents"
    schema = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    values = yaml.safe_load(chart_documents.VALUES.read_text(encoding="utf-8"))
    jsonschema.validate(values, schema)
    config = schema["properties"]["config"]
    assert set(config["properties"]) == set(configuration_schema()["properties"])


def test_every_value_is_in_the_schema_which_refuses_others() -> None:
    schema = json.loads(chart_documents.SCHEMA.read_text(encoding="utf-8"))
    for name, _, _ in chart_documents.values():
        here = schema
        for step in name.split("."):
            if isinstance(here["additionalProperties"], dict):
                break  # a map whose names are Kubernetes' own, such as resources.requests
            assert here["additionalProperties"] is False, name
            assert step in here["properties"], name
            here = here["properties"][step]
            while "$ref" in here:
                here = schema["$defs"][here["$ref"].rpartition("/")[2]]


@pytest.mark.parametrize(
    ("line", "said"), [("name: value", "name has no meaning"), ("- name", "is not `name: value")]
)
def test_a_value_without_meaning_is_told_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str, said: str
) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(f"# Values.\n\n{line}\n", encoding="utf-8")
    monkeypatch.setattr(chart_documents, "VALUES", file)
    with pytest.raises(ValueError, match=said):
        list(chart_documents.values())
