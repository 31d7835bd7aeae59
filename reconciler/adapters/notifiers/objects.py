"""The cluster as notifiers write into it: objects of our own, told apart from others'."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from reconciler.core.errors import ClusterError, NotifierError, PlumblineError, Rejected
from reconciler.core.resource import Catalog, JsonObject, ResourceKey, ResourceKind, metadata_of
from reconciler.ports import Cluster

#: By these labels everybody sees whose object it is
#: (kubernetes.io/docs/concepts/overview/working-with-objects/common-labels).
LABELS: Final = {"app.kubernetes.io/managed-by": "plumbline"}

_NAMESPACE: Final = ResourceKind("", "v1", "Namespace", "namespaces", namespaced=False)

_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_TOO_MANY: Final = 429
_CLIENT_FAULTS: Final = range(400, 500)


class Objects:
    """A cluster whose errors are a notifier's. Every method may raise this.

    Raises:
        NotifierError: The cluster refuses, or can't be reached.
    """

    def __init__(self, name: str, cluster: Cluster) -> None:
        """Asks nothing yet.

        Args:
            name: The notifier's, for messages.
            cluster: Where to write.
        """
        self._name = name
        self._cluster = cluster

    def catalog(self) -> Catalog:
        """Gives all kinds that are served now."""
        with self._told():
            return self._cluster.catalog()

    def get(self, kind: ResourceKind, key: ResourceKey) -> JsonObject | None:
        """Reads one object; None where there is none."""
        with self._told():
            return self._cluster.get(kind, key)

    def glance(self, kind: ResourceKind, key: ResourceKey) -> JsonObject | None:
        """Reads one object; None also where we may not."""
        with self._told():
            try:
                return self._cluster.get(kind, key)
            except Rejected:
                return None

    def create(self, kind: ResourceKind, body: JsonObject) -> bool:
        """Creates an object; says False where there is one of its name."""
        with self._told():
            try:
                self._cluster.writes.create(kind, body)
            except Rejected as error:
                if error.code != _CONFLICT:
                    raise
                return False
            return True

    def replace(self, kind: ResourceKind, body: JsonObject) -> bool:
        """Replaces an object; says False where it was changed or deleted meanwhile."""
        with self._told():
            try:
                self._cluster.writes.replace(kind, body)
            except Rejected as error:
                if error.code not in (_CONFLICT, _NOT_FOUND):
                    raise
                return False
            return True

    def delete(self, kind: ResourceKind, key: ResourceKey, body: JsonObject) -> bool:
        """Deletes an object as it was read; says False where it was changed meanwhile."""
        metadata = metadata_of(body)
        uid, version = str(metadata.get("uid")), str(metadata.get("resourceVersion"))
        with self._told():
            try:
                self._cluster.writes.delete(kind, key, uid=uid, version=version)
            except Rejected as error:
                if error.code not in (_CONFLICT, _NOT_FOUND):
                    raise
                return error.code == _NOT_FOUND
            return True

    def is_going(self, namespace: str) -> bool:
        """Whether a namespace isn't there or is being deleted: nobody can be told in it."""
        if not namespace:
            return False
        with self._told():
            try:
                body = self._cluster.get(_NAMESPACE, ResourceKey("", "Namespace", "", namespace))
            except Rejected:
                return False
        return body is None or "deletionTimestamp" in metadata_of(body)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except PlumblineError as error:
            lasting = not isinstance(error, ClusterError)
            if isinstance(error, Rejected):
                lasting = error.code in _CLIENT_FAULTS and error.code != _TOO_MANY
            raise NotifierError(
                f"the notifier {self._name!r}: {error.message}", fix=error.fix, lasting=lasting
            ) from error


def is_ours(body: JsonObject) -> bool:
    """Whether an object is one that we made."""
    labels = metadata_of(body).get("labels") or {}
    return all(labels.get(name) == value for name, value in LABELS.items())


def api_version_of(key: ResourceKey, catalog: Catalog) -> str:
    """Gives the `apiVersion` that the server prefers for an object; only its group if unknown."""
    return catalog.preferred.get((key.group, key.kind), key.group)
