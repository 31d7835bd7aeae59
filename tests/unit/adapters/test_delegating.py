"""What wraps a cluster leaves all that it doesn't change to the cluster."""

from reconciler.adapters.delegating import DelegatingCluster
from reconciler.core.live import Listing
from reconciler.core.resource import ResourceKey
from tests.unit.test_controller import config, key, world


def test_all_is_the_cluster_s_own() -> None:
    fake = world(config("web", colour="blue")).cluster
    wrapped, kind = DelegatingCluster(fake), fake.catalog().find("v1", "ConfigMap")
    assert kind is not None
    assert wrapped.catalog().server_version == fake.version
    assert wrapped.read([Listing(kind)]) == fake.read([Listing(kind)])
    assert wrapped.read([Listing(kind)]).unread == ()
    assert wrapped.schema([kind]) is not None
    assert wrapped.requests == fake.requests
    body = wrapped.get(kind, key("web"))
    assert body is not None
    assert body == fake.get(kind, key("web"))
    wrapped.await_absence(kind, ResourceKey("", "ConfigMap", "shop", "gone"), "u")
    assert wrapped.await_kind("v1", "ConfigMap") == kind
    assert wrapped.allows("get", kind, "shop")
    assert wrapped.dry_runs.replace(kind, body)["metadata"]["name"] == "web"
    assert fake.requests.write == 0
    wrapped.writes.replace(kind, body)
    assert wrapped.requests.write == fake.requests.write == 1
