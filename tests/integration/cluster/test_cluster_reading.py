"""Reading from the real API server: pages, custom kinds, what is down and what is forbidden."""

import contextlib
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.cluster import discovery
from reconciler.adapters.cluster.access import Access
from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.core.errors import Rejected
from reconciler.core.live import Listing
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.core.schema import Schema, from_openapi
from tests.fakes.kinds import named
from tests.integration.cluster.conftest import Connect, allow
from tests.tools.controlplane import ControlPlane

CONFIG_MAP, SECRET, DEPLOYMENT = named("ConfigMap"), named("Secret"), named("Deployment")


def config_map(namespace: str, name: str = "settings") -> JsonObject:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}}


def access_of(cluster: KubeCluster) -> Access:
    return cluster._transport.access


def test_a_list_of_many_pages_is_whole_and_counts_once(admin: KubeCluster, namespace: str) -> None:
    for number in range(10):
        admin.writes.create(CONFIG_MAP, config_map(namespace, f"cm-{number}"))
    with contextlib.closing(
        KubeCluster(access_of(admin), bundled=lambda: Schema({}), from_openapi=from_openapi, page=3)
    ) as paged:
        state = paged.read([Listing(CONFIG_MAP, frozenset({namespace}))])
        names = {key.name for key in state.objects["v1"]} - {"kube-root-ca.crt"}
        assert names == {f"cm-{number}" for number in range(10)}
        assert paged.requests.list == 1


def test_all_kinds_can_be_read_at_once(admin: KubeCluster) -> None:
    catalog = admin.catalog()
    listable = [Listing(kind) for kind in catalog.kinds.values() if "list" in kind.verbs]
    state = admin.read(listable)
    assert state.unread == ()
    assert len(listable) > 50
    assert admin.requests.list == len(listable)


def test_kinds_that_cannot_be_listed_are_unread(admin: KubeCluster) -> None:
    review = admin.catalog().find("authorization.k8s.io/v1", "SelfSubjectAccessReview")
    assert review is not None
    state = admin.read([Listing(review)])
    [unread] = state.unread
    assert "doesn't list" in unread.reason


def test_classic_discovery_says_the_same_as_aggregated(
    admin: KubeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    aggregated = admin.catalog()
    monkeypatch.setattr(discovery, "_ACCEPT", "application/json")
    before = admin.requests.get
    classic = admin.catalog()
    assert admin.requests.get - before > 3
    assert classic == aggregated


@pytest.fixture
def broken_group(control_plane: ControlPlane, admin: KubeCluster) -> Iterator[str]:
    """A group whose own API server isn't there."""
    group = f"g{uuid.uuid4().hex[:8]}.example"
    spec = {
        "group": group,
        "version": "v1",
        "groupPriorityMinimum": 100,
        "versionPriority": 10,
        "insecureSkipTLSVerify": True,
        "service": {"name": "nobody", "namespace": "default"},
    }
    body = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"v1.{group}"},
        "spec": spec,
    }
    control_plane.kubectl("create", "-f", "-", input=json.dumps(body))
    _until(lambda: f"{group}/v1" in admin.catalog().unreadable)
    yield group
    control_plane.kubectl("delete", "apiservice", f"v1.{group}")
    _until(lambda: f"{group}/v1" not in admin.catalog().unreadable)


def _until(condition: "object", seconds: float = 20) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it doesn't come about"
        time.sleep(0.1)


def test_a_group_whose_server_is_down_is_unreadable(admin: KubeCluster, broken_group: str) -> None:
    catalog = admin.catalog()
    why = catalog.why_unknown(f"{broken_group}/v1", "Anything")
    assert why is not None
    assert f"kubectl get apiservice v1.{broken_group}" in why
    assert catalog.find("apps/v1", "Deployment") is not None
    assert catalog.why_unknown("apps/v1", "Deployment") is None


def test_the_same_by_classic_discovery(
    admin: KubeCluster, broken_group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "_ACCEPT", "application/json")
    catalog = admin.catalog()
    assert catalog.why_unknown(f"{broken_group}/v1", "Anything") is not None
    assert catalog.find("apps/v1", "Deployment") is not None


