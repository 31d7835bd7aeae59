"""A watched live side that sees at once what was just written."""

from collections.abc import Collection, Sequence

from reconciler.adapters.cluster.watched import WatchedLive
from reconciler.core.live import Listing, LiveState
from reconciler.core.report import Requests
from reconciler.core.resource import Catalog, ResourceKey, ResourceKind
from reconciler.core.schema import Schema


class Refreshed:
    """Implements `ports.Live`: reads what was written anew before it answers."""

    def __init__(
        self,
        live: WatchedLive,
        kinds: Collection[ResourceKind],
        keys: Collection[ResourceKey] = (),
    ) -> None:
        """Wraps a live side.

        Args:
            live: Which one.
            kinds: Of which something was written.
            keys: What; empty for anything of these kinds.
        """
        self._live = live
        self._kinds = kinds
        self._keys = keys

    def catalog(self) -> Catalog:
        """Gives all kinds; see `ports.Live`."""
        return self._live.catalog()

    def read(self, listings: Sequence[Listing]) -> LiveState:
        """Gives whole kinds; see `ports.Live`."""
        self._live.refresh(self._kinds, self._keys)
        return self._live.read(listings)

    def schema(self, kinds: Collection[ResourceKind]) -> Schema:
        """Gives what is known of these kinds; see `ports.Live`."""
        return self._live.schema(kinds)

    @property
    def requests(self) -> Requests:
        """How many requests were really made until now."""
        return self._live.requests
