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


@pytest.fixture
def target(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[RealTarget]:
    """Two ConfigMaps and a Deployment, in sync."""
    made = RealTarget(control_plane, tmp_path / "repo", tmp_path / "home", (namespace,))
    for name in ("one", "two"):
        made.make(f"{name}.yaml", _CONFIG.replace("NAME", name))
    made.make("web.yaml", _WEB)
    assert made.check()["drifts"] == []
    yield made


def test_everything_is_put_right_and_verified(target: RealTarget) -> None:
    target.patch("configmap/one", {"data": {"colour": "red", "extra": "1", "size": None}})
    target.patch("deployment/web", {"spec": {"replicas": 4, "paused": True}})
    target.plane.kubectl("delete", "configmap", "two", "-n", target.namespaces[0])
    ran = target.run("restore", "--yes", "-o", "json")
    assert ran.code == 0
    outcomes = {each["resource"]["name"]: each["type"] for each in ran.report["outcomes"]}
    assert outcomes == {"one": "restored", "two": "restored", "web": "restored"}
    assert ran.report["requests"]["write"] == 3
    assert target.check()["drifts"] == []
    assert json.loads(target.value("configmap/one", ".data")) == {"colour": "blue", "size": "3"}


def test_nothing_is_written_where_nothing_drifted(target: RealTarget) -> None:
    before = target.value("configmap/one", ".metadata.resourceVersion")
    ran = target.run("restore", "--yes", "-o", "json")
    assert (ran.code, ran.report["requests"]["write"]) == (0, 0)
    assert target.value("configmap/one", ".metadata.resourceVersion") == before


def test_a_dry_run_writes_nothing(target: RealTarget) -> None:
    target.patch("configmap/one", {"data": {"colour": "red"}})
    before = target.value("configmap/one", ".metadata.resourceVersion")
    ran = target.run("restore", "--dry-run", "-o", "json")
    assert (ran.code, ran.report["requests"]["write"]) == (1, 0)
    assert target.value("configmap/one", ".metadata.resourceVersion") == before


def test_nobody_to_ask_writes_nothing(target: RealTarget) -> None:
    target.patch("configmap/one", {"data": {"colour": "red"}})
    ran = target.run("restore")
    assert ran.code == 2
    assert "--yes" in ran.stderr
    assert target.value("configmap/one", ".data.colour") == "red"


def test_exactly_the_plan_that_was_seen_is_carried_out(target: RealTarget) -> None:
    target.patch("configmap/one", {"data": {"colour": "red"}})
    digest = target.run("restore", "--dry-run", "-o", "json").plan["digest"]
    assert target.run("restore", "--plan", digest).code == 0
    assert target.value("configmap/one", ".data.colour") == "blue"


@pytest.mark.parametrize("moved", ["the same object", "another object", "git"])
def test_a_plan_is_void_once_anything_moved(target: RealTarget, moved: str) -> None:
    target.patch("configmap/one", {"data": {"colour": "red"}})
    digest = target.run("restore", "--dry-run", "-o", "json").plan["digest"]
    match moved:
        case "the same object":
            target.patch("configmap/one", {"data": {"colour": "green"}})
        case "another object":
            target.patch("configmap/two", {"data": {"colour": "green"}})
        case _:
            target.declare("one.yaml", _CONFIG.replace("NAME", "one").replace("blue", "white"))
    colour = target.value("configmap/one", ".data.colour")
    ran = target.run("restore", "--plan", digest)
    assert ran.code == 2
    assert "void" in ran.stderr
    assert target.value("configmap/one", ".data.colour") == colour


def test_a_plan_survives_what_a_controller_reports(target: RealTarget) -> None:
    target.patch("deployment/web", {"spec": {"paused": True}})
    digest = target.run("restore", "--dry-run", "-o", "json").plan["digest"]
    words = ("patch", "deployment", "web", "-n", target.namespaces[0], "--type=merge")
    status = json.dumps({"status": {"observedGeneration": 1}})
    target.plane.kubectl(*words, "--subresource=status", "-p", status)
    assert target.run("restore", "--plan", digest).code == 0
    assert target.value("deployment/web", ".spec.paused") in ("", "false")


def test_an_object_that_is_edited_meanwhile_is_left_alone(target: RealTarget) -> None:
    target.patch("configmap/one", {"data": {"colour": "red"}})
    target.patch("configmap/two", {"data": {"colour": "red"}})
    settings = Settings(
        cluster=ClusterSettings(kubeconfig=str(target.plane.kubeconfig)),
        cache_dir=str(target.home / "cache"),
        state_dir=str(target.home / "state"),
    )
    namespace = target.namespaces[0]
    source = SourceSettings(repo=str(target.repo))
    wanted = TargetSettings("shop", source, namespace, ScopeSettings((namespace,)))
    with open_target(settings, wanted, How()) as opened:
        assert opened.cluster is not None
        look = check(opened.target)
        plan = plan_restore(opened.target, look, Permissions())
        target.patch("configmap/one", {"data": {"colour": "green"}}, "somebody-else")
        report = restore(opened.target, opened.cluster, look, plan)
    outcomes = {outcome.key.name: str(outcome.outcome) for outcome in report.outcomes}
    assert outcomes == {"one": "conflict", "two": "restored"}
    assert target.value("configmap/one", ".data.colour") == "green"


def test_only_what_was_declared_once_is_pruned_and_only_if_allowed(target: RealTarget) -> None:
    namespace = target.namespaces[0]
    target.plane.kubectl("create", "configmap", "stray", "-n", namespace, "--from-literal=a=b")
    target.declare("two.yaml", "")
    ran = target.run("restore", "--yes", "-o", "json")
    assert ran.code == 1
    assert {each["resource"]["name"] for each in ran.plan["held"]} == {"two", "stray"}
    assert target.value("configmap/two", ".data.colour") == "blue"
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
    assert target.value("configmap/one", ".data.colour") == "blue"


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
    target.make("definition.json", json.dumps(definition))
    target.plane.kubectl("wait", "--for=condition=Established", f"crd/widgets.{group}")
    target.make("widget.yaml", widget)
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
    target.patch("configmap/one", {"data": {"colour": "red"}})
    viewer = target.await_right(user, "list", "deployments")
    looked = target.run("check", "-o", "json", kubeconfig=viewer, scoped=False)
    words = ("restore", "--yes", "-o", "json")
    ran = target.run(*words, kubeconfig=viewer, scoped=False)
    assert looked.code in (1, 2)
    assert ran.code == 2
    assert target.value("configmap/one", ".data.colour") == "red"
