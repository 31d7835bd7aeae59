"""The live side out of watches, over a server whose watches can be cut, ended and forbidden."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.cluster.kept_catalog import DEFINING
from reconciler.adapters.cluster.kept_objects import Scope
from reconciler.adapters.cluster.transport import Timing
from reconciler.adapters.cluster.watched import WatchedLive
from reconciler.adapters.cluster.watches import Watches
from reconciler.core.errors import ClusterError
from reconciler.core.live import Listing, LiveState
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.core.schema import Schema, from_openapi
from tests.fakes.cluster import FakeCluster
from tests.fakes.embedded import EmbeddedServer
from tests.fakes.kinds import kind_of, named

CONFIG_MAP, NODE = named("ConfigMap"), named("Node")
SHOP = ResourceKey("", "ConfigMap", "shop", "settings")
WEB = ResourceKey("", "ConfigMap", "web", "settings")
CRD = ResourceKey("apiextensions.k8s.io", "CustomResourceDefinition", "", "widgets.g.example")


def config_map(namespace: str, **data: str) -> JsonObject:
    metadata = {"name": "settings", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


class Clock:
    """Real time, which a test can put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._real = Timing()
        self.timing = Timing(
            monotonic=lambda: self._real.monotonic() + self.ahead, jitter=lambda: 0.0
        )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake() -> FakeCluster:
    fake = FakeCluster()
    for name in ("shop", "web", "other"):
        fake.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        fake.add(config_map(name, a="1"))
    return fake


@pytest.fixture
def server(fake: FakeCluster, tmp_path: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(fake, tmp_path) as server:
        yield server


@pytest.fixture
def cluster(server: EmbeddedServer) -> Iterator[KubeCluster]:
    cluster = KubeCluster.connect(
        str(server.kubeconfig),
        None,
        search=[],
        bundled=lambda: Schema({}),
        from_openapi=from_openapi,
    )
    with contextlib.closing(cluster):
        yield cluster


@pytest.fixture
def watches(cluster: KubeCluster, clock: Clock) -> Iterator[Watches]:
    with contextlib.closing(Watches(cluster, clock.timing)) as watches:
        yield watches


@pytest.fixture
def live(cluster: KubeCluster, watches: Watches) -> Iterator[WatchedLive]:
    with contextlib.closing(WatchedLive(cluster, watches)) as live:
        yield live


def of(*namespaces: str) -> list[Listing]:
    return [Listing(CONFIG_MAP, frozenset(namespaces))]


def spaces(state: LiveState) -> Sequence[str]:
    return sorted(key.namespace for key in state.objects.get("v1", {}))


def set_a(value: str) -> Any:
    def change(body: JsonObject) -> None:
        body["data"]["a"] = value

    return change


def test_what_was_read_once_is_kept_true_without_requests(
    live: WatchedLive, fake: FakeCluster, cluster: KubeCluster
) -> None:
    expected = cluster.read(of("shop"))
    assert live.read(of("shop")) == expected
    requests = live.requests
    fake.edit("jane", SHOP, set_a("2"))
    assert live.wait(5)
    assert live.read(of("shop")).objects["v1"][SHOP]["data"] == {"a": "2"}
    fake.remove(SHOP)
    assert live.wait(5)
    assert live.read(of("shop")).objects == {"v1": {}}
    assert live.requests == requests
    assert live.watch_requests == 1
    assert live.age() < 5


def test_nothing_moved_means_no_news(live: WatchedLive, fake: FakeCluster) -> None:
    live.read(of("shop"))
    version = live.version
    fake.edit("jane", WEB, set_a("2"))
    assert not live.wait(0.05)
    assert live.version == version


def test_news_stay_news_until_the_next_read(live: WatchedLive, fake: FakeCluster) -> None:
    live.read(of("shop"))
    fake.edit("jane", SHOP, set_a("2"))
    assert live.wait(5)
    assert live.wait(0)
    live.read(of("shop"))
    assert not live.wait(0)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ((), ["other", "shop", "web"]),
        (("shop",), ["shop"]),
        (("shop", "web"), ["shop", "web"]),
    ],
)
def test_only_what_is_asked_for_is_told(
    live: WatchedLive, asked: tuple[str, ...], found: list[str]
) -> None:
    assert spaces(live.read(of(*asked))) == found
    assert live.watch_requests == 1


