"""The node agent, installed on a real node, tells what is done in another pod."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import IMAGE
from tests.tools.documents import ROOT
from tests.tools.node import Node
from tests.tools.node.images import write_busybox
from tests.tools.running import until

pytestmark = pytest.mark.xdist_group("node")

_AGENT = ROOT / "deploy" / "kustomize" / "agent"
_IMAGE = "localhost/seen:1"
_NAMESPACE = "seen"
_OURS = "plumbline-agent"


@pytest.fixture
def agent(node: Node, image: None, tmp_path: Path) -> Iterator[Node]:
    """The kustomization, applied as its user does; a pod to be tampered with."""
    node.import_image(write_busybox(tmp_path / "seen.tar", _IMAGE))
    node.plane.create_namespace(_NAMESPACE)
    name, tag = IMAGE.split(":")
    (tmp_path / "agent").symlink_to(_AGENT)
    kustomization = {
        "resources": ["agent"],
        "images": [{"name": "plumbline", "newName": name, "newTag": tag}],
    }
    file = tmp_path / "kustomization.yaml"
    file.write_text(yaml.safe_dump(kustomization), encoding="utf-8")
    node.plane.kubectl("apply", "-k", str(tmp_path))
    file = tmp_path / "pod.yaml"
    file.write_text(yaml.safe_dump(_pod()), encoding="utf-8")
    until(
        lambda: node.plane.kubectl("apply", "-f", str(file), check=False).returncode == 0,
        "the pod is made",
    )
    words = ("wait", "pod", "web", "-n", _NAMESPACE, "--for=condition=Ready", "--timeout=90s")
    node.plane.kubectl(*words)
    rolled = ("rollout", "status", f"ds/{_OURS}", "-n", _OURS, "--timeout=90s")
    done = node.plane.kubectl(*rolled, check=False)
    assert done.returncode == 0, done.stdout + done.stderr + _trouble(node)
    yield node
    for namespace in (_NAMESPACE, _OURS):
        node.plane.kubectl("delete", "namespace", namespace, "--wait=false")


def _trouble(node: Node) -> str:
    words = ("-n", _OURS)
    told = node.plane.kubectl("describe", "pods", *words, check=False).stdout
    return told + node.plane.kubectl("logs", f"ds/{_OURS}", *words, check=False).stdout


def _pod() -> dict[str, Any]:
    container = {"name": "app", "image": _IMAGE, "imagePullPolicy": "Never"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": _NAMESPACE},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]},
    }


def _told(node: Node) -> list[dict[str, Any]]:
    """Gives the lines of the agent's about our pod."""
    lines = node.plane.kubectl("logs", f"ds/{_OURS}", "-n", _OURS).stdout.splitlines()
    return [each for each in map(json.loads, lines) if each["container"]["pod"] == "web"]


def _inside(node: Node, script: str) -> None:
    node.plane.kubectl("exec", "-n", _NAMESPACE, "web", "--", "sh", "-c", script)


def test_the_agent_tells_what_is_done_in_another_pod(agent: Node) -> None:
    until(lambda: "looks_total" in _metrics(agent), "it has looked")
    assert _told(agent) == []
    _inside(agent, "cp /bin/busybox /sleep; (/sleep 7011 >/dev/null 2>&1 &)")
    until(lambda: "7011" in str(_told(agent)), f"the process is told; {_trouble(agent)}")
    process = next(each for each in _told(agent) if "7011" in str(each["drift"]["command"]))
    assert process["event"] == "new"
    drift = process["drift"]
    assert (drift["type"], drift["origin"], drift["executable"]) == ("Process", "added", "/sleep")
    assert drift["firstSeen"] == process["at"]
    assert process["container"]["namespace"] == _NAMESPACE
    assert process["container"]["node"] == "node"
    until(lambda: "File" in str(_told(agent)), "the file is told")
    file = next(each["drift"] for each in _told(agent) if each["drift"]["type"] == "File")
    assert (file["path"], file["change"], file["severity"]) == ("/sleep", "added", "high")
    labels = f'namespace="{_NAMESPACE}",pod="web",container="app",severity="high"'
    assert f"plumbline_agent_container_drifts{{{labels}}} 2" in _metrics(agent)

    _inside(agent, "kill $(pidof sleep); rm /sleep")
    until(lambda: _gone(agent) >= {"File", "Process"}, f"both are gone; {_trouble(agent)}")

    # It may do no more than it must: not write, not speak to the API.
    pod = ("exec", "-n", _OURS, f"ds/{_OURS}", "--", "sh", "-c")
    denied = (
        "touch /opt/x /etc/x 2>/dev/null || echo refused; ls /var/run/secrets 2>/dev/null; true"
    )
    assert agent.plane.kubectl(*pod, denied).stdout == "refused\n"
    agent.plane.kubectl("delete", "pod", "-n", _OURS, "--all", "--wait", "--timeout=20s")


def _gone(node: Node) -> set[str]:
    return {each["drift"]["type"] for each in _told(node) if each["event"] == "gone"}


def _metrics(node: Node) -> str:
    words = ("get", "pods", "-n", _OURS, "-o", "jsonpath={.items[0].status.podIP}")
    address = node.plane.kubectl(*words).stdout
    argv = ["curl", "-sS", "--max-time", "5", f"http://{address}:9300/metrics"]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout
