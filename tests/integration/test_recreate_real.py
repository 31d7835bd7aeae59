"""What can't be changed in place, and what can though it seems that it can't."""

from pathlib import Path

import pytest

from tests.tools.controlplane import ControlPlane
from tests.tools.real_target import RealTarget

pytestmark = [
    pytest.mark.xdist_group("restore-real"),
    pytest.mark.usefixtures("controller_manager"),
]

_STATEFUL = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: SERVICE
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "registry.example/db:1"}]}
"""
_JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: once, image: "registry.example/once:TAG"}]}
"""
_SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: sealed}
immutable: true
stringData: {word: WORD}
"""


@pytest.fixture
def target(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> RealTarget:
    return RealTarget(control_plane, tmp_path / "repo", tmp_path / "home", (namespace,))


@pytest.mark.parametrize(
    ("name", "text", "old", "new", "path"),
    [
        ("statefulset/db", _STATEFUL, "SERVICE", "db-headless", ".spec.serviceName"),
        ("job/once", _JOB, "TAG", "2", ".spec.template.spec.containers[0].image"),
        ("secret/sealed", _SECRET, "WORD", "b3tter-w0rd-5521", ".data.word"),
    ],
)
def test_what_cannot_be_changed_is_made_anew_only_if_allowed(
    target: RealTarget, name: str, text: str, old: str, new: str, path: str
) -> None:
    target.make("fixed.yaml", text.replace(old, "first-5519"))
    assert target.check()["drifts"] == []
    uid = target.value(name, ".metadata.uid")
    value = target.value(name, path)
    target.declare("fixed.yaml", text.replace(old, new))
    ran = target.run("restore", "--yes", "-o", "json")
    assert ran.code == 1
    (held,) = ran.plan["held"]
    assert held["resource"]["name"] == name.split("/")[1]
    assert "--recreate" in held["reason"]
    assert (target.value(name, ".metadata.uid"), target.value(name, path)) == (uid, value)
    again = target.run("restore", "--yes", "--recreate", "-o", "json")
    assert (again.code, [each["type"] for each in again.report["outcomes"]]) == (0, ["restored"])
    assert target.value(name, ".metadata.uid") != uid
    assert target.value(name, path) != value
    assert "w0rd" not in ran.stdout + ran.stderr + again.stdout + again.stderr
    assert target.check()["drifts"] == []


@pytest.mark.parametrize("name", ["job/once", "statefulset/db"])
def test_fields_that_can_be_changed_are_changed_in_place(target: RealTarget, name: str) -> None:
    text = _JOB.replace("TAG", "1") if name == "job/once" else _STATEFUL.replace("SERVICE", "db")
    target.make("fixed.yaml", text)
    uid = target.value(name, ".metadata.uid")
    field = "backoffLimit" if name == "job/once" else "replicas"
    target.patch(name, {"spec": {field: 5}, "metadata": {"labels": {"by": "hand"}}})
    (drift,) = target.check()["drifts"]
    assert {change["path"] for change in drift["changes"]} == {
        f"spec.{field}",
        "metadata.labels.by",
    }
    ran = target.run("restore", "--yes", "-o", "json")
    assert [each["type"] for each in ran.report["outcomes"]] == ["restored"]
    assert target.value(name, ".metadata.uid") == uid
    assert target.check()["drifts"] == []
