"""One report joins the planes: `plumbline run` on a real API server, with what an agent said.

No kubelet runs: what one would say of its pods is written into their status, and what an agent
would say of their containers into the controller's database.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.history.database import DatabaseHistory
from reconciler.core.containers import (
    ContainerDrift,
    ContainerLook,
    ContainerRef,
    NodeLook,
    NodeReport,
)
from reconciler.core.moments import rfc3339
from tests.integration.observations.test_observation_servers import Keys
from tests.tools.controlplane import ControlPlane
from tests.tools.controlplane.servers import free_port
from tests.tools.real_target import RealTarget
from tests.tools.receiving import Receiver, receiving
from tests.tools.running import Audited, Controller, until
from tests.unit.render.pods import CONF, EVIL, PORT, PROCESS, SESSION

pytestmark = pytest.mark.xdist_group("run-real")

_WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "shop/web:1"}]}
"""


@dataclass
class Stage:
    """A Deployment with its two pods on a node, and the controller.

    Attributes:
        target: Repository and cluster.
        controller: Looks when something moved, or an agent says something new.
        audit: What was asked of the API server.
        user: Whom the controller is taken for.
        notices: What people were told.
    """

    target: RealTarget
    controller: Controller
    audit: Audited
    user: str
    notices: Receiver

    @property
    def namespace(self) -> str:
        return self.target.namespaces[0]

    @property
    def node(self) -> str:
        return f"node-{self.namespace}"

    def names(self) -> list[str]:
        path = f"/api/v1/namespaces/{self.namespace}/pods"
        return sorted(
            each["metadata"]["name"] for each in self.target.plane.object_at(path)["items"]
        )

    def pod(self, name: str) -> dict[str, Any]:
        return self.target.plane.object_at(f"/api/v1/namespaces/{self.namespace}/pods/{name}")

    def run_pod(self, name: str) -> None:
        """Puts a pod on the node and says of it what its kubelet would."""
        target = {"apiVersion": "v1", "kind": "Node", "name": self.node}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}}
        path = f"/api/v1/namespaces/{self.namespace}/pods/{name}/binding"
        kubectl = self.target.plane.kubectl
        kubectl("create", "--raw", path, "-f", "-", input=json.dumps({**binding, "target": target}))
        began = rfc3339(datetime.now(UTC) - timedelta(hours=1))
        status = {
            "name": "web",
            "image": "shop/web:1",
            "imageID": f"shop/web@sha256:{'d' * 64}",
            "containerID": f"containerd://{container_id(name)}",
            "ready": True,
            "restartCount": 0,
            "state": {"running": {"startedAt": began}},
        }
        patch = {"status": {"phase": "Running", "containerStatuses": [status]}}
        words = ("patch", "pod", name, "-n", self.namespace, "--subresource=status")
        kubectl(*words, "--type=merge", "-p", json.dumps(patch))

    def say(self, drifts: dict[str, tuple[ContainerDrift, ...]], ago: int = 0) -> None:
        """Says what the node's agent would, or would have some seconds ago."""
        looks = []
        for name, found in drifts.items():
            uid = self.pod(name)["metadata"]["uid"]
            image = ("shop/web:1", f"sha256:{'d' * 64}", self.node)
            ref = ContainerRef(self.namespace, name, uid, "web", container_id(name), *image)
            looks.append(ContainerLook(ref, found))
        now = rfc3339(datetime.now(UTC) - timedelta(seconds=ago))
        database = str(self.controller.home / "state" / "history.db")
        with closing(DatabaseHistory.open(database, create=False)) as history:
            history.nodes().save(NodeReport(NodeLook(self.node, now, tuple(looks)), now))

    def report(self) -> dict[str, Any]:
        code, text = self.controller.call("check", "--pods", "-o", "json")
        assert code in (0, 1), text
        report: dict[str, Any] = json.loads(text)
        return report

    def lives(self) -> dict[str, list[str]]:
        """Gives the types of what happened, by the place in the pod."""
        lives: dict[str, list[str]] = {}
        places: dict[str, str] = {}
        for event in self.controller.history():
            if event["resource"]["kind"] != "Pod":
                continue
            if event["type"] == "seen":
                kind = event["reason"].partition(" ")[0]
                places[event["drift"]] = f"{kind} {event['fields'][0]['path']}"
            lives.setdefault(places[event["drift"]], []).append(event["type"])
        return lives

    def subjects(self) -> dict[str, int]:
        """Gives how many drifts each message shows by now."""
        shown = {}
        for body, _ in self.notices.bodies:
            notice = json.loads(body)["data"]
            shown[notice["subject"]] = len(notice["episodes"])
        return shown


def container_id(pod: str) -> str:
    return pod.encode().hex().ljust(64, "0")[:64]


