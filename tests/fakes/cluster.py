"""A cluster in memory, behind `ports.Cluster`: answers as the API server does where tests look."""

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace

from reconciler.core.errors import ClusterError
from reconciler.core.live import Listing, LiveState, Unread
from reconciler.core.report import Requests
from reconciler.core.resource import Catalog, JsonObject, ResourceKey, ResourceKind, metadata_of
from reconciler.core.schema import Schema, from_definitions
from tests.fakes.kinds import BUILTIN
from tests.fakes.store import Change, ObjectStore, key_of, refused


class FakeCluster:
    """A cluster in memory; implements `ports.Cluster`, with levers for tests.

    Attributes:
        catalog_faults: By `group/version`, why discovery can't tell its kinds.
        store: What it keeps.
        list_faults: By kind, why a LIST fails though the kind is known.
        unreachable: What every request raises, if anything.
    """

    def __init__(
        self,
        *,
        kinds: Iterable[ResourceKind] = BUILTIN,
        defaults: Change = lambda _: None,
        schema: Schema | None = None,
        version: str = "v1.37.0",
    ) -> None:
        """Makes an empty cluster.

        Args:
            kinds: What it serves.
            defaults: Fills in what the server would, in place.
            schema: What it says of its kinds.
            version: Its `gitVersion`.
        """
        self.catalog_faults: dict[str, str] = {}
        self.list_faults: dict[str, str] = {}
        self.unreachable: ClusterError | None = None
        self.version = version
        self.store = ObjectStore(kinds, defaults)
        self._schema = schema or Schema({})
        self._forbidden: set[tuple[str, str, str]] = set()
        self._requests = Requests()
        self._lock = threading.RLock()

    # Levers

    def add(self, body: JsonObject, manager: str = "kubectl-client-side-apply") -> JsonObject:
        """Makes an object as somebody else would; counts nothing."""
        kind = self.store.kinds[body["apiVersion"], body["kind"]]
        return self.store.write(kind, body, manager, new=True)

    def edit(self, manager: str, key: ResourceKey, change: Change) -> JsonObject:
        """Changes an object in place as somebody else would; counts nothing."""
        body = deepcopy(self.store.objects[key])
        change(body)
        kind = self.store.kinds[body["apiVersion"], body["kind"]]
        return self.store.write(kind, body, manager, new=False)

    def remove(self, key: ResourceKey) -> None:
        """Deletes an object as somebody else would; counts nothing."""
        del self.store.objects[key]

    def forbid(self, verb: str, kind: str, namespace: str = "") -> None:
        """Takes a right away, in one namespace or in all."""
        self._forbidden.add((verb, kind, namespace))

    def objects(self) -> Mapping[ResourceKey, JsonObject]:
        """Gives a copy of everything."""
        return deepcopy(self.store.objects)

    # ports.Live

    def catalog(self) -> Catalog:
        """Gives all kinds."""
        self.count(get=3)
        kinds = {k: v for k, v in self.store.kinds.items() if k[0] not in self.catalog_faults}
        preferred: dict[tuple[str, str], str] = {}
        for kind in kinds.values():
            preferred.setdefault((kind.group, kind.kind), kind.api_version)
        return Catalog(self.version, kinds, preferred, dict(self.catalog_faults))

    def read(self, listings: Sequence[Listing]) -> LiveState:
        """Gives whole kinds."""
        objects: dict[str, dict[ResourceKey, JsonObject]] = {}
        unread: list[Unread] = []
        for listing in listings:
            self.count(list=1)
            kind = listing.kind
            into = objects.setdefault(kind.api_version, {})
            reason = self.list_faults.get(kind.kind, "")
            if (kind.api_version, kind.kind) not in self.store.kinds:
                reason = f"the server no longer serves {kind.api_version} {kind.kind}"
            for space in sorted(listing.namespaces) or [""]:
                why = reason
                if not self.may("list", kind.kind, space):
                    why = f"may not list {kind.plural}: grant list on {kind.plural}"
                if why:
                    unread.append(Unread(kind.group, kind.kind, space, why))
                else:
                    into.update(self.store.select(kind, space))
        return LiveState(objects, tuple(unread))

    def schema(self, kinds: Collection[ResourceKind]) -> Schema:
        """Gives what is known of kinds, custom ones included."""
        return self._schema.extended(from_definitions(self.store.objects.values()))

    @property
    def requests(self) -> Requests:
        """How many requests were made."""
        return self._requests

    # ports.Cluster

    def get(self, kind: ResourceKind, key: ResourceKey) -> JsonObject | None:
        """Gives one object."""
        self.count(get=1)
        self.check_right("get", kind, key)
        return self.store.select(kind, key.namespace).get(key)

    def await_kind(self, api_version: str, kind: str) -> ResourceKind | None:
        """Gives a kind if it is served; nothing changes by waiting."""
        self.count(get=1)
        return self.store.kinds.get((api_version, kind))

    def await_absence(self, kind: ResourceKind, key: ResourceKey, uid: str) -> None:
        """Looks once: nothing changes by waiting."""
        live = self.get(kind, key)
        if live is not None and live["metadata"]["uid"] == uid:
            held = ", ".join(live["metadata"].get("finalizers") or ())
            raise ClusterError(f"{key} is still there, held by its finalizers: {held}")

    def allows(self, verb: str, kind: ResourceKind, namespace: str, name: str = "") -> bool:
        """Says whether a right wasn't taken away."""
        self.count(get=1)
        return self.may(verb, kind.kind, namespace)

    @property
    def writes(self) -> "FakeWriter":
        """Really writes."""
        return FakeWriter(self, dry=False)

    @property
    def dry_runs(self) -> "FakeWriter":
        """Says what a write would do."""
        return FakeWriter(self, dry=True)

    # What the writers and the embedded server share

    def may(self, verb: str, kind: str, namespace: str) -> bool:
        """Whether a right wasn't taken away."""
        return not {(verb, kind, ""), (verb, kind, namespace)} & self._forbidden

    def check_right(self, verb: str, kind: ResourceKind, key: ResourceKey) -> None:
        """Refuses what was forbidden."""
        if not self.may(verb, kind.kind, key.namespace):
            text = f'User "fake" cannot {verb} resource "{kind.plural}"'
            raise refused(key, 403, "Forbidden", text)

    def count(self, **more: int) -> None:
        """Counts requests, as `Requests` names them."""
        if self.unreachable is not None:
            raise self.unreachable
        with self._lock:
            now = self._requests
            counts = {name: getattr(now, name) + number for name, number in more.items()}
            self._requests = replace(now, **counts)


