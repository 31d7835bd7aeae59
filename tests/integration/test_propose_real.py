"""Drift proposed by a pull request on a real Gitea, and what its end does in a real cluster."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.workload import commit
from tests.tools.controlplane import ControlPlane
from tests.tools.gitea.hosted import Hosted
from tests.tools.gitea.server import PASSWORD, Gitea
from tests.tools.real_target import RealTarget
from tests.tools.running import Controller, until

pytestmark = pytest.mark.xdist_group("gitea")

_CONFIG = """\
# What the shop is painted with.
apiVersion: v1
kind: ConfigMap
metadata: {name: one}
data: {colour: blue}
"""
_RECORD = ".plumbline/reverts/shop.json"


@dataclass
class Stage(Hosted):
    """A controller whose target is to be proposed, and the forge that holds its repository.

    Attributes:
        target: The cluster, and the work tree that is pushed from.
        controller: The process.
    """

    target: RealTarget
    controller: Controller

    def record(self, ref: str) -> dict[str, Any]:
        answer = self.call("GET", f"/raw/{_RECORD}?ref={ref}")
        assert isinstance(answer, dict)
        return answer

    def colour(self) -> str:
        return self.target.colour()

    def recolour(self, colour: str) -> None:
        self.target.patch("configmap/one", {"data": {"colour": colour}}, manager="kubectl-edit")

    def await_pull(self, holds: str) -> dict[str, Any]:
        """Waits for the one open pull request to say something, and gives it."""
        found: list[dict[str, Any]] = []

        def is_there() -> bool:
            found[:] = self.pulls()
            return len(found) == 1 and holds in found[0]["body"]

        until(is_there, lambda: f"proposed {holds}: {found}; {self.controller.log[-3000:]}")
        return found[0]

    def lives(self) -> list[str]:
        return self.controller.lives("one")


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def token(gitea: Gitea) -> str:
    """Plumbline's own token; ann owns the repositories, ben may merge."""
    for name in ("ann", "ben"):
        if not _is_there(gitea, name):
            gitea.add_user(name)
    return gitea.add_user("plumbline-bot")


def _is_there(gitea: Gitea, name: str) -> bool:
    users = gitea.call("GET", "/admin/users")
    return any(user["login"] == name for user in users)


@pytest.fixture
def stage(
    control_plane: ControlPlane, namespace: str, gitea: Gitea, token: str, tmp_path: Path
) -> Iterator[Stage]:
    name = f"deploy-{namespace}"
    url = gitea.add_repository("ann", name, "ben", "plumbline-bot")
    repo = tmp_path / "repo"
    repo.mkdir()
    target = RealTarget(control_plane, repo, tmp_path / "home", (namespace,))
    host = url.removeprefix("http://")
    (tmp_path / "token").write_text(token)
    (tmp_path / "git").write_text(f"http://plumbline-bot:{token}@{host.partition('/')[0]}\n")
    commit(repo)
    git(repo, "remote", "add", "forge", f"http://ann:{PASSWORD}@{host}")
    target.declare("one.yaml", _CONFIG)
    git(repo, "push", "--quiet", "--force", "forge", "HEAD:main")
    target.apply("one.yaml")
    wanted = {
        "name": "shop",
        "source": {"repo": url, "ref": "main"},
        "namespace": namespace,
        "scope": {"namespaces": [namespace]},
        "mode": "propose",
    }
    more = {
        "schedule": {"interval": "2s", "jitter": "0s"},
        "programs": {"credential_helper": f"store --file={tmp_path / 'git'}"},
        "forge": {
            "kind": "gitea",
            "url": gitea.url,
            "token_file": str(tmp_path / "token"),
            "name": "Plumbline",
            "email": "bot@example.dev",
            "statuses": True,
        },
    }
    controller = Controller(tmp_path / "controller", control_plane.kubeconfig, [wanted], more)
    with controller:
        controller.await_ready()
        yield Stage(gitea, name, target, controller)
        assert controller.terminate() == 0
    assert token not in controller.log


def test_a_merge_restores_exactly_what_was_proposed(stage: Stage) -> None:
    stage.recolour("crimson")
    pull = stage.await_pull("crimson")
    assert pull["user"]["login"] == "plumbline-bot"
    assert stage.colour() == "crimson"
    record = stage.record(pull["head"]["ref"])
    assert record["target"] == "shop"
    assert json.dumps(record).count("crimson") == 1
    # Brought up to date in place, not doubled.
    stage.recolour("green")
    again = stage.await_pull("green")
    assert again["number"] == pull["number"]
    assert len(stage.pulls("all")) == 1

    stage.call("POST", f"/pulls/{pull['number']}/merge", {"Do": "merge"}, "ben")
    until(lambda: stage.colour() == "blue", lambda: f"restored; {stage.controller.log[-3000:]}")
    until(lambda: stage.lives()[-1:] == ["gone"], "remembered")
    approved = next(e for e in stage.controller.history() if e["type"] == "approved")
    assert approved["actor"] == "gitea:ben"
    assert [each for each in stage.lives() if each == "restored"] == ["restored"]
    # Its record is in Git now, and is no manifest.
    assert stage.record("main")["plan"].startswith("p-")
    until(lambda: "end" in stage.controller.log, "the branch is taken away")
    branches = [each["name"] for each in stage.call("GET", "/branches")]
    until(lambda: branches == ["main"] or not stage.pulls(), "nothing is left open")
    stage.controller.assert_sound()


def test_a_drift_that_goes_away_closes_it_with_a_word(stage: Stage) -> None:
    stage.recolour("crimson")
    pull = stage.await_pull("crimson")
    stage.recolour("blue")
    until(lambda: not stage.pulls(), lambda: f"closed; {stage.controller.log[-2000:]}")
    comments = stage.call("GET", f"/issues/{pull['number']}/comments")
    assert "gone" in comments[-1]["body"]
    assert "restored" not in stage.lives()
    commit_ = stage.call("GET", "/branches/main")["commit"]["id"]
    until(
        lambda: (
            [each["status"] for each in stage.call("GET", f"/statuses/{commit_}")].count("success")
            > 0
        ),
        "the commit shows that all is as declared",
    )


def test_closing_it_is_a_no_until_something_moves(stage: Stage) -> None:
    stage.recolour("crimson")
    pull = stage.await_pull("crimson")
    stage.call("PATCH", f"/pulls/{pull['number']}", {"state": "closed"}, "ben")
    until(lambda: "rejected" in stage.lives(), lambda: f"heard; {stage.controller.log[-2000:]}")
    assert (stage.colour(), stage.pulls()) == ("crimson", [])
    stage.recolour("green")
    stage.await_pull("green")
