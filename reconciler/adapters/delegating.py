"""What wraps a port and changes a part of it: all else is left to what it wraps."""

from __future__ import annotations  # names of types alone: who wraps has imported what it needs

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from reconciler.core.live import Listing, LiveState
    from reconciler.core.report import Requests
    from reconciler.core.resource import Catalog, JsonObject, ResourceKey, ResourceKind
    from reconciler.core.schema import Schema
    from reconciler.ports import Cluster, Live, Writer


class DelegatingLive:
    """Does as another live side does; implements `ports.Live`."""

    def __init__(self, live: Live) -> None:
        """Wraps a live side."""
        self._live = live

    def catalog(self) -> Catalog:
        """Gives all kinds; see `ports.Live`."""
        return self._live.catalog()

    def read(self, listings: Sequence[Listing]) -> LiveState:
        """Gives whole kinds; see `ports.Live`."""
        return self._live.read(listings)

    def schema(self, kinds: Collection[ResourceKind]) -> Schema:
        """Gives what is known of these kinds; see `ports.Live`."""
        return self._live.schema(kinds)

    @property
    def requests(self) -> Requests:
        """How many requests were really made until now."""
        return self._live.requests


class DelegatingCluster(DelegatingLive):
    """Does as another cluster does; implements `ports.Cluster`."""

    def __init__(self, cluster: Cluster) -> None:
        """Wraps a cluster."""
        super().__init__(cluster)
        self._cluster = cluster

    def get(self, kind: ResourceKind, key: ResourceKey) -> JsonObject | None:
        """Reads one object; see `ports.Cluster`."""
        return self._cluster.get(kind, key)

    def await_kind(self, api_version: str, kind: str) -> ResourceKind | None:
        """Waits until a kind is served; see `ports.Cluster`."""
        return self._cluster.await_kind(api_version, kind)

    def await_absence(self, kind: ResourceKind, key: ResourceKey, uid: str) -> None:
        """Waits until an object is gone; see `ports.Cluster`."""
        self._cluster.await_absence(kind, key, uid)

    def allows(self, verb: str, kind: ResourceKind, namespace: str, name: str = "") -> bool:
        """Asks whether we may do this; see `ports.Cluster`."""
        return self._cluster.allows(verb, kind, namespace, name)

    @property
    def writes(self) -> Writer:
        """The writer that really writes."""
        return self._cluster.writes

    @property
    def dry_runs(self) -> Writer:
        """The writer that asks what a write would do."""
        return self._cluster.dry_runs
