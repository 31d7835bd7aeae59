"""`plumbline check --pods` on pods that real controllers made: what was edited, and no more."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.controlplane import ControlPlane
from tests.tools.real_target import RealTarget
from tests.tools.running import until

_TEMPLATE = """\
      metadata: {labels: {app: NAME}, annotations: {note: declared}}
      spec:
        containers:
        - name: web
          image: registry.example/web:1
          resources: {limits: {cpu: 100m, memory: 64Mi}}
          ports: [{containerPort: 80}]
          env: [{name: A, value: "1"}]
          livenessProbe: {httpGet: {path: /, port: 80}}
"""
_MANIFESTS = {
    "web": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
"""
    + _TEMPLATE,
    "store": """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store}
spec:
  replicas: 2
  serviceName: store
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: store}}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
  template:
"""
    + _TEMPLATE,
    "batch": """\
apiVersion: batch/v1
kind: Job
metadata: {name: batch}
spec:
  parallelism: 2
  completions: 2
  completionMode: Indexed
  template:
    metadata: {labels: {app: batch}}
    spec: {restartPolicy: Never, containers: [{name: web, image: "registry.example/web:1"}]}
""",
    "each": """\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: each}
spec:
  selector: {matchLabels: {app: each}}
  template:
"""
    + _TEMPLATE,
    "controller": """\
apiVersion: v1
kind: ReplicationController
metadata: {name: controller}
spec:
  replicas: 1
  selector: {app: controller}
  template:
"""
    + _TEMPLATE,
}
_LIMITS = """\
apiVersion: v1
kind: LimitRange
metadata: {name: limits}
spec: {limits: [{type: Container, defaultRequest: {cpu: 10m}, default: {memory: 128Mi}}]}
"""
#: The DaemonSet's pods are on these; nobody runs them.
_NODES = ("node-one", "node-two")
_PODS = 3 + 2 + 2 + 2 + 1
_DIGEST = "registry.example/web@sha256:"


@pytest.fixture(scope="module")
def target(
    plane_apart: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealTarget]:
    """Workloads of every kind with their pods, as declared; admission adds to each pod."""
    plane, namespace = plane_apart, "pods"
    plane.create_namespace(namespace)
    for name in _NODES:
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
        plane.kubectl("apply", "-f", "-", input=json.dumps(node))
    folder: Path = tmp_path_factory.mktemp("pods")
    made = RealTarget(plane, folder / "repo", folder / "home", (namespace,))
    made.make("limits.yaml", _LIMITS)
    for name, text in _MANIFESTS.items():
        made.make(f"{name}.yaml", text.replace("NAME", name))
    until(lambda: len(pods(made)) == _PODS, "controllers made the pods")
    yield made


def pods(target: RealTarget, app: str = "") -> list[dict[str, Any]]:
    path = f"/api/v1/namespaces/{target.namespaces[0]}/pods"
    items: list[dict[str, Any]] = target.plane.object_at(path)["items"]
    found = [each for each in items if app in ("", each["metadata"]["labels"].get("app"))]
    return sorted(found, key=lambda each: str(each["metadata"]["name"]))


def names(target: RealTarget, app: str) -> list[str]:
    return [each["metadata"]["name"] for each in pods(target, app)]


def found(target: RealTarget) -> dict[str, dict[str, Any]]:
    """Gives what drifted in pods, by the pod's name and the field's path."""
    report = target.check("--pods")
    assert {each["type"] for each in report["drifts"]} <= {"PodSpec"}, report["drifts"]
    return {
        each["resource"]["name"]: {change["path"]: change for change in each["changes"]}
        for each in report["drifts"]
    }


def set_status(target: RealTarget, pod: str, digest: str, container: str = "web") -> None:
    """Says what a pod's container runs, as its kubelet would."""
    state = {"running": {"startedAt": "2026-11-25T12:00:00Z"}}
    status = {
        "name": container,
        "image": "registry.example/web:1",
        "imageID": f"{_DIGEST}{digest * 64}",
        "containerID": f"containerd://{pod}",
        "ready": True,
        "restartCount": 0,
        "state": state,
    }
    patch = {"status": {"phase": "Running", "containerStatuses": [status]}}
    words = ("patch", "pod", pod, "-n", target.namespaces[0], "--subresource=status")
    target.plane.kubectl(*words, "--type=merge", "-p", json.dumps(patch))