class FakeWriter:
    """Writes to a fake cluster, or only says what would come of it."""

    def __init__(self, cluster: FakeCluster, *, dry: bool, manager: str = "plumbline") -> None:
        self._cluster = cluster
        self._dry = dry
        self._manager = manager

    def create(self, kind: ResourceKind, body: JsonObject) -> JsonObject:
        """Creates an object."""
        self._count("create", kind, key_of(kind, metadata_of(body)))
        return self._cluster.store.write(kind, body, self._manager, new=True, dry=self._dry)

    def replace(self, kind: ResourceKind, body: JsonObject) -> JsonObject:
        """Replaces an object."""
        self._count("update", kind, key_of(kind, metadata_of(body)))
        return self._cluster.store.write(kind, body, self._manager, new=False, dry=self._dry)

    def delete(self, kind: ResourceKind, key: ResourceKey, *, uid: str, version: str) -> None:
        """Deletes an object."""
        self._count("delete", kind, key)
        self._cluster.store.delete(key, uid=uid, version=version, dry=self._dry)

    def evict(self, kind: ResourceKind, key: ResourceKey, *, uid: str) -> None:
        """Deletes a pod, if the budgets that are there allow it."""
        evictions = replace(kind, plural=f"{kind.plural}/eviction")
        self._count("create", evictions, key)
        self._cluster.store.evict(key, uid=uid, dry=self._dry)

    def _count(self, verb: str, kind: ResourceKind, key: ResourceKey) -> None:
        self._cluster.count(**{"dry_run" if self._dry else "write": 1})
        self._cluster.check_right(verb, kind, key)