@pytest.fixture
def stage(
    request: pytest.FixtureRequest, audited: tuple[ControlPlane, Audited], tmp_path: Path
) -> Iterator[Stage]:
    """Looks at least so often as the test says."""
    plane, audit = audited
    plane.start_controller_manager()
    namespace = f"test-{uuid.uuid4().hex[:12]}"
    plane.create_namespace(namespace)
    target = RealTarget(plane, tmp_path / "repo", tmp_path / "home", (namespace,))
    target.make("web.yaml", _WEB)
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"node-{namespace}"}}
    plane.kubectl("create", "-f", "-", input=json.dumps(node))
    tls = Keys(tmp_path).server()
    user = f"plumbline-{namespace}"
    with receiving() as notices:
        wanted = {
            "name": "shop",
            "source": {"repo": str(target.repo)},
            "namespace": namespace,
            "scope": {"namespaces": [namespace]},
            "mode": "restore",
        }
        more = {
            "schedule": {"interval": request.param, "jitter": "0s"},
            "agents": {
                "address": f"127.0.0.1:{free_port()}",
                "certificate": str(tls.certificate),
                "key": str(tls.key),
                "stale_after": "60s",
            },
            "notify": {"webhook": {"url": f"http://127.0.0.1:{notices.port}/"}},
        }
        kubeconfig = plane.user_kubeconfig(user, ["system:masters"])
        with Controller(tmp_path / "controller", kubeconfig, [wanted], more) as controller:
            made = Stage(target, controller, audit, user, notices)
            until(lambda: len(made.names()) == 2, "the Deployment's pods are there")
            for name in made.names():
                made.run_pod(name)
            controller.await_ready()
            yield made
    plane.delete_namespace(namespace)
    plane.kubectl("delete", "node", f"node-{namespace}", "--wait=false")


@pytest.mark.parametrize("stage", ["1h"], indirect=True)
def test_one_report_joins_git_the_cluster_and_the_containers(stage: Stage) -> None:
    one, two = stage.names()
    stage.say({one: (EVIL, PROCESS, CONF), two: ()})
    image = {"spec": {"containers": [{"name": "web", "image": "shop/web:hot"}]}}
    words = ("-n", stage.namespace, "--field-manager=by-hand")
    stage.target.plane.kubectl("patch", "pod", one, *words, "-p", json.dumps(image))

    until(lambda: len(stage.lives()) == 4, lambda: f"told of: {stage.lives()}")
    found = stage.report()
    assert found["summary"] == {
        **found["summary"],
        "resources": 1,
        "inSync": 1,
        "drifted": 0,
        "pods": 1,
    }
    assert [each["type"] for each in found["drifts"]] == ["File", "PodSpec", "Process", "File"]
    assert {each["resource"]["name"] for each in found["drifts"]} == {one}
    assert {each["owner"]["name"] for each in found["drifts"]} == {"web"}
    assert {each["source"]["path"] for each in found["drifts"]} == {"web.yaml"}
    (evil, spec, process, conf) = found["drifts"]
    assert (evil["path"], evil["change"], evil["now"]["mode"]) == ("/usr/bin/evil", "added", "0755")
    assert spec["changes"][0]["live"] == "shop/web:hot"
    assert process["command"][0] == "evil"
    assert "+colour = red" in conf["textDiff"]
    seen = ["seen", "decided"]
    assert stage.lives() == {
        "File web:/usr/bin/evil": seen,
        "File web:/etc/app.conf": seen,
        "Process web:/usr/bin/evil": seen,
        "PodSpec spec.containers[name=web].image": seen,
    }
    # A target that is restored by itself doesn't begin to replace pods.
    decided = [e for e in stage.controller.history() if e["type"] == "decided"]
    assert {each["reason"].partition(":")[0] for each in decided} == {
        "observe, by the rule default"
    }
    until(lambda: sum(stage.subjects().values()) >= 4, "told of")
    looked = stage.controller.cycles("done")
    stage.say({one: (EVIL, PROCESS, CONF), two: (PORT,)})
    until(lambda: len(stage.lives()) == 5, "a new word is heard before the hour is over")
    assert stage.controller.cycles("done") == looked + 1


@pytest.mark.parametrize("stage", ["1s"], indirect=True)
def test_a_pods_drift_is_told_once_until_it_is_gone(stage: Stage) -> None:
    one, two = stage.names()
    stage.say({one: (EVIL,), two: ()})
    until(lambda: list(stage.subjects().values()) == [1], "told of")
    stage.say({one: (EVIL, SESSION), two: (CONF,)})
    until(lambda: sorted(stage.subjects().values()) == [1, 2], "told where the pod is told of")

    # A node that says nothing isn't taken for one on which all is well.
    stage.say({}, ago=3600)
    until(
        lambda: any("is silent" in each["reason"] for each in stage.report()["unproven"]),
        "the node's silence is told",
    )
    assert all("gone" not in life for life in stage.lives().values())

    stage.say({one: (SESSION, PORT), two: ()})
    until(
        lambda: (
            {place: life[-1] for place, life in stage.lives().items()}
            == {
                "File web:/usr/bin/evil": "gone",
                "Session web:exec": "decided",
                "File web:/etc/app.conf": "gone",
                "Port web:TCP 0.0.0.0 4444": "decided",
            }
        ),
        lambda: f"what is over is told: {stage.lives()}",
    )
    asked, looked = len(stage.audit.requests(stage.user)), stage.controller.cycles("unmoved")
    # The node speaks again, of nothing new.
    stage.say({one: (SESSION, PORT), two: ()})
    until(lambda: stage.controller.cycles("unmoved") >= looked + 3, "three quiet cycles")
    assert len(stage.audit.requests(stage.user)) == asked

    words = ("--force", "--grace-period=0", "-n", stage.namespace)
    stage.target.plane.kubectl("delete", "pod", one, *words)
    until(
        lambda: all(life[-1] == "gone" for life in stage.lives().values()),
        lambda: f"with the pod all of it is gone: {stage.lives()}",
    )
    assert all(life.count("seen") == 1 for life in stage.lives().values())
    until(lambda: sorted(stage.subjects().values()) == [1, 3], "two messages, updated")
    stage.controller.assert_sound()
