"""A pull request on a real Gitea beside a real cluster: from drift, by a comment, to the merge."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tools.controlplane import ControlPlane
from tests.tools.gitea.hosted import Hosted
from tests.tools.gitea.server import PASSWORD, Gitea
from tests.tools.real_target import Ran, RealTarget

pytestmark = pytest.mark.xdist_group("gitea")

_CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: one}
data:
  colour: COLOUR
  size: SIZE
"""


@dataclass
class Stage(Hosted):
    """A work tree of a repository on a forge, and the cluster that it declares."""

    target: RealTarget

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=ann", "-c", "user.email=ann@example.dev", *words],
            cwd=self.target.repo, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    def push(self, branch: str, colour: str, size: str) -> None:
        text = _CONFIG.replace("COLOUR", colour).replace("SIZE", size)
        (self.target.repo / "deploy").mkdir(exist_ok=True)
        (self.target.repo / "deploy" / "one.yaml").write_text(text)
        self.git("add", ".")
        self.git("commit", "-qm", f"{colour} and {size}")
        self.git("push", "-q", "forge", f"HEAD:{branch}")

    def check(self, number: int) -> Ran:
        page = f"{self.gitea.url}/ann/{self.name}/pulls/{number}"
        words = ("--path", "deploy", "--base", "forge/main", "--comment", page)
        return self.target.run("check", *words)

    def comments(self, number: int) -> list[str]:
        return [each["body"] for each in self.call("GET", f"/issues/{number}/comments")]


@pytest.fixture
def stage(
    control_plane: ControlPlane,
    namespace: str,
    gitea: Gitea,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Stage:
    users = {user["login"] for user in gitea.call("GET", "/admin/users")}
    for user in {"ann", "ben"} - users:
        gitea.add_user(user)
    name = f"reviewed-{namespace}"
    url = gitea.add_repository("ann", name, "ben")
    token = gitea.add_user(f"bot-{namespace}")
    collaborator = f"/repos/ann/{name}/collaborators/bot-{namespace}"
    gitea.call("PUT", collaborator, {"permission": "write"}, user="ann")
    (tmp_path / "token").write_text(token)
    monkeypatch.setenv("PLUMBLINE_FORGE__TOKEN_FILE", str(tmp_path / "token"))
    repo = tmp_path / "repo"
    subprocess.run(
        ["git", "clone", "-q", "-o", "forge", url.replace("://", f"://ann:{PASSWORD}@"), str(repo)],
        check=True, env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
    )  # fmt: skip
    return Stage(gitea, name, RealTarget(control_plane, repo, tmp_path / "home", (namespace,)))


def test_a_hot_fix_is_shown_before_a_merge_destroys_it(stage: Stage) -> None:
    stage.push("main", "blue", "large")
    stage.target.apply("deploy/one.yaml")
    stage.git("checkout", "-qb", "smaller")
    stage.push("smaller", "blue", "small")
    wanted = {"head": "smaller", "base": "main", "title": "Smaller"}
    number = stage.call("POST", "/pulls", wanted)["number"]

    # Nothing drifted: the pull request does what it says.
    ran = stage.check(number)
    assert ran.code == 0, ran.stderr
    (comment,) = stage.comments(number)
    assert "changes 1 live object, overwrites no live drift" in comment

    # Somebody mends the cluster by hand; merging would put the old value back.
    stage.target.patch("configmap/one", {"data": {"colour": "red"}}, manager="kubectl-edit")
    stage.call("POST", f"/issues/{number}/comments", {"body": "Looks good to me."}, "ben")
    ran = stage.check(number)
    assert ran.code == 1, ran.stderr
    assert "data.colour  red → blue  edited live by kubectl-edit" in ran.stdout
    first, second = stage.comments(number)
    assert second == "Looks good to me."
    assert "overwrites live drift of 1 object" in first
    assert "data.colour: red → blue, edited live by kubectl-edit" in first

    # The author takes the fix over; the same comment says so.
    stage.push("smaller", "red", "small")
    ran = stage.check(number)
    assert ran.code == 0, ran.stderr
    first, _ = stage.comments(number)
    assert "overwrites no live drift, declares the drift of 1" in first

    stage.gitea.merge(f"ann/{stage.name}", number, "ben", "merge")
    stage.git("pull", "-q", "forge", "main")
    stage.target.apply("deploy/one.yaml")
    report = stage.target.check("--path", "deploy")
    assert report["drifts"] == []
    assert stage.target.value("configmap/one", ".data.colour") == "red"
