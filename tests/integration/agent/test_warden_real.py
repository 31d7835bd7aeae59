"""A warden of this machine, beside a container that runc runs."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.tools.runc_container import Shell, runc_container
from tests.tools.running import PATIENCE, until

_ENTRY = "from reconciler.cli.main import entry; entry()"
#: No other test's containers are of it.
SPACE = f"ours-{secrets.token_hex(4)}"
#: Bytes of a program that can't be read within the shortest limit.
_LARGE = 192 << 20
_DROP = "cp /bin/busybox /busybox; /busybox echo ran; /bin/true && /bin/echo own"
REFUSED = "Operation not permitted"


class Warden:
    """The verb, as a process, and what it says.

    Args:
        folder: Where its socket and its output are.
        words: Its flags.
        socket: Where it answers; a place of its own else.
    """

    def __init__(self, folder: Path, *words: str, socket: Path | None = None) -> None:
        name = secrets.token_hex(4)
        self.socket = socket or folder / f"{name}.sock"
        self._out = folder / f"{name}.out"
        self.errors = folder / f"{name}.err"
        argv = [sys.executable, "-c", _ENTRY, "warden", f"--warden={self.socket}", *words]
        with self._out.open("wb") as out, self.errors.open("wb") as errors:
            self.process = subprocess.Popen(argv, stdout=out, stderr=errors)

    def told(self) -> list[dict[str, Any]]:
        """Gives the lines that it wrote."""
        return [json.loads(line) for line in self._out.read_text(encoding="ascii").splitlines()]

    def answerer(self) -> int:
        """Gives the process that answers."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(path.read_text(encoding="ascii").split()[0])

    def tally(self) -> dict[str, Any]:
        """Attaches as an agent does, and gives what was counted."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(str(self.socket))
            with connection.makefile("r", encoding="ascii") as lines:
                assert next(lines).startswith("plumbline-warden/1 ")
                while "tally" not in (held := json.loads(next(lines))):
                    continue
        tally: dict[str, Any] = held["tally"]
        return tally

    def end(self) -> None:
        """Asks it to end; it does."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=30) == 0, self.errors.read_text(encoding="utf-8")
        assert self.errors.read_text(encoding="utf-8") == ""


@contextmanager
def warden(folder: Path, shell: Shell, *words: str) -> Iterator[Warden]:
    """Runs a warden until the block is left; it enforces in the shell's container."""
    made = Warden(folder, *words)
    try:
        until(made.socket.exists, lambda: made.errors.read_text(encoding="utf-8"))
        until(lambda: made.tally()["containers"] > 0, lambda: str(made.tally()))
        yield made
        if made.process.poll() is None:
            made.end()
    finally:
        made.process.kill()
        made.process.wait()


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A container of our namespace, with a directory of the machine's."""
    folder = tmp_path_factory.mktemp("warded")
    (folder / "data").mkdir()
    with runc_container(folder, SPACE, [(folder / "data", "/data")]) as made:
        yield made


def _flags(mode: str = "refuse", *words: str) -> tuple[str, ...]:
    return (f"--enforce={mode}", f"--enforce-namespaces={SPACE}", *words)


def test_it_refuses_tells_and_ends(shell: Shell, tmp_path: Path) -> None:
    assert "ran" in shell.ask(_DROP)
    with warden(tmp_path, shell, *_flags()) as made:
        said = shell.ask(_DROP)
        assert REFUSED in said
        assert "ran" not in said
        assert "own" in said
        assert REFUSED in shell.ask("cp /bin/busybox /data/y; /data/y true")
        until(lambda: len(made.told()) >= 2, "both are told")
        tally = made.tally()
        assert tally["refused"] == {SPACE: 2}
        assert tally["decided"][SPACE] >= 5
        assert (tally["late"], tally["undecided"], tally["trouble"]) == (0, 0, "")
    assert [each["event"] for each in made.told()] == ["refused"] * 2
    assert [each["drift"]["executable"] for each in made.told()] == ["/busybox", "/data/y"]
    assert "ran" in shell.ask(_DROP)


#: What is done, what is executed then, and whether that is the image's.
_CASES = (
    ("/bin/chmod 700 /bin/mkdir; busybox touch /bin/mkdir", "/bin/mkdir /m1", True),
    ("/bin/cp /bin/mv /mv1; busybox mv /mv1 /bin/mv", "/bin/mv -f /none /n", True),
    ("busybox printf x >> /bin/chmod", "/bin/chmod 755 /", False),
    ("busybox mv /bin/rm /rm", "/rm -f /none", False),
    ("busybox mv /bin/cp /cp; busybox cp /cp /bin/cp", "/bin/cp /none /n", True),
    ("busybox mkdir /d; busybox cp /bin/busybox /d/b; busybox mv /d /e", "/e/b true", False),
    ("busybox cp /bin/busybox '/b (deleted)'", "'/b (deleted)' true", False),
    (
        "busybox cp /bin/busybox /h; busybox ln /h /i; exec 7</h; busybox rm /h",
        "/i true",
        False,
    ),
    ("true", "/proc/self/fd/7 true", False),
    ("busybox cp /bin/busybox /s.sh; busybox ln -s /s.sh /l", "/l true", False),
    ("busybox cp /bin/busybox /dev/z", "/dev/z true", False),
    ("busybox mkdir /q", "busybox unshare -m sh -c 'cd /; /x true'", False),
    ("true", "busybox unshare -m sh -c 'busybox mount -o bind / /q && /q/x true'", False),
    ("true", "busybox unshare -m sh -c 'busybox mount -o bind /bin /q && /q/echo own'", True),
)


