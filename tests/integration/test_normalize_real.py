"""Local reasoning against the real API server: it must say exactly what the server makes."""

import copy
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.core.diff import differences
from reconciler.core.errors import Rejected
from reconciler.core.expected import Expected
from reconciler.core.live import comparable
from reconciler.core.normalize import expect
from reconciler.core.path import format_path
from reconciler.core.resource import Catalog, JsonObject, ResourceKey, split_api_version
from reconciler.core.schema import Schema, from_openapi
from tests.integration.manifests import ALL, FILES, FOLDER, documents, mutated, name_of, node_of
from tests.tools.controlplane import ControlPlane

pytestmark = pytest.mark.xdist_group("normalize-real")

NAMES = [f"{body['apiVersion']}/{name_of(body)}" for body in ALL]

#: Kinds whose objects would change what the server makes of others, or can't be taken away again.
FAR_REACHING = frozenset(
    {
        "APIService",
        "CustomResourceDefinition",
        "IPAddress",
        "LimitRange",
        "MutatingAdmissionPolicy",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "ResourceQuota",
        "ServiceCIDR",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    }
)


def ask(body: JsonObject, live: JsonObject) -> Expected:
    return expect(body, live, node_of(body))


def paths(body: JsonObject, live: JsonObject) -> set[str]:
    """Where what is expected differs from what is live; empty where it is in sync."""
    expected = ask(body, live)
    found = differences(expected.body, comparable(live), node_of(body))
    assert bool(found) == (expected.body != comparable(live))
    return {format_path(difference.path) for difference in found}


def fetched(plane: ControlPlane, file: str, namespace: str) -> list[JsonObject]:
    answer = plane.kubectl(
        *("get", "-f", str(FOLDER / f"{file}.yaml"), "-n", namespace),
        *("-o", "json", "--show-managed-fields"),
    )
    items: list[JsonObject] = json.loads(answer.stdout)["items"]
    return items


def without_managed_fields(live: JsonObject) -> JsonObject:
    """The object as `kubectl get -o yaml` shows it."""
    metadata = {k: v for k, v in live["metadata"].items() if k != "managedFields"}
    return {**live, "metadata": metadata}


@pytest.fixture(scope="module")
def home(control_plane: ControlPlane) -> Iterator[str]:
    name = "normalize"
    control_plane.create_namespace(name)
    yield name
    control_plane.delete_namespace(name)


@pytest.fixture(scope="module")
def live(control_plane: ControlPlane, home: str) -> Iterator[list[JsonObject]]:
    """All manifests as kubectl created them, in the order of `ALL`."""
    found: list[JsonObject] = []
    for file in FILES:
        if file == "custom":
            waited = "crd/gadgets.plumbline.example"
            control_plane.kubectl("wait", "--for=condition=Established", waited)
        path = str(FOLDER / f"{file}.yaml")
        control_plane.kubectl("create", "-f", path, "-n", home, "--validate=false")
        found += fetched(control_plane, file, home)
    yield found
    for file in ("core", "cluster"):
        options = ("--wait=false", "--ignore-not-found")
        path = str(FOLDER / f"{file}.yaml")
        control_plane.kubectl("delete", "-f", path, "-n", home, *options)


def test_there_is_something_of_every_kind_that_can_be_made() -> None:
    assert len(ALL) >= 80
    assert len({(body["apiVersion"], body["kind"]) for body in ALL}) >= 50


@pytest.mark.parametrize("number", range(len(ALL)), ids=NAMES)
def test_what_kubectl_created_is_proven_in_sync(live: list[JsonObject], number: int) -> None:
    body = ALL[number]
    expected = ask(body, live[number])
    assert expected.body == comparable(live[number])
    assert expected.unproven == ()


#: Of these a dump without managedFields leaves something untold.
UNTOLD = {
    "ClusterRole/plumbline-aggregated": "rules",
    "Node/plumbline-node": "spec.taints",
    "Service/balanced": "spec.healthCheckNodePort",
    "Service/node-port": "spec.ports[port=80,protocol=TCP].nodePort",
}


