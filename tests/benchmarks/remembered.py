"""The moment at which an event is in the controller's history, seen in its file."""

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tests.benchmarks.measure import MeasureError

_POLL = 0.002
_PATIENCE = 60.0


class Remembered:
    """Looks at a history's file again and again."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=_PATIENCE)

    def close(self) -> None:
        """Looks no more."""
        self._connection.close()

    def last(self) -> int:
        """Gives the number of the newest event."""
        with closing(self._connection.execute("SELECT max(number) FROM events")) as found:
            return int(found.fetchone()[0] or 0)

    def await_events(self, name: str, after: int, types: Sequence[str]) -> dict[str, float]:
        """Gives when events of these types were there for an object, the last of them ending it.

        Args:
            name: The object's.
            after: The newest event that doesn't count any more.
            types: Which.

        Raises:
            MeasureError: One of them never came.
        """
        came: dict[str, float] = {}
        query = "SELECT type FROM events WHERE number > ? AND name = ?"
        deadline = time.monotonic() + _PATIENCE
        while not came.keys() >= set(types):
            with closing(self._connection.execute(query, (after, name))) as rows:
                found = {str(row[0]) for row in rows}
            now = time.monotonic()
            came |= dict.fromkeys(found - came.keys(), now)
            if now > deadline:
                raise MeasureError(f"of {name} only {sorted(came)} were remembered")
            time.sleep(_POLL)
        return came
