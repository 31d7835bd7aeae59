"""From a program dropped into a pod to a fresh pod, with the evidence kept, on a real node."""

import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.observations.test_observation_servers import Keys
from tests.tools.controlplane.servers import free_port
from tests.tools.node import Node
from tests.tools.node.images import write_busybox
from tests.tools.real_target import RealTarget
from tests.tools.running import Controller, until

pytestmark = pytest.mark.xdist_group("node")

_IMAGE = "localhost/answered:1"
_SPACE = "answered"
_WEB = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{{name: app, image: "{_IMAGE}", imagePullPolicy: Never}}]
"""
_AGENT = f"""\
apiVersion: v1
kind: ServiceAccount
metadata: {{name: plumbline-agent, namespace: {_SPACE}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: agent, namespace: {_SPACE}}}
spec:
  serviceAccountName: plumbline-agent
  terminationGracePeriodSeconds: 0
  containers: [{{name: app, image: "{_IMAGE}", imagePullPolicy: Never}}]
"""


@dataclass
class Stage:
    """A Deployment on a real node, a controller beside it, and the node's agent."""

    node: Node
    controller: Controller
    evidence: Path

    def pod(self) -> dict[str, Any]:
        """Gives the Deployment's pod, once one is ready and no other is there."""
        found: list[dict[str, Any]] = []

        def one() -> bool:
            nonlocal found
            words = ("get", "pods", "-n", _SPACE, "-l", "app=web", "-o", "json")
            found = json.loads(self.node.plane.kubectl(*words).stdout)["items"]
            ready = [c for p in found for c in p["status"].get("conditions", ()) if _is_ready(c)]
            return len(found) == len(ready) == 1

        until(one, lambda: f"one pod is ready: {self.controller.log}")
        metadata: dict[str, Any] = found[0]["metadata"]
        return metadata

    def inside(self, script: str) -> None:
        words = ("exec", "-n", _SPACE, "deploy/web", "--", "sh", "-c", script)
        self.node.plane.kubectl(*words)


def _is_ready(condition: dict[str, str]) -> bool:
    return (condition["type"], condition["status"]) == ("Ready", "True")


@pytest.fixture
def stage(node: Node, tmp_path: Path) -> Iterator[Stage]:
    plane = node.plane
    node.import_image(write_busybox(tmp_path / "answered.tar", _IMAGE))
    plane.create_namespace(_SPACE)
    target = RealTarget(plane, tmp_path / "repo", tmp_path / "home", (_SPACE,))
    target.make("web.yaml", _WEB)
    until(
        lambda: plane.kubectl("apply", "-f", "-", input=_AGENT, check=False).returncode == 0, "up"
    )
    words = ("wait", "pods", "--all", "-n", _SPACE, "--for=condition=Ready", "--timeout=90s")
    until(lambda: plane.kubectl(*words, check=False).returncode == 0, "pods run")
    (tmp_path / "keys").mkdir()
    keys, port = Keys(tmp_path / "keys"), free_port()
    tls = keys.server()
    wanted = {
        "name": "shop",
        "source": {"repo": str(target.repo)},
        "namespace": _SPACE,
        # The agent's own pod is nobody's here.
        "scope": {"namespaces": []},
    }
    more = {
        "agents": {
            "address": f"127.0.0.1:{port}",
            "certificate": str(tls.certificate),
            "key": str(tls.key),
            "service_accounts": [f"{_SPACE}:plumbline-agent"],
            "mode": "restore",
            "evidence": "required",
        },
        "schedule": {"interval": "1s", "jitter": "0s"},
    }
    bound = ("--bound-object-kind=Pod", "--bound-object-name=agent", "--audience=plumbline")
    token = plane.kubectl("create", "token", "plumbline-agent", "-n", _SPACE, *bound).stdout
    (tmp_path / "token").write_text(token, encoding="ascii")
    argv = [str(Path(sys.executable).parent / "plumbline"), "agent", "--node=node", "--interval=2"]
    argv += ["--poll=0.5", f"--controller=https://127.0.0.1:{port}", "-n", _SPACE]
    argv += [f"--controller-ca={keys.ca}", f"--token={tmp_path / 'token'}"]
    argv += [f"--evidence={tmp_path / 'evidence'}"]
    with (
        Controller(tmp_path / "controller", plane.kubeconfig, [wanted], more) as controller,
        (tmp_path / "agent.log").open("wb") as log,
        subprocess.Popen(argv, stdout=log, stderr=log) as agent,
    ):
        controller.await_ready()
        yield Stage(node, controller, tmp_path / "evidence")
        agent.terminate()
        agent.wait(30)
    plane.kubectl("delete", "namespace", _SPACE, "--wait=false")


def test_a_dropped_program_ends_with_a_fresh_pod_and_evidence(stage: Stage) -> None:
    before = stage.pod()
    heard = "plumbline_node_word_timestamp_seconds"
    until(lambda: stage.controller.metric(heard) > 0, lambda: stage.controller.log)
    stage.inside("cp /bin/busybox /sleep; (/sleep 7021 >/dev/null 2>&1 &)")
    name = f"Pod/{before['name']}"

    def restored() -> list[dict[str, Any]]:
        events = stage.controller.history("--object", name)
        return [each for each in events if each["type"] == "restored"]

    until(lambda: bool(restored()), lambda: stage.controller.log)
    (event,) = restored()
    told = {each["path"]: each["after"] for each in event["fields"]}
    assert told["(made anew by)"] == f"Deployment {_SPACE}/web"
    (archive,) = stage.evidence.iterdir()
    digest = archive.name.removesuffix(".tar.gz")
    assert told["(evidence)"] == f"sha256:{digest} on the node node"
    with tarfile.open(archive) as tar:
        held = tar.extractfile("evidence.json")
        assert held is not None
        said = json.load(held)
    assert "/sleep" in {each["path"] for each in said["contents"]}
    assert ["/sleep", "7021"] in [each["command"] for each in said["processes"]]

    after = stage.pod()
    assert after["uid"] != before["uid"]
    seen = stage.controller.history("--object", name)
    kinds = {each["reason"].partition(" ")[0] for each in seen if each["type"] == "seen"}
    assert {"File", "Process"} <= kinds
    until(lambda: _ended(stage, name), lambda: stage.controller.log)
    # The new pod is as its image says: nothing is told of it, and it is left alone.
    until(lambda: stage.controller.cycles("unmoved") >= 3, lambda: stage.controller.log)
    assert "waits for approval" not in stage.controller.log
    assert stage.pod()["uid"] == after["uid"]
    assert stage.controller.history("--object", f"Pod/{after['name']}") == []


def _ended(stage: Stage, name: str) -> bool:
    events = stage.controller.history("--object", name)
    seen = {each["drift"] for each in events if each["type"] == "seen"}
    return seen == {each["drift"] for each in events if each["type"] == "gone"}