def test_what_controllers_and_admission_made_is_no_drift(target: RealTarget) -> None:
    report = target.check("--pods")
    assert report["drifts"] == []
    assert report["unproven"] == []
    assert report["summary"]["inSync"] == len(_MANIFESTS) + 1
    without = target.check()
    # Three kinds more are listed, whatever number of pods there is: of one, the scope has none.
    assert report["requests"]["list"] == without["requests"]["list"] + 1
    assert report["requests"]["get"] == without["requests"]["get"]
    assert report["requests"]["dryRun"] == 0


def test_each_edit_of_a_pod_is_told_at_its_path(target: RealTarget) -> None:
    one, two, three = names(target, "web")
    image = {"spec": {"containers": [{"name": "web", "image": "registry.example/evil:1"}]}}
    words = ("-n", target.namespaces[0], "--field-manager=by-hand")
    target.plane.kubectl("patch", "pod", one, *words, "-p", json.dumps(image))
    target.patch(f"pod/{two}", {"metadata": {"labels": {"tier": "gold"}}})
    target.patch(f"pod/{three}", {"metadata": {"annotations": {"note": None}}})
    target.plane.kubectl("debug", three, "-n", target.namespaces[0], "--image=busybox", "-c", "dbg")
    (first, _) = names(target, "store")
    before = [each for each in pods(target, "store") if each["metadata"]["name"] == first]
    tolerations = [*before[0]["spec"]["tolerations"], {"key": "spot", "operator": "Exists"}]
    target.patch(f"pod/{first}", {"spec": {"tolerations": tolerations}})

    drifts = found(target)
    assert {name: set(changes) for name, changes in drifts.items()} == {
        one: {"spec.containers[name=web].image"},
        two: {"metadata.labels.tier"},
        three: {"metadata.annotations.note", "spec.ephemeralContainers[name=dbg]"},
        first: {"spec.tolerations"},
    }
    changed = drifts[one]["spec.containers[name=web].image"]
    assert (changed["desired"], changed["live"]) == (
        "registry.example/web:1",
        "registry.example/evil:1",
    )
    assert changed["by"]["manager"] == "by-hand"
    # Who removed it left no trace: what he owned is gone with it.
    assert drifts[three]["metadata.annotations.note"]["candidates"] == []
    by = drifts[three]["spec.ephemeralContainers[name=dbg]"]["by"]
    assert (by["manager"], by["subresource"]) == ("kubectl", "ephemeralcontainers")


def test_a_pod_of_an_earlier_revision_is_no_edit(target: RealTarget) -> None:
    before = found(target)
    target.declare("web.yaml", _MANIFESTS["web"].replace("NAME", "web").replace("web:1", "web:2"))
    target.apply("web.yaml")
    until(lambda: len(names(target, "web")) > 3, "the new revision's first pod is there")
    assert found(target) == before


def test_a_digest_that_siblings_dont_run_is_told(target: RealTarget) -> None:
    one, two = names(target, "each")
    set_status(target, one, "a")
    set_status(target, two, "a")
    assert one not in found(target)
    set_status(target, two, "b")
    later = found(target)
    assert one not in later
    change = later[two]["status.containerStatuses[name=web].imageID"]
    assert (change["desired"], change["live"]) == (f"sha256:{'a' * 64}", f"sha256:{'b' * 64}")


def test_whose_pods_cant_be_told_is_said_and_not_taken_for_none(target: RealTarget) -> None:
    (space,) = target.namespaces
    kubectl = target.plane.kubectl
    kinds = "pods,limitranges,replicationcontrollers,deployments,statefulsets,daemonsets,jobs"
    words = ("--verb=get,list,watch", f"--resource={kinds},controllerrevisions", "-n", space)
    kubectl("create", "role", "reader", *words)
    kubectl("create", "rolebinding", "reader", "--role=reader", "--user=reader", "-n", space)
    kubeconfig = target.await_right("reader", "list", "deployments")
    ran = target.run("check", "--pods", "--offline", "-o", "json", kubeconfig=kubeconfig)
    (unproven,) = [each for each in ran.report["unproven"] if each["resource"]["name"] == "*"]
    assert unproven["resource"]["kind"] == "ReplicaSet"
    assert "forbidden" in unproven["reason"]
