"""Profiles on a real node: learned, applied, and what was measured made into read-only roots."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.test_containers_real import libraries
from tests.tools.node import Node
from tests.tools.node.images import write_busybox
from tests.tools.running import until

pytestmark = pytest.mark.xdist_group("node")

_IMAGE = "localhost/profiled:1"
_NAMESPACE = "profiled"
_SCRIPTS = {
    "quiet": "exec sleep 7200",
    # Without a place to write it doesn't start.
    "scratch": "echo 1 > /tmp/state && cat /tmp/state && exec sleep 7200",
    "index": "mkdir -p /opt/index/deep; for n in 1 2 3 4; do echo $n > /opt/index/deep/$n; done; "
    "cp /bin/busybox /opt/index/tool; echo x > /etc/index.conf; exec sleep 7200",
}


@dataclass(frozen=True, slots=True)
class Shop:
    """Three workloads on the node, and the repository that declares them."""

    node: Node
    repo: Path

    def plumbline(self, *words: str | Path, code: int = 0) -> str:
        """Runs the command; gives what it says."""
        argv = [str(Path(sys.executable).parent / "plumbline"), *map(str, words)]
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=90, check=False, cwd=self.repo.parent
        )
        assert done.returncode == code, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def look(self, *words: str | Path, code: int) -> dict[str, Any]:
        """Looks at the node's containers."""
        local = ("containers", "--node-local", "-n", _NAMESPACE, "-o", "json", *words)
        document: dict[str, Any] = json.loads(self.plumbline(*local, code=code))
        return document

    def apply(self) -> None:
        """Deploys what the repository says, and waits until it runs."""
        self.node.plane.kubectl("apply", "-f", str(self.repo / "deploy"))
        for name in _SCRIPTS:
            words = ("rollout", "status", f"deploy/{name}", "-n", _NAMESPACE, "--timeout=90s")
            self.node.plane.kubectl(*words)

    def inside(self, name: str, *words: str) -> str:
        """Runs a command in a workload."""
        argv = ("exec", "-n", _NAMESPACE, f"deploy/{name}", "--", *words)
        return self.node.plane.kubectl(*argv).stdout


