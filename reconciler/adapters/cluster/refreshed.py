"""A watched live side that sees at once what was just written."""

from collections.abc import Collection, Sequence

from reconciler.adapters.cluster.watched import WatchedLive
from reconciler.adapters.delegating import DelegatingLive
from reconciler.core.live import Listing, LiveState
from reconciler.core.resource import ResourceKey, ResourceKind


class Refreshed(DelegatingLive):
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
        super().__init__(live)
        self._watched = live
        self._kinds = kinds
        self._keys = keys

    def read(self, listings: Sequence[Listing]) -> LiveState:
        """Gives whole kinds; see `ports.Live`."""
        self._watched.refresh(self._kinds, self._keys)
        return super().read(listings)
