"""What is known of kinds' fields: their shapes, lists' merge keys, what the server fills in."""

from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from typing import Any, cast

from reconciler.core.schema.builtin import Builtin
from reconciler.core.schema.node import Field, Node, Shape, Struct
from reconciler.core.schema.openapi import from_definition, from_definitions, from_openapi

__all__ = [
    "Field",
    "Node",
    "Schema",
    "Shape",
    "Struct",
    "from_definition",
    "from_definitions",
    "from_openapi",
    "load",
]


class Schema:
    """Nodes by `(apiVersion, kind)`."""

    def __init__(self, nodes: Mapping[tuple[str, str], Node]) -> None:
        self._nodes = nodes

    def node(self, api_version: str, kind: str) -> Node | None:
        """Gives the root of a kind, or None where nothing is known of it."""
        return self._nodes.get((api_version, kind))

    def kinds(self) -> tuple[tuple[str, str], ...]:
        """Names every kind of which something is known."""
        return tuple(self._nodes)

    def extended(self, nodes: Mapping[tuple[str, str], Node]) -> "Schema":
        """Gives a schema that knows these kinds too; they win over those already known."""
        # ChainMap's type wants maps that can be written; it only ever writes to the first.
        below = cast("MutableMapping[tuple[str, str], Node]", self._nodes)
        return Schema(ChainMap(dict(nodes), below))


def load(document: Mapping[str, Any]) -> Schema:
    """Reads the bundled table, `reconciler/data/schema.json`, decoded.

    Nothing but the table's outline is looked at here; a kind's nodes are built when asked for.
    """
    return Schema(Builtin(document))
