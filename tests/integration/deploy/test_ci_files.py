"""deploy/ci and the pre-commit hook: their steps, run by the shells that runners use."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.cli.main import main
from reconciler.core.pull_requests import BranchContent
from tests.fakes.answering_http import AnsweringServer
from tests.fakes.forge import FakeForge
from tests.fakes.gitlab import FakeGitLab
from tests.integration.sources.conftest import GIT_ENVIRON, Repository, config_map

ROOT = Path(__file__).parents[3]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "ci" / "action.yml").read_text())
TEMPLATE: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "ci" / "gitlab.yml").read_text())
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())


@dataclass(frozen=True)
class Runner:
    """A job of a runner: its folder, the repository in it, a dump of the cluster."""

    folder: Path
    repository: Repository

    @property
    def dump(self) -> Path:
        return self.folder / "live.json"

    def lives(self, value: str) -> None:
        body = yaml.safe_load(config_map("one", value))
        body["metadata"] |= {"namespace": "shop", "managedFields": [_WRITER]}
        listed = {"apiVersion": "v1", "kind": "List", "items": [body]}
        self.dump.write_text(json.dumps(listed))

    def run(self, shell: list[str], script: str, variables: Mapping[str, str]) -> Any:
        environ = {**GIT_ENVIRON, "HOME": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [*shell, "-c", script],
            cwd=self.repository.folder,
            env={**environ, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def action(self, inputs: Mapping[str, str]) -> "Ended":
        """Runs the action's check as GitHub's runner does, with inputs as it fills them in."""
        (step,) = [each for each in ACTION["runs"]["steps"] if each.get("id") == "check"]
        defaults = {name: _default(each) for name, each in ACTION["inputs"].items()}
        given = {**defaults, **inputs}
        environ = {
            name: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda m: given[m[1]], value)
            for name, value in step["env"].items()
        }
        outputs, summary = self.folder / "outputs", self.folder / "summary"
        environ |= {
            "RUNNER_TEMP": str(self.folder),
            "GITHUB_OUTPUT": str(outputs),
            "GITHUB_STEP_SUMMARY": str(summary),
        }
        _programs(self.folder / "plumbline")
        # https://docs.github.com/actions/reference/workflow-syntax: shell: bash
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail"]
        ran = self.run(shell, step["run"], environ)
        told = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
        return Ended(ran, told, summary.read_text() if summary.exists() else "")


@dataclass(frozen=True)
class Ended:
    ran: Any
    outputs: dict[str, str]
    summary: str


_WRITER = {
    "manager": "kubectl-edit",
    "operation": "Update",
    "apiVersion": "v1",
    "time": "2026-11-24T11:56:00Z",
    "fieldsType": "FieldsV1",
    "fieldsV1": {"f:data": {"f:value": {}}},
}


def _default(declared: dict[str, Any]) -> str:
    # What GitHub fills in of the event is given by each test.
    return "" if "${{" in declared["default"] else str(declared["default"])


def _programs(venv: Path) -> None:
    """Puts the program where the step before has installed it."""
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "plumbline").symlink_to(Path(sys.executable).parent / "plumbline")


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    (tmp_path / "repo").mkdir()
    repository = Repository(tmp_path / "repo")
    repository.git("init", "-q", "-b", "main")
    made = Runner(tmp_path, repository)
    repository.commit(**{"one.yaml": config_map("one", "1")})
    repository.git("branch", "merged")
    made.lives("1")
    return made


def _flags(runner: Runner) -> str:
    return f"--repo=.\n-n\nshop\n\n--live={runner.dump}\n"


def test_the_action_shows_what_merging_would_destroy(runner: Runner) -> None:
    runner.repository.commit(**{"one.yaml": config_map("one", "2")})
    runner.lives("3")
    ended = runner.action({"flags": _flags(runner), "base": "merged"})
    assert ended.ran.returncode == 1, ended.ran.stderr
    (line,) = ended.ran.stdout.splitlines()
    assert line.startswith("::warning file=one.yaml,line=1,title=plumbline%3A merge-overwrites::")
    assert ended.outputs == {"exit-code": "1", "sarif": "plumbline.sarif"}
    log = json.loads((runner.repository.folder / "plumbline.sarif").read_text())
    assert [each["ruleId"] for each in log["runs"][0]["results"]] == ["merge-overwrites"]
    assert "overwrites live drift of 1 object" in ended.summary


def test_the_action_says_that_all_is_well(runner: Runner) -> None:
    ended = runner.action({"flags": _flags(runner)})
    assert ended.ran.returncode == 0, ended.ran.stderr
    assert ended.ran.stdout == ""
    assert ended.outputs["exit-code"] == "0"
    assert "1 object, in sync" in ended.summary


def test_the_action_says_what_it_could_not_tell(runner: Runner) -> None:
    ended = runner.action({"flags": _flags(runner), "base": "nowhere"})
    assert ended.ran.returncode == 2
    assert "nowhere is no branch" in ended.ran.stderr
    assert ended.outputs["exit-code"] == "2"
    assert ended.summary == ""


def test_no_input_of_the_action_is_run(runner: Runner) -> None:
    hostile = f'$(touch {runner.folder}/owned)`touch {runner.folder}/owned`";touch owned;"'
    flags = f"{_flags(runner)}{hostile}\n"
    runner.action({"flags": flags, "base": hostile, "token": hostile, "sarif": hostile})
    found = [*runner.folder.rglob("owned"), *Path.cwd().glob("owned")]
    assert found == []
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]


def _template(runner: Runner, **variables: str) -> Any:
    job = TEMPLATE[".plumbline"]
    _programs(runner.folder / ".plumbline-venv")
    environ = {**job["variables"], "CI_PROJECT_DIR": str(runner.folder), **variables}
    flags = f"--repo=. -n shop --live={runner.dump}"
    return runner.run(["sh", "-e"], "\n".join(job["script"]), {**environ, "CHECK_FLAGS": flags})


def test_the_template_checks_a_branch(runner: Runner) -> None:
    runner.lives("3")
    ran = _template(runner)
    assert ran.returncode == 1, ran.stderr
    (found,) = json.loads((runner.repository.folder / "gl-code-quality-report.json").read_text())
    assert (found["check_name"], found["location"]["path"]) == ("drift-modified", "one.yaml")
    reports = TEMPLATE[".plumbline"]["artifacts"]["reports"]
    for name in (*reports.values(), *TEMPLATE[".plumbline"]["artifacts"]["paths"]):
        assert (runner.repository.folder / name).stat().st_size


def test_the_template_comments_on_a_merge_request(runner: Runner) -> None:
    repository = runner.repository
    repository.git("checkout", "-qb", "fix")
    repository.commit(**{"one.yaml": config_map("one", "2")})
    repository.git("checkout", "-q", "main")
    repository.commit(**{"other.yaml": config_map("other")})
    repository.git("checkout", "-q", "fix")
    runner.lives("3")
    forge = FakeForge()
    forge.push("fix", BranchContent("b" * 40, {}, "fix"))
    number = forge.open("fix", "main", "Fix", "It.").number
    (runner.folder / "token").write_text("t0ken")
    with AnsweringServer(FakeGitLab(forge).answer) as server:
        ran = _template(
            runner,
            CI_MERGE_REQUEST_IID=str(number),
            CI_MERGE_REQUEST_PROJECT_URL=f"{server.url}/group/sub/shop",
            CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main",
            CI_REPOSITORY_URL=str(repository.folder),
            PLUMBLINE_FORGE__TOKEN_FILE=str(runner.folder / "token"),
        )
        assert not server.failures, server.failures
    assert ran.returncode == 1, ran.stderr
    (comment,) = forge.comments[number]
    assert "overwrites live drift of 1 object" in comment
    # What the branch only lacks, merging doesn't take away.
    assert "no longer declares" not in comment


def test_the_hook_is_one_that_pre_commit_takes(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = Path(sys.executable).parent / "pre-commit"
    done = subprocess.run(
        [str(program), "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")],
        env={**os.environ, "PRE_COMMIT_HOME": str(runner.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    (hook,) = HOOKS
    program_name, *words = shlex.split(hook["entry"])
    assert program_name == "plumbline"
    monkeypatch.chdir(runner.repository.folder)
    monkeypatch.setenv("HOME", str(runner.folder))
    words += ["--repo=.", "-n", "shop", f"--live={runner.dump}"]
    assert main(words) == 0
    runner.lives("3")
    assert main(words) == 1
    assert "ConfigMap shop/one" in capsys.readouterr().out
