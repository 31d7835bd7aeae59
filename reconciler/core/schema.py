"""What is known of kinds' fields: their shapes, lists' merge keys, what the server fills in."""

from collections.abc import Mapping
from typing import Protocol


class Node(Protocol):
    """What is known of one place in an object."""

    @property
    def merge_keys(self) -> tuple[str, ...]:
        """The fields that tell a list's items apart; empty for atomic lists and for no list."""
        ...

    @property
    def ordered(self) -> bool:
        """Whether the order of a keyed list's items has a meaning, as that of containers has."""
        ...

    @property
    def item(self) -> "Node | None":
        """What is known of a list's items or a map's values."""
        ...

    def field(self, name: str) -> "Node | None":
        """What is known of a field; of any name in a map."""
        ...


class Schema:
    """Nodes by `(apiVersion, kind)`."""

    def __init__(self, nodes: Mapping[tuple[str, str], Node]) -> None:
        self._nodes = nodes

    def node(self, api_version: str, kind: str) -> Node | None:
        """Gives the root of a kind, or None where nothing is known of it."""
        return self._nodes.get((api_version, kind))
