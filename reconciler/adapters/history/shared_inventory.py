"""Remembers what a target has declared, in the database that all replicas share."""

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.engine import URL

from reconciler.adapters.history.opening import foreign_errors, reading, writing
from reconciler.adapters.history.records import column_text
from reconciler.adapters.history.tables import INVENTORY
from reconciler.core.inventory import Inventory
from reconciler.core.resource import ResourceKey

#: A statement takes so many values and no more.
_BATCH = 500


class SharedInventory:
    """See `ports.InventoryStore`; also raises `HistoryError`, as the history does."""

    def __init__(self, url: URL, engine: Engine, target: str) -> None:
        """Asks nothing yet.

        Args:
            url: Names the database in errors.
            engine: Connects to it.
            target: The target's name.
        """
        self._url = url
        self._engine = engine
        self._target = column_text(target)

    def load(self) -> Inventory:
        """Gives what was declared once; empty where nothing was kept."""
        columns = INVENTORY.c
        selected = select(columns.group, columns.kind, columns.namespace, columns.name)
        with foreign_errors(self._url), reading(self._engine) as connection:
            rows = connection.execute(selected.where(columns.target == self._target))
            return Inventory(frozenset(ResourceKey(*row) for row in rows))

    def save(self, inventory: Inventory) -> None:
        """Keeps it, in place of the earlier one."""
        rows = [{"target": self._target, **key._asdict()} for key in sorted(inventory.keys)]
        with foreign_errors(self._url), writing(self._engine) as connection:
            connection.execute(delete(INVENTORY).where(INVENTORY.c.target == self._target))
            for start in range(0, len(rows), _BATCH):
                connection.execute(insert(INVENTORY), rows[start : start + _BATCH])
