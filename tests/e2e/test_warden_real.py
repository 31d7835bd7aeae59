"""A warden, installed on a real node, refuses what images don't hold, whoever is killed."""

import json
import os
import re
import signal
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

_KUSTOMIZE = ROOT / "deploy" / "kustomize"
_IMAGE = "localhost/guarded:1"
_OURS = "plumbline-agent"
_RULES = {
    "rules": [
        {"mode": "refuse", "namespaces": ["guarded-*"], "allow": ["/opt/cache/*"]},
        {"mode": "dry-run", "namespaces": ["tried"]},
    ]
}
_SPACES = ("guarded-shop", "tried", "free")


@pytest.fixture(scope="module")
def guarded(node: Node, image: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """The kustomization with rules of our own, and a pod in each of three namespaces."""
    folder = tmp_path_factory.mktemp("guarded")
    node.import_image(write_busybox(folder / "guarded.tar", _IMAGE, files={"opt/cache/x": ""}))
    name, tag = IMAGE.split(":")
    for each in ("agent", "agent-enforcing"):
        (folder / each).symlink_to(_KUSTOMIZE / each)
    (folder / "rules.json").write_text(json.dumps(_RULES), encoding="utf-8")
    kustomization = {
        "resources": ["agent-enforcing"],
        "images": [{"name": "plumbline", "newName": name, "newTag": tag}],
        "configMapGenerator": [
            {
                "name": "plumbline-agent-enforcement",
                "namespace": _OURS,
                "behavior": "replace",
                "files": ["rules.json"],
                "options": {"disableNameSuffixHash": True},
            }
        ],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), encoding="utf-8")
    # Another test's agents may be on their way out.
    node.plane.kubectl("delete", "namespace", _OURS, "--ignore-not-found", "--wait")
    node.plane.kubectl("apply", "-k", str(folder))
    for space in _SPACES:
        node.plane.create_namespace(space)
        file = folder / f"{space}.yaml"
        file.write_text(yaml.safe_dump(_pod(space)), encoding="utf-8")
        until(
            lambda file=file: (  # type: ignore[misc]
                node.plane.kubectl("apply", "-f", str(file), check=False).returncode == 0
            ),
            "the pod is made",
        )
    for space in _SPACES:
        words = ("wait", "pod", "web", "-n", space, "--for=condition=Ready", "--timeout=90s")
        node.plane.kubectl(*words)
    _await_agents(node)
    until(lambda: _metric(node, "enforced_containers") >= 4, f"it enforces; {_metrics(node)}")
    yield node
    for space in _SPACES:
        node.plane.kubectl("delete", "namespace", space, "--wait=false")
    # Another test may install its agents there.
    node.plane.kubectl("delete", "namespace", _OURS, "--wait")


def _pod(space: str) -> dict[str, Any]:
    container = {
        "name": "app",
        "image": _IMAGE,
        "imagePullPolicy": "Never",
        "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": space},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
            "volumes": [{"name": "scratch", "emptyDir": {}}],
        },
    }


def _await_agents(node: Node) -> None:
    rolled = ("rollout", "status", f"ds/{_OURS}", "-n", _OURS, "--timeout=90s")
    done = node.plane.kubectl(*rolled, check=False)
    assert done.returncode == 0, done.stdout + done.stderr + _trouble(node)


def _trouble(node: Node) -> str:
    words = ("-n", _OURS)
    told = node.plane.kubectl("describe", "pods", *words, check=False).stdout
    for container in ("agent", "warden"):
        log = ("logs", f"ds/{_OURS}", "-c", container, "--tail=20")
        told += node.plane.kubectl(*log, *words, check=False).stdout
    return told


def _inside(node: Node, space: str, script: str) -> str:
    words = ("exec", "-n", space, "web", "--", "sh", "-c", f"{{ {script}; }} 2>&1; true")
    return node.plane.kubectl(*words).stdout


def _refusals(node: Node, event: str = "refused") -> list[dict[str, Any]]:
    """Gives the agent's lines of one event."""
    log = node.plane.kubectl("logs", f"ds/{_OURS}", "-n", _OURS, "-c", "agent").stdout
    lines = [json.loads(line) for line in log.splitlines()]
    return [each for each in lines if each["event"] == event]


def _metrics(node: Node) -> str:
    words = ("get", "pods", "-n", _OURS, "-o", "jsonpath={.items[0].status.podIP}")
    address = node.plane.kubectl(*words).stdout
    argv = ["curl", "-sS", "--max-time", "5", f"http://{address}:9300/metrics"]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout


def _metric(node: Node, name: str) -> float:
    found = re.findall(rf"^plumbline_agent_{name}(?:{{.*}})? (\S+)$", _metrics(node), re.MULTILINE)
    return sum(map(float, found))


def _processes(node: Node, container: str) -> list[int]:
    """Gives the processes of a container of ours, the first one first."""
    path = f'{{.items[0].status.containerStatuses[?(@.name=="{container}")].containerID}}'
    words = ("get", "pods", "-n", _OURS, "-o", f"jsonpath={path}")
    container_id = node.plane.kubectl(*words).stdout.rpartition("/")[2]
    found = []
    for pid in sorted(int(each.name) for each in Path("/proc").iterdir() if each.name.isdecimal()):
        try:
            held = Path(f"/proc/{pid}/cgroup").read_text(encoding="ascii")
        except OSError:
            continue
        if container_id and container_id in held:
            found.append(pid)
    return found


