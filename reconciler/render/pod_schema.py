"""The fields that only a drift of a running pod has, for the schema of a report.

They are those of a look at containers, but that each is there only for its type of drift.
"""

from collections.abc import Mapping
from typing import Any, Final

from reconciler.core.resource import JsonObject
from reconciler.render.container_schema import CONTAINER_PARTS, SEEN
from reconciler.render.schema_fields import maybe_part, maybe_text, optional, part, text, texts

#: Parts of a look at containers that such a drift refers to.
_PARTS: Final = ("container", "state", "parent", "listener")


def in_pod_fields() -> dict[str, JsonObject]:
    """Gives the fields, each of which may be missing."""
    fields: dict[str, JsonObject] = {
        "owner": maybe_part("key", "The declared object whose pod it is; null for a bare pod."),
        "container": part("container", "In which container it was seen."),
        "containerName": text("Whose image is stale."),
        "declared": maybe_text("The image that Git declares."),
        "running": texts("Digests of what runs, the most often run one first."),
        "latest": maybe_text("The image to run in its place."),
        "age": {"type": ["integer", "null"], "description": "Of what runs, in seconds."},
        "rule": text("What is wrong with the image, such as `moved`."),
    }
    for kind in SEEN.values():
        fields |= {name: field for name, field in kind.items() if name != "note"}
    return {name: optional(field) for name, field in fields.items()}


def in_pod_parts() -> Mapping[str, Any]:
    """Gives the parts that these fields refer to, by name, as they are described already."""
    return {name: CONTAINER_PARTS[name] for name in _PARTS}
