"""Watches on the real API server: quick, quiet, and right whatever happens to the connection."""

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.cluster.watched import WatchedLive
from reconciler.adapters.cluster.watches import Watches
from reconciler.core.errors import ClusterError
from reconciler.core.live import Listing, LiveState
from reconciler.core.resource import Catalog, JsonObject, ResourceKey
from tests.fakes.kinds import named
from tests.integration.cluster.conftest import Connect
from tests.integration.cluster.test_cluster_connections import Proxy
from tests.tools.controlplane import ControlPlane
from tests.tools.controlplane.toolbox import Toolbox
from tests.tools.cutting import Cutter

CONFIG_MAP, SECRET, NAMESPACE = named("ConfigMap"), named("Secret"), named("Namespace")


def config_map(namespace: str, name: str = "settings", **data: str) -> JsonObject:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def key(namespace: str, name: str = "settings") -> ResourceKey:
    return ResourceKey("", "ConfigMap", namespace, name)


def of(*namespaces: str) -> list[Listing]:
    return [Listing(CONFIG_MAP, frozenset(namespaces))]


def until(met: Callable[[], bool], seconds: float = 20.0) -> float:
    """Waits until something is so, and says for how long; fails where it never is."""
    began = time.monotonic()
    while not met():
        assert time.monotonic() < began + seconds, "it never came to be"
        time.sleep(0.01)
    return time.monotonic() - began


@pytest.fixture
def live(admin: KubeCluster) -> Iterator[WatchedLive]:
    with contextlib.closing(WatchedLive(admin)) as watched:
        yield watched


def test_a_change_is_noticed_within_a_second(
    live: WatchedLive, admin: KubeCluster, control_plane: ControlPlane, namespace: str
) -> None:
    admin.writes.create(CONFIG_MAP, config_map(namespace, a="1"))
    assert live.read(of(namespace)).objects["v1"][key(namespace)]["data"] == {"a": "1"}
    assert not live.wait(0.3)
    control_plane.kubectl(
        "patch", "configmap", "settings", "-n", namespace, "-p", '{"data":{"a":"2"}}'
    )
    # kubectl has only just got its answer.
    assert live.wait(1)
    assert live.read(of(namespace)).objects["v1"][key(namespace)]["data"] == {"a": "2"}
    before = time.monotonic()
    found = admin.get(CONFIG_MAP, key(namespace))
    assert found is not None
    admin.writes.delete(
        CONFIG_MAP,
        key(namespace),
        uid=found["metadata"]["uid"],
        version=found["metadata"]["resourceVersion"],
    )
    assert live.wait(1)
    assert time.monotonic() - before < 1
    assert key(namespace) not in live.read(of(namespace)).objects["v1"]


def test_it_tells_the_same_as_lists_do_of_every_kind(live: WatchedLive, admin: KubeCluster) -> None:
    listings = everything(live.catalog())
    watched, listed = live.read(listings), admin.read(listings)
    assert watched.unread == listed.unread == ()
    assert _stable(watched) == _stable(listed)


def everything(catalog: Catalog) -> list[Listing]:
    return [
        Listing(kind)
        for kind in catalog.kinds.values()
        if kind.verbs >= {"list", "watch"} and kind.kind not in ("Lease", "Event")
    ]


def _stable(state: LiveState) -> dict[str, Any]:
    # What other tests leave to be deleted goes away meanwhile.
    return {
        version: {k: v for k, v in objects.items() if "test-" not in f"{k.namespace}{k.name}"}
        for version, objects in state.objects.items()
    }


def test_a_quiet_cluster_is_asked_nothing(
    live: WatchedLive, admin: KubeCluster, namespace: str
) -> None:
    secrets = Listing(SECRET, frozenset({namespace}))
    live.catalog()
    live.read([*of(namespace), secrets])
    requests, watches, version = live.requests, live.watch_requests, live.version
    assert not live.wait(2)
    for _ in range(100):
        live.catalog()
        live.read([*of(namespace), secrets])
    assert (live.requests, live.watch_requests, live.version) == (requests, watches, version)
    assert (requests.list, watches) == (4, 4)
    assert live.age() < 60


def test_who_has_written_can_see_it_at_once(
    live: WatchedLive, admin: KubeCluster, namespace: str
) -> None:
    live.read(of(namespace))
    for number in range(20):
        admin.writes.create(CONFIG_MAP, config_map(namespace, f"cm-{number}"))
        live.refresh([CONFIG_MAP])
        assert key(namespace, f"cm-{number}") in live.read(of(namespace)).objects["v1"]


