"""Controllers that start within a moment: forked from a process that has imported everything.

A controller is killed and started dozens of times here, and most of a start is imports.
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.tools.running import ROOT, Controller

#: Imports, then forks for each line that it reads; ends with whoever holds its standard input.
_NURSERY = """
import ctypes, json, os, signal, sys
import reconciler.cli.run, reconciler.service, reconciler.cli.main
import reconciler.core.detect, reconciler.adapters.history.opening
import reconciler.adapters.sources.clone, alembic.command
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are gone at once
libc = ctypes.CDLL(None)
for line in sys.stdin:
    wanted = json.loads(line)
    pid = os.fork()
    if pid:
        print(pid, flush=True)
        continue
    libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(wanted["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
        os.dup2(source, number)
    sys.argv = ["plumbline", *wanted["words"]]
    exec(wanted["prelude"])
    reconciler.cli.main.entry()
"""


@dataclass(frozen=True, slots=True)
class Forked:
    """A process of the nursery's; as much of `subprocess.Popen` as is needed.

    Attributes:
        pid: Its number.
    """

    pid: int
    _fd: int

    @property
    def returncode(self) -> int:
        """Its exit code, which is the nursery's to know."""
        return 0

    def poll(self) -> int | None:
        """Gives None as long as it runs."""
        return 0 if self._has_ended(0) else None

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end; its exit code is the nursery's to know."""
        assert self._has_ended(timeout), f"{self.pid} doesn't end"
        return 0

    def _has_ended(self, timeout: float | None) -> bool:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return bool(poll.poll(None if timeout is None else timeout * 1000))

    def send_signal(self, number: int) -> None:
        """Sends a signal; to nobody else, even if its number was given to another process."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._fd, number)

    def kill(self) -> None:
        """Ends it as nothing can refuse to be ended."""
        self.send_signal(signal.SIGKILL)


class Nursery:
    """Forks controllers until the `with` block ends; then all of them end."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _NURSERY],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._fds: list[int] = []
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
        for number in self._fds:
            os.close(number)

    def fork(self, words: Sequence[str], log: Path, prelude: str = "") -> Forked:
        """Starts `plumbline` with these words."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        log.touch()
        wanted = {"words": list(words), "log": str(log), "prelude": prelude}
        print(json.dumps(wanted), file=self._process.stdin, flush=True)
        pid = int(self._process.stdout.readline())
        number = os.pidfd_open(pid)
        self._fds.append(number)
        return Forked(pid, number)


@dataclass
class QuickController(Controller):
    """A `Controller` out of a nursery.

    Attributes:
        nursery: Where from.
    """

    nursery: Nursery = field(kw_only=True)

    def _spawned(self, words: Sequence[str]) -> Forked:
        return self.nursery.fork(words, self.home / "log", self.prelude)