@pytest.fixture
def limited(control_plane: ControlPlane, connect: Connect, namespace: str) -> KubeCluster:
    """A user who may only look at one namespace, and not at its Secrets."""
    user = f"jane-{namespace}"
    allow(control_plane, namespace, f"--user={user}", "configmaps,deployments.apps")
    return connect(control_plane.user_kubeconfig(user))


def test_what_is_forbidden_is_unread_with_the_right_to_grant(
    limited: KubeCluster, namespace: str
) -> None:
    state = limited.read(
        [
            Listing(SECRET, frozenset({namespace})),
            Listing(CONFIG_MAP, frozenset({namespace})),
            Listing(named("ClusterRole")),
        ]
    )
    secret = state.why_unread(ResourceKey("", "Secret", namespace, "any"))
    assert secret is not None
    assert "cannot list resource" in secret
    assert f"grant list on secrets in namespace {namespace}" in secret
    group = "rbac.authorization.k8s.io"
    role = state.why_unread(ResourceKey(group, "ClusterRole", "", "any"))
    assert role is not None
    assert f"grant list on clusterroles.{group} in the whole cluster" in role
    assert state.why_unread(ResourceKey("", "ConfigMap", namespace, "any")) is None


def test_several_namespaces_are_read_one_by_one_where_only_that_is_allowed(
    limited: KubeCluster, admin: KubeCluster, namespace: str
) -> None:
    body = config_map(namespace)
    live = admin.writes.create(CONFIG_MAP, body)
    state = limited.read([Listing(CONFIG_MAP, frozenset({namespace, "kube-public"}))])
    assert state.find("v1", ResourceKey("", "ConfigMap", namespace, "settings")) == live
    assert state.why_unread(ResourceKey("", "ConfigMap", namespace, "any")) is None
    why = state.why_unread(ResourceKey("", "ConfigMap", "kube-public", "any"))
    assert why is not None
    assert "grant list on configmaps in namespace kube-public" in why


def test_a_user_without_rights_is_told_which(limited: KubeCluster, namespace: str) -> None:
    assert not limited.allows("update", DEPLOYMENT, namespace)
    assert limited.allows("get", CONFIG_MAP, namespace)
    with pytest.raises(Rejected) as caught:
        limited.dry_runs.replace(CONFIG_MAP, config_map(namespace))
    assert caught.value.code == 403
    assert "cannot update resource" in caught.value.message
    assert caught.value.fix == f"grant update on configmaps in namespace {namespace}"
    with pytest.raises(Rejected) as caught:
        limited.get(SECRET, ResourceKey("", "Secret", namespace, "any"))
    assert caught.value.code == 403


def test_schemas_of_custom_kinds_are_kept_between_runs(
    control_plane: ControlPlane, connect: Connect, tmp_path: Path
) -> None:
    group = f"g{uuid.uuid4().hex[:8]}.example"
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"gadgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Cluster",
            "names": {"kind": "Gadget", "plural": "gadgets"},
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
    control_plane.kubectl("create", "-f", "-", input=json.dumps(definition))
    folder = tmp_path / "schemas"
    first = connect(control_plane.kubeconfig, cache=folder)
    gadget = first.await_kind(f"{group}/v1", "Gadget")
    assert gadget is not None
    assert not gadget.namespaced
    _until(lambda: connect(control_plane.kubeconfig).schema([gadget]).node(f"{group}/v1", "Gadget"))
    before = first.requests.get
    assert first.schema([gadget]).node(f"{group}/v1", "Gadget") is not None
    assert first.requests.get - before == 2
    assert folder.stat().st_mode & 0o077 == 0
    second = connect(control_plane.kubeconfig, cache=folder)
    assert second.schema([gadget]).node(f"{group}/v1", "Gadget") is not None
    assert second.requests.get == 1
    control_plane.kubectl("delete", "crd", f"gadgets.{group}")
