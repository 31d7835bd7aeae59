"""What is missing, what nobody declared, and what can't be read: three things, never mixed up."""

import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.plumbline import Plumbline
from tests.tools.controlplane import ControlPlane
from tests.tools.real_target import RealTarget

pytestmark = pytest.mark.xdist_group("check-real")

_CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: NAME, namespace: NAMESPACE}
data: {a: b}
"""
_ACCOUNT = """\
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot}
"""


@pytest.fixture
def target(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> RealTarget:
    """Two ConfigMaps, in sync."""
    made = RealTarget(control_plane, tmp_path / "repo", tmp_path / "home", (namespace,))
    for name in ("one", "two"):
        text = _CONFIG.replace("NAMESPACE", namespace).replace("NAME", name)
        made.make(f"{name}.yaml", text)
    assert made.check()["drifts"] == []
    return made


def test_missing_objects_are_told(
    target: RealTarget, control_plane: ControlPlane, namespace: str
) -> None:
    control_plane.kubectl("delete", "configmap", "one", "-n", namespace)
    report = target.check()
    (drift,) = report["drifts"]
    assert (drift["type"], drift["resource"]["name"]) == ("Missing", "one")
    assert drift["source"] == {"path": "one.yaml", "line": 1}


def test_unmanaged_objects_are_told_with_who_made_them(
    target: RealTarget, control_plane: ControlPlane, namespace: str
) -> None:
    words = ("create", "configmap", "stray", "-n", namespace, "--from-literal=a=b")
    control_plane.kubectl(*words, "--field-manager=mallory")
    uid = control_plane.kubectl(
        "get", "cm", "stray", "-n", namespace, "-o", "jsonpath={.metadata.uid}"
    ).stdout
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "stray", "uid": uid}
    child = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "child", "namespace": namespace, "ownerReferences": [owner]},
    }
    control_plane.kubectl("create", "-f", "-", input=json.dumps(child))
    (drift,) = target.check()["drifts"]
    assert (drift["type"], drift["resource"]["name"]) == ("Unmanaged", "stray")
    assert drift["by"]["manager"] == "mallory"
    assert target.run("check", scoped=False).code == 0


def test_what_may_not_be_read_is_unreadable_and_not_missing(
    target: RealTarget, control_plane: ControlPlane, namespace: str
) -> None:
    target.make("account.yaml", _ACCOUNT)
    user = f"reader-{namespace}"
    words = ("--verb=get,list", "--resource=configmaps", "-n", namespace)
    control_plane.kubectl("create", "role", "reader", *words)
    control_plane.kubectl(
        "create", "rolebinding", "reader", "--role=reader", f"--user={user}", "-n", namespace
    )
    limited = target.await_right(user, "list", "configmaps")
    ran = target.run("check", "-o", "json", kubeconfig=limited, scoped=False)
    assert ran.code == 2
    found = {(d["resource"]["kind"], d["type"]) for d in ran.report["drifts"]}
    assert found == {("ServiceAccount", "Unreadable")}
    assert "serviceaccounts" in ran.report["drifts"][0]["note"]


@pytest.fixture
def broken_group(control_plane: ControlPlane) -> Iterator[str]:
    """Registers a group whose server isn't there."""
    group = f"g{uuid.uuid4().hex[:8]}.example"
    service = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"v1.{group}"},
        "spec": {
            "group": group,
            "version": "v1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": "nobody", "namespace": "default"},
        },
    }
    control_plane.kubectl("create", "-f", "-", input=json.dumps(service))
    yield group
    control_plane.kubectl("delete", "apiservice", f"v1.{group}")


def test_a_group_that_is_down_is_unreadable_and_not_missing(
    target: RealTarget, broken_group: str
) -> None:
    thing = f"apiVersion: {broken_group}/v1\nkind: Thing\nmetadata: {{name: x}}\n"
    target.declare("thing.yaml", thing)
    ran = target.run("check", "-o", "json", scoped=False)
    assert ran.code == 2
    (drift,) = ran.report["drifts"]
    assert (drift["type"], drift["resource"]["kind"]) == ("Unreadable", "Thing")


def test_the_installed_command_does_the_same(
    target: RealTarget, control_plane: ControlPlane, namespace: str
) -> None:
    plumbline = Plumbline(target.repo, control_plane.kubeconfig, target.home)
    done = subprocess.run(plumbline.words("check"), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "in sync" in done.stdout
