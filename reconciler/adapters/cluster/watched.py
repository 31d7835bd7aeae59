"""The live side answered from watches: a quiet cluster is asked nothing."""

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.cluster.kept_catalog import KeptCatalog
from reconciler.adapters.cluster.kept_objects import Scope
from reconciler.adapters.cluster.watch import Watch
from reconciler.adapters.cluster.watches import Watches
from reconciler.core.errors import PlumblineError
from reconciler.core.live import Listing, LiveState, Unread
from reconciler.core.report import Requests
from reconciler.core.resource import Catalog, JsonObject, ResourceKey, ResourceKind
from reconciler.core.schema import Schema

#: Seconds that the first LIST of a kind may take, all its repetitions included.
_FIRST_ANSWER_SECONDS = 120.0
#: A watch that reads no longer ask for is ended after so many seconds.
_IDLE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class _Share:
    """What a listing takes from a watch: all of it, or some namespaces."""

    listing: Listing
    watch: Watch
    spaces: frozenset[str] = frozenset()


class WatchedLive:
    """The live side as seen by one target; implements `ports.Live`. Safe to use from many threads.

    What it tells is at most as old as `age` says. What can't be told any more, because its watch
    is broken for a minute or the right to it is lost, is unread.
    """

    def __init__(self, cluster: KubeCluster, watches: Watches | None = None) -> None:
        """Asks nothing yet.

        Args:
            cluster: Is asked for everything but what is watched.
            watches: Those of the cluster, where several targets share them; its own if None.
        """
        self._cluster = cluster
        self._watches = watches or Watches(cluster)
        self._owns_watches = watches is None
        self._catalog = KeptCatalog(self._watches, self._moved)
        self._reading = threading.Lock()
        self._news = threading.Condition()
        self._version = 0
        self._seen = -1
        self._split: set[ResourceKind] = set()
        self._shares: list[_Share] = []
        #: Scopes that the last reads didn't ask for, and since when.
        self._idle: dict[Scope, float] = {}

    # ports.Live

    def catalog(self) -> Catalog:
        """Gives all kinds; see `ports.Live`. Read anew when a definition moved, or each hour."""
        return self._catalog.get()

    def read(self, listings: Sequence[Listing]) -> LiveState:
        """Gives whole kinds; see `ports.Live`. Waits only for what was never asked for before."""
        polled = [each for each in listings if not _is_watchable(each.kind)]
        watched = [each for each in listings if _is_watchable(each.kind)]
        with self._reading:
            shares = self._joined(watched)
            self._leave_idle(shares)
            self._shares = shares
            with self._news:
                # Before anything is taken: what moves meanwhile is news.
                self._seen = self._version
            state = _state(shares)
        if not polled:
            return state
        rest = self._cluster.read(polled)
        objects = {version: dict(kept) for version, kept in state.objects.items()}
        for version, read in rest.objects.items():
            objects.setdefault(version, {}).update(read)
        return LiveState(objects, state.unread + rest.unread)

    def schema(self, kinds: Collection[ResourceKind]) -> Schema:
        """Gives what is known of these kinds; see `ports.Live`."""
        return self._cluster.schema(kinds)

    @property
    def requests(self) -> Requests:
        """How many requests were really made until now, by whoever uses the cluster."""
        return self._cluster.requests

    # What watches add

    @property
    def watch_requests(self) -> int:
        """How many watches were begun until now."""
        return self._watches.requests

    @property
    def version(self) -> int:
        """Counts what moved; the same number means that a read would give the same."""
        self._note_settled()
        return self._version

    def wait(self, timeout: float) -> bool:
        """Waits until something moved since the last read.

        Returns:
            Whether something did, within so many seconds; at once where it had already.
        """
        deadline = self._watches.timing.monotonic() + timeout
        while True:
            left = deadline - self._watches.timing.monotonic()
            settling = self._catalog.settles_in()
            pause = left if settling is None else min(left, settling)
            with self._news:
                if self._news.wait_for(lambda: self._version != self._seen, max(0.0, pause)):
                    return True
            self._note_settled()
            if self._version == self._seen and pause >= left:
                return False

    def age(self) -> float:
        """Gives how old the oldest part of what a read would give may be, in seconds.

        An upper bound: of a watch that is silent it is not known at once that its server is gone.
        """
        return max((share.watch.age for share in self._shares), default=0.0)

    def refresh(self, kinds: Collection[ResourceKind], keys: Collection[ResourceKey] = ()) -> None:
        """Reads kinds at once: who has just written must see what came of it.

        Args:
            kinds: Which.
            keys: The objects that were written; empty for all of these kinds.

        Raises:
            ClusterError: One of them can't be read.
        """
        for watch in {each.watch for each in self._shares if each.listing.kind in kinds}:
            watch.refresh([key for key in keys if watch.scope.covers(key)])

    def close(self) -> None:
        """Ends its watches within a second; those that others share go on."""
        self._catalog.close()
        for share in self._shares:
            self._watches.leave(share.watch.scope, self._moved)
        for scope in self._idle:
            self._watches.leave(scope, self._moved)
        if self._owns_watches:
            self._watches.close()

    def _joined(self, listings: Sequence[Listing]) -> list[_Share]:
        """Gives the watches of these listings, all of which have something to say."""
        shares = self._answered([s for each in listings for s in self._shares_of(each)])
        # As a LIST: several namespaces at once where that is allowed, else each by itself.
        refused = {
            share.listing.kind
            for share in shares
            if share.spaces and not share.watch.scope.namespace and share.watch.is_forbidden
        }
        if not refused:
            return shares
        self._split |= refused
        for scope in {share.watch.scope for share in shares if share.listing.kind in refused}:
            if not scope.namespace:
                self._watches.leave(scope, self._moved)
        return self._answered([s for each in listings for s in self._shares_of(each)])

    def _shares_of(self, listing: Listing) -> list[_Share]:
        kind = listing.kind
        spaces = listing.namespaces if kind.namespaced else frozenset()
        if len(spaces) == 1 or (spaces and kind in self._split):
            scopes = [Scope(kind, space) for space in sorted(spaces)]
            return [
                _Share(listing, self._watches.join(scope, frozenset(), self._moved))
                for scope in scopes
            ]
        return [_Share(listing, self._watches.join(Scope(kind), spaces, self._moved), spaces)]

    def _answered(self, shares: list[_Share]) -> list[_Share]:
        timing = self._watches.timing
        deadline = timing.monotonic() + _FIRST_ANSWER_SECONDS
        for share in shares:
            share.watch.await_answer(max(0.0, deadline - timing.monotonic()))
        return shares

    def _leave_idle(self, shares: list[_Share]) -> None:
        now = self._watches.timing.monotonic()
        asked = {share.watch.scope for share in shares}
        for share in self._shares:
            self._idle.setdefault(share.watch.scope, now)
        for scope, since in list(self._idle.items()):
            if scope in asked:
                del self._idle[scope]
            elif now - since > _IDLE_SECONDS:
                del self._idle[scope]
                self._watches.leave(scope, self._moved)

    def _moved(self) -> None:
        with self._news:
            self._version += 1
            self._news.notify_all()

    def _note_settled(self) -> None:
        """Makes news of it that discovery has settled after a definition moved."""
        if self._catalog.settles_in() == 0.0 and self._version == self._seen:
            self._moved()


def _is_watchable(kind: ResourceKind) -> bool:
    return not kind.verbs or {"list", "watch"} <= kind.verbs


def _state(shares: Sequence[_Share]) -> LiveState:
    """Puts together what the watches have to say.

    Raises:
        PlumblineError: The server can't be reached at all, and wasn't for a minute.
    """
    objects: dict[str, dict[ResourceKey, JsonObject]] = {}
    unread: list[Unread] = []
    unreachable: list[PlumblineError] = []
    for share in shares:
        kind, seen = share.listing.kind, share.watch.seen()
        if seen.unread:
            spaces = sorted(share.spaces) or [share.watch.scope.namespace]
            unread += [Unread(kind.group, kind.kind, space, seen.unread) for space in spaces]
            unreachable += [seen.unreachable] if seen.unreachable is not None else []
            continue
        into = objects.setdefault(kind.api_version, {})
        if share.spaces:
            into.update((k, v) for k, v in seen.objects.items() if k.namespace in share.spaces)
        else:
            into.update(seen.objects)
    if shares and len(unreachable) == len(shares):
        raise unreachable[0]
    return LiveState(objects, tuple(unread))
