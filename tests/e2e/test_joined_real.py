"""On a real node one report says what differs from Git, in which pod, and who was in it."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.history.database import DatabaseHistory
from reconciler.agent.node import Choice, NodeScan
from reconciler.agent.specs import pod_specs
from reconciler.core.containers import NodeReport
from reconciler.core.moments import rfc3339
from tests.integration.observations.test_observation_servers import Keys
from tests.tools.controlplane.servers import free_port
from tests.tools.node import Node
from tests.tools.node.images import write_busybox
from tests.tools.real_target import RealTarget
from tests.tools.running import Audited, Controller, until

pytestmark = pytest.mark.xdist_group("node")

_IMAGE = "localhost/joined:1"
_NAMESPACE = "joined"
_WEB = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {{name: app, image: "{_IMAGE}", imagePullPolicy: Never, ports: [{{containerPort: 8080}}]}}
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """A Deployment whose pods really run, and the controller.

    Attributes:
        node: The cluster.
        controller: Looks each second.
        folder: Where files go.
    """

    node: Node
    controller: Controller
    folder: Path

    def pods(self) -> list[str]:
        path = f"/api/v1/namespaces/{_NAMESPACE}/pods"
        return sorted(each["metadata"]["name"] for each in self.node.plane.object_at(path)["items"])

    def look(self) -> None:
        """Looks at the node as its agent would, and tells the controller."""
        pods = json.loads(self.node.plane.kubectl("get", "pods", "-A", "-o", "json").stdout)
        name = pods["items"][0]["spec"]["nodeName"]
        choice = Choice(frozenset({_NAMESPACE}), frozenset())
        scan = NodeScan(lambda: datetime.now(UTC), node=name, choice=choice, specs=pod_specs(pods))
        now = rfc3339(datetime.now(UTC))
        database = str(self.controller.home / "state" / "history.db")
        with closing(DatabaseHistory.open(database, create=False)) as history:
            history.nodes().save(NodeReport(scan.look(), now))

    def seen(self) -> list[dict[str, Any]]:
        """Gives what is known of pods, as the history has it."""
        events = self.controller.history()
        return [e for e in events if e["type"] == "seen" and e["resource"]["kind"] == "Pod"]


@pytest.fixture
def stage(node: Node, node_audit: tuple[list[str], Audited], tmp_path: Path) -> Iterator[Stage]:
    node.import_image(write_busybox(tmp_path / "joined.tar", _IMAGE))
    node.plane.create_namespace(_NAMESPACE)
    target = RealTarget(node.plane, tmp_path / "repo", tmp_path / "home", (_NAMESPACE,))
    target.make("web.yaml", _WEB)
    words = ("rollout", "status", "deploy/web", "-n", _NAMESPACE, "--timeout=90s")
    node.plane.kubectl(*words, timeout=100)
    tls = Keys(tmp_path).server()
    wanted = {
        "name": "shop",
        "source": {"repo": str(target.repo)},
        "namespace": _NAMESPACE,
        "scope": {"namespaces": [_NAMESPACE]},
        "mode": "restore",
    }
    more = {
        "schedule": {"interval": "1s", "jitter": "0s"},
        "agents": {
            "address": f"127.0.0.1:{free_port()}",
            "certificate": str(tls.certificate),
            "key": str(tls.key),
        },
        "witnesses": {"audit_log": str(node_audit[1].file)},
    }
    with Controller(tmp_path / "controller", node.plane.kubeconfig, [wanted], more) as controller:
        yield Stage(node, controller.await_ready(), tmp_path)
    node.plane.kubectl("delete", "namespace", _NAMESPACE, "--wait=false")


def test_who_did_what_in_which_pod_is_one_report(stage: Stage) -> None:
    stage.look()
    until(lambda: stage.controller.cycles("done") >= 2, "it looked again")
    assert stage.seen() == []

    one, _ = stage.pods()
    kubectl = stage.node.plane.kubectl
    words = ("-n", _NAMESPACE, one, "--", "sh", "-c")
    drop = "mkdir -p /opt; cp /bin/busybox /opt/sleep; exec /opt/sleep 300"
    config = str(stage.node.plane.user_kubeconfig("jane", ["system:masters"]))
    session = subprocess.Popen(
        [str(stage.node.plane.kubectl_path), "--kubeconfig", config, "exec", *words, drop],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        label = ("label", "pod", one, "-n", _NAMESPACE, "tier=gold")
        kubectl(*label, user="jane", groups=["system:masters"])
        probe = ("exec", *words, "pidof /opt/sleep")
        until(lambda: kubectl(*probe, check=False).returncode == 0, "the program runs")
        stage.look()
        until(lambda: len(stage.seen()) >= 5, lambda: f"told of: {stage.seen()}")
    finally:
        session.kill()
        session.wait()
    # Of the directory that it is in, too.
    seen = {each["reason"].partition(" ")[0]: each for each in reversed(stage.seen())}
    assert set(seen) == {"PodSpec", "File", "Process", "Session"}
    assert {each["resource"]["name"] for each in seen.values()} == {one}
    assert [each["path"] for each in seen["File"]["fields"]] == ["app:/opt/sleep"]
    assert [each["path"] for each in seen["Process"]["fields"]] == ["app:/opt/sleep"]
    assert [each["path"] for each in seen["PodSpec"]["fields"]] == ["metadata.labels.tier"]
    assert seen["Session"]["actor"].startswith("jane")
    # The watch may be ahead of the audit log: then only the program is known yet.
    assert "kubectl-label" in seen["PodSpec"]["actor"]
    assert "of Deployment joined/web" in seen["File"]["reason"]
