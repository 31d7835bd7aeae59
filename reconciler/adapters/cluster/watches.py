"""All watches of one cluster, each in a thread of its own, shared by those who want the same."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.cluster.kept_objects import Scope
from reconciler.adapters.cluster.streams import Streams
from reconciler.adapters.cluster.transport import Timing
from reconciler.adapters.cluster.watch import Means, Watch

Listener = Callable[[], None]

#: LISTs under way at once, as in `listing.py`.
_SLOTS = 8
#: Seconds within which `close` returns, whether or not every thread has ended: one that is just
#: connecting, or in a LIST, sees only afterwards that it isn't wanted any more.
_CLOSE_SECONDS = 1.0


@dataclass(slots=True)
class _Entry:
    watch: Watch
    thread: threading.Thread
    listeners: list[Listener] = field(default_factory=list)


class Watches:
    """The watches of one cluster; safe to use from many threads.

    Attributes:
        cluster: Which cluster.
        timing: The clock, and chance.
    """

    def __init__(
        self, cluster: KubeCluster, timing: Timing | None = None, streams: Streams | None = None
    ) -> None:
        """Asks nothing yet.

        Args:
            cluster: Which cluster.
            timing: The clock, and chance; the real ones if None.
            streams: Begins watches; straight to the cluster if None.
        """
        self.cluster = cluster
        self.timing = timing or Timing()
        self._means = Means(
            cluster.lister,
            streams or Streams(cluster.transport.access),
            threading.BoundedSemaphore(_SLOTS),
            self.timing,
        )
        self._entries: dict[Scope, _Entry] = {}
        self._lock = threading.Lock()
        self._ended = 0
        self._is_closed = False

    @property
    def requests(self) -> int:
        """How many watches were begun until now, each of which is one request."""
        with self._lock:
            return self._ended + sum(each.watch.requests for each in self._entries.values())

    @property
    def scopes(self) -> frozenset[Scope]:
        """What is watched."""
        with self._lock:
            return frozenset(self._entries)

    def join(self, scope: Scope, spaces: frozenset[str], listener: Listener) -> Watch:
        """Gives the watch of a scope, begun if nobody else has.

        Args:
            scope: Of what.
            spaces: Of a scope of all namespaces, those that matter; empty for all.
            listener: Called after anything moved; the same one is called once.
        """
        with self._lock:
            entry = self._entries.get(scope)
            if entry is None:
                entry = self._begun(scope, spaces)
            if listener not in entry.listeners:
                entry.listeners.append(listener)
            entry.watch.widen(spaces)
            return entry.watch

    def leave(self, scope: Scope, listener: Listener) -> None:
        """Ends a watch, unless somebody else wants it."""
        with self._lock:
            entry = self._entries.get(scope)
            if entry is None or listener not in entry.listeners:
                return
            entry.listeners.remove(listener)
            if entry.listeners:
                return
            del self._entries[scope]
            self._ended += entry.watch.requests
        entry.watch.stop()

    def close(self) -> None:
        """Ends all watches."""
        with self._lock:
            self._is_closed = True
            entries = list(self._entries.values())
        for entry in entries:
            entry.watch.stop()
        deadline = self.timing.monotonic() + _CLOSE_SECONDS
        for entry in entries:
            entry.thread.join(max(0.0, deadline - self.timing.monotonic()))

    def _begun(self, scope: Scope, spaces: frozenset[str]) -> _Entry:
        watch = Watch(scope, self._means, lambda: self._tell(scope), spaces)
        # A daemon: one that is stuck in a LIST must not keep the process.
        thread = threading.Thread(
            target=watch.run, name=f"watch-{scope.kind.plural}-{scope.namespace}", daemon=True
        )
        entry = self._entries[scope] = _Entry(watch, thread)
        if self._is_closed:
            watch.stop()
        thread.start()
        return entry

    def _tell(self, scope: Scope) -> None:
        with self._lock:
            entry = self._entries.get(scope)
            listeners = list(entry.listeners) if entry else []
        for listener in listeners:
            listener()