@pytest.mark.parametrize("number", range(len(ALL)), ids=NAMES)
def test_without_managed_fields_it_is_in_sync_or_said_what_is_untold(
    live: list[JsonObject], number: int
) -> None:
    body, bare = ALL[number], without_managed_fields(live[number])
    expected = ask(body, bare)
    assert expected.body == comparable(bare)
    untold = {format_path(path) for path, _ in expected.unproven}
    wanted = UNTOLD.get(name_of(body))
    assert untold == set() or wanted in untold


@pytest.mark.usefixtures("controller_manager")
def test_what_kubectl_applied_and_controllers_worked_on_is_proven_in_sync(
    control_plane: ControlPlane, namespace: str
) -> None:
    path = str(FOLDER / "workloads.yaml")
    control_plane.kubectl("apply", "-f", path, "-n", namespace, "--validate=false")
    bodies = documents("workloads")
    deadline = time.monotonic() + 60
    while True:
        found = fetched(control_plane, "workloads", namespace)
        if all("status" in one for one in found if one["kind"] in ("Deployment", "Job", "Pod")):
            break
        assert time.monotonic() < deadline, "the controllers haven't looked at everything"
        time.sleep(0.5)
    # kubectl apply, unlike a create, takes nulls out of what it sends.
    apart = {"ControllerRevision/minimal"}
    pairs = [pair for pair in zip(bodies, found, strict=True) if name_of(pair[0]) not in apart]
    for body, one in pairs:
        expected = ask(body, one)
        assert (expected.body, expected.unproven) == (comparable(one), ()), name_of(body)
    revisions = [one for one in found if one["kind"] == "Deployment"]
    revision = "deployment.kubernetes.io/revision"
    assert all(revision in one["metadata"]["annotations"] for one in revisions)


POD = "spec.template.spec"

