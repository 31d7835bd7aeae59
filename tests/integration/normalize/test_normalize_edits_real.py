"""Soundness on the real API server: no edit by hand is ever proven in sync."""

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.core.diff import differences
from reconciler.core.errors import Rejected
from reconciler.core.live import comparable
from reconciler.core.path import format_path
from reconciler.core.resource import JsonObject
from tests.integration.normalize.manifests import ALL, mutated, name_of, node_of
from tests.integration.normalize.questions import Trial, ask, paths, without_managed_fields
from tests.tools.controlplane import ControlPlane

pytestmark = pytest.mark.xdist_group("normalize-real")

POD = "spec.template.spec"

EDITS: list[tuple[str, Any, str | None]] = [
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
