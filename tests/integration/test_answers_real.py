"""Pods that drifted are replaced, on the real API server with real controllers.

No kubelet runs here: the test says for it that pods are running and ready.
"""

import contextlib
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.history.database import DatabaseHistory
from reconciler.core.containers import (
    ContainerLook,
    ContainerRef,
    FileDrift,
    FileState,
    FileType,
    NodeLook,
    NodeReport,
)
from reconciler.core.drift import ChangeType, Severity
from reconciler.core.evidence import Evidence
from reconciler.core.moments import rfc3339
from reconciler.core.quarantine import LABELS_BEFORE, QUARANTINE
from tests.integration.observations.test_observation_servers import Keys
from tests.tools.controlplane import ControlPlane
from tests.tools.controlplane.servers import free_port
from tests.tools.real_target import RealTarget
from tests.tools.running import Controller, until

pytestmark = pytest.mark.xdist_group("answers-real")

_WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1"}]}
"""
_BUDGET = """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  minAvailable: MINIMUM
  selector: {matchLabels: {app: web}}
"""
_EVIL = {"spec": {"containers": [{"name": "web", "image": "registry.example/evil:1"}]}}
_NODE = "node-one"
_DIGEST = re.compile(r"\bp-[0-9a-f]{16}\b")


@dataclass
class Stage:
    """A Deployment of two pods, and a controller over it."""

    target: RealTarget
    folder: Path
    keys: Keys
    controller: Controller | None = None

    @property
    def space(self) -> str:
        return self.target.namespaces[0]

    @property
    def path(self) -> str:
        return f"/api/v1/namespaces/{self.space}/pods"

    def pods(self) -> dict[str, dict[str, Any]]:
        """Gives the pods by name; says first of those that are new that they are ready."""
        for pod in self._listed():
            if "conditions" not in pod["status"] or pod["status"]["phase"] == "Pending":
                condition = {"type": "Ready", "status": "True", "lastTransitionTime": _now()}
                status = {"phase": "Running", "conditions": [condition], "startTime": _now()}
                words = ("patch", "pod", pod["metadata"]["name"], "-n", self.space)
                more = (
                    "--subresource=status",
                    "--type=merge",
                    "-p",
                    json.dumps({"status": status}),
                )
                self.target.plane.kubectl(*words, *more, check=False)
        return {pod["metadata"]["name"]: pod for pod in self._listed()}

    def _listed(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.target.plane.object_at(self.path)["items"]
        return sorted(items, key=lambda each: str(each["metadata"]["name"]))

    def nodes(self) -> list[str]:
        """Gives where the pods are, once none is going."""
        return [
            "" if pod["metadata"].get("deletionTimestamp") else str(pod["spec"].get("nodeName"))
            for pod in self.pods().values()
        ]

    def serving(self) -> dict[str, str]:
        """Gives names and uids of the pods that the Deployment has, once both are ready."""
        found: dict[str, str] = {}

        def both() -> bool:
            nonlocal found
            found = {
                name: pod["metadata"]["uid"]
                for name, pod in self.pods().items()
                if pod["metadata"]["labels"].get("app") == "web"
                and pod["status"].get("phase") == "Running"
            }
            return len(found) == 2

        until(both, "both pods serve")
        return found

    def edit(self, pod: str) -> None:
        """Has it run another image, as a person would."""
        self.target.plane.kubectl("patch", "pod", pod, "-n", self.space, "-p", json.dumps(_EVIL))

    def run(self, **agents: Any) -> Controller:
        wanted = {
            "name": "shop",
            "source": {"repo": str(self.target.repo)},
            "namespace": self.space,
            "scope": {"namespaces": [self.space]},
        }
        more = {
            "agents": {"pods": True, **agents},
            "schedule": {"interval": "1s", "jitter": "0s"},
        }
        kubeconfig = self.target.plane.kubeconfig
        made = Controller(self.folder / "controller", kubeconfig, [wanted], more)
        made.start()
        self.controller = made
        return made.await_ready()

    def events(self, pod: str, *types: str) -> list[dict[str, Any]]:
        assert self.controller is not None
        found = self.controller.history("--object", f"Pod/{pod}")
        return [each for each in found if each["type"] in types]

    def log(self) -> str:
        assert self.controller is not None
        return self.controller.log

    def await_event(self, pod: str, kind: str) -> dict[str, Any]:
        def told() -> bool:
            self.pods()
            return bool(self.events(pod, kind))

        until(told, lambda: f"{kind} of {pod}: {self.log()}")
        return self.events(pod, kind)[0]


def told(event: dict[str, Any]) -> dict[str, Any]:
    return {each["path"]: each["after"] for each in event["fields"]}


def _now() -> str:
    return rfc3339(datetime.now(UTC))


@pytest.fixture
def stage(plane_apart: ControlPlane, tmp_path: Path) -> Iterator[Stage]:
    space = f"test-{uuid.uuid4().hex[:12]}"
    plane_apart.create_namespace(space)
    target = RealTarget(plane_apart, tmp_path / "repo", tmp_path / "home", (space,))
    target.make("web.yaml", _WEB)
    (tmp_path / "keys").mkdir()
    made = Stage(target, tmp_path, Keys(tmp_path / "keys"))
    made.serving()
    yield made
    if made.controller is not None:
        made.controller.kill()
    plane_apart.delete_namespace(space)


def test_an_edited_pod_is_evicted_once_its_budget_allows(stage: Stage) -> None:
    stage.target.make("budget.yaml", _BUDGET.replace("MINIMUM", "2"))
    before = stage.serving()
    one, two = before
    budget = f"/apis/policy/v1/namespaces/{stage.space}/poddisruptionbudgets/web"

    def healthy() -> int:
        status = stage.target.plane.object_at(budget).get("status") or {}
        return int(status.get("currentHealthy") or 0)

    until(lambda: healthy() == 2, "the budget is known")
    stage.run(mode="restore")
    stage.edit(one)
    refused = stage.await_event(one, "refused")
    assert refused["reason"].startswith("evict: ")
    assert "disruption budget" in refused["reason"]
    assert stage.serving() == before

    stage.target.make("budget.yaml", _BUDGET.replace("MINIMUM", "1"))
    restored = stage.await_event(one, "restored")
    assert told(restored) == {"(made anew by)": f"Deployment {stage.space}/web"}
    after = stage.serving()
    assert one not in after
    assert after[two] == before[two]
    images = {pod["spec"]["containers"][0]["image"] for pod in stage.pods().values()}
    assert images == {"registry.example/web:1"}
    # Nothing else was done to anything.
    assert stage.controller is not None
    done = [each for each in stage.controller.history() if each["type"] == "restored"]
    assert {each["resource"]["name"] for each in done} == {one}


def test_a_person_agrees_to_the_replacement_of_one_pod(stage: Stage) -> None:
    before = stage.serving()
    one, two = before
    controller = stage.run(mode="approve")
    for each in (one, two):
        stage.edit(each)
    stage.await_event(one, "decided")
    stage.await_event(two, "decided")
    code, text = controller.call("approve")
    assert code == 1, text
    assert stage.serving() == before
    # One pod is replaced at a time; the other may be chosen all the same.
    assert f"Pod {stage.space}/{two}: one pod at a time: {one} is replaced first" in " ".join(
        text.split()
    )
    line = next(each for each in text.splitlines() if f"{two} alone" in each)
    plan = _DIGEST.findall(line)[0]
    code, text = controller.call("approve", plan)
    assert code == 0, text
    stage.await_event(two, "restored")
    after = stage.serving()
    assert two not in after
    assert after[one] == before[one]


def test_evidence_is_kept_before_a_pod_goes_into_quarantine(stage: Stage) -> None:
    # On a node, as agents know them: what is deleted there waits for its kubelet.
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": _NODE}}
    stage.target.plane.kubectl("apply", "-f", "-", input=json.dumps(node))
    stage.target.make("web.yaml", _WEB.replace("    spec: {", f"    spec: {{nodeName: {_NODE}, "))
    until(lambda: set(stage.nodes()) == {_NODE}, "its pods are on the node")
    before = stage.serving()
    one, two = before
    keys = stage.keys.server()
    controller = stage.run(
        mode="restore",
        answer="quarantine",
        evidence="required",
        address=f"127.0.0.1:{free_port()}",
        certificate=str(keys.certificate),
        key=str(keys.key),
    )
    state = FileState(FileType.REGULAR, 0o755, 0, 0, 9, sha256="a" * 64)
    drift = FileDrift("/opt/x", ChangeType.ADDED, Severity.HIGH, "executable", None, state)
    ref = ContainerRef(stage.space, one, before[one], "web", "c1", node=_NODE)
    clean = ContainerRef(stage.space, two, before[two], "web", "c2", node=_NODE)
    looks = (ContainerLook(ref, (drift,)), ContainerLook(clean))

    history = DatabaseHistory.open(str(controller.home / "state" / "history.db"), create=False)
    with contextlib.closing(history):

        def say() -> None:
            look = NodeLook(_NODE, _now(), looks)
            history.nodes().save(NodeReport(look, _now()))

        say()
        wanted = history.evidence().wanted
        until(lambda: list(wanted(_NODE)) == [before[one]], stage.log)
        done = controller.cycles("done")
        until(lambda: controller.cycles("done") >= done + 2, stage.log)
        assert stage.serving() == before
        kept = Evidence(before[one], "e" * 64, 99, _now())
        history.evidence().keep(_NODE, [kept])
        restored = stage.await_event(one, "restored")
        assert restored["reason"] == "quarantine"
        assert told(restored)["(evidence)"] == f"sha256:{'e' * 64} on the node {_NODE}"

        pod = stage.pods()[one]["metadata"]
        assert pod["labels"] == {QUARANTINE: "true"}
        assert json.loads(pod["annotations"][LABELS_BEFORE])["app"] == "web"
        after = stage.serving()
        assert one not in after
        assert after[two] == before[two]
        until(
            lambda: not stage.pods()[one]["metadata"].get("ownerReferences"),
            "its ReplicaSet let go of it",
        )
        policies = f"/apis/networking.k8s.io/v1/namespaces/{stage.space}/networkpolicies"
        (policy,) = stage.target.plane.object_at(policies)["items"]
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        # It stands alone now, for a person to examine, and is told as nobody's.
        say()
        until(lambda: bool(stage.events(one, "seen")), stage.log)
        report = stage.target.check("--pods")
        kinds = {(each["type"], each["resource"]["name"]) for each in report["drifts"]}
        assert ("Unmanaged", one) in kinds
        assert {kind for kind, _ in kinds} == {"Unmanaged"}
