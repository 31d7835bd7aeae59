"""`plumbline agent`: its flags, its lines and its end, over a machine that is made up."""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from reconciler.agent import node, rights, watching
from reconciler.agent.node import Glimpse
from reconciler.agent.sending import Sender
from reconciler.cli import agent as verb
from reconciler.cli.exit_codes import ExitCode
from reconciler.core.containers import ContainerLook, NodeLook
from reconciler.core.errors import ConfigError
from reconciler.core.profiles import Profiles
from tests.unit.render.test_containers import EVIL, FILES, PROCESS, WEB

POD = '{"kind": "Pod", "metadata": {"uid": "%s"}, "spec": {}}'


def options_of(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    return parser.parse_args(["--interval", "0.1", "--poll", "0.1", *words])


class Machine:
    """Stands in for what looks; asks the process to end after some looks."""

    def __init__(self) -> None:
        self.looks: list[Sequence[ContainerLook] | Exception] = []
        self.told: dict[str, Any] = {}
        self.declared: list[str] = []
        self.allowed: list[Profiles] = []
        self.containers: dict[str, object] = {}

    def scan(self, _: object, **told: Any) -> "Machine":
        self.told = told
        return self

    def look(self) -> NodeLook:
        if not self.looks:
            return self.last()
        look = self.looks.pop(0)
        if isinstance(look, Exception):
            raise look
        return NodeLook("vm", "", tuple(look))

    def last(self) -> NodeLook:
        os.kill(os.getpid(), signal.SIGTERM)
        return NodeLook("vm", "", ())

    def glimpse(self) -> Glimpse:
        return Glimpse(0, (), True)

    def allow(self, profiles: Profiles) -> None:
        self.allowed.append(profiles)

    def declare(self, specs: dict[str, object]) -> None:
        self.declared += specs


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    made = Machine()
    monkeypatch.setattr(node, "NodeScan", made.scan)
    monkeypatch.setattr(rights, "lacking_rights", tuple)
    monkeypatch.setattr(watching.NodeWatch, "_round", _look_always)
    before = threading.active_count()
    yield made
    assert threading.active_count() <= before


def _look_always(watch: Any, _: bool) -> bool:
    watch._look_once()
    return True


LOOK = (ContainerLook(WEB, (PROCESS, *FILES)),)


def test_each_change_is_a_line_of_json(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.looks = [LOOK, LOOK, ()]
    assert verb.run(options_of()) is ExitCode.DONE
    out = capsys.readouterr().out
    assert out.isascii()
    lines = [json.loads(line) for line in out.splitlines()]
    many = 1 + len(FILES)
    assert [line["event"] for line in lines] == ["new"] * many + ["gone"] * many
    assert {line["schema"] for line in lines} == {"plumbline.dev/container-event/v1"}
    assert lines[0]["drift"]["container"]["pod"] == "web"
    assert lines[0]["drift"]["firstSeen"] == lines[0]["at"]
    assert EVIL not in out


def test_it_serves_while_it_watches(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    assert verb.run(options_of("--listen", address)) is ExitCode.DONE
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError, match="Address already in use") as raised:
            verb.run(options_of("--listen", address))
    assert raised.value.fix == "name a free port"


def test_what_fails_unexpectedly_ends_it(machine: Machine) -> None:
    machine.looks = [BrokenPipeError(32, "Broken pipe"), ValueError("a bug")]
    with pytest.raises(ValueError, match="a bug"):
        verb.run(options_of())


def test_what_pods_declare_is_read_again_when_it_changed(
    machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pods.json"
    file.write_text(POD % "u-1", encoding="utf-8")
    machine.looks = [(), (), ()]
    looks = iter([POD % "u-22", "half {", None])
    look = machine.look

    def change() -> NodeLook:
        text = next(looks, None)
        if text is not None:
            file.write_text(text, encoding="utf-8")
        return look()

    machine.look = change  # type: ignore[method-assign]
    verb.run(options_of("--pods", str(file)))
    assert machine.told["specs"].keys() == {"u-1"}
    assert machine.declared == ["u-22"]
    assert "no list of pods in JSON" in capsys.readouterr().err


def test_flags(machine: Machine) -> None:
    options = options_of("-n", "shop", "--listen", "[::1]:9300")
    assert options.listen == ("::1", 9300)
    verb.run(options_of("-n", "shop", "--limit", "7", "--node", "n-1"))
    assert machine.told["node"] == "n-1"
    assert machine.told["choice"].namespaces == {"shop"}
    assert machine.told["bounds"].files == 7
    with pytest.raises(ConfigError, match="again and again"):
        verb.run(options_of("--pods", "-"))


@pytest.mark.parametrize(
    "words", [("--listen", "9300"), ("--listen", "a:b"), ("--listen", "a:70000"), ("--poll", "0")]
)
def test_flags_that_make_no_sense(words: Sequence[str], capsys: Any) -> None:
    with pytest.raises(SystemExit):
        options_of(*words)
    assert words[0] in capsys.readouterr().err


def test_what_lacks_rights_names_its_fix(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rights, "lacking_rights", lambda: ("CAP_SYS_ADMIN (why)",))
    with pytest.raises(ConfigError, match=r"lacks CAP_SYS_ADMIN \(why\)"):
        verb.run(options_of())


def test_it_stays_light() -> None:
    code = (
        "import sys, reconciler.cli.main, reconciler.cli.agent\n"
        "import reconciler.agent.watching, reconciler.agent.serving\n"
        "import reconciler.render.container_documents\n"
        "heavy = {'deepdiff', 'kubernetes', 'orjson', 'pydantic', 'yaml', 'requests', 'urllib3'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    argv = [sys.executable, "-c", code]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--controller", "http://x"), "--controller: this is no such address"),
        (("--controller", "https://a:s3same@x"), "--controller: this is no such address"),
        (("--controller-ca", "ca.crt"), "--controller-ca: there is no controller"),
        (("--token", "t"), "--token: there is no controller"),
    ],
)
def test_a_controller_that_is_none(machine: Machine, words: Sequence[str], why: str) -> None:
    with pytest.raises(ConfigError, match=why) as raised:
        verb.run(options_of(*words))
    assert "s3same" not in str(raised.value)


def test_it_goes_on_where_the_controller_is_away(
    machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--controller", "https://127.0.0.1:9", "--token", str(tmp_path / "none\x1b"))
    told = threading.Event()
    metrics: list[str] = []

    def look() -> NodeLook:
        assert told.wait(30)
        os.kill(os.getpid(), signal.SIGTERM)
        return NodeLook("vm", "", ())

    machine.looks = [LOOK]
    original = Sender.round

    def round_(sender: Sender) -> float:
        pause = original(sender)
        if pause:
            metrics.append(sender.metrics())
            told.set()
        return pause

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sender, "round", round_)
        patch.setattr(machine, "last", look)
        assert verb.run(options_of(*words)) is ExitCode.DONE
    captured = capsys.readouterr()
    assert '"event":"new"' in captured.out
    assert r"the controller can't be told: the token" in captured.err
    assert r"none\x1b can't be read: No such file or directory" in captured.err
    assert 'plumbline_agent_sends_total{result="failed"} 1' in metrics[0]
