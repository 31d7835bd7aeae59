"""Runs a program: no shell, a given environment, both pipes drained, a limit of time and output."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 1 << 16

#: How much of what a program says on stderr is kept, in bytes; the rest is read and dropped.
STDERR_LIMIT = 1 << 16

#: Seconds without output after which a program that has ended is done with, though a child that
#: it left behind still holds its pipes.
_ORPHAN_PATIENCE = 0.5


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended.

    Attributes:
        code: Its exit code; negative for the signal that ended it.
        stdout: All that it wrote there.
        stderr: The first `STDERR_LIMIT` bytes of what it wrote there.
    """

    code: int
    stdout: bytes
    stderr: bytes


class ProcessError(Exception):
    """A program didn't come to an end by itself.

    Args:
        program: Its name.
        reason: What happened, to follow the name in a sentence.
    """

    def __init__(self, program: str, reason: str) -> None:
        super().__init__(f"{program} {reason}")
        self.program = program
        self.reason = reason


class ProgramMissing(ProcessError):  # noqa: N818 - says what is the case
    """There is no such program, or it may not be run."""


class ProgramTimeout(ProcessError):  # noqa: N818 - says what is the case
    """It didn't end in time, and was ended with all its children."""


class OutputTooLarge(ProcessError):  # noqa: N818 - says what is the case
    """It wrote more than it may, and was ended with all its children."""


def run(
    argv: Sequence[str],
    *,
    environ: Mapping[str, str],
    folder: Path | None = None,
    stdin: bytes = b"",
    seconds: float,
    output_limit: int,
) -> Completed:
    """Runs a program to its end.

    Args:
        argv: The program and its arguments; never seen by a shell.
        environ: The whole environment that it gets.
        folder: Where it runs; None for this process's own.
        stdin: What it can read there.
        seconds: Time limit for all of it.
        output_limit: How many bytes it may write to stdout.

    Raises:
        ProcessError: It couldn't be started, or had to be ended.
    """
    name = Path(argv[0]).name
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environ),
            cwd=folder,
            start_new_session=True,
        )
    except OSError as error:
        raise ProgramMissing(name, f"can't be run: {error.strerror}") from error
    return collect(process, name, stdin=stdin, seconds=seconds, output_limit=output_limit)


def collect(
    process: "subprocess.Popen[bytes]",
    name: str,
    *,
    stdin: bytes = b"",
    seconds: float,
    output_limit: int,
) -> Completed:
    """Attends a started program to its end; see `run`. It must lead a session of its own.

    Raises:
        ProcessError: It had to be ended.
    """
    pump = _Pump(process, stdin)
    try:
        pump.work(name, time.monotonic() + seconds, output_limit)
        code = process.wait()
    finally:
        pump.close()
        _end(process)
    return Completed(code, b"".join(pump.stdout), bytes(pump.stderr))


class _Pump:
    """Feeds and drains a program's pipes at once, so that none can block it."""

    def __init__(self, process: "subprocess.Popen[bytes]", stdin: bytes) -> None:
        self.stdout: list[bytes] = []
        self.stderr = bytearray()
        self._process = process
        self._waiting = memoryview(stdin)
        self._selector = selectors.DefaultSelector()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                self._selector.register(pipe, selectors.EVENT_READ)
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            self._selector.register(process.stdin, selectors.EVENT_WRITE)

    def work(self, name: str, deadline: float, output_limit: int) -> None:
        """Goes on until all pipes are closed.

        Raises:
            ProcessError: The time or the output is more than it may be.
        """
        written = 0
        while self._selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                raise ProgramTimeout(name, "didn't end in time")
            ready = self._selector.select(min(left, _ORPHAN_PATIENCE))
            if not ready and self._process.poll() is not None:
                return
            for key, _ in ready:
                if key.fileobj is self._process.stdin:
                    self._feed()
                else:
                    written += self._drain(key.fileobj)
            if written > output_limit:
                raise OutputTooLarge(name, f"wrote more than {output_limit} bytes")
        left = deadline - time.monotonic()
        try:
            self._process.wait(timeout=max(left, 0.01))
        except subprocess.TimeoutExpired as error:
            raise ProgramTimeout(name, "didn't end in time") from error

    def _feed(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None  # noqa: S101 - it was registered
        try:
            done = os.write(pipe.fileno(), self._waiting[:_CHUNK])
            self._waiting = self._waiting[done:]
        except BrokenPipeError:
            # It reads no further; how it ended tells whether that was right.
            self._waiting = self._waiting[:0]
        except BlockingIOError:
            return
        if not self._waiting:
            self._selector.unregister(pipe)
            with suppress(BrokenPipeError):
                pipe.close()

    def _drain(self, pipe: object) -> int:
        """Reads what is there; gives how much of it was stdout."""
        assert hasattr(pipe, "fileno")  # noqa: S101 - it was registered
        try:
            chunk = os.read(pipe.fileno(), _CHUNK)
        except BlockingIOError:
            return 0
        if not chunk:
            self._selector.unregister(pipe)
            return 0
        if pipe is self._process.stdout:
            self.stdout.append(chunk)
            return len(chunk)
        self.stderr += chunk[: STDERR_LIMIT - len(self.stderr)]
        return 0

    def close(self) -> None:
        """Closes our ends."""
        self._selector.close()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ends a program that still runs, with everything that it started."""
    if process.poll() is not None:
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