@pytest.fixture(scope="module")
def shop(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("profiled")
    programs = {"usr/bin/nap": Path("/bin/sleep"), **libraries("/bin/sleep")}
    files = {"opt/readme": "x", "etc/hostname": ""}
    node.import_image(write_busybox(folder / "i.tar", _IMAGE, files=files, programs=programs))
    node.plane.create_namespace(_NAMESPACE)
    made = Shop(node, folder / "repo")
    (made.repo / "deploy").mkdir(parents=True)
    for name, script in _SCRIPTS.items():
        text = yaml.safe_dump(_deployment(name, script), sort_keys=False)
        (made.repo / "deploy" / f"{name}.yaml").write_text(text, encoding="utf-8")
    made.apply()
    yield made
    node.plane.kubectl("delete", "namespace", _NAMESPACE, "--wait=false")


def _deployment(name: str, script: str) -> dict[str, Any]:
    container = {
        "name": "app",
        "image": _IMAGE,
        "imagePullPolicy": "Never",
        "command": ["/bin/sh", "-c", script],
    }
    labels = {"app": name}
    spec = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": _NAMESPACE},
        "spec": {
            "selector": {"matchLabels": labels},
            "strategy": {"type": "Recreate"},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def _files(look: dict[str, Any]) -> set[str]:
    return {drift["path"] for drift in look["drifts"] if drift["type"] == "File"}


def test_profiles_are_learned_and_hold(shop: Shop, tmp_path: Path) -> None:
    written = _files(shop.look(code=1))
    assert written == {
        "/opt/index",
        "/opt/index/deep",
        *(f"/opt/index/deep/{number}" for number in (1, 2, 3, 4)),
        "/opt/index/tool",
        "/etc/index.conf",
    }
    file = tmp_path / "learned.json"
    local = ("containers", "--node-local", "-n", _NAMESPACE)
    session = subprocess.Popen(
        [str(shop.node.plane.kubectl_path), f"--kubeconfig={shop.node.plane.kubeconfig}", "exec",
         "-n", _NAMESPACE, "deploy/quiet", "--", "/usr/bin/nap", "7"]
    )  # fmt: skip
    try:
        told = shop.plumbline(*local, "--learn", file, "--for", "3s", code=1)
    finally:
        session.kill()
        session.wait()
    assert "/opt/index/tool: executable" in told
    assert "/usr/bin/nap: ran in a session from outside" in told
    document = json.loads(file.read_text(encoding="utf-8"))
    (profile,) = document["profiles"]
    assert profile["image"] == "localhost/profiled"
    assert [each["path"] for each in profile["write"]] == ["/etc/index.conf", "/opt/index/**"]
    assert profile["execute"] == ["/bin/busybox"]
    # What is there stays, and nothing new is learned.
    shop.plumbline(*local, "--learn", file, code=1)
    assert json.loads(file.read_text(encoding="utf-8"))["profiles"] == [profile]

    held = shop.look("--profiles", file, code=1)
    assert _files(held) == {"/opt/index/tool"}
    (index,) = (e for e in held["containers"] if e["container"]["pod"].startswith("index-")
                and e["container"]["container"] == "app")  # fmt: skip
    expected = {each["rule"]: each["files"] for each in index["expected"]}
    assert expected == {"profile /opt/index/**": 6, "profile /etc/index.conf": 1}
    # A program of the image that isn't the profile's is told as it is executed.
    words = ("-n", _NAMESPACE, "--interval", "2", "--profiles", str(file))
    with watching(tmp_path, *words) as (events, errors):
        until(lambda: "/opt/index/tool" in events.read_text(), "it looked")
        shop.inside("quiet", "/usr/bin/nap", "0.05")
        until(lambda: '"0.05"' in events.read_text(), "it is told")
        file.write_text('{"profiles": [{"image": "x", "wriet": []}]}', encoding="utf-8")
        until(lambda: "what it said before holds" in errors.read_text(), "it is refused")
        assert "did you mean write?" in errors.read_text()
        assert "/etc/index.conf" not in events.read_text()
        file.write_text('{"profiles": []}', encoding="utf-8")
        until(lambda: "/etc/index.conf" in events.read_text(), "it is read anew")
    drifts = [json.loads(line)["drift"] for line in events.read_text().splitlines()]
    nap = next(drift for drift in drifts if drift.get("command") == ["/usr/bin/nap", "0.05"])
    assert (nap["executable"], nap["origin"], nap["severity"]) == (
        "/usr/bin/nap",
        "profile",
        "medium",
    )


@contextmanager
def watching(folder: Path, *words: str) -> Iterator[tuple[Path, Path]]:
    """Runs the agent; gives the files of what it tells and of what it complains."""
    events, errors = folder / "events", folder / "errors"
    argv = [str(Path(sys.executable).parent / "plumbline"), "agent", *words]
    with events.open("w") as stdout, errors.open("w") as stderr:
        agent = subprocess.Popen(argv, stdout=stdout, stderr=stderr)
        try:
            yield events, errors
        finally:
            agent.terminate()
            assert agent.wait(timeout=30) == 0


def test_measured_roots_become_read_only_and_work(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "look.json"
    file.write_text(json.dumps(shop.look(code=1)), encoding="utf-8")
    source = ("--repo", shop.repo, "--path", "deploy", "-n", _NAMESPACE)
    measured = ("guard", "audit", *source, "--measured", file, "--measured-for", "1s")
    findings = json.loads(shop.plumbline(*measured, "-o", "json", code=1))["findings"]
    roots = {e["resource"]["name"]: e["measured"] for e in findings if "measured" in e}
    assert {name: each["verdict"] for name, each in roots.items()} == {
        "quiet": "safe",
        "scratch": "mounts",
        "index": "writes",
    }
    assert roots["scratch"]["mounts"] == ["/tmp"]
    assert roots["index"]["reason"].startswith("it wrote /etc/index.conf, /opt/index/deep/1")
    assert {each["matchedBy"] for each in roots.values()} == {"name"}
    # Asked of the cluster, owners say whose pods they are.
    live = ("guard", "audit", "--running", "-n", _NAMESPACE, *measured[-4:])
    cluster = ("--kubeconfig", shop.node.plane.kubeconfig)
    findings = json.loads(shop.plumbline(*live, *cluster, "-o", "json", code=1))["findings"]
    owned = {e["resource"]["name"]: e["measured"] for e in findings if "measured" in e}
    assert {each["matchedBy"] for each in owned.values()} == {"owner"}
    assert owned["scratch"]["verdict"] == "mounts"
    named = json.loads(shop.plumbline(*measured, *cluster, "-o", "json", code=1))["findings"]
    assert [e["measured"] for e in named if "measured" in e] == list(owned.values())

    rule = ("--rule", "root-filesystem-writable")
    shop.plumbline(*measured, "--fix", *rule, "--write", code=1)
    assert "readOnlyRootFilesystem" not in (shop.repo / "deploy/index.yaml").read_text()
    assert "emptyDir" not in (shop.repo / "deploy/quiet.yaml").read_text()
    assert "mountPath: /tmp" in (shop.repo / "deploy/scratch.yaml").read_text()
    shop.apply()
    assert shop.inside("scratch", "cat", "/tmp/state") == "1\n"
    refused = "echo x > /x 2>/dev/null || echo refused"
    for name in ("scratch", "quiet"):
        assert shop.inside(name, "sh", "-c", refused) == "refused\n"
    assert shop.inside("index", "cat", "/opt/index/deep/4") == "4\n"
