"""Objects, and what happened to them since: what a fake server's watches tell."""

import threading
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from reconciler.core.resource import JsonObject, ResourceKey, metadata_of


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened."""

    revision: int
    type: str
    key: ResourceKey
    body: JsonObject


class Journal(dict[ResourceKey, JsonObject]):
    """A dict of objects that remembers what was done to it.

    Attributes:
        revision: The number of the last write.
        entries: What happened, in order; what was compacted away is not among it.
        compacted: Up to which revision nothing can be told any more.
        moved: Notified after every entry.
    """

    def __init__(self) -> None:
        super().__init__()
        self.revision = 0
        self.entries: list[Entry] = []
        self.compacted = 0
        self.moved = threading.Condition()

    def __setitem__(self, key: ResourceKey, body: JsonObject) -> None:
        old = self.get(key)
        super().__setitem__(key, body)
        if old is None or _version(old) != _version(body):
            self._note("ADDED" if old is None else "MODIFIED", key, body)

    def __delitem__(self, key: ResourceKey) -> None:
        body = self[key]
        super().__delitem__(key)
        self.revision += 1
        metadata = {**metadata_of(body), "resourceVersion": str(self.revision)}
        self._note("DELETED", key, {**body, "metadata": metadata})

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[ResourceKey, JsonObject]:
        """A copy is of the objects alone."""
        return {key: deepcopy(body, memo) for key, body in self.items()}

    def compact(self) -> None:
        """Forgets what happened, as etcd does after five minutes."""
        with self.moved:
            self.compacted, self.entries = self.revision, []
            self.moved.notify_all()

    def after(self, revision: int) -> list[Entry]:
        """Gives what happened after a revision."""
        return [entry for entry in list(self.entries) if entry.revision > revision]

    def _note(self, what: str, key: ResourceKey, body: JsonObject) -> None:
        with self.moved:
            self.entries.append(Entry(int(_version(body)), what, key, body))
            self.moved.notify_all()


def _version(body: JsonObject) -> str:
    return str(metadata_of(body).get("resourceVersion") or "0")
