"""How the fields of a JSON document are described, for a schema of them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from reconciler.core.resource import JsonObject

_OPTIONAL: Final = "optional"


def described(fields: Mapping[str, JsonObject]) -> JsonObject:
    """Describes an object; fields that may be missing are marked as `_optional`."""
    return {
        "type": "object",
        "required": [name for name, field in fields.items() if not field.get(_OPTIONAL)],
        "properties": {
            name: {key: value for key, value in field.items() if key != _OPTIONAL}
            for name, field in fields.items()
        },
    }


def optional(field: JsonObject) -> JsonObject:
    """Marks a field that may be missing."""
    return {**field, _OPTIONAL: True}


def text(meaning: str) -> JsonObject:
    """Describes a text."""
    return {"type": "string", "description": meaning}


def maybe_text(meaning: str) -> JsonObject:
    """Describes a text or null."""
    return {"type": ["string", "null"], "description": meaning}


def texts(meaning: str) -> JsonObject:
    """Describes a list of texts."""
    return {"type": "array", "items": {"type": "string"}, "description": meaning}


def time(meaning: str) -> JsonObject:
    """Describes a time."""
    return {"type": "string", "description": f"{meaning}; RFC 3339."}


def maybe_time(meaning: str) -> JsonObject:
    """Describes a time or null."""
    return {"type": ["string", "null"], "description": f"{meaning}; RFC 3339."}


def count(meaning: str) -> JsonObject:
    """Describes a count."""
    return {"type": "integer", "minimum": 0, "description": meaning}


def choice(choices: type[StrEnum], meaning: str) -> JsonObject:
    """Describes one of some words."""
    return {"enum": [choice.value for choice in choices], "description": meaning}


def truth(meaning: str) -> JsonObject:
    """Describes a truth value."""
    return {"type": "boolean", "description": meaning}


def anything(meaning: str) -> JsonObject:
    """Describes any value."""
    return {"description": meaning}


def part(name: str, meaning: str) -> JsonObject:
    """Describes an object that is described elsewhere."""
    return {"$ref": f"#/$defs/{name}", "description": meaning}


def maybe_part(name: str, meaning: str) -> JsonObject:
    """Describes such an object, or null."""
    return {"anyOf": [{"$ref": f"#/$defs/{name}"}, {"type": "null"}], "description": meaning}


def listed(name: str, meaning: str) -> JsonObject:
    """Describes a list of such objects."""
    return {"type": "array", "items": {"$ref": f"#/$defs/{name}"}, "description": meaning}
