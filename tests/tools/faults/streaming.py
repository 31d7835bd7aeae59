"""Hands a watch on, event by event, and lets it go wrong."""

import http.client
import json
import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from tests.tools.faults.answering import Exchange
from tests.tools.faults.faults import Asked, Cut, Expired, Fault, Withheld

_GONE = {
    "type": "ERROR",
    "object": {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "too old resource version: a fault of the tests",
        "reason": "Expired",
        "code": 410,
    },
}


@dataclass(eq=False, slots=True)
class Stream:
    """A watch under way.

    Attributes:
        exchange: Who watches.
        asked: What.
        connection: To the server behind.
        response: What it says.
    """

    exchange: Exchange
    asked: Asked
    connection: http.client.HTTPConnection
    response: http.client.HTTPResponse
    _sock: socket.socket = field(init=False)
    _dropped: threading.Event = field(default_factory=threading.Event)
    _is_silent: bool = False

    def __post_init__(self) -> None:
        """Takes the socket while the connection still has it."""
        self._sock = self.connection.sock

    def run(self, next_fault: Callable[[], Fault | None]) -> None:
        """Hands it on until either end, or a fault, ends it.

        Args:
            next_fault: Gives what is to go wrong with the next event, if anything.
        """
        self.exchange.begin(self.response, ("Transfer-Encoding", "chunked"))
        with suppress(OSError, http.client.HTTPException, ValueError):
            while line := self.response.readline():
                if self._dropped.is_set() or not self._hand_on(line, next_fault()):
                    return
            self._send(b"")

    def is_deserted(self) -> bool:
        """Whether who watches has gone: nothing more is ever said on such a connection."""
        number = self.exchange.handler.connection.fileno()
        if number < 0:
            return True
        poll = select.poll()
        poll.register(number, select.POLLIN | select.POLLHUP)
        return bool(poll.poll(0))

    def drop(self) -> None:
        """Ends it; from any thread."""
        self._dropped.set()
        with suppress(OSError):
            # A TLS socket's own way of doing so takes its layer away under who reads from it.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def _hand_on(self, line: bytes, fault: Fault | None) -> bool:
        """Hands an event on; False where that was the last one."""
        match fault:
            case Cut():
                self._send(line[: len(line) // 2])
                return False
            case Expired():
                self._send(json.dumps(_GONE).encode() + b"\n")
                self._send(b"")
                return False
            case Withheld():
                self._is_silent = True
            case _:
                pass
        if not (self._is_silent and line.startswith(b'{"type":"BOOKMARK"')):
            self._send(line)
        return True

    def _send(self, piece: bytes) -> None:
        self.exchange.send(b"%x\r\n%b\r\n" % (len(piece), piece))
