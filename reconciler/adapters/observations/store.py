"""Keeps what was witnessed, by object, in bounded memory; and in a file, to survive a restart."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from reconciler.adapters.files import read_json, write_private
from reconciler.adapters.observations.fields import MOST
from reconciler.core.actors import AuditEvent, Deed, ObjectRef, Witness, guessed_plural
from reconciler.core.errors import ConfigError
from reconciler.core.resource import Catalog, ResourceKey

#: What nobody declares, and what would push everything else out: whole groups, and resources.
_PASSING_GROUPS = frozenset({"authentication.k8s.io", "authorization.k8s.io", "metrics.k8s.io"})
_PASSING = frozenset(
    {("", "events"), ("events.k8s.io", "events"), ("coordination.k8s.io", "leases")}
)

#: How many events are kept in all, and of one object. An event takes about a kilobyte.
CAPACITY = 20_000
PER_OBJECT = 32

_FORMAT = 1


class EventStore:
    """Events of the last requests to each object; several threads may use one.

    Whoever wrote an object keeps its last event there, as long as it has room for all writers: a
    controller that writes every second pushes out itself alone. When all room is taken, the object
    that was written the longest ago is forgotten.
    """

    def __init__(self, capacity: int = CAPACITY, per_object: int = PER_OBJECT) -> None:
        self._capacity = capacity
        self._per_object = per_object
        self._events: OrderedDict[ObjectRef, list[AuditEvent]] = OrderedDict()
        self._size = 0
        self._plurals: Mapping[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def learn(self, catalog: Catalog) -> None:
        """See `ports.Witnesses`."""
        self._plurals = {(kind.group, kind.kind): kind.plural for kind in catalog.kinds.values()}

    def events_of(self, key: ResourceKey) -> Sequence[AuditEvent]:
        """See `ports.Witnesses`."""
        plural = self._plurals.get((key.group, key.kind)) or guessed_plural(key.kind)
        ref = ObjectRef(key.group, plural, key.namespace, key.name)
        # A collection's deletion names a namespace, or none for all of them.
        whole = {ref._replace(name=""), ref._replace(namespace="", name="")}
        with self._lock:
            return [event for each in (ref, *whole) for event in self._events.get(each, ())]

    def add(self, events: Iterable[AuditEvent]) -> None:
        """Keeps events; one that was kept already is kept once."""
        for event in events:
            if not _is_passing(event.ref):
                # One by one: who reads a long log shall not hold up who asks.
                with self._lock:
                    self._add(event)

    def __len__(self) -> int:
        return self._size

    def _add(self, event: AuditEvent) -> None:
        kept = self._events.setdefault(event.ref, [])
        if any(each.request_id == event.request_id for each in kept):
            return
        kept.append(event)
        self._size += 1
        self._events.move_to_end(event.ref)
        if len(kept) > self._per_object:
            _make_room(kept)
            self._size -= 1
        while self._size > self._capacity:
            _, forgotten = self._events.popitem(last=False)
            self._size -= len(forgotten)

    def save(self, path: Path, position: object = None) -> None:
        """Writes all events to a file, with how far their source was read.

        Raises:
            ConfigError: The file can't be written.
        """
        with self._lock:
            events = [event for kept in self._events.values() for event in kept]
        document = {"format": _FORMAT, "position": position, "events": events}
        try:
            # It writes dataclasses itself, but no sets and no named tuples.
            write_private(path, orjson.dumps(document, default=list))
        except OSError as error:
            raise ConfigError(
                f"what was witnessed can't be kept in {path}: {error.strerror or error}",
                fix="make its folder writable, or name another one",
            ) from error

    def load(self, path: Path) -> Any:
        """Reads a file that `save` wrote, and adds its events.

        Returns:
            The position that was kept; None where there is no such file, or it's damaged.
        """
        document = read_json(path)
        if not isinstance(document, Mapping) or document.get("format") != _FORMAT:
            return None
        try:
            events = [_event(each) for each in document["events"]]
        except (KeyError, TypeError, ValueError):
            return None
        self.add(events)
        return document.get("position")


def _event(kept: Mapping[str, Any]) -> AuditEvent:
    touched = kept["touched"]
    return AuditEvent(
        **{
            **kept,
            "ref": ObjectRef(*kept["ref"]),
            "witness": Witness(kept["witness"]),
            "deed": Deed(kept["deed"]),
            "groups": tuple(kept["groups"]),
            "addresses": tuple(kept["addresses"]),
            "touched": None if touched is None else frozenset(map(tuple, touched)),
        }
    )


def _is_passing(ref: ObjectRef) -> bool:
    return ref.group in _PASSING_GROUPS or ref[:2] in _PASSING


def _make_room(kept: list[AuditEvent]) -> None:
    """Lets go of the oldest event whose writer did the same again; of the oldest, if none did.

    What it touched is added to the later one: whoever may have set a field must stay known.
    """
    for index, event in enumerate(kept):
        for later in range(index + 1, len(kept)):
            if _doing(kept[later]) == _doing(event):
                kept[later] = replace(kept[later], touched=_both(event, kept[later]))
                del kept[index]
                return
    del kept[0]


def _both(event: AuditEvent, later: AuditEvent) -> frozenset[tuple[str, ...]] | None:
    if event.touched is None or later.touched is None:
        return None
    touched = event.touched | later.touched
    return touched if len(touched) <= MOST else None


def _doing(event: AuditEvent) -> tuple[str, ...]:
    return (event.user, event.impersonated, event.manager, event.subresource, event.deed)
