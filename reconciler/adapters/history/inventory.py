"""Remembers what a target has declared, in one file a target and cluster."""

from pathlib import Path

import orjson

from reconciler.adapters.files import read_json, write_private
from reconciler.core.errors import ConfigError
from reconciler.core.inventory import Inventory
from reconciler.core.resource import ResourceKey


class InventoryFile:
    """See `ports.InventoryStore`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Inventory:
        """Gives what was declared once; empty where nothing was kept.

        A damaged file is as good as none: nothing is pruned by it.
        """
        content = read_json(self._path)
        try:
            return Inventory(frozenset(ResourceKey(*entry) for entry in content or ()))
        except TypeError:
            return Inventory()

    def save(self, inventory: Inventory) -> None:
        """Keeps it, in place of the earlier one.

        Raises:
            ConfigError: The folder can't be written.
        """
        entries = sorted((k.group, k.kind, k.namespace, k.name) for k in inventory.keys)
        try:
            write_private(self._path, orjson.dumps(entries))
        except OSError as error:
            raise ConfigError(
                f"{self._path} can't be written: {error.strerror}",
                fix="name a folder that can be, with --state-dir or PLUMBLINE_STATE_DIR",
            ) from error
