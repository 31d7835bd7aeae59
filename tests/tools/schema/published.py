"""What a real API server publishes of its built-in kinds: `/openapi/v3`."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Published:
    """What was published.

    Attributes:
        version: The server's `gitVersion`.
        kinds: Every kind whose objects can be replaced, as `(apiVersion, kind)`.
        properties: By schema's name and property's name, the property's schema.
        atomic: Names of the schemas that managers own as a whole wherever they stand.
    """

    version: str
    kinds: frozenset[tuple[str, str]]
    properties: Mapping[str, Mapping[str, Any]]
    atomic: frozenset[str]


def read(get: Callable[[str], bytes]) -> Published:
    """Asks the server.

    Args:
        get: Gives the body of the answer to a GET of a path.
    """
    index = json.loads(get("/openapi/v3"))["paths"]
    kinds: set[tuple[str, str]] = set()
    properties: dict[str, Mapping[str, Any]] = {}
    atomic: set[str] = set()
    for path, entry in sorted(index.items()):
        if path.count("/") < (1 if path.startswith("api/") else 2):
            continue
        document = json.loads(get(entry["serverRelativeURL"]))
        kinds |= set(_kinds(document))
        for name, schema in (document.get("components") or {}).get("schemas", {}).items():
            properties.setdefault(name, schema.get("properties") or {})
            if schema.get("x-kubernetes-map-type") == "atomic":
                atomic.add(name)
    version = json.loads(get("/version"))["gitVersion"]
    return Published(version, frozenset(kinds), properties, frozenset(atomic))


def _kinds(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    for path, operations in (document.get("paths") or {}).items():
        kind = (operations.get("put") or {}).get("x-kubernetes-group-version-kind")
        # A whole object's path ends in its name; what comes after it is a subresource.
        if kind and path.endswith("/{name}"):
            group, version = kind["group"], kind["version"]
            found.append((f"{group}/{version}" if group else version, kind["kind"]))
    return found
