"""An agent that enforces: its warden goes on when it is killed, and ends when it ends."""

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.integration.agent.test_warden_real import REFUSED, SPACE
from tests.tools.runc_container import Shell, runc_container
from tests.tools.running import until

_ENTRY = "from reconciler.cli.main import entry; entry()"
_NAMESPACE = f"{SPACE}-agent"
#: Each under a name of its own: what repeats isn't told for long.
_DROP = "cp /bin/busybox /busybox{0}; /busybox{0} echo ran; /bin/true && /bin/echo own"
_NUMBERS = itertools.count()


class Agent:
    """The verb, as a process, and what it says."""

    def __init__(self, folder: Path, name: str, *words: str) -> None:
        self._out = folder / f"{name}.out"
        self.errors = folder / f"{name}.err"
        argv = [sys.executable, "-c", _ENTRY, "agent", "-n", _NAMESPACE, *words]
        argv += [f"--warden={folder}/run/socket", "--interval=0.5", "--poll=0.1"]
        with self._out.open("wb") as out, self.errors.open("wb") as errors:
            self.process = subprocess.Popen(argv, stdout=out, stderr=errors)

    def refused(self) -> list[dict[str, Any]]:
        """Gives the refusals that were told."""
        lines = [json.loads(line) for line in self._out.read_text(encoding="ascii").splitlines()]
        return [each for each in lines if each["event"] == "refused"]


@contextmanager
def agent(folder: Path, name: str, *words: str) -> Iterator[Agent]:
    """Runs an agent that enforces in our namespace; killed when the block is left, if not before.

    Its warden is killed with it: it is what is to be seen that it isn't else.
    """
    made = Agent(folder, name, *words)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.wait()


def _wardens(folder: Path) -> list[int]:
    """Gives the processes that serve our socket, the keeper first."""
    mark = f"--warden={folder}/run/socket".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if mark in words and b"warden" in words:
            found.append(int(path.parent.name))
    return sorted(found)


def _is_refused(shell: Shell) -> bool:
    said = shell.ask(_DROP.format(next(_NUMBERS)))
    assert "own" in said
    return REFUSED in said and "ran" not in said


def test_its_warden_outlives_it(tmp_path: Path) -> None:
    refuse = ("--enforce=refuse", f"--enforce-namespaces={_NAMESPACE}")
    try:
        with runc_container(tmp_path, _NAMESPACE) as shell:
            with agent(tmp_path, "first", *refuse) as first:
                until(lambda: _is_refused(shell), lambda: first.errors.read_text(encoding="utf-8"))
                until(lambda: bool(first.refused()), "it is told")
                wardens = _wardens(tmp_path)
                first.process.kill()
                first.process.wait()
                assert _is_refused(shell)
            with agent(tmp_path, "second", *refuse) as second:
                until(lambda: _is_refused(shell) and bool(second.refused()), "the next one is told")
                assert _wardens(tmp_path) == wardens  # it took over the same
                # Stopped as a whole: the agent sees that nothing is said any more, and kills it.
                for pid in wardens:
                    os.kill(pid, signal.SIGSTOP)
                assert "own" in shell.ask("/bin/echo own")
                until(lambda: _is_refused(shell), "it refuses again")
                assert not set(_wardens(tmp_path)) & set(wardens)
                second.process.kill()
            dry = ("--enforce=dry-run", f"--enforce-namespaces={_NAMESPACE}")
            with agent(tmp_path, "third", *dry) as third:
                until(lambda: not _is_refused(shell), "one of other settings takes its place")
                third.process.send_signal(signal.SIGTERM)
                assert third.process.wait(timeout=30) == 0
            until(lambda: not _wardens(tmp_path), "what an agent started ends with it")
            assert "ran" in shell.ask(_DROP.format(next(_NUMBERS)))
    finally:
        for pid in _wardens(tmp_path):
            os.kill(pid, signal.SIGKILL)
