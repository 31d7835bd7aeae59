"""A new commit is not drift: on a real API server it is told apart from an edit."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.controlplane import ControlPlane
from tests.tools.real_target import RealTarget

pytestmark = pytest.mark.xdist_group("restore-real")

_SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {colour: blue}
"""
_WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1"}]}
"""
_NEXT = _WEB.replace("web:1", "web:2")


@pytest.fixture
def target(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[RealTarget]:
    """A Deployment and a Secret, in sync."""
    made = RealTarget(control_plane, tmp_path / "repo", tmp_path / "home", (namespace,))
    made.make("web.yaml", _WEB)
    made.make("key.yaml", _SECRET)
    assert made.check()["drifts"] == []
    yield made


def found(target: RealTarget) -> dict[str, str]:
    return {each["resource"]["name"]: each["type"] for each in target.check()["drifts"]}


def move_status(target: RealTarget, replicas: int) -> None:
    """Reports a status, as the Deployment controller would."""
    patch = f'{{"status": {{"replicas": {replicas}}}}}'
    where = ("-n", target.namespaces[0], "--subresource=status", "--type=merge")
    target.plane.kubectl("patch", "deployment", "web", *where, "-p", patch)


def test_a_commit_is_pending_until_it_is_rolled_out(target: RealTarget) -> None:
    target.declare("web.yaml", _NEXT)
    target.declare("key.yaml", _SECRET.replace("blue", "green"))
    ran = target.run("check", "-o", "json")
    assert ran.code == 1
    types = {each["resource"]["name"]: each["type"] for each in ran.report["drifts"]}
    assert types == {"web": "Pending", "key": "Pending"}
    (web,) = [each for each in ran.report["drifts"] if each["resource"]["name"] == "web"]
    assert [each["path"] for each in web["changes"]] == [
        "spec.template.spec.containers[name=web].image"
    ]
    assert {each["type"] for each in target.check()["drifts"]} == {"Pending"}
    assert "not rolled out yet" in target.run("explain", "deployment/web").stdout
    assert target.run("restore", "--yes", "-o", "json").code == 0
    assert target.check()["drifts"] == []


def test_a_status_that_moves_before_or_after_the_commit_is_no_edit(target: RealTarget) -> None:
    move_status(target, 1)
    target.declare("web.yaml", _NEXT)
    # Once from the files, once from what was kept of them; from then on nothing is asked.
    assert found(target) == found(target) == {"web": "Pending"}
    again = target.check()
    assert (again["requests"]["dryRun"], len(again["drifts"])) == (0, 1)
    move_status(target, 2)
    assert found(target) == {"web": "Pending"}


def test_an_edit_before_or_after_the_commit_is_one(target: RealTarget) -> None:
    target.patch("deployment/web", {"metadata": {"labels": {"by": "hand"}}})
    target.declare("web.yaml", _NEXT)
    assert found(target) == {"web": "Modified"}
    target.patch("deployment/web", {"metadata": {"labels": {"by": None}}})
    # Taken back, it is what the earlier commit asked for.
    assert found(target) == {"web": "Pending"}
    target.patch("deployment/web", {"spec": {"replicas": 3}})
    assert found(target) == {"web": "Modified"}


_SCALER = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: 1
  maxReplicas: 9
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics:
  - type: Resource
    resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}
"""


def deploy(target: RealTarget, image: str) -> None:
    """Sets the image as a deployer would that leaves the replicas to the autoscaler."""
    template = {"spec": {"containers": [{"name": "web", "image": image}]}}
    patch = json.dumps({"spec": {"template": template}})
    words = ("patch", "deployment", "web", "-n", target.namespaces[0])
    target.plane.kubectl(*words, "-p", patch, "--field-manager=deployer")


def test_a_commit_is_pending_also_where_an_autoscaler_scales(target: RealTarget) -> None:
    target.make("scaler.yaml", _SCALER)
    target.patch("deployment/web", {"spec": {"replicas": 4}}, "autoscaler")
    assert found(target) == {}
    target.declare("web.yaml", _NEXT)
    assert found(target) == found(target) == {"web": "Pending"}
    target.patch("deployment/web", {"spec": {"replicas": 5}}, "autoscaler")
    again = target.check()
    assert [each["type"] for each in again["drifts"]] == ["Pending"]
    assert again["requests"]["dryRun"] == 0
    deploy(target, "registry.example/web:2")
    assert found(target) == {}
    # Who rolls back by hand hasn't waited for anything.
    deploy(target, "registry.example/web:1")
    assert found(target) == {"web": "Modified"}
