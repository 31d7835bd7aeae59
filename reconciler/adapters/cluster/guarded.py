"""A cluster that is written to only as long as a Lease is held."""

from collections.abc import Callable, Collection, Sequence

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.core.errors import LeaseLostError
from reconciler.core.live import Listing, LiveState
from reconciler.core.report import Requests
from reconciler.core.resource import Catalog, JsonObject, ResourceKey, ResourceKind
from reconciler.core.schema import Schema
from reconciler.ports import Live, Writer


class GuardedWriter:
    """Writes only as long as a Lease is held; implements `ports.Writer`."""

    def __init__(self, writer: Writer, held: Callable[[], bool]) -> None:
        """Wraps a writer.

        Args:
            writer: Really writes.
            held: Whether the Lease is held at this very moment.
        """
        self._writer = writer
        self._held = held

    def create(self, kind: ResourceKind, body: JsonObject) -> JsonObject:
        """Creates an object; see `ports.Writer`.

        Raises:
            LeaseLostError: The Lease isn't held; nothing was written.
        """
        must_hold(self._held)
        return self._writer.create(kind, body)

    def replace(self, kind: ResourceKind, body: JsonObject) -> JsonObject:
        """Replaces an object; see `ports.Writer`.

        Raises:
            LeaseLostError: The Lease isn't held; nothing was written.
        """
        must_hold(self._held)
        return self._writer.replace(kind, body)

    def delete(self, kind: ResourceKind, key: ResourceKey, *, uid: str, version: str) -> None:
        """Deletes an object; see `ports.Writer`.

        Raises:
            LeaseLostError: The Lease isn't held; nothing was written.
        """
        must_hold(self._held)
        self._writer.delete(kind, key, uid=uid, version=version)


def must_hold(held: Callable[[], bool]) -> None:
    """Refuses where a Lease isn't held.

    Raises:
        LeaseLostError: It isn't.
    """
    if not held():
        raise LeaseLostError(
            "the Lease isn't held any more, so nothing was written",
            fix="let the replica that holds it go on",
        )


class GuardedCluster:
    """A cluster whose real writes are guarded by a Lease; implements `ports.Cluster`.

    The Lease is looked at before every single attempt: one that the server put off for seconds is
    not repeated when the Lease was lost meanwhile.
    """

    def __init__(
        self, cluster: KubeCluster, held: Callable[[], bool], live: Live | None = None
    ) -> None:
        """Wraps a cluster.

        Args:
            cluster: Which one.
            held: Whether the Lease is held at this very moment.
            live: Is asked for whole kinds in place of the cluster, such as a `WatchedLive`.
        """
        self._cluster = cluster
        self._live = live or cluster
        permitted = cluster.permitted_writes(lambda: must_hold(held))
        self._writes = GuardedWriter(permitted, held)

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
        """How many requests were made until now."""
        return self._live.requests

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
        """The writer that really writes, as long as the Lease is held."""
        return self._writes

    @property
    def dry_runs(self) -> Writer:
        """The writer that asks what a write would do; anybody may."""
        return self._cluster.dry_runs