def test_what_counts_is_what_would_run(tmp_path: Path) -> None:
    with runc_container(tmp_path, SPACE) as shell, warden(tmp_path, shell, *_flags()):
        for prepare, run, allowed in _CASES:
            shell.ask(f"busybox cp /bin/busybox /x; {prepare}")
            said = shell.ask(run)
            assert (REFUSED in said) is not allowed, (prepare, run, said)
            assert "mount:" not in said
            assert "unshare:" not in said
        # A volume's mounts are marked one by one, and those of a new namespace soon.
        soon = "busybox sleep 1; busybox mount -t tmpfs q /q; busybox cp /x /q/x; busybox sleep 1"
        said = shell.ask(f"busybox unshare -m sh -c '{soon}; /q/x true'")
        assert f"/q/x: {REFUSED}" in said


def test_a_dry_run_lets_run_and_tells(shell: Shell, tmp_path: Path) -> None:
    with warden(tmp_path, shell, *_flags("dry-run")) as made:
        assert "ran" in shell.ask(_DROP)
        until(lambda: bool(made.told()), "it is told")
        assert made.tally()["would_refuse"] == {SPACE: 1}
    assert {each["event"] for each in made.told()} == {"would-refuse"}


def test_rules_are_read_anew(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    pods = tmp_path / "pods.json"
    pods.write_text('{"kind": "PodList", "items": []}', encoding="utf-8")

    def write(*rules: dict[str, Any]) -> None:
        other = tmp_path / "other"
        other.write_text(json.dumps({"rules": rules}), encoding="utf-8")
        other.rename(file)

    refuse = {"mode": "refuse", "namespaces": [SPACE]}
    write(refuse)
    with warden(tmp_path, shell, f"--enforcement={file}", f"--pods={pods}") as made:
        assert REFUSED in shell.ask(_DROP)
        write({"mode": "off", "namespaces": [SPACE]}, refuse)
        until(lambda: "ran" in shell.ask(_DROP), "the first rule counts")
        write({**refuse, "volumes": "allow", "allow": ["/x"]})
        until(lambda: made.tally()["containers"] > 0, "it enforces again")
        shell.ask("cp /bin/busybox /data/y; cp /bin/busybox /other")
        assert REFUSED not in shell.ask("/x true; /data/y true")
        assert REFUSED in shell.ask("/other true")
        write({"mode": "off", "labels": {"a": "b"}}, refuse)
        until(lambda: bool(made.tally()["unenforced"]), "labels that aren't known are told")
        assert REFUSED in shell.ask(_DROP)
        file.write_text("{", encoding="utf-8")
        until(lambda: "no JSON" in made.tally()["trouble"], "what is wrong is told")
        assert REFUSED in shell.ask(_DROP)
        assert "the rules before hold" in made.errors.read_text(encoding="utf-8")
        made.errors.write_text("", encoding="utf-8")


@pytest.mark.parametrize("fail", ["open", "closed"])
def test_one_that_is_stuck_is_replaced(shell: Shell, tmp_path: Path, fail: str) -> None:
    with warden(tmp_path, shell, *_flags("refuse", f"--enforce-fail={fail}")) as made:
        os.kill(made.answerer(), signal.SIGSTOP)
        # What was asked before is answered by the next one, which knows.
        assert "own" in shell.ask(_DROP)
        until(lambda: made.tally()["restarts"] == 1, "it is begun anew")
        assert REFUSED in shell.ask(_DROP)


@pytest.mark.parametrize("fail", ["open", "closed"])
def test_time_is_limited(tmp_path: Path, fail: str) -> None:
    """A program of the image that was copied to be touched must be read, which takes time."""
    limit = ("--enforce-limit=0.01", f"--enforce-fail={fail}")
    with (
        runc_container(tmp_path, SPACE, large=_LARGE) as shell,
        warden(tmp_path, shell, *_flags("refuse", *limit)) as made,
    ):
        shell.ask("chmod 755 /bin/large")
        assert (REFUSED in shell.ask("/bin/large true")) is (fail == "closed")
        assert made.tally()["late"] == 1
        # It was read to its end: now it is known to be the image's.
        until(lambda: REFUSED not in shell.ask("/bin/large true"), "it is known")
        assert REFUSED in shell.ask("/bin/cp /bin/busybox /x; /x true")


def test_one_takes_the_place_of_another(shell: Shell, tmp_path: Path) -> None:
    with warden(tmp_path, shell, *_flags("dry-run")) as first:
        assert "ran" in shell.ask(_DROP)
        second = Warden(tmp_path, *_flags(), socket=first.socket)
        try:
            assert first.process.wait(timeout=PATIENCE) == 0
            assert REFUSED in shell.ask(_DROP)
            assert second.tally()["refused"] == {SPACE: 1}
        finally:
            second.end()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "nothing is to be enforced"),
        (("--enforce=refuse",), "--enforce refuse: where, isn't said"),
        (("--enforce-namespaces=x",), "--enforce-namespaces without --enforce does nothing"),
        (("--enforcement=/none",), "--enforcement /none: No such file or directory"),
        (("--enforcement=/dev/null", "--enforce=refuse"), "--enforcement goes alone"),
        (("--enforcement=/dev/null",), "--enforcement /dev/null: this is no JSON"),
        (("--enforce=off", "--pods=-"), "nothing is to be enforced"),
        (_flags("refuse", "--pods=-"), "--pods -: a warden reads it again and again"),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, words: tuple[str, ...], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    from reconciler.cli.main import main

    assert main(["warden", f"--warden={tmp_path}/w.sock", *words]) == 2
    assert said in capfd.readouterr().err


def test_a_folder_of_others_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from reconciler.cli.main import main

    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    assert main(["warden", f"--warden={tmp_path}/open/w.sock", *_flags()]) == 2
    assert "others can write in" in capfd.readouterr().err
