"""The guard on a real API server, with real controllers: who may do what, and who may not."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.bootstrap import open_cluster
from reconciler.builtin import own_controllers
from reconciler.cli.main import main
from reconciler.core.guard.subjects import Sender
from reconciler.core.guard.trials import trial_objects
from reconciler.core.moments import rfc3339
from reconciler.guard.plan import guard_plan
from reconciler.settings import load_settings
from tests.benchmarks.workload import commit
from tests.tools.controlplane import ControlPlane

pytestmark = pytest.mark.xdist_group("guard-real")

_MANIFESTS = """\
apiVersion: v1
kind: Namespace
metadata: {name: SPACE}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: SPACE, labels: {app: web}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: one, namespace: SPACE}
data: {colour: blue}
---
apiVersion: v1
kind: Pod
metadata: {name: single, namespace: SPACE}
spec: {nodeName: n1, containers: [{name: web, image: "registry.example/web:1"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: SPACE-outside, namespace: default}
data: {colour: blue}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: SPACE-reader, labels: {guarded: SPACE}}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
"""
_DEPLOYER = ("deploy-bot", "deployers")
_JANE = ("jane", "people")
_FIRE = ("fay", "firefighters")
_HPA = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"
#: A policy on trial only warns; its warning isn't this.
_REFUSED = "' denied request: "
#: What kubectl sends even where it changes nothing.
_TOUCH = '{"metadata": {"labels": {"touched": "yes"}}}'
_PATIENCE = 90.0


@dataclass(frozen=True, slots=True)
class Guard:
    """A target with a guard, and people who all have every right that RBAC gives."""

    plane: ControlPlane
    space: str
    home: Path

    def run(self, *words: str) -> int:
        return main(["guard", *words, "--config", str(self.home / "plumbline.yaml"), "--kubeconfig",
                     str(self.plane.kubeconfig)])  # fmt: skip

    def configure(self, **guard: Any) -> None:
        settings = {
            "targets": [
                {
                    "name": self.space,
                    "source": {"repo": str(self.home / "repo")},
                    "scope": {"namespaces": [self.space]},
                }
            ],
            "guard": {
                "mode": "deny",
                "deployers": [{"identity": "group:deployers"}],
                "ask": "Ask the platform team.",
                "sessions": {"mode": "deny"},
                "break_glass": {"group": "firefighters", "lasts": "2h"},
                **guard,
            },
            "cache_dir": str(self.home / "cache"),
            "state_dir": str(self.home / "state"),
        }
        text = yaml.safe_dump(settings)
        (self.home / "plumbline.yaml").write_text(text, encoding="utf-8")

    def by(self, who: tuple[str, str], *words: str, text: str | None = None) -> str:
        """Calls kubectl as a person; gives all that it says, and how it ended."""
        user, group = who
        done = self.plane.kubectl(
            *words, user=user, groups=[group], input=text, check=False, timeout=30
        )
        return f"{done.stdout}{done.stderr}"

    def by_account(self, user: str, *words: str) -> str:
        """Calls kubectl as one of Kubernetes' own accounts, with rights of all."""
        more = ("--as", user, "--as-group", "system:masters")
        done = self.plane.kubectl(*words, *more, check=False, timeout=30)
        return f"{done.stdout}{done.stderr}"

    def eventually(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not done():
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def value(self, *words: str) -> str:
        return self.plane.kubectl("get", *words).stdout


@pytest.fixture(scope="module")
def guard(plane_apart: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    plane = plane_apart
    made = Guard(plane, "guarded-shop", tmp_path_factory.mktemp("guard"))
    (made.home / "repo").mkdir()
    manifests = made.home / "repo" / "shop.yaml"
    manifests.write_text(_MANIFESTS.replace("SPACE", made.space), encoding="utf-8")
    commit(made.home / "repo")
    groups = [f"--group={each}" for _, each in (_DEPLOYER, _JANE, _FIRE)]
    plane.kubectl("create", "clusterrolebinding", "guarded", "--clusterrole=cluster-admin", *groups)
    plane.create_namespace(made.space)
    made.eventually(lambda: "yes" in made.by(_DEPLOYER, "auth", "can-i", "create", "pods"))
    applied = made.by(_DEPLOYER, "apply", "--server-side", "-f", str(manifests))
    assert "Error" not in applied, applied
    # As its node says, so that kubectl tries to forward a port of it.
    running = ("--subresource=status", "--type=merge", "-p", '{"status": {"phase": "Running"}}')
    made.by_account("system:node:n1", "patch", "pod", "single", "-n", made.space, *running)
    made.configure()
    yield made
    assert made.run("uninstall", "--yes") == 0


@pytest.fixture(scope="module")
def installed(guard: Guard) -> Guard:
    """The guard in mode deny, and at work."""
    assert guard.run("install", "--yes") == 0
    words = ("patch", "pod", "single", "-n", guard.space, "-p", _TOUCH)
    guard.eventually(lambda: _REFUSED in guard.by(_JANE, *words))
    return guard


def test_a_guard_that_locks_the_deployer_out_is_not_installed(
    guard: Guard, capsys: pytest.CaptureFixture[str]
) -> None:
    guard.configure(deployers=[{"identity": "account:flux/nobody"}])
    assert guard.run("install", "--yes") == 2
    said = capsys.readouterr().err
    assert "system:serviceaccount:flux:nobody: it has no right to write any declared object" in said
    guard.configure(deployers=[])
    assert guard.run("install", "--yes") == 2
    assert "has no deployer" in capsys.readouterr().err
    guard.configure()
    assert guard.value("validatingadmissionpolicies", "-o", "name") == ""
    assert guard.run("status") == 1


def test_a_dry_run_writes_nothing(guard: Guard, capsys: pytest.CaptureFixture[str]) -> None:
    assert guard.run("install", "--dry-run") == 1
    told = capsys.readouterr().out
    assert f"create  ValidatingAdmissionPolicy plumbline-{guard.space}" in told
    assert "kubectl  5 objects" in told
    assert guard.value("validatingadmissionpolicies", "-o", "name") == ""


def test_it_stands_as_rendered_and_the_server_finds_nothing_wrong_in_it(
    installed: Guard, capsys: pytest.CaptureFixture[str]
) -> None:
    def checked() -> bool:
        words = ("validatingadmissionpolicies", "-o", "jsonpath={.items[*].status.typeChecking}")
        return installed.value(*words).count("{}") == 4

    installed.eventually(checked)
    assert installed.run("status", "-o", "json") == 0
    found = json.loads(capsys.readouterr().out)["objects"]
    assert {each["state"] for each in found} == {"same"}
    assert len(found) == 8
    assert installed.run("install", "--yes") == 0
    assert "nothing to write" in capsys.readouterr().out


def test_status_tells_what_somebody_changed(
    installed: Guard, capsys: pytest.CaptureFixture[str]
) -> None:
    binding = f"plumbline-{installed.space}.cluster"
    kind = "validatingadmissionpolicybinding"
    patch = '{"spec": {"validationActions": ["Audit"]}}'
    installed.plane.kubectl("patch", kind, binding, "--type=merge", "-p", patch)
    assert installed.run("status") == 1
    told = capsys.readouterr().out
    assert f"ValidatingAdmissionPolicyBinding {binding}  Audit  differs" in told
    assert "in validationActions" in told
    assert installed.run("install", "--yes") == 0
    assert installed.run("status") == 0


def test_people_are_refused_and_told_where_to_go(installed: Guard) -> None:
    space = ("-n", installed.space)
    collection = (
        f"/apis/rbac.authorization.k8s.io/v1/clusterroles?labelSelector=guarded%3D{installed.space}"
    )
    refused = {
        "edit": ("patch", "cm", "one", *space, "-p", '{"data": {"colour": "red"}}'),
        "create": ("create", "cm", "more", *space),
        "delete": ("delete", "cm", "one", *space),
        "scale": ("scale", "deploy/web", *space, "--replicas=3"),
        "restart": ("rollout", "restart", "deploy/web", *space),
        "image": ("set", "image", "deploy/web", "web=evil:1", *space),
        "outside": ("label", "cm", f"{installed.space}-outside", "-n", "default", "a=b"),
        "cluster": ("label", "clusterrole", f"{installed.space}-reader", "a=b"),
        "namespace": ("label", "ns", installed.space, "a=b"),
        "all": ("delete", "cm", "--all", *space),
        "collection": ("delete", "--raw", collection),
        "session": ("exec", "single", *space, "--", "ls"),
        "attach": ("attach", "single", *space),
        "forward": ("port-forward", "pod/single", *space, ":80"),
        "debug": ("debug", "single", *space, "--image=busybox", "--", "true"),
    }
    for what, words in refused.items():
        said = installed.by(_JANE, *words)
        assert _REFUSED in said, (what, said)
        assert "Ask the platform team." in said, what
    said = installed.by(_JANE, *refused["edit"])
    assert "jane may not update configmaps one in guarded-shop" in said
    assert "declared in the repository repo, file shop.yaml. Change it there" in said
    assert "blue" in installed.value("cm", "one", *space, "-o", "yaml")


def test_a_dry_run_is_let_through_so_that_people_can_compare(installed: Guard) -> None:
    words = ("patch", "cm", "one", "-n", installed.space, "-p", _TOUCH)
    assert _REFUSED in installed.by(_JANE, *words)
    assert "patched" in installed.by(_JANE, *words, "--dry-run=server")


def test_what_nobody_guards_stays_free(installed: Guard) -> None:
    assert _REFUSED not in installed.by(_JANE, "create", "cm", "free", "-n", "default")
    assert _REFUSED not in installed.by(_JANE, "delete", "cm", "free", "-n", "default")
    secret = ("secret", "generic", "free", "-n", installed.space)
    assert "created" in installed.by(_JANE, "create", *secret)
    assert "labeled" in installed.by(_JANE, "label", "clusterrole", "view", "touched=yes")
    installed.by(_JANE, "label", "clusterrole", "view", "touched-")


def test_the_deployer_and_the_controllers_go_on(installed: Guard) -> None:
    space = ("-n", installed.space)
    said = installed.by(
        _DEPLOYER, "set", "image", "deploy/web", "web=registry.example/web:2", *space
    )
    assert "image updated" in said

    def rolled() -> bool:
        words = ("pods", *space, "-o", "jsonpath={.items[*].spec.containers[*].image}")
        return "registry.example/web:2" in installed.value(*words)

    # Pods are guarded here, so the real replicaset controller had to be let through.
    installed.eventually(rolled)
    scaled = installed.by_account(_HPA, "scale", "deploy/web", *space, "--replicas=2")
    assert "scaled" in scaled
    edited = installed.by_account(_HPA, "label", "deploy", "web", *space, "a=b")
    assert _REFUSED in edited
    status = '{"status": {"message": "by its node"}}'
    node = ("patch", "pod", "single", *space, "--subresource=status", "--type=merge", "-p", status)
    assert "patched" in installed.by_account("system:node:n1", *node)
    assert "patched" in installed.by(_JANE, *node[:-1], '{"status": {"message": "by a person"}}')
    # Its ReplicaSets and pods go by the real garbage collector.
    assert "deleted" in installed.by(_DEPLOYER, "delete", "deploy", "web", *space)
    pods = ("pods", *space, "-l", "app=web", "-o", "name")
    installed.eventually(lambda: installed.value(*pods) == "")
    manifests = str(installed.home / "repo" / "shop.yaml")
    applied = installed.by(
        _DEPLOYER, "apply", "--server-side", "--force-conflicts", "-f", manifests
    )
    assert "Error" not in applied, applied


def _broken(reason: str, until: str, **data: str) -> str:
    notes = {"plumbline.dev/break-glass": reason, "plumbline.dev/break-glass-until": until}
    return json.dumps({"metadata": {"annotations": notes}, "data": data})


def test_breaking_the_glass_takes_a_reason_and_an_end(installed: Guard) -> None:
    space = ("-n", installed.space)
    now = datetime.now(UTC)
    soon = rfc3339(now + timedelta(hours=1))

    def patch(text: str) -> str:
        return installed.by(_FIRE, "patch", "cm", "one", *space, "-p", text)

    refused = {
        "nothing": '{"data": {"colour": "red"}}',
        "no reason": _broken(" ", soon, colour="red"),
        "over": _broken("outage", rfc3339(now - timedelta(minutes=1)), colour="red"),
        "too long": _broken("outage", rfc3339(now + timedelta(hours=3)), colour="red"),
        "no time": _broken("outage", "2026-02-31T00:00:00Z", colour="red"),
    }
    for what, text in refused.items():
        assert _REFUSED in patch(text), what
    assert _REFUSED in installed.by(_FIRE, "delete", "cm", "one", *space)
    assert _REFUSED in installed.by(_JANE, *("patch", "cm", "one", *space, "-p"),
                                    _broken("outage", soon, colour="red"))  # fmt: skip
    assert "patched" in patch(_broken("outage", soon, colour="red"))
    assert "patched" in patch('{"data": {"colour": "redder"}}')
    single = ("exec", "single", *space, "--", "ls")
    assert _REFUSED not in installed.by(_FIRE, *single)
    assert "deleted" in installed.by(_FIRE, "delete", "cm", "one", *space)


def test_the_clock_of_break_glass_can_not_be_set(installed: Guard) -> None:
    space = ("-n", installed.space)
    manifests = str(installed.home / "repo" / "shop.yaml")
    installed.by(_DEPLOYER, "apply", "--server-side", "--force-conflicts", "-f", manifests)
    text = installed.value("cm", "one", *space, "-o", "json", "--show-managed-fields")
    body = json.loads(text)
    metadata = body["metadata"]
    forged = {**metadata["managedFields"][0], "manager": "forged", "time": "2040-01-01T00:00:00Z"}
    metadata["managedFields"].append(forged)
    metadata["annotations"] = {
        "plumbline.dev/break-glass": "for years",
        "plumbline.dev/break-glass-until": "2040-01-01T01:00:00Z",
    }
    body["data"]["colour"] = "forged"
    assert _REFUSED in installed.by(_FIRE, "replace", "-f", "-", text=json.dumps(body))
    metadata["managedFields"] = [{}]
    assert _REFUSED in installed.by(_FIRE, "replace", "-f", "-", text=json.dumps(body))


def test_the_program_judges_as_the_server_does(installed: Guard) -> None:
    """`Rules.admits`, which recorded requests are tried with, against the policies themselves."""
    flags = {"cluster": {"kubeconfig": str(installed.plane.kubeconfig)}}
    settings = load_settings(str(installed.home / "plumbline.yaml"), flags, {})
    plan = guard_plan(settings, settings.targets)
    trials = trial_objects(plan.of_target(plan.targets[0]))
    names = [each.key.name for each in trials]
    listed = {"apiVersion": "v1", "kind": "List", "items": [each.body for each in trials]}
    installed.plane.kubectl("create", "-f", "-", input=json.dumps(listed))
    body = json.loads(installed.value("cm", "one", "-n", installed.space, "-o", "json"))
    admitted = set()
    with closing(open_cluster(settings)) as cluster:
        kind = plan.catalog.find("v1", "ConfigMap")
        assert kind is not None

        def refused(user: str) -> bool:
            # Of a group that has every right, and is nobody's in the guard.
            sender = Sender(user, frozenset({"system:masters"}))
            return cluster.trials().tried(sender, "update", kind, body).refused_by(names)

        installed.eventually(lambda: refused("nobody"))
        for controller in own_controllers():
            name = controller.subject.name
            user = "system:node:n1" if controller.subject.is_group else name
            judged = plan.rules.admits(installed.space, Sender(user), "configmaps")
            assert refused(user) is not judged, user
            admitted |= {user} if judged else set()
    installed.plane.kubectl("delete", "-f", "-", input=json.dumps(listed))
    accounts = "system:serviceaccount:kube-system:"
    assert admitted == {
        "system:apiserver",
        "system:kube-controller-manager",
        f"{accounts}generic-garbage-collector",
        f"{accounts}namespace-controller",
        f"{accounts}root-ca-cert-publisher",
    }


def test_warn_lets_through_and_warns(installed: Guard) -> None:
    installed.configure(mode="warn")
    try:
        assert installed.run("install", "--yes") == 0
        words = ("patch", "cm", "one", "-n", installed.space, "-p", _TOUCH)
        installed.eventually(lambda: "patched" in installed.by(_JANE, *words))
        said = installed.by(_JANE, *words)
        assert "Warning: Validation failed for ValidatingAdmissionPolicy" in said
        assert "patched" in said
    finally:
        installed.configure()


def test_uninstall_takes_away_what_is_ours_alone(installed: Guard) -> None:
    foreign = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "foreign"},
        "spec": {
            "matchConstraints": {
                "resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                     "resources": ["podtemplates"]}
                ]
            },
            "validations": [{"expression": "true"}],
        },
    }  # fmt: skip
    installed.plane.kubectl("apply", "-f", "-", input=json.dumps(foreign))
    try:
        assert installed.run("uninstall", "--dry-run") == 1
        assert installed.run("uninstall", "--yes") == 0
        left = installed.value("validatingadmissionpolicies", "-o", "name")
        assert left.strip().endswith("/foreign")
        assert left.count("\n") == 1
        assert installed.value("validatingadmissionpolicybindings", "-o", "name") == ""
    finally:
        installed.plane.kubectl("delete", "validatingadmissionpolicy", "foreign")
