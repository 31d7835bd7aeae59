"""The files in config/: held against the program that they speak of."""

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import jsonschema
import pytest
import yaml

from reconciler.settings import Settings, load_settings
from reconciler.settings.configuration import configuration_schema
from tests.tools import documents

CONFIG = documents.ROOT / "config"
COMPLETE = CONFIG / "plumbline.yaml"

#: What has no default, or none that would show how it's written.
EXAMPLES = {
    "targets[].name",
    "targets[].source.repo",
    "targets[].ignore[].reason",
    "targets[].ignore[].path",
    "targets[].ignore[].kind",
    "targets[].rules[].action",
    "targets[].rules[].reason",
    "targets[].rules[].kind",
    "targets[].rules[].path",
    "targets[].windows[].hours",
    "notify.routes[].to",
    "notify.slack.channels[].name",
    "notify.slack.channels[].channel",
    "notify.silences[].until",
    "notify.silences[].reason",
    "notify.silences[].namespaces",
    "approvals.people[].name",
    "approvals.people[].identities",
    "guard.deployers[].identity",
    "guard.sessions.namespaces[].name",
    "guard.sessions.namespaces[].mode",
    "approvals.rules[].approvers",
    "approvals.rules[].namespace",
    "approvals.rules[].severity",
    "images.policies[].image",
    "images.policies[].max_age",
    "images.policies[].newer",
    "images.policies[].tags",
    "images.registries[].host",
    "images.registries[].mirror",
}


def _each(value: object, prefix: str = "") -> dict[str, object]:
    """Gives the leaves of a file, by the names that `documents.settings` gives."""
    if isinstance(value, dict):
        parts = [
            _each(child, f"{prefix}.{name}" if prefix else name) for name, child in value.items()
        ]
        return {name: leaf for part in parts for name, leaf in part.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return _each(value[0], f"{prefix}[]")
    return {prefix: value}


def _defaults(kind: type, prefix: str = "") -> dict[str, object]:
    hints = get_type_hints(kind)
    found: dict[str, object] = {}
    for field in fields(kind):
        hint = hints[field.name]
        inner = next((t for t in (hint, *get_args(hint)) if is_dataclass(t)), None)
        if inner is None:
            found[prefix + field.name] = field.default
        else:
            many = "" if inner is hint else "[]"
            assert isinstance(inner, type)
            found |= _defaults(inner, f"{prefix}{field.name}{many}.")
    return found


@pytest.fixture(scope="module")
def content() -> Any:
    return yaml.safe_load(COMPLETE.read_text(encoding="utf-8"))


def test_the_complete_file_names_every_setting_and_no_other(content: Any) -> None:
    assert set(_each(content)) == {name for name, _, _ in documents.settings(Settings)}


def test_the_complete_file_shows_the_defaults(content: Any) -> None:
    defaults = _defaults(Settings)
    for name, value in _each(content).items():
        if name not in EXAMPLES:
            default = defaults[name]
            assert value == (list(default) if isinstance(default, tuple) else default), name


def test_the_complete_file_has_a_comment_for_every_setting() -> None:
    bare = {'group: "*"', 'namespace: "*"', 'name: "*"'}
    before = ""
    for line in COMPLETE.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if text and not text.startswith("#") and text not in bare:
            assert " # " in text or before.startswith("#"), line
        before = text


def test_the_complete_file_loads() -> None:
    settings = load_settings(str(COMPLETE), {}, {})
    assert settings.targets[0].name == "shop"


def test_the_complete_file_satisfies_the_schema(content: Any) -> None:
    schema = json.loads(documents.SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(content, schema)


def test_the_schema_refuses_a_misspelt_key(content: Any) -> None:
    schema = json.loads(documents.SCHEMA.read_text(encoding="utf-8"))
    with pytest.raises(jsonschema.ValidationError, match="Additional properties"):
        jsonschema.validate(content | {"tragets": []}, schema)


def test_the_schema_is_the_program_s_own() -> None:
    written = json.loads(documents.SCHEMA.read_text(encoding="utf-8"))
    assert written == configuration_schema(), "python -m tests.tools.documents"


def test_a_stale_file_is_told_of_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(documents, "ROOT", tmp_path)
    stale = tmp_path / "schema.json"
    monkeypatch.setattr(documents, "documents", lambda: {stale: "new\n"})
    assert documents.main(["--check"]) == 1
    assert "schema.json is out of date" in capsys.readouterr().out
    assert documents.main([]) == 0
    assert stale.read_text() == "new\n"
    assert documents.main(["--check"]) == 0