def test_who_has_written_a_few_objects_reads_only_those(
    live: WatchedLive, admin: KubeCluster, namespace: str
) -> None:
    live.read(of(namespace))
    lists = live.requests.list
    one = key(namespace, "one")
    for number in range(20):
        made = admin.writes.create(CONFIG_MAP, config_map(namespace, "one"))
        live.refresh([CONFIG_MAP], [one])
        assert one in live.read(of(namespace)).objects["v1"]
        labels = {**made["metadata"], "labels": {"number": str(number)}}
        version = admin.writes.replace(CONFIG_MAP, {**made, "metadata": labels})["metadata"]
        live.refresh([CONFIG_MAP], [one])
        seen = live.read(of(namespace)).objects["v1"][one]["metadata"]
        assert seen["labels"] == {"number": str(number)}
        uid, at = version["uid"], version["resourceVersion"]
        admin.writes.delete(CONFIG_MAP, one, uid=uid, version=at)
        live.refresh([CONFIG_MAP], [one])
        assert one not in live.read(of(namespace)).objects["v1"]
    assert live.requests.list == lists


def test_a_definition_makes_the_catalog_another(
    live: WatchedLive, control_plane: ControlPlane, admin: KubeCluster, namespace: str
) -> None:
    group = f"{namespace}.example"
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object"}},
                }
            ],
        },
    }
    assert live.catalog().find(f"{group}/v1", "Widget") is None
    live.read(of(namespace))
    admin.writes.create(named("CustomResourceDefinition"), definition)

    def served() -> bool:
        assert live.wait(15)
        live.read(of(namespace))
        return live.catalog().find(f"{group}/v1", "Widget") is not None

    until(served)
    widget = live.catalog().find(f"{group}/v1", "Widget")
    assert widget is not None
    listing = [Listing(widget, frozenset({namespace}))]
    assert live.read(listing).unread == ()
    body = {
        "apiVersion": f"{group}/v1",
        "kind": "Widget",
        "metadata": {"name": "w", "namespace": namespace},
    }
    made = admin.writes.create(widget, body)
    wanted = ResourceKey(group, "Widget", namespace, "w")
    until(lambda: live.read(listing).objects[f"{group}/v1"].get(wanted) == made)
    control_plane.kubectl("delete", "crd", f"widgets.{group}")
    # Its objects are neither live nor absent for sure: they can't be read any more.
    until(lambda: live.read(listing).why_unread(wanted) is not None)


def test_rights_decide_what_can_be_watched(
    control_plane: ControlPlane, connect: Connect, admin: KubeCluster, namespace: str
) -> None:
    other = f"{namespace}-b"
    control_plane.create_namespace(other)
    for space, verbs in ((namespace, "get,list,watch"), (other, "get,list")):
        role = (f"--verb={verbs}", "--resource=configmaps", "-n", space)
        control_plane.kubectl("create", "role", "reader", *role)
        binding = ("--role=reader", "--user=jane", "-n", space)
        control_plane.kubectl("create", "rolebinding", "reader", *binding)
        admin.writes.create(CONFIG_MAP, config_map(space))
    jane = connect(control_plane.user_kubeconfig("jane"))
    with contextlib.closing(WatchedLive(jane)) as live:
        state = live.read(of(namespace, other))
        assert key(namespace) in state.objects["v1"]
        assert key(other) not in state.objects["v1"]
        reason = state.why_unread(key(other))
        assert reason is not None
        assert reason.endswith(f"grant watch on configmaps in namespace {other}")
        assert state.why_unread(key(namespace)) is None
    control_plane.delete_namespace(other)


def test_watches_are_shared_and_end_when_nobody_wants_them(
    admin: KubeCluster, namespace: str
) -> None:
    watches = Watches(admin)
    one, two = WatchedLive(admin, watches), WatchedLive(admin, watches)
    admin.writes.create(CONFIG_MAP, config_map(namespace))
    for live in (one, two):
        assert key(namespace) in live.read(of(namespace)).objects["v1"]
    assert watches.requests == 1
    admin.writes.create(CONFIG_MAP, config_map(namespace, "more"))
    assert one.wait(5)
    assert two.wait(5)
    one.close()
    assert len(watches.scopes) == 1
    two.close()
    assert watches.scopes == frozenset()
    watches.close()


