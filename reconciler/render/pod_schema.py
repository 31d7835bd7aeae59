"""The fields that only a drift of a running pod has, for the schema of a report.

They are those of a look at containers, but that each is there only for its type of drift.
"""

from collections.abc import Mapping
from typing import Any, Final

from reconciler.core.resource import JsonObject
from reconciler.render.container_schema import CONTAINER_PARTS, SEEN
from reconciler.render.schema_fields import maybe_part, optional, part

#: Parts of a look at containers that such a drift refers to.
_PARTS: Final = ("container", "state", "parent", "listener")


def in_pod_fields() -> dict[str, JsonObject]:
    """Gives the fields, each of which may be missing."""
    fields: dict[str, JsonObject] = {
        "owner": maybe_part("key", "The declared object whose pod it is; null for a bare pod."),
        "container": part("container", "In which container it was seen."),
    }
    for kind in SEEN.values():
        fields |= {name: field for name, field in kind.items() if name != "note"}
    return {name: optional(field) for name, field in fields.items()}


def in_pod_parts() -> Mapping[str, Any]:
    """Gives the parts that these fields refer to, by name, as they are described already."""
    return {name: CONTAINER_PARTS[name] for name in _PARTS}