EDITS: list[tuple[str, Any, str]] = [
    ("Deployment/minimal", {"spec": {"replicas": 3}}, "spec.replicas"),
    ("Deployment/minimal", {"spec": {"paused": True}}, "spec.paused"),
    ("Deployment/minimal", {"metadata": {"labels": {"x": "y"}}}, "metadata.labels"),
    ("Deployment/probes", {"metadata": {"annotations": {"x": "y"}}}, "metadata.annotations"),
    (
        "Deployment/minimal",
        {"spec": {"template": {"spec": {"hostNetwork": True}}}},
        f"{POD}.hostNetwork",
    ),
    (
        "Deployment/minimal",
        {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 5}}}},
        f"{POD}.terminationGracePeriodSeconds",
    ),
    (
        "Deployment/minimal",
        {"spec": {"template": {"spec": {"containers": [{"name": "evil", "image": "x:1"}]}}}},
        f"{POD}.containers[name=evil]",
    ),
    (
        "Deployment/minimal",
        {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "x:1"}]}}}},
        f"{POD}.containers[name=c].image",
    ),
    (
        "Deployment/environment",
        {
            "spec": {
                "template": {
                    "spec": {"containers": [{"name": "c", "env": [{"name": "X", "value": "1"}]}]}
                }
            }
        },
        f"{POD}.containers[name=c].env[name=X]",
    ),
    (
        "Deployment/minimal",
        {"spec": {"strategy": {"rollingUpdate": {"maxSurge": 0}}}},
        "spec.strategy.rollingUpdate.maxSurge",
    ),
    ("StatefulSet/minimal", {"spec": {"minReadySeconds": 5}}, "spec.minReadySeconds"),
    (
        "DaemonSet/minimal",
        {"spec": {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 2}}}},
        "spec.updateStrategy.rollingUpdate.maxUnavailable",
    ),
    ("CronJob/minimal", {"spec": {"suspend": True}}, "spec.suspend"),
    ("Job/minimal", {"spec": {"parallelism": 4}}, "spec.parallelism"),
    ("Service/minimal", {"spec": {"externalIPs": ["192.0.2.9"]}}, "spec.externalIPs"),
    ("Service/minimal", {"spec": {"sessionAffinity": "ClientIP"}}, "spec.sessionAffinity"),
    ("Service/minimal", {"spec": {"selector": {"a": "b"}}}, "spec.selector"),
    ("Service/minimal", {"spec": {"type": "NodePort"}}, "spec.type"),
    (
        "Service/node-port",
        {"spec": {"ports": [{"port": 80, "nodePort": 30999}]}},
        "spec.ports[port=80,protocol=TCP].nodePort",
    ),
    ("Service/minimal", {"spec": {"publishNotReadyAddresses": True}}, None),
    ("ConfigMap/full", {"data": {"new": "x"}}, "data.new"),
    ("ConfigMap/minimal", {"data": {"new": "x"}}, "data"),
    ("Secret/strings", {"data": {"a": "eA=="}}, "data.a"),
    ("Role/full", {"rules": [{"apiGroups": [""], "resources": ["*"], "verbs": ["*"]}]}, None),
    (
        "ClusterRole/plumbline-minimal",
        {"rules": [{"nonResourceURLs": ["/"], "verbs": ["get"]}]},
        None,
    ),
    ("RoleBinding/minimal", {"subjects": [{"kind": "User", "name": "eve"}]}, None),
    ("ServiceAccount/minimal", {"imagePullSecrets": [{"name": "x"}]}, "imagePullSecrets"),
    ("NetworkPolicy/minimal", {"spec": {"ingress": [{}]}}, "spec.ingress"),
    ("Ingress/minimal", {"spec": {"ingressClassName": "x"}}, "spec.ingressClassName"),
    ("PodDisruptionBudget/minimal", {"spec": {"minAvailable": 2}}, "spec.minAvailable"),
    ("HorizontalPodAutoscaler/minimal", {"spec": {"minReplicas": 2}}, "spec.minReplicas"),
    ("ResourceQuota/terminating", {"spec": {"hard": {"pods": "9"}}}, "spec.hard.pods"),
    ("StorageClass/plumbline-minimal", {"allowVolumeExpansion": True}, "allowVolumeExpansion"),
    ("PersistentVolume/plumbline-minimal", {"spec": {"mountOptions": ["ro"]}}, "spec.mountOptions"),
    ("Namespace/plumbline-minimal", {"metadata": {"labels": {"x": "y"}}}, "metadata.labels.x"),
    ("Node/plumbline-node", {"spec": {"unschedulable": True}}, "spec.unschedulable"),
    ("Pod/minimal", {"spec": {"activeDeadlineSeconds": 5}}, "spec.activeDeadlineSeconds"),
    (
        "Pod/minimal",
        {"metadata": {"finalizers": ["mine.example/x"]}},
        "metadata.finalizers",
    ),
    ("Gadget/minimal", {"spec": {"size": 4}}, "spec.size"),
    ("Gadget/minimal", {"spec": {"tags": ["x"]}}, "spec.tags"),
    ("Gadget/minimal", {"metadata": {"labels": {"x": "y"}}}, "metadata.labels"),
]


@pytest.mark.parametrize(("name", "patch", "path"), EDITS, ids=[f"{e[0]}-{e[2]}" for e in EDITS])
@pytest.mark.parametrize("dumped", [False, True], ids=["live", "dumped"])
def test_an_edit_by_hand_is_found_at_its_path(
    control_plane: ControlPlane,
    live: list[JsonObject],
    home: str,
    name: str,
    patch: Any,
    path: str | None,
    dumped: bool,
) -> None:
    number = next(i for i, body in enumerate(ALL) if name_of(body) == name)
    kind, _, bare_name = name.partition("/")
    options = ("merge",) if kind == "Gadget" else ("strategic",)
    answer = control_plane.kubectl(
        *("patch", kind, bare_name, "-n", home, "--dry-run=server", "-o", "json"),
        *("--show-managed-fields", "-p", json.dumps(patch), "--type", *options),
    )
    edited = json.loads(answer.stdout)
    assert comparable(edited) != comparable(live[number])
    if dumped:
        edited = without_managed_fields(edited)
    found = paths(ALL[number], edited)
    untold = {format_path(where) for where, _ in ask(ALL[number], edited).unproven}
    assert found or untold
    assert path is None or path in found | untold


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane) -> Iterator[KubeCluster]:
    made = KubeCluster.connect(
        str(control_plane.kubeconfig),
        None,
        search=[],
        bundled=lambda: Schema({}),
        from_openapi=from_openapi,
    )
    yield made
    made.close()