def test_several_that_may_not_be_watched_together_are_watched_each(
    live: WatchedLive, fake: FakeCluster, watches: Watches, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only in the namespace `shop` may anything be read.
    monkeypatch.setattr(fake, "may", lambda verb, kind, namespace: namespace == "shop")
    for _ in range(2):
        state = live.read(of("shop", "web"))
        assert spaces(state) == ["shop"]
        assert state.why_unread(WEB) is not None
        assert state.why_unread(SHOP) is None
    assert {scope.namespace for scope in watches.scopes} == {"shop", "web"}


def test_more_namespaces_may_be_asked_for_later(
    live: WatchedLive, cluster: KubeCluster, watches: Watches
) -> None:
    assert spaces(live.read(of("shop", "web"))) == ["shop", "web"]
    other = WatchedLive(cluster, watches)
    assert spaces(other.read(of("other", "web"))) == ["other", "web"]
    assert spaces(live.read(of("shop", "web"))) == ["shop", "web"]
    assert spaces(other.read(of())) == ["other", "shop", "web"]
    assert len(watches.scopes) == 1
    other.close()


def test_what_cannot_be_watched_is_listed_each_time(live: WatchedLive) -> None:
    polled = replace(CONFIG_MAP, verbs=CONFIG_MAP.verbs - {"watch"})
    listings = [Listing(polled, frozenset({"shop"})), Listing(NODE)]
    for _ in range(2):
        assert spaces(live.read(listings)) == ["shop"]
    assert live.requests.list == 3
    assert live.watch_requests == 1


def test_what_cannot_be_listed_is_unread(live: WatchedLive) -> None:
    neither = replace(CONFIG_MAP, verbs=frozenset({"get"}))
    assert live.read([Listing(neither, frozenset({"shop"}))]).why_unread(SHOP)


def test_a_watch_that_is_cut_misses_nothing(
    live: WatchedLive, fake: FakeCluster, server: EmbeddedServer
) -> None:
    live.read(of("shop"))
    for number in range(5):
        server.watches.cut(fake.store.objects)
        fake.edit("jane", SHOP, set_a(str(number)))
        assert live.wait(10)
        assert live.read(of("shop")).objects["v1"][SHOP]["data"] == {"a": str(number)}
    assert live.requests.list == 1


def test_what_was_compacted_away_is_listed_anew(
    live: WatchedLive, fake: FakeCluster, server: EmbeddedServer
) -> None:
    live.read(of("shop"))
    fake.edit("jane", WEB, set_a("2"))
    fake.store.objects.compact()
    fake.edit("jane", SHOP, set_a("2"))
    assert live.wait(10)
    assert live.read(of("shop")).objects["v1"][SHOP]["data"] == {"a": "2"}
    assert live.requests.list == 2


def test_bookmarks_are_followed(
    server: EmbeddedServer, fake: FakeCluster, live: WatchedLive
) -> None:
    server.watches.bookmark_seconds = 0.01
    live.read(of("shop"))
    fake.edit("jane", WEB, set_a("2"))
    reached = threading.Event()
    for _ in range(500):
        [watch] = {share.watch for share in live._shares}
        if watch._kept.version == str(fake.store.objects.revision):
            reached.set()
            break
        assert not live.wait(0.01)
    assert reached.is_set()


def test_a_refresh_shows_what_was_just_written(
    live: WatchedLive, fake: FakeCluster, cluster: KubeCluster
) -> None:
    live.read([*of("shop"), Listing(NODE)])
    for number in range(5):
        cluster.writes.replace(CONFIG_MAP, config_map("shop", a=str(number)))
        live.refresh([CONFIG_MAP])
        assert live.read(of("shop")).objects["v1"][SHOP]["data"] == {"a": str(number)}
    assert live.requests.list == 7


def test_a_refresh_of_what_was_written_reads_that_alone(
    live: WatchedLive, fake: FakeCluster, cluster: KubeCluster
) -> None:
    both = [*of("shop"), Listing(NODE)]
    live.read(both)
    lists, gets = live.requests.list, live.requests.get
    for number in range(5):
        cluster.writes.replace(CONFIG_MAP, config_map("shop", a=str(number)))
        live.refresh([CONFIG_MAP, NODE], [SHOP])
        assert live.read(both).objects["v1"][SHOP]["data"] == {"a": str(number)}
    # Of a kind of which nothing is named, everything may have been written.
    assert live.requests.list == lists + 5
    assert live.requests.get == gets + 5


def test_a_server_that_is_not_there_is_an_error_until_it_is(
    fake: FakeCluster, tmp_path: Path
) -> None:
    with EmbeddedServer(fake, tmp_path) as server:
        kubeconfig = str(server.kubeconfig)
    cluster = KubeCluster.connect(
        kubeconfig, None, search=[], bundled=lambda: Schema({}), from_openapi=from_openapi
    )
    with contextlib.closing(WatchedLive(cluster)) as live:
        with pytest.raises(ClusterError, match="refuses connections"):
            live.read(of("shop"))
        with pytest.raises(ClusterError, match="refuses connections"):
            live.catalog()
    cluster.close()


def test_a_watch_that_is_gone_for_a_minute_is_not_believed(
    live: WatchedLive, server: EmbeddedServer, fake: FakeCluster, clock: Clock
) -> None:
    live.read(of("shop"))
    server.__exit__()
    live.wait(0.2)
    assert spaces(live.read(of("shop"))) == ["shop"]
    clock.ahead = 61
    with pytest.raises(ClusterError):
        live.read(of("shop"))
    assert live.age() > 60


def test_a_watch_is_ended_some_time_after_it_was_asked_for_last(
    live: WatchedLive, watches: Watches, clock: Clock
) -> None:
    both = [*of("shop"), *of("web")]
    live.read(both)
    clock.ahead += 1000
    # Nothing moved for long, so nothing was read: that is no reason to end anything.
    live.read(of("shop"))
    assert len(watches.scopes) == 2
    live.read(both)
    clock.ahead += 1000
    live.read(of("shop"))
    clock.ahead += 301
    live.read(of("shop"))
    assert watches.scopes == {Scope(CONFIG_MAP, "shop")}


def test_what_idles_is_ended_with_the_rest(live: WatchedLive, watches: Watches) -> None:
    live.read([*of("shop"), *of("web")])
    live.read(of("shop"))
    live.catalog()
    live.close()
    assert watches.scopes == frozenset()
    watches.leave(Scope(CONFIG_MAP, "shop"), lambda: None)


def test_what_is_closed_begins_nothing(live: WatchedLive, watches: Watches) -> None:
    watches.close()
    assert live.read(of("shop")).why_unread(SHOP) == "it hasn't been read yet"
    assert live.requests.list == 0


def test_the_catalog_is_kept(live: WatchedLive) -> None:
    first = live.catalog()
    requests = live.requests
    assert live.catalog() is first
    assert live.requests == requests
    assert requests.get == 3


def definition() -> JsonObject:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.g.example"},
        "spec": {
            "group": "g.example",
            "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [{"name": "v1"}],
        },
    }