def test_closing_ends_all_threads_within_a_second(admin: KubeCluster) -> None:
    live = WatchedLive(admin)
    live.read(everything(live.catalog()))
    assert sum(thread.name.startswith("watch-") for thread in threading.enumerate()) > 30
    began = time.monotonic()
    live.close()
    assert time.monotonic() - began < 1
    until(lambda: not any(t.name.startswith("watch-") for t in threading.enumerate()), 1)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    made = Proxy()
    threading.Thread(target=made.server.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def cutter(control_plane: ControlPlane) -> Iterator[Cutter]:
    with Cutter(int(control_plane.url.rpartition(":")[2])) as cutter:
        yield cutter


@pytest.fixture
def behind(cutter: Cutter, connect: Connect, written: Callable[..., Path]) -> KubeCluster:
    server = {"server": f"https://127.0.0.1:{cutter.port}"}
    return connect(written(cluster=server))


def test_nothing_is_missed_while_connections_break(
    behind: KubeCluster, cutter: Cutter, admin: KubeCluster, namespace: str
) -> None:
    chance = random.Random(4)
    with contextlib.closing(WatchedLive(behind)) as live:
        live.read(of(namespace))
        names: set[str] = set()
        for step in range(60):
            name = f"cm-{chance.randrange(8)}"
            if name not in names:
                admin.writes.create(CONFIG_MAP, config_map(namespace, name))
                names.add(name)
            elif chance.random() < 0.3:
                found = admin.get(CONFIG_MAP, key(namespace, name))
                assert found is not None
                metadata = found["metadata"]
                where = {"uid": metadata["uid"], "version": metadata["resourceVersion"]}
                admin.writes.delete(CONFIG_MAP, key(namespace, name), **where)
                names.remove(name)
            else:
                admin.writes.replace(CONFIG_MAP, config_map(namespace, name, step=str(step)))
            if chance.random() < 0.4:
                cutter.cut()
        expected = admin.read(of(namespace)).objects
        until(lambda: live.read(of(namespace)).objects == expected)
        # It went on where it was: no LIST was made but the first, those of the catalog aside.
        assert behind.requests.list == 1
        assert live.watch_requests > 1


def test_a_watch_through_a_proxy(
    connect: Connect,
    written: Callable[..., Path],
    proxy: Proxy,
    admin: KubeCluster,
    namespace: str,
) -> None:
    cluster = connect(written(cluster={"proxy-url": proxy.url}))
    with contextlib.closing(WatchedLive(cluster)) as live:
        live.read(of(namespace))
        admin.writes.create(CONFIG_MAP, config_map(namespace))
        assert live.wait(5)
        assert key(namespace) in live.read(of(namespace)).objects["v1"]
        assert proxy.asked
        began = time.monotonic()
    assert time.monotonic() - began < 1
    until(lambda: not any(t.name.startswith("watch-") for t in threading.enumerate()), 1)


def test_a_proxy_that_is_not_there_is_told_of(
    connect: Connect, written: Callable[..., Path]
) -> None:
    cluster = connect(written(cluster={"proxy-url": "http://127.0.0.1:9"}))
    with (
        contextlib.closing(WatchedLive(cluster)) as live,
        pytest.raises(ClusterError, match="can't be reached through its proxy"),
    ):
        live.read(of("default"))


def test_a_server_that_falls_silent_is_told_of_and_not_believed(
    behind: KubeCluster, cutter: Cutter, admin: KubeCluster, namespace: str
) -> None:
    with contextlib.closing(WatchedLive(behind)) as live:
        live.read(of(namespace))
        cutter.hold()
        admin.writes.create(CONFIG_MAP, config_map(namespace))
        assert not live.wait(1)
        assert live.age() >= 1
        began = time.monotonic()
        live.close()
        assert time.monotonic() - began < 1.5
        cutter.hold(False)


def test_a_server_that_goes_away_and_comes_back(
    toolbox: Toolbox, connect: Connect, tmp_path: Path
) -> None:
    with ControlPlane(tools=toolbox) as plane:
        cluster = connect(plane.kubeconfig)
        live = WatchedLive(cluster)
        before = cluster.writes.create(CONFIG_MAP, config_map("default"))
        live.catalog()
        assert live.read(of("default")).objects["v1"][key("default")] == before
        plane.api_server.stop()
        until(lambda: live.age() > 1)
        # For a minute what was read last still counts, and says how old it is.
        assert live.read(of("default")).objects["v1"][key("default")] == before
        plane.api_server.start()
        plane.wait_ready()
        after = cluster.writes.replace(CONFIG_MAP, config_map("default", a="2"))
        waited = until(
            lambda: live.read(of("default")).objects["v1"].get(key("default")) == after, 40
        )
        assert waited < 35
        assert live.catalog().kinds
        live.close()
