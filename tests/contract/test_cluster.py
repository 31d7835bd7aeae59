"""What every `ports.Cluster` does: the fake, ours over the embedded server, ours over a real."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.cluster.transport import Timing
from reconciler.core.errors import Rejected
from reconciler.core.live import Listing
from reconciler.core.ownership import Ownership
from reconciler.core.resource import JsonObject, ResourceKey, ResourceKind
from reconciler.core.schema import Schema, from_openapi
from reconciler.ports import Cluster
from tests.fakes.cluster import FakeCluster
from tests.fakes.embedded import EmbeddedServer
from tests.fakes.kinds import kind_of, named
from tests.tools.controlplane import ControlPlane

CONFIG_MAP, SECRET, DEPLOYMENT = named("ConfigMap"), named("Secret"), named("Deployment")


def kube_cluster(kubeconfig: Path, cache: Path | None = None) -> KubeCluster:
    return KubeCluster.connect(
        str(kubeconfig),
        None,
        search=[],
        bundled=lambda: Schema({}),
        from_openapi=from_openapi,
        cache=cache,
    )


@pytest.fixture(params=["fake", "embedded", "real"])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    if request.param == "real":
        plane: ControlPlane = request.getfixturevalue("control_plane")
        real = kube_cluster(plane.kubeconfig)
        yield real
        real.close()
        return
    fake = FakeCluster()
    if request.param == "fake":
        yield fake
        return
    with EmbeddedServer(fake, tmp_path, page=2) as server:
        embedded = kube_cluster(server.kubeconfig)
        yield embedded
        embedded.close()


@pytest.fixture
def home(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    if isinstance(cluster, KubeCluster) and "real" in request.node.name:
        name: str = request.getfixturevalue("namespace")
        return name
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "home"}}
    cluster.writes.create(named("Namespace"), body)
    return "home"


def config_map(namespace: str, name: str = "settings", **data: str) -> JsonObject:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def deployment(namespace: str, app: str = "web") -> JsonObject:
    labels = {"app": app}
    container = {"name": "web", "image": "nginx:1.27", "env": [{"name": "A", "value": "1"}]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }


def key_of(kind: ResourceKind, body: JsonObject) -> ResourceKey:
    metadata = body["metadata"]
    return ResourceKey(kind.group, kind.kind, metadata.get("namespace", ""), metadata["name"])


def only(cluster: Cluster, kind: ResourceKind, *namespaces: str) -> Any:
    return cluster.read([Listing(kind, frozenset(namespaces))])


def test_the_catalog_knows_kinds_and_which_version_is_preferred(cluster: Cluster) -> None:
    catalog = cluster.catalog()
    found = catalog.find("apps/v1", "Deployment")
    assert found is not None
    assert (found.plural, found.namespaced, found.short_names) == ("deployments", True, ("deploy",))
    assert found.verbs >= {"list", "update", "delete"}
    cluster_scoped = catalog.find("v1", "Namespace")
    assert cluster_scoped is not None
    assert not cluster_scoped.namespaced
    place = ("autoscaling", "HorizontalPodAutoscaler")
    assert catalog.preferred[place] == "autoscaling/v2"
    assert catalog.find("autoscaling/v1", place[1]) is not None
    assert catalog.find("apps/v1", "NoSuchKind") is None
    assert catalog.server_version.startswith("v1.")
    # Others' tests on the same server may have broken groups of their own.
    assert not {"v1", "apps/v1", "autoscaling/v2"} & catalog.unreadable.keys()


def test_what_was_created_can_be_got_and_is_owned(cluster: Cluster, home: str) -> None:
    body = config_map(home, a="1")
    answer = cluster.writes.create(CONFIG_MAP, body)
    live = cluster.get(CONFIG_MAP, key_of(CONFIG_MAP, body))
    assert live == answer
    assert live["data"] == {"a": "1"}
    assert live["metadata"]["uid"]
    owner = Ownership(live).owner(("data", "a"), "1")
    assert owner is not None
    assert (owner.manager, owner.operation) == ("plumbline", "Update")


def test_what_is_not_there_is_none(cluster: Cluster, home: str) -> None:
    assert cluster.get(CONFIG_MAP, ResourceKey("", "ConfigMap", home, "nothing")) is None


def test_a_dry_run_creates_nothing(cluster: Cluster, home: str) -> None:
    body = config_map(home, a="1")
    assert cluster.dry_runs.create(CONFIG_MAP, body)["data"] == {"a": "1"}
    assert cluster.get(CONFIG_MAP, key_of(CONFIG_MAP, body)) is None


def test_a_dry_run_says_what_a_replace_would_do_and_does_not_do_it(
    cluster: Cluster, home: str
) -> None:
    live = cluster.writes.create(CONFIG_MAP, config_map(home, a="1", b="2"))
    answer = cluster.dry_runs.replace(CONFIG_MAP, config_map(home, a="3"))
    assert answer["data"] == {"a": "3"}
    assert answer["metadata"]["uid"] == live["metadata"]["uid"]
    assert cluster.get(CONFIG_MAP, key_of(CONFIG_MAP, live)) == live


def test_a_replace_at_the_version_seen_is_done(cluster: Cluster, home: str) -> None:
    live = cluster.writes.create(CONFIG_MAP, config_map(home, a="1"))
    answer = cluster.writes.replace(CONFIG_MAP, {**live, "data": {"a": "2"}})
    assert answer["data"] == {"a": "2"}
    assert answer["metadata"]["resourceVersion"] != live["metadata"]["resourceVersion"]


def test_a_replace_at_an_older_version_is_a_conflict(cluster: Cluster, home: str) -> None:
    seen = cluster.writes.create(CONFIG_MAP, config_map(home, a="1"))
    cluster.writes.replace(CONFIG_MAP, config_map(home, a="2"))
    with pytest.raises(Rejected) as caught:
        cluster.writes.replace(CONFIG_MAP, {**seen, "data": {"a": "3"}})
    assert (caught.value.code, caught.value.reason) == (409, "Conflict")


def test_a_replace_that_changes_nothing_leaves_the_version(cluster: Cluster, home: str) -> None:
    live = cluster.writes.create(CONFIG_MAP, config_map(home, a="1"))
    answer = cluster.writes.replace(CONFIG_MAP, config_map(home, a="1"))
    assert answer["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]


def test_creating_what_exists_is_a_conflict(cluster: Cluster, home: str) -> None:
    cluster.writes.create(CONFIG_MAP, config_map(home))
    with pytest.raises(Rejected) as caught:
        cluster.writes.create(CONFIG_MAP, config_map(home))
    assert (caught.value.code, caught.value.reason) == (409, "AlreadyExists")


def test_replacing_what_is_not_there_is_refused(cluster: Cluster, home: str) -> None:
    with pytest.raises(Rejected) as caught:
        cluster.writes.replace(CONFIG_MAP, config_map(home))
    assert (caught.value.code, caught.value.reason) == (404, "NotFound")


def test_creating_in_a_namespace_that_is_not_there_is_refused(cluster: Cluster) -> None:
    with pytest.raises(Rejected) as caught:
        cluster.writes.create(CONFIG_MAP, config_map("nowhere-at-all"))
    assert caught.value.code == 404


def test_the_server_chooses_the_end_of_a_generated_name(cluster: Cluster, home: str) -> None:
    body = config_map(home)
    body["metadata"] = {"generateName": "made-", "namespace": home}
    answer = cluster.writes.create(CONFIG_MAP, body)
    assert answer["metadata"]["name"].startswith("made-")
    assert len(answer["metadata"]["name"]) > len("made-")


def test_a_changed_immutable_field_is_named(cluster: Cluster, home: str) -> None:
    cluster.writes.create(DEPLOYMENT, deployment(home))
    with pytest.raises(Rejected) as caught:
        cluster.dry_runs.replace(DEPLOYMENT, deployment(home, app="other"))
    assert (caught.value.code, caught.value.reason) == (422, "Invalid")
    assert "spec.selector" in caught.value.fields


def test_a_secrets_string_data_is_folded_into_its_data(cluster: Cluster, home: str) -> None:
    metadata = {"name": "password", "namespace": home}
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": "Opaque",
        "stringData": {"p": "x"},
    }
    answer = cluster.dry_runs.create(SECRET, body)
    assert answer["data"] == {"p": "eA=="}
    assert "stringData" not in answer


def test_only_the_object_that_was_meant_is_deleted(cluster: Cluster, home: str) -> None:
    live = cluster.writes.create(CONFIG_MAP, config_map(home))
    key = key_of(CONFIG_MAP, live)
    uid, version = live["metadata"]["uid"], live["metadata"]["resourceVersion"]
    for wrong in ({"uid": "another", "version": version}, {"uid": uid, "version": "1"}):
        with pytest.raises(Rejected) as caught:
            cluster.writes.delete(CONFIG_MAP, key, **wrong)
        assert (caught.value.code, caught.value.reason) == (409, "Conflict")
    cluster.dry_runs.delete(CONFIG_MAP, key, uid=uid, version=version)
    assert cluster.get(CONFIG_MAP, key) == live
    cluster.writes.delete(CONFIG_MAP, key, uid=uid, version=version)
    cluster.await_absence(CONFIG_MAP, key, uid)
    assert cluster.get(CONFIG_MAP, key) is None


def test_a_listing_gives_whole_objects_of_its_namespaces(cluster: Cluster, home: str) -> None:
    made = [cluster.writes.create(CONFIG_MAP, config_map(home, f"cm-{n}")) for n in range(5)]
    state = only(cluster, CONFIG_MAP, home)
    ours = {k: v for k, v in state.objects["v1"].items() if k.name.startswith("cm-")}
    assert ours == {key_of(CONFIG_MAP, body): body for body in made}
    assert {key.namespace for key in state.objects["v1"]} == {home}
    assert state.unread == ()


def test_several_namespaces_are_read_together(cluster: Cluster, home: str) -> None:
    here = cluster.writes.create(CONFIG_MAP, config_map(home, "here"))
    before = cluster.requests.list
    state = only(cluster, CONFIG_MAP, home, "kube-node-lease")
    assert state.objects["v1"][key_of(CONFIG_MAP, here)] == here
    assert {key.namespace for key in state.objects["v1"]} <= {home, "kube-node-lease"}
    assert cluster.requests.list - before == 1


def test_an_object_is_shown_in_the_version_asked_for(cluster: Cluster, home: str) -> None:
    v2 = named("HorizontalPodAutoscaler", "autoscaling/v2")
    v1 = named("HorizontalPodAutoscaler", "autoscaling/v1")
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    body = {
        "apiVersion": v2.api_version,
        "kind": v2.kind,
        "metadata": {"name": "web", "namespace": home},
        "spec": {"maxReplicas": 3, "scaleTargetRef": reference},
    }
    cluster.writes.create(v2, body)
    state = cluster.read([Listing(v1, frozenset({home})), Listing(v2, frozenset({home}))])
    for version in ("autoscaling/v1", "autoscaling/v2"):
        found = state.find(version, key_of(v2, body))
        assert found is not None
        assert found["apiVersion"] == version


def test_a_kind_that_is_not_served_is_unread_not_absent(cluster: Cluster, home: str) -> None:
    ghost = kind_of("ghosts.example/v1", "Ghost", "ghosts")
    state = cluster.read(
        [Listing(ghost, frozenset({home})), Listing(CONFIG_MAP, frozenset({home}))]
    )
    assert state.why_unread(ResourceKey("ghosts.example", "Ghost", home, "any"))
    assert state.why_unread(ResourceKey("", "ConfigMap", home, "any")) is None


def test_rights_can_be_asked_for(cluster: Cluster, home: str) -> None:
    assert cluster.allows("update", DEPLOYMENT, home)
    assert cluster.allows("list", named("Namespace"), "")


def test_a_definition_makes_a_kind(cluster: Cluster, home: str) -> None:
    group = f"{home}.example"
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {"size": {"type": "integer", "default": 3}},
            }
        },
    }
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
                    "schema": {"openAPIV3Schema": schema},
                }
            ],
        },
    }
    crd = named("CustomResourceDefinition")
    made = cluster.writes.create(crd, definition)
    widget = cluster.await_kind(f"{group}/v1", "Widget")
    assert widget is not None
    assert (widget.plural, widget.namespaced) == ("widgets", True)
    body = {
        "apiVersion": f"{group}/v1",
        "kind": "Widget",
        "metadata": {"name": "one", "namespace": home},
        "spec": {"size": 5},
    }
    live = cluster.writes.create(widget, body)
    with pytest.raises(Rejected) as caught:
        cluster.writes.replace(widget, body)  # custom kinds refuse an update without a version
    assert caught.value.code == 422
    assert only(cluster, widget, home).find(f"{group}/v1", key_of(widget, body)) == live
    assert cluster.schema([widget]).node(f"{group}/v1", "Widget") is not None
    made_at = cluster.get(crd, key_of(crd, definition))
    assert made_at is not None
    cluster.writes.delete(
        crd,
        key_of(crd, definition),
        uid=made["metadata"]["uid"],
        version=made_at["metadata"]["resourceVersion"],
    )


def test_a_kind_that_is_not_coming_is_none(cluster: Cluster) -> None:
    if not isinstance(cluster, KubeCluster):
        assert cluster.await_kind("apps/v1", "NoSuchKind") is None
        return
    with contextlib.closing(_impatient(cluster)) as impatient:
        assert impatient.await_kind("apps/v1", "NoSuchKind") is None


def _impatient(cluster: KubeCluster) -> KubeCluster:
    """The same cluster with a clock that runs ahead, so that nobody waits."""
    moments = iter(range(0, 1_000_000, 100))
    timing = Timing(sleep=lambda _: None, monotonic=lambda: float(next(moments)))
    return KubeCluster(
        cluster._transport.access,
        bundled=lambda: Schema({}),
        from_openapi=from_openapi,
        timing=timing,
    )


def test_the_pod_that_is_meant_is_evicted(cluster: Cluster, home: str) -> None:
    pod_kind = named("Pod")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": home},
        # Given, so that there needn't be an account of that name.
        "spec": {"containers": [{"name": "web", "image": "nginx:1.27"}]},
    }
    made = cluster.writes.create(pod_kind, pod)
    key = key_of(pod_kind, pod)
    with pytest.raises(Rejected) as caught:
        cluster.writes.evict(pod_kind, key, uid="another")
    assert caught.value.code == 409
    cluster.dry_runs.evict(pod_kind, key, uid=made["metadata"]["uid"])
    assert cluster.get(pod_kind, key) is not None
    cluster.writes.evict(pod_kind, key, uid=made["metadata"]["uid"])
    assert cluster.get(pod_kind, key) is None
    with pytest.raises(Rejected) as caught:
        cluster.writes.evict(pod_kind, key, uid=made["metadata"]["uid"])
    assert caught.value.code == 404


def test_requests_are_counted_by_what_they_are(cluster: Cluster, home: str) -> None:
    before = cluster.requests
    cluster.catalog()
    cluster.read([Listing(CONFIG_MAP, frozenset({home})), Listing(DEPLOYMENT, frozenset({home}))])
    cluster.get(CONFIG_MAP, ResourceKey("", "ConfigMap", home, "nothing"))
    cluster.dry_runs.create(CONFIG_MAP, config_map(home))
    cluster.writes.create(CONFIG_MAP, config_map(home))
    after = cluster.requests
    assert after.get - before.get == 4
    assert after.list - before.list == 2
    assert after.dry_run - before.dry_run == 1
    assert after.write - before.write == 1
