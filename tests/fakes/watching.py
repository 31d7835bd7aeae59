"""The watches of a fake API server."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.core.resource import JsonObject, ResourceKind
from tests.fakes.documents import status
from tests.fakes.journal import Entry, Journal

_EXPIRED = 410


@dataclass
class WatchDesk:
    """Serves watches, with levers for tests.

    Attributes:
        bookmark_seconds: How often a watch in which nothing happens gets a bookmark.
        opened: How many watches were begun.
    """

    bookmark_seconds: float = 60.0
    opened: int = 0
    _generation: int = 0
    _is_closed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cut(self, journal: Journal) -> None:
        """Breaks all watches off, in the middle of what they say."""
        self._generation += 1
        with journal.moved:
            journal.moved.notify_all()

    def close(self, journal: Journal) -> None:
        """Ends all watches for good."""
        self._is_closed = True
        self.cut(journal)

    def serve(
        self,
        journal: Journal,
        kind: ResourceKind,
        namespace: str,
        query: Mapping[str, str],
        write: Callable[[JsonObject], object],
    ) -> bool:
        """Writes what happens until the watch ends; False where it is broken off."""
        with self._lock:
            self.opened += 1
        generation, at = self._generation, int(query.get("resourceVersion") or 0)
        while True:
            if at < journal.compacted:
                gone = status(_EXPIRED, "Expired", f"too old resource version: {at}")
                write({"type": "ERROR", "object": gone})
                return True
            for entry in journal.after(at):
                at = entry.revision
                if _concerns(entry, kind, namespace):
                    shown = {**entry.body, "apiVersion": kind.api_version}
                    write({"type": entry.type, "object": shown})
            with journal.moved:
                if self._is_closed or generation != self._generation:
                    return False
                if journal.after(at) or at < journal.compacted:
                    continue
                if not journal.moved.wait(self.bookmark_seconds):
                    write(_bookmark(kind, journal.revision))


def encoded(event: JsonObject) -> bytes:
    """Writes an event as one chunk of an HTTP answer."""
    line = json.dumps(event).encode() + b"\n"
    return b"%x\r\n%s\r\n" % (len(line), line)


def _concerns(entry: Entry, kind: ResourceKind, namespace: str) -> bool:
    key = entry.key
    return (key.group, key.kind) == (kind.group, kind.kind) and namespace in ("", key.namespace)


def _bookmark(kind: ResourceKind, revision: int) -> JsonObject:
    metadata = {"resourceVersion": str(revision), "creationTimestamp": None}
    body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}
    return {"type": "BOOKMARK", "object": body}
