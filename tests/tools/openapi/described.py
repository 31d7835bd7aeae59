"""Judges calls, and our own answers to them, by GitHub's description of its API."""

import copy
import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

#: What the package's `__main__` wrote.
GITHUB = Path(__file__).resolve().parents[2] / "testdata" / "forges" / "github.openapi.json"


class Described:
    """An API as its description has it."""

    def __init__(self, file: Path = GITHUB) -> None:
        self._document = _nullable(json.loads(file.read_text(encoding="utf-8")))

    def judge_call(self, method: str, path: str, query: dict[str, str], body: Any) -> None:
        """Judges a call.

        Raises:
            AssertionError: The API knows no such call, parameter or field, or takes no such value.
        """
        operation = self._operation(method, path)
        parameters = {each["name"]: each for each in self._parameters(operation)}
        for name, text in query.items():
            assert name in parameters, f"{method} {path} has no parameter {name}"
            schema = self._resolved(parameters[name]["schema"])
            value = int(text) if schema.get("type") == "integer" else text
            self._judge(value, schema, f"{name} of {method} {path}")
        required = operation.get("requestBody")
        if required is None:
            assert body is None, f"{method} {path} takes no body"
            return
        schema = self._resolved(required["content"]["application/json"]["schema"])
        for name in body or {}:
            assert name in schema["properties"], f"{method} {path} has no field {name}"
        self._judge(body or {}, schema, f"the body of {method} {path}")

    def answer(self, method: str, path: str, **facts: Any) -> Any:
        """Makes an answer: the description's own example, with these facts in it.

        Raises:
            AssertionError: It isn't one that the API gives.
        """
        content = self._answer(method, path)
        example = self._resolved(next(iter(content["examples"].values())))["value"]
        one = example[0] if isinstance(example, list) else example
        made = {**copy.deepcopy(one), **facts}
        schema = self._resolved(content["schema"])
        schema = schema.get("items", schema)
        # Some of the description's own examples lack what it demands.
        known = frozenset(self._wrong(one, schema))
        self._judge(made, schema, f"the answer to {method} {path}", known)
        return made

    def _answer(self, method: str, path: str) -> Any:
        responses = self._operation(method, path)["responses"]
        return next(iter(responses.values()))["content"]["application/json"]

    def _operation(self, method: str, path: str) -> Any:
        for template, operations in self._document["paths"].items():
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path) and method.lower() in operations:
                return operations[method.lower()]
        raise AssertionError(f"the API knows no {method} {path}")

    def _parameters(self, operation: Any) -> list[Any]:
        return [self._resolved(each) for each in operation.get("parameters", ())]

    def _resolved(self, value: Any) -> Any:
        while isinstance(value, dict) and "$ref" in value:
            found = self._document
            for name in value["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            value = found
        return value

    def _judge(
        self, value: Any, schema: Any, what: str, known: frozenset[str] = frozenset()
    ) -> None:
        wrong = [each for each in self._wrong(value, schema) if each not in known]
        assert not wrong, f"{what}: {wrong[0][:500]}"

    def _wrong(self, value: Any, schema: Any) -> list[str]:
        # Local references begin from the document's top.
        whole = {**schema, "components": self._document["components"]}
        return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


def _nullable(value: Any) -> Any:
    """Writes OpenAPI 3.0's `nullable` as JSON Schema does."""
    if isinstance(value, list):
        return [_nullable(child) for child in value]
    if not isinstance(value, dict):
        return value
    made = {name: _nullable(child) for name, child in value.items()}
    if made.pop("nullable", False) is True:
        return {"anyOf": [made, {"type": "null"}]} if "type" not in made else _with_null(made)
    return made


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    made = {**schema, "type": [schema["type"], "null"]}
    if "enum" in made:
        made["enum"] = [*made["enum"], None]
    return made
