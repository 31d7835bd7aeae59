"""`plumbline containers --learn`: the file that it writes, over a machine that is made up."""

import json
import os
import signal
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.history.database import DatabaseHistory
from reconciler.agent import executing
from reconciler.agent.node import Glimpse
from reconciler.cli import containers as verb
from reconciler.cli import learning
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.main import main
from reconciler.core.containers import (
    ContainerLook,
    FileDrift,
    FileState,
    FileType,
    NodeLook,
    NodeReport,
    Origin,
    Parent,
    ProcessDrift,
)
from reconciler.core.drift import ChangeType, Severity
from reconciler.core.errors import ConfigError
from reconciler.core.moments import rfc3339
from reconciler.core.profiles import Profiles
from tests.unit.cli.test_containers import Machine as Looking
from tests.unit.cli.test_containers import machine as machine
from tests.unit.cli.test_containers import options_of
from tests.unit.render.test_containers import UNKNOWN, WEB

STATE = FileState(FileType.REGULAR, 0o644, 0, 0)
INDEX = FileDrift("/app/index", ChangeType.ADDED, Severity.LOW, "new file", None, STATE)
TOOL = FileDrift("/app/tool", ChangeType.ADDED, Severity.HIGH, "executable", None, STATE)


def ran(path: str, pid: int, inner: int = 1) -> ProcessDrift:
    above = (Parent(1, "app"),) if inner != 1 else ()
    severity = Severity.MEDIUM
    return ProcessDrift(pid, inner, path, Origin.PROFILE, (), "0", "", severity, parents=above)


class Machine(Looking):
    """Also has processes come and go; remembers what it was told of profiles."""

    allowed: tuple[Profiles, bool] = (Profiles(), False)

    def allow(self, profiles: Profiles, *, learns: bool = False) -> None:
        self.allowed = (profiles, learns)

    def glimpse(self) -> Glimpse:
        return Glimpse(1, (ContainerLook(WEB, (ran("/bin/b", 2, 7),)),), True)


class Executions:
    """Stands in for the kernel."""

    lost = 0

    def __init__(self, _: object) -> None:
        self.renewed = 0

    def renew(self) -> None:
        self.renewed += 1

    def looks(self, patience: float) -> tuple[ContainerLook, ...]:
        threading.Event().wait(min(patience, 0.01))
        return (ContainerLook(WEB, (ran("/bin/c", 3, 8),)),)


