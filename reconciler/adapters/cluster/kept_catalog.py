"""The kinds that a server serves, read anew only when they may be others."""

import threading
from collections.abc import Callable

from reconciler.adapters.cluster.kept_objects import Scope
from reconciler.adapters.cluster.watch import Watch
from reconciler.adapters.cluster.watches import Watches
from reconciler.core.errors import ClusterError
from reconciler.core.resource import Catalog, ResourceKind

#: The objects that decide which kinds there are beyond the built-in ones.
DEFINING = (
    ResourceKind(
        "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", False
    ),
    ResourceKind("apiregistration.k8s.io", "v1", "APIService", "apiservices", False),
)
#: Kept at most so many seconds: where they can be watched, and where they can't.
_WATCHED_SECONDS = 3600.0
_UNWATCHED_SECONDS = 300.0
#: Discovery knows of a definition a second or two after it was made; read earlier, what it says
#: isn't the last word.
_SETTLED_SECONDS = 5.0
_FIRST_ANSWER_SECONDS = 30.0


class KeptCatalog:
    """Keeps a catalog; safe to use from many threads."""

    def __init__(self, watches: Watches, told: Callable[[], None]) -> None:
        """Asks nothing yet.

        Args:
            watches: The cluster's watches.
            told: Called when the catalog may be another.
        """
        self._watches = watches
        self._told = told
        self._lock = threading.Lock()
        self._catalog: Catalog | None = None
        self._read_at = 0.0
        self._moved_at = float("-inf")
        self._faults = 0
        self._joined: list[Watch] = []

    def get(self) -> Catalog:
        """Gives the catalog.

        Raises:
            ClusterError: It has to be read, and can't be.
        """
        with self._lock:
            if not self._joined:
                self._join()
            if self._catalog is None or self._is_doubtful():
                self._read()
            assert self._catalog is not None  # noqa: S101 - read, or an error was raised
            return self._catalog

    def settles_in(self) -> float | None:
        """Gives the seconds until it is worth being read again after a move; None for never."""
        if self._catalog is None or self._read_at >= self._moved_at + _SETTLED_SECONDS:
            return None
        return max(0.0, self._moved_at + _SETTLED_SECONDS - self._now())

    def close(self) -> None:
        """Ends its watches, where nobody else wants them."""
        for watch in self._joined:
            self._watches.leave(watch.scope, self._moved)

    def _join(self) -> None:
        # Their bodies may be megabytes, and don't matter: that something moved is enough.
        scopes = [Scope(kind, versions_only=True) for kind in DEFINING]
        self._joined = [self._watches.join(each, frozenset(), self._moved) for each in scopes]
        for watch in self._joined:
            watch.await_answer(_FIRST_ANSWER_SECONDS)

    def _is_doubtful(self) -> bool:
        now = self._now()
        if self._read_at < self._moved_at + _SETTLED_SECONDS:
            return True
        # A server that went away may have come back as another version.
        if self._counted_faults() != self._faults:
            return True
        watched = all(not watch.seen().unread for watch in self._joined)
        return now - self._read_at > (_WATCHED_SECONDS if watched else _UNWATCHED_SECONDS)

    def _read(self) -> None:
        began, faults = self._now(), self._counted_faults()
        try:
            self._catalog = self._watches.cluster.catalog()
        except ClusterError:
            self._catalog = None
            raise
        self._watches.cluster.forget_schemas()
        self._read_at, self._faults = began, faults

    def _counted_faults(self) -> int:
        # Refusals that are final come again and again, and say nothing of another server.
        return sum(watch.faults for watch in self._joined if not watch.is_forbidden)

    def _moved(self) -> None:
        # The first answers aren't moves.
        if self._catalog is not None:
            self._moved_at = self._now()
        self._told()

    def _now(self) -> float:
        return self._watches.timing.monotonic()
