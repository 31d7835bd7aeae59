"""A cluster that is written to only as long as a Lease is held."""

from collections.abc import Callable

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.delegating import DelegatingCluster
from reconciler.core.errors import LeaseLostError
from reconciler.core.resource import JsonObject, ResourceKey, ResourceKind
from reconciler.ports import Writer


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

    def evict(self, kind: ResourceKind, key: ResourceKey, *, uid: str) -> None:
        """Has a pod go; see `ports.Writer`.

        Raises:
            LeaseLostError: The Lease isn't held; nothing was written.
        """
        must_hold(self._held)
        self._writer.evict(kind, key, uid=uid)


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


class GuardedCluster(DelegatingCluster):
    """A cluster whose real writes are guarded by a Lease; implements `ports.Cluster`.

    The Lease is looked at before every single attempt: one that the server put off for seconds is
    not repeated when the Lease was lost meanwhile.
    """

    def __init__(self, cluster: KubeCluster, held: Callable[[], bool]) -> None:
        """Wraps a cluster.

        Args:
            cluster: Which one.
            held: Whether the Lease is held at this very moment.
        """
        super().__init__(cluster)
        permitted = cluster.permitted_writes(lambda: must_hold(held))
        self._writes = GuardedWriter(permitted, held)

    @property
    def writes(self) -> Writer:
        """The writer that really writes, as long as the Lease is held."""
        return self._writes
