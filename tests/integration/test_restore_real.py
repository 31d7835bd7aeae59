"""`plumbline restore` in a real cluster: puts right, holds what it mayn't, never goes too far."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.bootstrap import How, open_target
from reconciler.controller import check
from reconciler.core.planning import Permissions
from reconciler.restoration import plan_restore, restore
from reconciler.settings import (
    ClusterSettings,
    ScopeSettings,
    Settings,
    SourceSettings,
    TargetSettings,
)
from tests.tools.controlplane import ControlPlane
from tests.tools.real_target import RealTarget

pytestmark = pytest.mark.xdist_group("restore-real")

_CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: NAME}
data: {colour: blue, size: "3"}
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
def target(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[RealTarget]:
    """Two ConfigMaps and a Deployment, in sync."""
    made = RealTarget(control_plane, tmp_path / "repo", tmp_path / "home", (namespace,))
    for name in ("one", "two"):
        _declare(made, f"{name}.yaml", _CONFIG.replace("NAME", name))
    _declare(made, "web.yaml", _WEB)
    assert made.check()["drifts"] == []
    yield made


def _declare(target: RealTarget, file: str, text: str) -> None:
    target.declare(file, text)
    target.apply(file)


def _patch(target: RealTarget, name: str, patch: object, manager: str = "by-hand") -> None:
    words = ("patch", *name.split("/"), "-n", target.namespaces[0], "--type=merge")
    target.plane.kubectl(*words, "-p", json.dumps(patch), f"--field-manager={manager}")


def _value(target: RealTarget, name: str, path: str) -> str:
    words = ("get", *name.split("/"), "-n", target.namespaces[0], "-o", f"jsonpath={{{path}}}")
    return target.plane.kubectl(*words).stdout


def test_everything_is_put_right_and_verified(target: RealTarget) -> None:
    _patch(target, "configmap/one", {"data": {"colour": "red", "extra": "1", "size": None}})
    _patch(target, "deployment/web", {"spec": {"replicas": 4, "paused": True}})
    target.plane.kubectl("delete", "configmap", "two", "-n", target.namespaces[0])
    ran = target.run("restore", "--yes", "-o", "json")
    assert ran.code == 0
    outcomes = {each["resource"]["name"]: each["type"] for each in ran.report["outcomes"]}
    assert outcomes == {"one": "restored", "two": "restored", "web": "restored"}
    assert ran.report["requests"]["write"] == 3
    assert target.check()["drifts"] == []
    assert json.loads(_value(target, "configmap/one", ".data")) == {"colour": "blue", "size": "3"}


def test_nothing_is_written_where_nothing_drifted(target: RealTarget) -> None:
    before = _value(target, "configmap/one", ".metadata.resourceVersion")
    ran = target.run("restore", "--yes", "-o", "json")
    assert (ran.code, ran.report["requests"]["write"]) == (0, 0)
    assert _value(target, "configmap/one", ".metadata.resourceVersion") == before


def test_a_dry_run_writes_nothing(target: RealTarget) -> None:
    _patch(target, "configmap/one", {"data": {"colour": "red"}})
    before = _value(target, "configmap/one", ".metadata.resourceVersion")
    ran = target.run("restore", "--dry-run", "-o", "json")
    assert (ran.code, ran.report["requests"]["write"]) == (1, 0)
    assert _value(target, "configmap/one", ".metadata.resourceVersion") == before


def test_nobody_to_ask_writes_nothing(target: RealTarget) -> None:
    _patch(target, "configmap/one", {"data": {"colour": "red"}})
    ran = target.run("restore")
    assert ran.code == 2
    assert "--yes" in ran.stderr
    assert _value(target, "configmap/one", ".data.colour") == "red"


def test_exactly_the_plan_that_was_seen_is_carried_out(target: RealTarget) -> None:
    _patch(target, "configmap/one", {"data": {"colour": "red"}})
    digest = target.run("restore", "--dry-run", "-o", "json").plan["digest"]
    assert target.run("restore", "--plan", digest).code == 0
    assert _value(target, "configmap/one", ".data.colour") == "blue"


@pytest.mark.parametrize("moved", ["the same object", "another object", "git"])
def test_a_plan_is_void_once_anything_moved(target: RealTarget, moved: str) -> None:
    _patch(target, "configmap/one", {"data": {"colour": "red"}})
    digest = target.run("restore", "--dry-run", "-o", "json").plan["digest"]
    match moved:
        case "the same object":
            _patch(target, "configmap/one", {"data": {"colour": "green"}})
        case "another object":
            _patch(target, "configmap/two", {"data": {"colour": "green"}})
        case _:
            target.declare("one.yaml", _CONFIG.replace("NAME", "one").replace("blue", "white"))
    colour = _value(target, "configmap/one", ".data.colour")
    ran = target.run("restore", "--plan", digest)
    assert ran.code == 2
    assert "void" in ran.stderr
    assert _value(target, "configmap/one", ".data.colour") == colour


def test_a_plan_survives_what_a_controller_reports(target: RealTarget) -> None:
    _patch(target, "deployment/web", {"spec": {"paused": True}})
    digest = target.run("restore", "--dry-run", "-o", "json").plan["digest"]
    words = ("patch", "deployment", "web", "-n", target.namespaces[0], "--type=merge")
    status = json.dumps({"status": {"observedGeneration": 1}})
    target.plane.kubectl(*words, "--subresource=status", "-p", status)
    assert target.run("restore", "--plan", digest).code == 0
    assert _value(target, "deployment/web", ".spec.paused") in ("", "false")


def test_an_object_that_is_edited_meanwhile_is_left_alone(target: RealTarget) -> None:
    _patch(target, "configmap/one", {"data": {"colour": "red"}})
    _patch(target, "configmap/two", {"data": {"colour": "red"}})
    settings = Settings(
        cluster=ClusterSettings(kubeconfig=str(target.plane.kubeconfig)),
        cache_dir=str(target.home / "cache"),
        state_dir=str(target.home / "state"),
    )
    namespace = target.namespaces[0]
    source = SourceSettings(repo=str(target.repo))
    wanted = TargetSettings("shop", source, namespace, ScopeSettings((namespace,)))
    opened = open_target(settings, wanted, How())
    assert opened.cluster is not None
    look = check(opened.target)
    plan = plan_restore(opened.target, look, Permissions())
    _patch(target, "configmap/one", {"data": {"colour": "green"}}, "somebody-else")
    report = restore(opened.target, opened.cluster, look, plan)
    opened.cluster.close()  # type: ignore[attr-defined]  # a KubeCluster, as nothing was faked
    outcomes = {outcome.key.name: str(outcome.outcome) for outcome in report.outcomes}
    assert outcomes == {"one": "conflict", "two": "restored"}
    assert _value(target, "configmap/one", ".data.colour") == "green"


@pytest.mark.usefixtures("controller_manager")
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
    _declare(target, "fixed.yaml", text.replace(old, "first-5519"))
    assert target.check()["drifts"] == []
    uid = _value(target, name, ".metadata.uid")
    value = _value(target, name, path)
    target.declare("fixed.yaml", text.replace(old, new))
    ran = target.run("restore", "--yes", "-o", "json")
    assert ran.code == 1
    (held,) = ran.plan["held"]
    assert held["resource"]["name"] == name.split("/")[1]
    assert "--recreate" in held["reason"]
    assert (_value(target, name, ".metadata.uid"), _value(target, name, path)) == (uid, value)
    again = target.run("restore", "--yes", "--recreate", "-o", "json")
    assert (again.code, [each["type"] for each in again.report["outcomes"]]) == (0, ["restored"])
    assert _value(target, name, ".metadata.uid") != uid
    assert _value(target, name, path) != value
    assert "w0rd" not in ran.stdout + ran.stderr + again.stdout + again.stderr
    assert target.check()["drifts"] == []


@pytest.mark.usefixtures("controller_manager")
@pytest.mark.parametrize("name", ["job/once", "statefulset/db"])
def test_fields_that_can_be_changed_are_changed_in_place(target: RealTarget, name: str) -> None:
    text = _JOB.replace("TAG", "1") if name == "job/once" else _STATEFUL.replace("SERVICE", "db")
    _declare(target, "fixed.yaml", text)
    uid = _value(target, name, ".metadata.uid")
    field = "backoffLimit" if name == "job/once" else "replicas"
    _patch(target, name, {"spec": {field: 5}, "metadata": {"labels": {"by": "hand"}}})
    (drift,) = target.check()["drifts"]
    assert {change["path"] for change in drift["changes"]} == {
        f"spec.{field}",
        "metadata.labels.by",
    }
    ran = target.run("restore", "--yes", "-o", "json")
    assert [each["type"] for each in ran.report["outcomes"]] == ["restored"]
    assert _value(target, name, ".metadata.uid") == uid
    assert target.check()["drifts"] == []


def test_only_what_was_declared_once_is_pruned_and_only_if_allowed(target: RealTarget) -> None:
    namespace = target.namespaces[0]
    target.plane.kubectl("create", "configmap", "stray", "-n", namespace, "--from-literal=a=b")
    target.declare("two.yaml", "")
    ran = target.run("restore", "--yes", "-o", "json")
    assert ran.code == 1
    assert {each["resource"]["name"] for each in ran.plan["held"]} == {"two", "stray"}
    assert _value(target, "configmap/two", ".data.colour") == "blue"
    pruned = target.run("restore", "--yes", "--prune", "-o", "json")
    assert [each["resource"]["name"] for each in pruned.report["outcomes"]] == ["two"]
    words = ("get", "configmaps", "-n", namespace, "-o", "name")
    left = target.plane.kubectl(*words).stdout.split()
    assert "configmap/stray" in left
    assert "configmap/two" not in left


def test_an_empty_desired_side_writes_nothing(target: RealTarget) -> None:
    for name in ("one", "two", "web"):
        target.declare(f"{name}.yaml", "")
    ran = target.run("restore", "--yes", "--prune", "-o", "json")
    assert ran.code == 2
    assert _value(target, "configmap/one", ".data.colour") == "blue"


def test_a_definition_and_what_it_defines_come_back_together(target: RealTarget) -> None:
    group = f"g{target.namespaces[0][-8:]}.example"
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "spec": {
                                    "type": "object",
                                    "properties": {"size": {"type": "integer", "default": 3}},
                                }
                            },
                        }
                    },
                }
            ],
        },
    }
    widget = f"apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: w}}\nspec: {{}}\n"
    _declare(target, "definition.json", json.dumps(definition))
    target.plane.kubectl("wait", "--for=condition=Established", f"crd/widgets.{group}")
    _declare(target, "widget.yaml", widget)
    assert target.check()["drifts"] == []
    target.plane.kubectl("delete", "crd", f"widgets.{group}")
    kinds = {drift["resource"]["kind"]: drift["type"] for drift in target.check()["drifts"]}
    assert kinds == {"CustomResourceDefinition": "Missing", "Widget": "Missing"}
    assert [each["type"] for each in target.restore()["outcomes"]] == ["restored", "restored"]
    assert target.check()["drifts"] == []
    target.plane.kubectl("delete", "crd", f"widgets.{group}")


def test_who_may_not_write_is_told_so(target: RealTarget) -> None:
    namespace = target.namespaces[0]
    user = f"viewer-{namespace}"
    words = ("--verb=get,list", "--resource=configmaps,deployments.apps", "-n", namespace)
    target.plane.kubectl("create", "role", "viewer", *words)
    bind = ("--role=viewer", f"--user={user}", "-n", namespace)
    target.plane.kubectl("create", "rolebinding", "viewer", *bind)
    # The authorizer reads bindings from a cache that follows a moment later.
    allowed = ("auth", "can-i", "list", "deployments", "-n", namespace)
    while target.plane.kubectl(*allowed, user=user, check=False).stdout.strip() != "yes":
        pass
    _patch(target, "configmap/one", {"data": {"colour": "red"}})
    viewer = target.plane.user_kubeconfig(user)
    looked = target.run("check", "-o", "json", kubeconfig=viewer, scoped=False)
    words = ("restore", "--yes", "-o", "json")
    ran = target.run(*words, kubeconfig=viewer, scoped=False)
    assert looked.code in (1, 2)
    assert ran.code == 2
    assert _value(target, "configmap/one", ".data.colour") == "red"
