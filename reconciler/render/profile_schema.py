"""The JSON schema of a file of profiles: strict, as its reader is."""

from typing import Final

from reconciler.core.profiles import MOST_PATHS, MOST_PROFILES, PROFILES
from reconciler.core.resource import JsonObject
from reconciler.render.schema_fields import anything

_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": 1024}
_PATH: Final = {
    **_TEXT,
    "pattern": "^/[^/]",
    "description": "As the container sees it; `*` is any part of a name, `**` any directories.",
}
_UNTIL: Final = {
    "type": "string",
    "format": "date",
    "description": "The last day on which it holds, such as 2027-01-31.",
}


def profiles_schema() -> JsonObject:
    """Gives the JSON schema (draft 2020-12) of what `plumbline agent --profiles` reads."""
    write = _closed(
        {
            "path": _PATH,
            "reason": {**_TEXT, "description": "Why it may be written."},
            "until": _UNTIL,
        },
        "path",
        "reason",
    )
    profile = _closed(
        {
            "image": {
                **_TEXT,
                "description": "Of which images, with `*`, `?` and `[...]`; a name without a tag "
                "fits all tags.",
            },
            "write": _many(write, MOST_PATHS, "What may be written, beside what always may."),
            "execute": _many(
                _PATH, MOST_PATHS, "Which programs of the image may run; left out, all may."
            ),
            "until": _UNTIL,
        },
        "image",
    )
    learned = "What was learned and not yet agreed to, as `containers --learn` writes it."
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://{PROFILES}",
        "title": "Profiles of images",
        "description": "What containers of images may write and run.",
        **_closed(
            {
                "schema": {"enum": [PROFILES], "description": "The version of this format."},
                "profiles": _many(profile, MOST_PROFILES, "All that fit an image count."),
                "learned": anything(learned),
            },
            "profiles",
        ),
    }


def _many(item: JsonObject, most: int, meaning: str) -> JsonObject:
    return {"type": "array", "items": item, "maxItems": most, "description": meaning}


def _closed(fields: JsonObject, *needed: str) -> JsonObject:
    return {
        "type": "object",
        "properties": fields,
        "required": list(needed),
        "additionalProperties": False,
    }
