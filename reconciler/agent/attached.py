"""An agent's end of a warden's socket: what it refused, and what it counted."""

import json
import os
import queue
import select
import signal
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Final, TypeAlias

from reconciler.agent.attending import END, HELLO
from reconciler.agent.refusals import Tally, refusal_of, tally_of
from reconciler.core.sightings import Sighting

#: Seconds without a word, of which there is one every second: then it is stuck as a whole.
_SILENT: Final = 5.0
#: Seconds between two attempts to attach.
_AGAIN: Final = 0.5
#: A line is no longer than this: a command of 32 KiB in JSON's escapes.
_LINE: Final = 1 << 20
#: So many refusals wait to be told.
_WAITING: Final = 2000

_Launch: TypeAlias = Callable[[], Callable[[], None]]


class Attached:
    """Stays attached to a warden, whichever serves the socket.

    Args:
        path: The socket.
        settings: By what the warden must have been started; empty for any.
        launch: Starts one where there is none, or one of other settings, and gives what ends it;
            None where somebody else does.
    """

    def __init__(self, path: str, settings: str, launch: _Launch | None) -> None:
        self._path = path
        self._settings = settings
        self._launch = launch
        self._ending = threading.Event()
        self._waiting: queue.Queue[Sighting] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._stay, daemon=True)
        self._launched = 0.0
        self._end: Callable[[], None] = lambda: None
        #: What it counted, as it said last; None before it said anything.
        self.tally: Tally | None = None
        #: Whether one is attached to by now.
        self.is_attached = False

    def start(self) -> None:
        """Begins to attach, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Attaches no more; has a warden that was started for this agent end."""
        self._ending.set()
        self._thread.join()
        if self._launch is None:
            return
        # It may be one that an agent before this one started.
        with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self._path)
            connection.sendall(END)
        self._end()

    def refusals(self) -> list[Sighting]:
        """Gives what was refused since it was asked last."""
        found: list[Sighting] = []
        with suppress(queue.Empty):
            while True:
                found.append(self._waiting.get_nowait())
        return found

    def trouble(self) -> str:
        """Says why nothing is enforced as it should be; empty where it is."""
        if not self.is_attached:
            return f"no warden answers at {self._path}"
        return self.tally.trouble if self.tally is not None else ""

    def _stay(self) -> None:
        while not self._ending.is_set():
            try:
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.connect(self._path)
                    self._listen(connection)
            except (OSError, ValueError):
                self._start_one()
            finally:
                self.is_attached = False
            self._ending.wait(_AGAIN)

    def _start_one(self) -> None:
        """Starts a warden, unless one was started a moment ago."""
        if self._launch is not None and monotonic() - self._launched > _SILENT:
            self._launched = monotonic()
            self._end = self._launch()

    def _listen(self, connection: socket.socket) -> None:
        """Takes in lines until the warden has gone.

        Raises:
            OSError: It can't be read.
            ValueError: It is one of other settings, or another version.
        """
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        held, heard = b"", monotonic()
        while not self._ending.is_set():
            if not poll.poll(200):
                if monotonic() - heard > _SILENT:
                    self._kill(connection)
                    return
                continue
            said = connection.recv(1 << 16)
            if not said or len(held) > _LINE:
                return
            heard = monotonic()
            *lines, held = (held + said).split(b"\n")
            for line in lines:
                self._take(line)

    def _take(self, line: bytes) -> None:
        if not self.is_attached:
            if line.decode() != f"{HELLO} {self._settings}" and self._settings:
                raise ValueError("a warden of other settings")
            self.is_attached = line.startswith(HELLO.encode())
            return
        held = json.loads(line)
        if "tally" in held:
            self.tally = tally_of(held["tally"])
        elif "refusal" in held:
            with suppress(queue.Full):
                self._waiting.put_nowait(refusal_of(held["refusal"]))

    def _kill(self, connection: socket.socket) -> None:
        """Ends a warden that is stuck with its keeper, so that the kernel lets go of who waits."""
        size = struct.calcsize("3i")
        peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        pid, user, _ = struct.unpack("3i", peer)
        if pid > 1 and user == os.geteuid():
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