@pytest.fixture
def watched(machine: Looking, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    made.lacking = machine.lacking
    monkeypatch.setattr("reconciler.agent.node.NodeScan", made.scan)
    monkeypatch.setattr(executing, "Executions", Executions)
    monkeypatch.setattr(learning, "_POLL", 0.02)
    made.looks = [(ContainerLook(WEB, (INDEX, ran("/bin/a", 1))),)]
    return made


def learned(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document


def test_one_look_learns_files_and_no_programs(
    watched: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.json"
    assert verb.run(options_of("--learn", str(file))) is ExitCode.DONE
    assert watched.allowed == (Profiles(), True)
    assert "write /app/index  learned: 1 file in 1 container" in capsys.readouterr().out
    document = learned(file)
    write = [{"path": "/app/index", "reason": "learned: 1 file in 1 container"}]
    assert document["profiles"] == [{"image": "web", "write": write}]
    assert [each["node"] for each in document["learned"]] == ["vm"]
    # What is in the file is known the next time, as is what --profiles names.
    watched.looks = [(ContainerLook(WEB, (TOOL,)),)]
    words = ("--learn", str(file), "--profiles", str(file))
    assert verb.run(options_of(*words)) is ExitCode.DRIFT
    assert len(watched.allowed[0].images) == 2
    assert learned(file)["profiles"] == document["profiles"]
    assert [each["left"] for each in learned(file)["learned"]][1][0]["path"] == "/app/tool"
    assert not list(tmp_path.glob(".plumbline-*"))


def test_a_window_learns_programs_too(watched: Machine, tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    assert verb.run(options_of("--learn", str(file), "--for", "300ms")) is ExitCode.DONE
    assert learned(file)["profiles"][0]["execute"] == ["/bin/a", "/bin/b", "/bin/c"]


def test_a_window_ends_early_by_a_signal_and_what_was_seen_counts(
    watched: Machine, tmp_path: Path
) -> None:
    file = tmp_path / "p.json"
    before = signal.getsignal(signal.SIGTERM)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    assert verb.run(options_of("--learn", str(file), "--for", "30d")) is ExitCode.DONE
    timer.join()
    assert learned(file)["profiles"][0]["execute"] == ["/bin/a", "/bin/b", "/bin/c"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_pod_that_can_write_nothing_tells_it(
    watched: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verb.run(options_of("--learn", "-")) is ExitCode.DONE
    captured = capsys.readouterr()
    assert json.loads(captured.out)["profiles"][0]["write"][0]["path"] == "/app/index"
    assert "Learned from 1 container" in captured.err


def told(*words: str) -> int:
    return main(["containers", "--state-dir", "state", *words])


def test_what_agents_told_the_controller_is_learned(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now, old = rfc3339(datetime.now(UTC)), "2026-11-24T12:00:00Z"
    look = ContainerLook(WEB, (INDEX, TOOL), started_at="2026-11-24T11:00:00Z")
    with closing(DatabaseHistory.open("state/history.db")) as history:
        history.nodes().save(NodeReport(NodeLook("vm", now, (look,)), now))
        history.nodes().save(NodeReport(NodeLook("old", old, ()), old))
    assert told("--learn", "p.json", "--node", "vm") == ExitCode.DRIFT
    document = learned(Path("p.json"))
    write = [{"path": "/app/index", "reason": "learned: 1 file in 1 container"}]
    assert document["profiles"] == [{"image": "web", "write": write}]
    (window,) = document["learned"]
    assert (window["since"], window["until"]) == ("2026-11-24T11:00:00Z", now)
    assert told("--learn", "p.json") == ExitCode.COULD_NOT
    assert "its agent was heard last at 2026-11-24T12:00:00Z" in capsys.readouterr().out
    assert [each["node"] for each in learned(Path("p.json"))["learned"]] == ["vm", "old", "vm"]
    assert told("--learn", "p.json", "--for", "1h") == ExitCode.COULD_NOT
    assert "--for goes with --node-local" in capsys.readouterr().err
    assert told("--learn", "p.json", "--profiles", "p.json") == ExitCode.COULD_NOT


def test_nothing_is_learned_from_nothing(watched: Machine, tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    watched.looks = [()]
    with pytest.raises(ConfigError, match="nothing was learned"):
        verb.run(options_of("--learn", str(file), "--pod", "x"))
    assert not file.exists()
    assert verb.run(options_of("--learn", str(file), "--for", "100ms")) is ExitCode.DONE


def test_what_could_not_be_told_is_said(
    watched: Machine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "p.json"
    watched.looks = [(UNKNOWN,)]
    monkeypatch.setattr(Executions, "lost", 2)
    assert verb.run(options_of("--learn", str(file), "--for", "100ms")) is ExitCode.COULD_NOT
    unknown = learned(file)["learned"][0]["unknown"]
    assert unknown == ["2 executions could not be told", f"{'e' * 12}: its root is btrfs"]

    def refuse(_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(executing, "Executions", refuse)
    watched.looks = [()]
    verb.run(options_of("--learn", str(file), "--for", "100ms"))
    assert "the kernel doesn't tell of executions (Operation not" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--learn", "p.json", "-o", "json"), "--learn looks by itself"),
        (("--learn", "p.json", "--watch", "1"), "--learn looks by itself"),
        (("--for", "1h"), "--for goes with --learn"),
        (("--learn", "nowhere/p.json"), "nowhere/p.json: there is no folder"),
        (("--learn", "other.json"), "this is no JSON"),
    ],
)
def test_what_makes_no_sense_is_refused(
    watched: Machine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.json").write_text("mine")
    with pytest.raises(ConfigError) as raised:
        verb.run(options_of(*words))
    assert message in raised.value.message
    assert (tmp_path / "other.json").read_text() == "mine"


@pytest.mark.parametrize("text", ["0s", "x", "90d", ""])
def test_times_that_make_no_sense(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options_of("--for", text)
    assert "--for" in capsys.readouterr().err


def test_a_look_has_no_profile_of_what_isnt_read(watched: Machine, tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    file.write_text('{"profiles": [{"image": "web"}]}')
    assert isinstance(watched.look(), NodeLook)
    assert verb.run(options_of("--profiles", str(file))) is ExitCode.DRIFT
    assert watched.allowed[1] is False
    assert len(watched.allowed[0].images) == 1
