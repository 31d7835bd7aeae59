"""`python -m tests.tools.openapi FILE`: takes from GitHub's description what the tests need.

FILE is `generated/api.github.com.json` of the npm package @octokit/openapi (MIT).
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.tools.openapi.described import GITHUB

_REPOSITORY = "/repos/{owner}/{repo}"
_OPERATIONS = (
    ("get", f"{_REPOSITORY}/pulls"),
    ("post", f"{_REPOSITORY}/pulls"),
    ("get", f"{_REPOSITORY}/pulls/{{pull_number}}"),
    ("patch", f"{_REPOSITORY}/pulls/{{pull_number}}"),
    ("get", f"{_REPOSITORY}/issues/{{issue_number}}"),
    ("get", f"{_REPOSITORY}/issues/{{issue_number}}/comments"),
    ("post", f"{_REPOSITORY}/issues/{{issue_number}}/comments"),
    ("patch", f"{_REPOSITORY}/issues/comments/{{comment_id}}"),
    ("get", "/user"),
    ("get", f"{_REPOSITORY}/commits/{{ref}}"),
    ("get", f"{_REPOSITORY}/commits/{{ref}}/status"),
    ("post", f"{_REPOSITORY}/statuses/{{sha}}"),
    ("post", "/app/installations/{installation_id}/access_tokens"),
)
_KEPT = ("operationId", "parameters", "requestBody", "responses")


def extract(whole: dict[str, Any]) -> dict[str, Any]:
    """Gives a description of these operations alone, with all that they refer to."""
    part: dict[str, Any] = {
        "openapi": whole["openapi"],
        "info": {name: whole["info"][name] for name in ("version", "title", "license")},
        "paths": {},
        "components": {},
    }
    for method, path in _OPERATIONS:
        operation = {name: each for name, each in whole["paths"][path][method].items()
                     if name in _KEPT}  # fmt: skip
        answers = operation["responses"].items()
        operation["responses"] = {code: each for code, each in answers if code in ("200", "201")}
        part["paths"].setdefault(path, {})[method] = operation
    waiting, seen = list(_references(part["paths"])), set()
    while waiting:
        reference = waiting.pop()
        if reference in seen:
            continue
        seen.add(reference)
        _, components, family, name = reference.split("/")
        found = whole[components][family][name]
        part[components].setdefault(family, {})[name] = found
        waiting += _references(found)
    return part


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for child in value.values():
            yield from _references(child)
    elif isinstance(value, list):
        for child in value:
            yield from _references(child)


if __name__ == "__main__":
    described = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    GITHUB.write_text(
        json.dumps(extract(described), indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
