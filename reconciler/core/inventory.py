"""What was declared once: only that may ever be pruned."""

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.core.resource import ResourceKey


@dataclass(frozen=True, slots=True)
class Inventory:
    """The objects that a target has declared, in this revision or an earlier one.

    Attributes:
        keys: Every object that was declared and may still be live.
    """

    keys: frozenset[ResourceKey] = frozenset()

    def holds(self, key: ResourceKey) -> bool:
        """Whether the object was ever declared."""
        return key in self.keys

    def with_declared(self, keys: Iterable[ResourceKey]) -> "Inventory":
        """Gives the inventory before writes: wider by what is declared now."""
        return Inventory(self.keys | frozenset(keys))

    def without(self, keys: Iterable[ResourceKey]) -> "Inventory":
        """Gives the inventory after writes: without what was deleted."""
        return Inventory(self.keys - frozenset(keys))
