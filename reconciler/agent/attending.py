"""A warden's socket: agents attach to it, and are told; root alone can."""

import os
import queue
import select
import socket
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Final

from reconciler.agent.refusals import Tally, refusal_line, tally_line
from reconciler.core.sightings import Sighting

#: Seconds between two lines of counts, which say that the warden lives, too.
COUNTED: Final = 1.0
#: Seconds that an agent may take to read a line; then it is no longer attached.
_PATIENCE: Final = 1.0
#: So many refusals wait to be told.
_WAITING: Final = 1000
HELLO: Final = "plumbline-warden/1"
END: Final = b"end\n"


def former_at(path: str) -> socket.socket | None:
    """Gives a connection to the warden that serves a path by now; None where none does."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        return None
    return connection


def listening_at(path: str) -> socket.socket:
    """Listens at a path; takes the place of a warden that isn't there any more.

    Raises:
        OSError: The folder can't be made, others could write in it, or the socket can't be.
    """
    folder = Path(path).parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    sticky = status.st_mode & stat.S_ISVTX
    if status.st_uid != os.geteuid() or (status.st_mode & 0o022 and not sticky):
        raise OSError(1, f"others can write in {folder}")
    with suppress(FileNotFoundError):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    before = os.umask(0o177)
    try:
        listener.bind(path)
    finally:
        os.umask(before)
    listener.listen(4)
    return listener


class Attendance:
    """Tells one agent after the other; where none is attached, somebody else.

    Args:
        listener: Where agents attach.
        settings: By what this was started: an agent may want a warden of other settings.
        tally: What was counted.
        otherwise: Is told of refusals while no agent is attached.
        end: Is called when an agent wants the warden to end.
        alone: Is called where no agent is attached, with the seconds since when.
    """

    def __init__(
        self,
        listener: socket.socket,
        settings: str,
        tally: Callable[[], Tally],
        otherwise: Callable[[Sighting], None],
        end: Callable[[], None],
        alone: Callable[[float], None],
    ) -> None:
        self._listener = listener
        self._settings = settings
        self._tally = tally
        self._otherwise = otherwise
        self._end = end
        self._alone = alone
        self._waiting: queue.Queue[Sighting] = queue.Queue(_WAITING)
        self._since = monotonic()

    def tell(self, sighting: Sighting) -> bool:
        """Has something told soon; says whether it will be."""
        try:
            self._waiting.put_nowait(sighting)
        except queue.Full:
            return False
        return True

    def start(self) -> None:
        """Begins to tell, in a thread of its own."""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        self._listener.settimeout(0.2)
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                self._alone(monotonic() - self._since)
                self._flush()
                continue
            with client:
                self._attend(client)
            self._since = monotonic()

    def _flush(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._otherwise(self._waiting.get_nowait())

    def _attend(self, client: socket.socket) -> None:
        client.settimeout(_PATIENCE)
        counted = 0.0
        sighting: Sighting | None = None
        try:
            client.sendall(f"{HELLO} {self._settings}\n".encode())
            while not self._left(client) and not self._is_asked():
                if monotonic() - counted >= COUNTED:
                    client.sendall(f"{tally_line(self._tally())}\n".encode())
                    counted = monotonic()
                with suppress(queue.Empty):
                    sighting = self._waiting.get(timeout=0.1)
                if sighting is not None:
                    client.sendall(f"{refusal_line(sighting)}\n".encode())
                    sighting = None
        except OSError:
            if sighting is not None:
                self._otherwise(sighting)

    def _is_asked(self) -> bool:
        """Whether another agent wants to be told: the newest one is."""
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        return bool(poll.poll(0))

    def _left(self, client: socket.socket) -> bool:
        """Whether the agent has gone; ends the warden where it wants that."""
        client.setblocking(False)
        try:
            said = client.recv(64)
        except BlockingIOError:
            return False
        finally:
            client.settimeout(_PATIENCE)
        if said.startswith(END):
            self._end()
        return not said
