"""`plumbline containers`: its flags, exit codes and outputs, over a machine that is made up."""

import argparse
import io
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.agent import node, rights
from reconciler.cli import containers as verb
from reconciler.cli.exit_codes import ExitCode
from reconciler.core.containers import ContainerLook, NodeLook
from reconciler.core.errors import ConfigError
from tests.unit.render.test_containers import DRIFTED, QUIET, UNKNOWN, WEB


def options_of(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    return parser.parse_args(["--node-local", *words])


class Machine:
    """Stands in for what looks; remembers how it was told to."""

    def __init__(self) -> None:
        self.looks: list[Sequence[ContainerLook]] = [(QUIET,)]
        self.lacking: tuple[str, ...] = ()
        self.told: dict[str, Any] = {}

    def scan(self, _: object, **told: Any) -> "Machine":
        self.told = told
        return self

    def look(self) -> NodeLook:
        looks = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return NodeLook("vm", "2026-11-24T12:00:00Z", tuple(looks))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(node, "NodeScan", made.scan)
    monkeypatch.setattr(rights, "lacking_rights", lambda: made.lacking)
    return made


LOW = ContainerLook(WEB, DRIFTED.drifts[:1])


@pytest.mark.parametrize(
    ("looks", "words", "code"),
    [
        ((), (), ExitCode.DONE),
        ((QUIET,), (), ExitCode.DONE),
        ((LOW, QUIET), (), ExitCode.DRIFT),
        ((LOW, QUIET), ("--exit-zero",), ExitCode.DONE),
        ((LOW, UNKNOWN), (), ExitCode.COULD_NOT),
        ((UNKNOWN,), ("--exit-zero",), ExitCode.COULD_NOT),
    ],
)
def test_exit_codes(
    machine: Machine, looks: Sequence[ContainerLook], words: Sequence[str], code: ExitCode
) -> None:
    machine.looks = [looks]
    assert verb.run(options_of(*words)) is code


@pytest.mark.parametrize(("form", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_programs_read_it(
    machine: Machine, capsys: pytest.CaptureFixture[str], form: str, read: Any
) -> None:
    machine.looks = [(LOW,)]
    verb.run(options_of("-o", form))
    document = read(capsys.readouterr().out)
    assert document["drifts"][0]["container"]["pod"] == "web"


def test_the_flags_say_what_is_looked_at(machine: Machine, tmp_path: Path) -> None:
    pod = {"kind": "Pod", "metadata": {"uid": "u-1"}, "spec": {}}
    (tmp_path / "pods").write_text(json.dumps(pod), encoding="utf-8")
    words = ("-n", "shop", "--pod", "web", "--limit", "7", "--pods", str(tmp_path / "pods"))
    verb.run(options_of(*words))
    choice = machine.told["choice"]
    assert (choice.namespaces, choice.pods) == ({"shop"}, {"web"})
    assert machine.told["bounds"].files == 7
    assert machine.told["specs"].keys() == {"u-1"}
    assert choice.has(WEB)
    assert not node.Choice(frozenset(["other"])).has(WEB)
    assert not node.Choice(pods=frozenset(["other"])).has(WEB)


def test_pods_come_from_a_pipe(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"kind": "PodList", "items": []}'))
    verb.run(options_of("--pods", "-"))
    assert machine.told["specs"] == {}


@pytest.mark.parametrize("content", ["", "[]", '{"kind": "Pod"}', '{"kind": "List", "items": [1]}'])
def test_pods_that_cannot_be_read(machine: Machine, tmp_path: Path, content: str) -> None:
    (tmp_path / "pods").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match="no list of pods in JSON"):
        verb.run(options_of("--pods", str(tmp_path / "pods")))
    with pytest.raises(ConfigError, match="No such file"):
        verb.run(options_of("--pods", str(tmp_path / "nothing")))


def test_what_cannot_be_done_names_its_fix(machine: Machine) -> None:
    machine.looks = [()]
    with pytest.raises(ConfigError, match="no container on this machine"):
        verb.run(options_of("--pod", "web"))
    machine.lacking = ("CAP_SYS_ADMIN (why)",)
    with pytest.raises(ConfigError, match=r"lacks CAP_SYS_ADMIN \(why\)"):
        verb.run(options_of())


@pytest.mark.parametrize("words", [("--watch", "0"), ("--watch", "x"), ("--limit", "0")])
def test_numbers_that_make_no_sense(words: Sequence[str], capsys: Any) -> None:
    with pytest.raises(SystemExit):
        options_of(*words)
    assert words[0] in capsys.readouterr().err


def test_watching_tells_only_of_what_is_other_than_before(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.looks = [(QUIET,), (QUIET,), (LOW,), (LOW,), (QUIET,)]
    rounds = iter(range(4))

    def sleep(seconds: float) -> None:
        assert seconds == 2.5
        if next(rounds, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        verb.run(options_of("--watch", "2.5"))
    told = [line[:1] for line in capsys.readouterr().out.splitlines() if "vm: " in line]
    assert told == ["✓", "✗", "✓"]


def test_what_a_look_needs_is_light() -> None:
    code = (
        "import sys, reconciler.agent.node\n"
        "heavy = {'deepdiff', 'kubernetes', 'orjson', 'pydantic', 'yaml', 'requests', 'urllib3'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    argv = [sys.executable, "-c", code]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "[]\n"