def test_a_definition_that_moves_makes_the_catalog_doubtful_until_it_has_settled(
    live: WatchedLive, fake: FakeCluster, clock: Clock
) -> None:
    assert live.catalog().find("g.example/v1", "Widget") is None
    live.read(of("shop"))
    fake.add(definition())
    assert live.wait(5)
    assert live.catalog().find("g.example/v1", "Widget") is not None
    live.read(of("shop"))
    gets = live.requests.get
    live.catalog()
    assert live.requests.get == gets + 3
    version = live.version
    clock.ahead += 6
    # Discovery may have told only half: it is looked at once more, and that is news.
    assert live.wait(0)
    assert live.version != version
    live.catalog()
    live.read(of("shop"))
    assert not live.wait(0)
    gets = live.requests.get
    live.catalog()
    assert live.requests.get == gets
    fake.remove(CRD)
    assert live.wait(5)


def test_a_catalog_is_read_anew_each_hour(live: WatchedLive, clock: Clock) -> None:
    first = live.catalog()
    clock.ahead += 3590
    assert live.catalog() is first
    clock.ahead += 20
    assert live.catalog() is not first


def test_a_catalog_whose_definitions_cannot_be_watched_is_read_more_often(
    live: WatchedLive, fake: FakeCluster, clock: Clock
) -> None:
    for kind in DEFINING:
        fake.forbid("list", kind.kind)
    first = live.catalog()
    clock.ahead += 290
    assert live.catalog() is first
    clock.ahead += 20
    assert live.catalog() is not first


def test_a_server_that_went_away_may_be_another_version(
    live: WatchedLive, fake: FakeCluster, server: EmbeddedServer
) -> None:
    assert live.catalog().server_version == "v1.37.0"
    live.read(of("shop"))
    fake.version = "v1.38.0"
    server.watches.cut(fake.store.objects)
    for _ in range(500):
        if live.catalog().server_version == "v1.38.0":
            break
        live.wait(0.01)
    assert live.catalog().server_version == "v1.38.0"


def test_schemas_are_asked_for_where_they_are(live: WatchedLive, fake: FakeCluster) -> None:
    fake.add(definition())
    widget = kind_of("g.example/v1", "Widget", "widgets")
    assert live.schema([widget]).node("g.example/v1", "Widget") is not None
