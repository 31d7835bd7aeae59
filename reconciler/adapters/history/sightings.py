"""Remembers since when each drift has been seen: in a file, or by the history."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import orjson

from reconciler.adapters.files import read_json, write_private
from reconciler.ports import History


class SightingFile:
    """See `ports.Sightings`. A file that can't be written costs only the times."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def first_seen(self, ids: Sequence[str], now: str) -> Mapping[str, str]:
        """Gives the time of the first sighting of each id (now, for new ones) and keeps it."""
        content = read_json(self._path)
        known = content if isinstance(content, dict) else {}
        times = {each: str(known.get(each) or now) for each in ids}
        if times != known:
            with suppress(OSError):
                write_private(self._path, orjson.dumps(times))
        return times


class KnownSightings:
    """See `ports.Sightings`: what the history knows, whichever replica wrote it.

    Keeps nothing itself: the look that asks is remembered in the history afterwards.
    """

    def __init__(self, history: History, target: str) -> None:
        self._history = history
        self._target = target

    def first_seen(self, ids: Sequence[str], now: str) -> Mapping[str, str]:
        """Gives the time of the first sighting of each id; now, for new ones."""
        known = self._history.known(self._target)
        return {each: known[each].first_seen if each in known else now for each in ids}
