"""What was just written is seen at once, before any watch tells of it."""

from collections.abc import Collection, Sequence
from typing import cast

import pytest

from reconciler.adapters.cluster.refreshed import Refreshed
from reconciler.adapters.cluster.watched import WatchedLive
from reconciler.core.errors import ClusterError
from reconciler.core.live import Listing, LiveState
from reconciler.core.report import Requests
from reconciler.core.resource import Catalog, ResourceKey, ResourceKind
from reconciler.core.schema import Schema
from tests.fakes.kinds import named

CONFIG_MAP = named("ConfigMap")
WEB = ResourceKey("", "ConfigMap", "shop", "web")
CATALOG, SCHEMA = Catalog("v1.37", {}, {}, {}), Schema({})


class Watched:
    """In place of a `WatchedLive`: tells in which order it was asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.error: ClusterError | None = None
        self.requests = Requests(list=3)

    def catalog(self) -> Catalog:
        return CATALOG

    def schema(self, kinds: Collection[ResourceKind]) -> Schema:
        return SCHEMA

    def refresh(self, kinds: Collection[ResourceKind], keys: Collection[ResourceKey]) -> None:
        if self.error is not None:
            raise self.error
        self.asked.append(("refresh", set(kinds), set(keys)))

    def read(self, listings: Sequence[Listing]) -> LiveState:
        self.asked.append(("read", tuple(listings)))
        return LiveState({})


def refreshed(watched: Watched) -> Refreshed:
    return Refreshed(cast("WatchedLive", watched), {CONFIG_MAP}, {WEB})


def test_what_was_written_is_read_anew_before_anything_is_told() -> None:
    watched = Watched()
    listings = (Listing(CONFIG_MAP, frozenset({"shop"})),)
    assert refreshed(watched).read(listings) == LiveState({})
    assert watched.asked == [("refresh", {CONFIG_MAP}, {WEB}), ("read", listings)]


def test_what_cannot_be_read_anew_is_not_told_from_before() -> None:
    watched = Watched()
    watched.error = ClusterError("away")
    with pytest.raises(ClusterError, match="away"):
        refreshed(watched).read(())
    assert watched.asked == []


def test_all_else_is_as_watched() -> None:
    live = refreshed(Watched())
    assert live.catalog() is CATALOG
    assert live.schema(()) is SCHEMA
    assert live.requests == Requests(list=3)
