"""A push that a forge tells of is rolled out on the real API server, long before the interval."""

import datetime as dt
import http.client
import json
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.benchmarks.workload import commit
from tests.integration.sources.servers import git_daemon
from tests.tools.controlplane import ControlPlane
from tests.tools.controlplane.certificates import Authority
from tests.tools.controlplane.servers import free_port
from tests.tools.hooking import send, send_push
from tests.tools.real_target import RealTarget
from tests.tools.running import Controller, until

_CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: one}
data: {colour: COLOUR}
"""
_SECRET = "It's a Secret to Everybody"
_MAIN = "refs/heads/main"


@dataclass
class Stage:
    """A controller that looks once an hour, at a repository behind a real Git server.

    Attributes:
        target: The cluster, and the work tree that is pushed from.
        controller: The process.
        port: Where it takes hooks.
        url: The repository, as the forge's people know it.
        served: The Git server.
    """

    target: RealTarget
    controller: Controller
    port: int
    url: str
    served: str

    def push(self, colour: str) -> None:
        """Pushes another declaration, and tells nobody."""
        self.target.declare("one.yaml", _CONFIG.replace("COLOUR", colour))
        git(self.target.repo, "push", "--quiet", "forge", "main")

    def colour(self) -> str:
        return self.target.colour()

    def await_colour(self, colour: str) -> None:
        until(lambda: self.colour() == colour, f"{colour}; {self.controller.log}")

    def hooks(self, result: str) -> float:
        return self.controller.metric("plumbline_hooks_total", result=result)

    def looks(self) -> float:
        return self.controller.metric("plumbline_cycles_total")

    def await_quiet(self) -> None:
        """Waits until nothing is looked at any more: much is made in a new namespace."""
        before = -1.0
        while (now := self.looks()) != before:
            before = now
            time.sleep(2)


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def stage(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Stage]:
    served, repo = tmp_path / "served", tmp_path / "repo"
    for folder in (served / "team" / "shop.git", repo):
        folder.mkdir(parents=True)
    target = RealTarget(control_plane, repo, tmp_path / "home", (namespace,))
    git(served / "team" / "shop.git", "init", "--quiet", "--bare", "--initial-branch=main")
    commit(repo)
    git(repo, "remote", "add", "forge", str(served / "team" / "shop.git"))
    with git_daemon(served) as url:
        controller, port = made_controller(target, url, tmp_path / "controller")
        made = Stage(target, controller, port, "https://127.0.0.1/Team/shop", url)
        made.push("blue")
        target.apply("one.yaml")
        with controller:
            controller.await_ready()
            yield made
            assert controller.terminate() == 0
        controller.assert_sound()


def made_controller(
    target: RealTarget, url: str, home: Path, namespace: str = ""
) -> tuple[Controller, int]:
    """Gives a controller that isn't started, and where it takes hooks.

    Args:
        target: The cluster.
        url: The Git server.
        home: Where its files are.
        namespace: Where the Leases are, if it is one of several.
    """
    secrets = {"old": "the one before", "secret": _SECRET}
    home.mkdir()
    for name, secret in secrets.items():
        (home / name).write_text(f"{secret}\n")
    port = free_port()
    wanted = {
        "name": "shop",
        "source": {"repo": f"{url}/team/shop.git", "ref": "main"},
        "namespace": target.namespaces[0],
        "mode": "restore",
    }
    files = [str(home / name) for name in secrets]
    more = {
        "hooks": {"address": f"127.0.0.1:{port}", "secret_files": files},
        "lease": {"namespace": namespace},
    }
    kubeconfig = target.plane.user_kubeconfig("plumbline", ["system:masters"])
    return Controller(home, kubeconfig, [wanted], more), port


def test_a_push_is_rolled_out_once_the_forge_tells_of_it(stage: Stage) -> None:
    stage.push("green")
    assert send_push(stage.port, stage.url, _MAIN, _SECRET.encode()) == 202
    stage.await_colour("green")
    assert stage.hooks("woke") == 1
    assert '"event": "hook"' in stage.controller.log
    assert '"targets": ["shop"]' in stage.controller.log

    # A secret that is being renewed counts, too; and a push in the middle of a look isn't missed.
    for colour in ("red", "yellow"):
        stage.push(colour)
        assert send_push(stage.port, stage.url, _MAIN, b"the one before") == 202
    stage.await_colour("yellow")


def test_who_knows_no_secret_causes_nothing(stage: Stage) -> None:
    stage.await_quiet()
    stage.push("green")
    looks = stage.looks()
    assert send_push(stage.port, stage.url, _MAIN, b"forged") == 401
    assert send(stage.port, b"{}", {"X-GitHub-Event": "push"}) == 401
    assert send(stage.port, b"{}", {"X-Gitlab-Token": _SECRET[:-1]}) == 401
    assert send(stage.port, b"", {"X-Gitlab-Token": _SECRET}, method="GET") == 501
    too_large = {"X-Gitlab-Token": _SECRET, "Content-Length": str(1 << 30)}
    assert send(stage.port, b"", too_large) == 413
    assert (stage.hooks("refused"), stage.hooks("woke")) == (3, 0)
    # Nor does a genuine push to what no target reads.
    for ref in ("refs/heads/other", "refs/tags/main2"):
        assert send_push(stage.port, stage.url, ref, _SECRET.encode()) == 202
    assert send_push(stage.port, stage.url + "s", _MAIN, _SECRET.encode()) == 202
    assert send(stage.port, b"{}", {"X-Gitlab-Token": _SECRET}) == 202
    assert stage.hooks("ignored") == 4
    assert (stage.looks(), stage.colour()) == (looks, "blue")
    assert _SECRET not in stage.controller.log


def test_the_same_hook_again_and_again_only_looks(stage: Stage) -> None:
    stage.push("green")
    for _ in range(30):
        assert send_push(stage.port, stage.url, _MAIN, _SECRET.encode()) == 202
    stage.await_colour("green")
    assert stage.hooks("woke") == 30
    # Restored once: the looks that follow find nothing to do.
    until(lambda: "gone" in stage.controller.lives("one"), stage.controller.log)
    assert stage.controller.lives("one").count("restored") == 1


def test_whichever_replica_is_told_the_one_that_acts_looks(stage: Stage, tmp_path: Path) -> None:
    stage.controller.terminate()
    (namespace,) = stage.target.namespaces
    made = [
        made_controller(stage.target, stage.served, tmp_path / name, namespace)
        for name in ("first", "second")
    ]
    (first, _), (second, _) = made
    with first, second:
        for controller, _ in made:
            controller.await_ready()
        until(
            lambda: {each.metric("plumbline_leading") for each, _ in made} == {0.0, 1.0},
            f"one of them acts; {first.log} {second.log}",
        )
        for (controller, port), colour in zip(made, ("green", "red"), strict=True):
            stage.push(colour)
            assert send_push(port, stage.url, _MAIN, _SECRET.encode()) == 202
            until(lambda c=colour: stage.colour() == c, first.log + second.log)  # type: ignore[misc]
            assert controller.metric("plumbline_hooks_total", result="woke") == 1
        for controller, _ in made:
            assert controller.terminate() == 0
    stage.controller.start()
    stage.controller.await_ready()


def test_it_speaks_tls_where_it_has_a_certificate(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    authority = Authority("test", dt.datetime.now(dt.UTC))
    pair = authority.issue_server("hooks", ["localhost"], ["127.0.0.1"])
    files = {"ca": authority.pair.certificate, "crt": pair.certificate, "key": pair.key}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "secret").write_text(_SECRET)
    repo = tmp_path / "repo"
    repo.mkdir()
    target = RealTarget(control_plane, repo, tmp_path / "home", (namespace,))
    target.make("one.yaml", _CONFIG.replace("COLOUR", "blue"))
    port = free_port()
    hooks = {
        "address": f"127.0.0.1:{port}",
        "secret_files": [str(tmp_path / "secret")],
        "certificate": str(tmp_path / "crt"),
        "key": str(tmp_path / "key"),
    }
    wanted = {"name": "shop", "source": {"repo": str(repo)}, "namespace": namespace}
    more = {"hooks": hooks}
    with Controller(tmp_path / "it", control_plane.kubeconfig, [wanted], more) as controller:
        controller.await_ready()
        context = ssl.create_default_context(cafile=str(tmp_path / "ca"))
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context)
        body = json.dumps({"ref": _MAIN, "project": {"url": "git@h:a/b"}})
        connection.request("POST", "/hooks", body, {"X-Gitlab-Token": _SECRET})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.status == 202
        assert controller.metric("plumbline_hooks_total", result="ignored") == 1
