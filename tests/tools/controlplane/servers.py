"""A server process: started under guard, waited for, stopped, its log kept in a file."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.tools.controlplane import guard
from tests.tools.controlplane.errors import PortTakenError, StartError

_TAIL_BYTES = 16_000
_TAIL_LINES = 40
_POLL = 0.03


@dataclass(eq=False)
class Server:
    """One server process, which can be stopped and started again."""

    name: str
    argv: Sequence[str]
    log: Path
    scratch: Path | None = None
    """Removed when this process dies without having stopped the server."""
    grace: float = 10.0
    """How long the server may take to end by itself before it is killed."""
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False, repr=False)

    @property
    def running(self) -> bool:
        """Whether the process is there; it may not be ready yet."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Starts the process, and returns at once; its log goes on where it was.

        Raises:
            StartError: it runs already.
        """
        if self.running:
            raise StartError(f"{self.name} runs already")
        self.stop()
        scratch = ["--scratch", str(self.scratch)] if self.scratch else []
        # -I -S: the guard needs nothing of this environment, and starts faster without it.
        command = [sys.executable, "-I", "-S", str(Path(guard.__file__).resolve())]
        command += ["--grace", str(self.grace), *scratch, "--", *self.argv]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for us: the servers must outlive our own orderly end.
                start_new_session=True,
            )

    def stop(self) -> None:
        """Stops the process and waits for its end; does nothing if it doesn't run."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        # It may have ended by itself meanwhile.
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(guard.GOODBYE)
        process.wait()

    def tail(self) -> str:
        """The last lines of its log."""
        if not self.log.exists():
            return ""
        text = self.log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
        return "\n".join(text.splitlines()[-_TAIL_LINES:])

    def wait_until(self, ready: Callable[[], bool], timeout: float, what: str = "ready") -> None:
        """Waits until the server has done something.

        Raises:
            PortTakenError: it ended because its port was taken meanwhile.
            StartError: it ended for another reason, or didn't do so in time.
        """
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.running:
                tail = self.tail()
                kind = PortTakenError if "address already in use" in tail else StartError
                raise kind(f"{self.name} ended before it was {what}; {self.log}:\n{tail}")
            if time.monotonic() > deadline:
                reason = f"{self.name} was not {what} within {timeout:.0f} s"
                raise StartError(f"{reason}; {self.log}:\n{self.tail()}")
            time.sleep(_POLL)


def free_port() -> int:
    """A loopback port that nobody has bound at this moment; the caller must cope with a race."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
