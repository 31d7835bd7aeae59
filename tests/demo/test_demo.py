"""The demo, on both kinds of cluster: it checks itself, and its exit code tells."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo.__main__ import main
from tests.demo.edits import EDITS
from tests.tools import documents
from tests.tools.controlplane import Toolbox
from tests.tools.controlplane.errors import ToolsError

HEADLINES = 7


def _run(cluster: str, folder: Path) -> str:
    command = [sys.executable, "-m", "tests.demo", "--cluster", cluster, "--folder", str(folder)]
    done = subprocess.run(
        command, cwd=documents.ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("\n━━ ") == HEADLINES + 1
    assert done.stdout.count("$ kubectl -n shop") == len(EDITS) + 1
    return done.stdout


def test_with_real_edits_on_a_real_control_plane(toolbox: Toolbox, tmp_path: Path) -> None:
    try:
        toolbox.assets()
    except ToolsError as error:
        pytest.fail(str(error), pytrace=False)
    shown = documents.check_output(_run("real", tmp_path / "demo"))
    readme = documents.block_of(documents.README.read_text(encoding="utf-8"), "check")
    assert documents.settled(f"```text\n{shown}```\n") == documents.settled(readme), (
        "python -m tests.tools.documents --demo"
    )


def test_without_any_control_plane(tmp_path: Path) -> None:
    shown = documents.check_output(_run("embedded", tmp_path / "demo"))
    assert "9 drifted" in shown


def test_a_fault_is_told_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tests.demo.__main__.show", lambda *_: ["an edit was not found"])
    assert main(["--cluster", "embedded", "--folder", str(tmp_path / "demo")]) == 1
    assert "demo: not as it should be: an edit was not found" in capsys.readouterr().err


def test_a_folder_that_is_not_a_demo_s_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "precious").touch()
    assert main(["--cluster", "embedded", "--folder", str(tmp_path)]) == 1
    assert (tmp_path / "precious").exists()
    assert "is there already" in capsys.readouterr().err


def test_auto_takes_what_is_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from tests.demo.__main__ import choose
    from tests.demo.embedded import EmbeddedPlayground

    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    ground = choose("auto", tmp_path)
    assert isinstance(ground, EmbeddedPlayground)
    with ground:
        assert ground.kubeconfig.is_file()
        assert ground.kubeconfig.stat().st_mode & 0o077 == 0
