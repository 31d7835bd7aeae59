"""Answers of the proxy: whole ones, halves, refusals, and none at all."""

import http.client
import json
import os
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from types import SimpleNamespace
from typing import Protocol

from tests.tools.faults.faults import Refused

_LINGER = struct.pack("ii", 1, 0)
#: What is between two neighbours only (RFC 9110, 7.6.1), or is said anew.
_NOT_HANDED_ON = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date", "server"}
)
_REASONS = {409: "Conflict", 410: "Expired", 429: "TooManyRequests", 500: "InternalError"}


class Head(Protocol):
    """An answer's first part."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    def getheaders(self) -> Iterable[tuple[str, str]]:
        """The headers."""
        ...


#: The answer to who only says something.
ANSWERED: Head = SimpleNamespace(status=200, getheaders=tuple)


@dataclass(frozen=True, slots=True, eq=False)
class Exchange:
    """One request of a client, and the way to answer it."""

    handler: BaseHTTPRequestHandler

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.handler.command

    @property
    def target(self) -> str:
        """Path and query."""
        return self.handler.path

    def body(self) -> bytes:
        """Reads what the request brought."""
        headers = self.handler.headers
        if headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunks()
        return self.handler.rfile.read(int(headers.get("Content-Length") or 0))

    def headers(self) -> dict[str, str]:
        """Gives what is handed on of the request's head."""
        items = self.handler.headers.items()
        return {name: value for name, value in items if name.lower() not in _NOT_HANDED_ON}

    def begin(self, head: Head, *more: tuple[str, str]) -> None:
        """Sends an answer's head."""
        self.handler.send_response_only(head.status)
        kept = [each for each in head.getheaders() if each[0].lower() not in _NOT_HANDED_ON]
        for name, value in (*kept, *more):
            self.handler.send_header(name, value)
        self.handler.end_headers()

    def send(self, data: bytes) -> None:
        """Sends a piece of the answer."""
        self.handler.wfile.write(data)

    def _chunks(self) -> bytes:
        read = self.handler.rfile
        data = b""
        while size := int(read.readline().split(b";")[0], 16):
            data += read.read(size)
            read.readline()
        read.readline()
        return data


def whole_answer(exchange: Exchange, head: Head, data: bytes = b"") -> None:
    """Answers as the server did."""
    exchange.begin(head, ("Content-Length", str(len(data))))
    exchange.send(data)


def half_answer(exchange: Exchange, head: Head, data: bytes) -> None:
    """Answers as the server did, up to its middle."""
    exchange.begin(head, ("Content-Length", str(len(data) + 1)))
    exchange.send(data[: len(data) // 2])
    break_off(exchange)


def refuse(exchange: Exchange, fault: Refused) -> None:
    """Answers as an API server that can't or won't."""
    head = SimpleNamespace(
        status=fault.status,
        getheaders=lambda: [
            ("Content-Type", "application/json"),
            *([("Retry-After", str(fault.retry_after))] if fault.retry_after else []),
        ],
    )
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"a fault of the tests: {http.client.responses[fault.status]}",
        "reason": _REASONS.get(fault.status, "ServiceUnavailable"),
        "code": fault.status,
    }
    whole_answer(exchange, head, json.dumps(status).encode())


def break_off(exchange: Exchange) -> None:
    """Resets the connection."""
    exchange.handler.close_connection = True
    sock = exchange.handler.connection
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    # The handler's files hold on to the socket: only so it is closed at once.
    number = sock.detach()
    if number >= 0:
        os.close(number)
