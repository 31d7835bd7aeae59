"""A watched live side that sees at once what was just written."""

from collections.abc import Collection, Sequence

from reconciler.adapters.cluster.watched import WatchedLive
from reconciler.core.live import Listing, LiveState
from reconciler.core.report import Requests
from reconciler.core.resource import Catalog, ResourceKind
from reconciler.core.schema import Schema


class Refreshed:
    """Implements `ports.Live`: reads the kinds that were written anew before it answers."""

    def __init__(self, live: WatchedLive, kinds: Collection[ResourceKind]) -> None:
        self._live = live
        self._kinds = kinds

    def catalog(self) -> Catalog:
        """Gives all kinds; see `ports.Live`."""
        return self._live.catalog()

    def read(self, listings: Sequence[Listing]) -> LiveState:
        """Gives whole kinds; see `ports.Live`."""
        self._live.refresh(self._kinds)
        return self._live.read(listings)

    def schema(self, kinds: Collection[ResourceKind]) -> Schema:
        """Gives what is known of these kinds; see `ports.Live`."""
        return self._live.schema(kinds)

    @property
    def requests(self) -> Requests:
        """How many requests were really made until now."""
        return self._live.requests