def test_what_the_image_does_not_hold_is_refused(guarded: Node) -> None:
    drop = "cp /bin/busybox /tmp/busybox; cp /bin/busybox /scratch/busybox"
    said = _inside(guarded, "guarded-shop", f"{drop}; /tmp/busybox echo ran; /bin/echo own")
    assert "ran" not in said
    assert "/tmp/busybox: Operation not permitted" in said
    assert "own" in said
    for strange in (
        "/scratch/busybox echo ran",
        "cp /bin/busybox /etc/hosts; chmod 755 /etc/hosts; /etc/hosts echo ran",
        "cp /bin/busybox /dev/busybox; /dev/busybox echo ran",
        "printf '#!/bin/sh\\necho ran\\n' > /tmp/s; chmod 755 /tmp/s; /tmp/s",
        "exec 9< /tmp/busybox; rm /tmp/busybox; /proc/self/fd/9 echo ran",
        "mv /bin/ls /bin/ls.x; cp /bin/busybox /bin/ls; /bin/ls echo ran",
    ):
        said = _inside(guarded, "guarded-shop", strange)
        assert "Operation not permitted" in said, strange
        assert "ran" not in said, strange
    # As the image has it, though touched; and what a rule allows.
    said = _inside(guarded, "guarded-shop", "chmod 700 /bin/busybox; touch /bin/busybox; echo own")
    assert "own" in said
    allowed = "cp /bin/busybox /opt/cache/busybox; /opt/cache/busybox echo allowed"
    assert "allowed" in _inside(guarded, "guarded-shop", allowed)
    # Others' are as they were.
    assert "ran" in _inside(guarded, "free", f"{drop}; /tmp/busybox echo ran")
    assert "ran" in _inside(guarded, "tried", f"{drop}; /tmp/busybox echo ran")

    until(lambda: len(_refusals(guarded)) >= 6, f"all are told; {_trouble(guarded)}")
    (first,) = [
        each for each in _refusals(guarded) if each["drift"]["executable"] == "/tmp/busybox"
    ]
    assert (first["drift"]["type"], first["drift"]["origin"]) == ("Process", "added")
    container = first["container"]
    assert (container["namespace"], container["pod"]) == ("guarded-shop", "web")
    assert "EPERM" in first["drift"]["note"]
    until(lambda: bool(_refusals(guarded, "would-refuse")), "what was tried is told")
    assert {each["container"]["namespace"] for each in _refusals(guarded, "would-refuse")} == {
        "tried"
    }
    assert _metric(guarded, "refused_total") >= 7
    assert _metric(guarded, "late_total") == _metric(guarded, "undecided_total") == 0


_TRY = "cp /bin/busybox /tmp/again; /tmp/again echo ran; /bin/echo own"


def _is_refused(node: Node) -> bool:
    said = _inside(node, "guarded-shop", _TRY)
    assert "own" in said
    return "Operation not permitted" in said and "ran" not in said


def test_it_refuses_while_the_agent_is_killed_and_begun_anew(guarded: Node) -> None:
    before = _processes(guarded, "agent")
    os.kill(before[0], signal.SIGKILL)
    refused = [_is_refused(guarded)]
    while not (now := _processes(guarded, "agent")) or now[0] == before[0]:
        refused.append(_is_refused(guarded))
    _await_agents(guarded)
    refused.append(_is_refused(guarded))
    assert all(refused)
    until(lambda: _metric(guarded, "enforced") == 1, f"it is attached; {_trouble(guarded)}")


def test_it_refuses_while_the_one_that_answers_is_killed(guarded: Node) -> None:
    keeper, answers = _processes(guarded, "warden")
    for _ in range(3):
        os.kill(answers, signal.SIGKILL)
        assert _is_refused(guarded)
        keeper_now, answers = _processes(guarded, "warden")
        assert keeper_now == keeper
    until(lambda: _metric(guarded, "warden_restarts_total") == 3, "it is told")


def test_one_that_is_stopped_holds_up_nobody(guarded: Node) -> None:
    _, answers = _processes(guarded, "warden")
    os.kill(answers, signal.SIGSTOP)
    assert "own" in _inside(guarded, "guarded-shop", "/bin/echo own")
    until(lambda: answers not in _processes(guarded, "warden"), "it is replaced")
    until(lambda: _is_refused(guarded), "it refuses again")


def test_one_that_is_killed_whole_comes_back(guarded: Node) -> None:
    keeper, _ = _processes(guarded, "warden")
    os.kill(keeper, signal.SIGKILL)
    # With its keeper the other process ends, and the kernel lets go of who waits: until the kubelet
    # has begun the container anew, what runs is told and not refused.
    assert "own" in _inside(guarded, "guarded-shop", "/bin/echo own")
    until(lambda: _is_refused(guarded), f"it refuses again; {_trouble(guarded)}")
    until(lambda: _metric(guarded, "enforced") == 1, f"it is attached; {_trouble(guarded)}")