class Trial:
    """Makes objects for a moment, and counts how many the server accepted."""

    def __init__(self, cluster: KubeCluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.catalog: Catalog = cluster.catalog()
        self.made = 0
        self.in_sync = 0

    def as_made(self, body: JsonObject) -> tuple[JsonObject, JsonObject] | None:
        """Creates, reads and deletes an object; None where the server refuses it."""
        kind = self.catalog.find(body["apiVersion"], body["kind"])
        assert kind is not None, body["kind"]
        self.made += 1
        metadata = {k: v for k, v in body["metadata"].items() if k != "finalizers"}
        metadata["name"] = f"by-chance-{self.made}"
        if kind.namespaced:
            metadata["namespace"] = self.namespace
        body = {**body, "metadata": metadata}
        try:
            answer = self.cluster.writes.create(kind, body)
        except Rejected:
            return None
        group, _ = split_api_version(body["apiVersion"])
        key = ResourceKey(group, kind.kind, metadata.get("namespace", ""), metadata["name"])
        found = self.cluster.get(kind, key)
        uid, version = answer["metadata"]["uid"], answer["metadata"]["resourceVersion"]
        try:
            self.cluster.writes.delete(kind, key, uid=uid, version=version)
        except Rejected as rejected:
            assert rejected.code in (404, 409)
        return None if found is None else (body, found)


@pytest.fixture(scope="module")
def trial(cluster: KubeCluster, control_plane: ControlPlane, live: list[JsonObject]) -> Trial:
    assert live
    name = "normalize-by-chance"
    control_plane.create_namespace(name)
    return Trial(cluster, name)


HARMLESS = [body for body in ALL if body["kind"] not in FAR_REACHING]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_what_is_made_by_chance_is_proven_in_sync_or_said_what_is_untold(
    trial: Trial, chance: Any
) -> None:
    for _ in range(8):
        pair = trial.as_made(mutated(chance.choice(HARMLESS), chance))
        if pair is not None:
            expected = ask(*pair)
            assert expected.body == comparable(pair[1])
            trial.in_sync += 1


def test_chance_made_something_that_the_server_took(trial: Trial) -> None:
    assert trial.in_sync >= 100


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_an_edit_by_chance_is_never_proven_in_sync(
    cluster: KubeCluster, live: list[JsonObject], trial: Trial, chance: Any
) -> None:
    number = chance.randrange(len(ALL))
    body, before = ALL[number], live[number]
    kind = trial.catalog.find(body["apiVersion"], body["kind"])
    assert kind is not None
    current = copy.deepcopy(before)
    current["metadata"].pop("resourceVersion")
    try:
        after = cluster.dry_runs.replace(kind, mutated(current, chance))
    except Rejected:
        return
    declares = undeclared_removed(body, before, after)
    if comparable(after) != comparable(before) and not declares:
        expected = ask(body, after)
        assert expected.body != comparable(after) or expected.unproven


def undeclared_removed(body: JsonObject, before: JsonObject, after: JsonObject) -> bool:
    """Whether an edit only brought the object nearer to what Git says: no drift of Git's.

    Such as taking away what a controller had added.
    """
    carried = {format_path(path) for path in ask(body, before).carried}
    found = differences(comparable(before), comparable(after), node_of(body))
    return all(any(format_path(one.path).startswith(path) for path in carried) for one in found)


def test_the_folder_holds_nothing_else() -> None:
    assert sorted(Path(path).stem for path in FOLDER.iterdir()) == sorted(FILES)
