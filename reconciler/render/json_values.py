"""Values as JSON can hold them, whatever was read."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from reconciler.core.resource import JsonObject, ResourceKey


def json_value(value: Any) -> Any:
    """Copies a value, with what JSON can't hold written so that it can."""
    match value:
        case str():
            return encodable(value)
        case Mapping():
            return {encodable(str(name)): json_value(child) for name, child in value.items()}
        case list():
            return [json_value(child) for child in value]
        case int() if not -(2**63) <= value < 2**64:
            # As a decoder of JSON reads it.
            return float(value)
        case float() if not isfinite(value):
            return str(value)
        case _:
            return value


def encodable(text: str) -> str:
    r"""Writes half of a surrogate pair, which YAML can hold and UTF-8 can't, as `\ud800`."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def key_document(key: ResourceKey) -> JsonObject:
    """Gives which object is meant as a JSON object."""
    return {
        "group": encodable(key.group),
        "kind": encodable(key.kind),
        "namespace": encodable(key.namespace) or None,
        "name": encodable(key.name),
    }
