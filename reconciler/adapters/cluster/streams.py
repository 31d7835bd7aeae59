"""Answers that go on: one connection each, read line by line, cut off from another thread.

A watch is such an answer. What is kept of connections in `wire.py` is of no use here, since none
of these is ever free for something else.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from reconciler.adapters.cluster.access import Access
from reconciler.adapters.cluster.credentials import ClientCertificate
from reconciler.adapters.cluster.cut import Cut
from reconciler.adapters.cluster.listing import RefusedError
from reconciler.adapters.cluster.tls import tls_context
from reconciler.adapters.cluster.transport import (
    Query,
    headers_of,
    target_of,
    unaccepted,
    unreachable,
)
from reconciler.adapters.cluster.wire import (
    Answer,
    Limits,
    WireError,
    broken,
    connect,
    is_tls,
    seconds,
)
from reconciler.core.errors import ClusterError

#: A watch in which nothing happens gets a bookmark a minute (apiserver, storage/cacher,
#: `bookmarkFrequency`), but not before the server heard anything of the kind from etcd, which
#: speaks of its progress every ten minutes unless it is told to more often. After so many seconds
#: of silence the stream isn't believed any more.
STREAM_LIMITS = Limits(read=660.0)
#: A peer that vanished without a word is found out much earlier than that, by TCP itself.
_KEEPALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
_DEAD_AFTER = 25.0
_PIECE = 64 * 1024
#: An object can't be larger than what etcd takes (1.5 MiB), give or take its encoding.
_LONGEST_LINE = 64 * 1024 * 1024
#: Of a refusal no more than this is read.
_LONGEST_REFUSAL = 1024 * 1024
_OK = 200
_UNAUTHORIZED = 401


class Stream(Protocol):
    """An answer that has begun."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def retry_after(self) -> float:
        """Seconds that the server asks to wait; 0 where it doesn't."""
        ...

    def pieces(self) -> Iterator[bytes]:
        """Gives what comes, as it comes, until the server ends the answer.

        Raises:
            WireError: It was broken off.
        """
        ...

    def close(self) -> None:
        """Closes its connection."""
        ...


class StreamWire(Protocol):
    """Begins answers, each over a connection of its own; from any thread."""

    @property
    def dead_after(self) -> float:
        """Seconds after which a stream whose server is gone is broken off."""
        ...

    def open(self, target: str, headers: Mapping[str, str], cut: Cut) -> Stream:
        """Asks once.

        Raises:
            WireError: No answer began.
            ConfigError: Our certificate can't be had.
        """
        ...


class Streams:
    """Begins authorized streams; safe to use from many threads."""

    def __init__(self, access: Access, wire: StreamWire | None = None) -> None:
        """Connects to nothing yet.

        Args:
            access: Which server, and who we are to it.
            wire: Makes the connections; the one that suits the access if None.
        """
        self._access = access
        self._wire = wire or _wire_to(access)

    def lines(self, path: str, query: Query, accept: str, cut: Cut) -> Generator[bytes, None, None]:
        """Asks, and gives the answer's lines as they come.

        The answer has begun when this returns.

        Raises:
            RefusedError: The server gave another answer.
            WireError: None began, or, while lines are taken, it was broken off.
            ClusterError: The server doesn't know us.
            ConfigError: Our credentials can't be had.
        """
        stream = self._begun(path, query, accept, cut)
        if stream.status == _UNAUTHORIZED and self._access.credentials.renew():
            stream.close()
            stream = self._begun(path, query, accept, cut)
        if stream.status == _OK:
            return _lines(stream, cut)
        try:
            if stream.status == _UNAUTHORIZED:
                raise unaccepted(self._access)
            answer = Answer(stream.status, _start(stream.pieces()), stream.retry_after)
        finally:
            cut.binds(None)
            stream.close()
        raise RefusedError(answer)

    @property
    def dead_after(self) -> float:
        """Seconds after which a stream whose server is gone is broken off."""
        return self._wire.dead_after

    def unreachable(self, error: WireError) -> ClusterError:
        """Says of which server it is that no answer came."""
        return unreachable(self._access, error)

    def _begun(self, path: str, query: Query, accept: str, cut: Cut) -> Stream:
        return self._wire.open(target_of(path, query), headers_of(self._access, accept), cut)


@dataclass(slots=True)
class DirectStreamWire:
    """Connections straight to the server, which share one TLS context."""

    access: Access
    limits: Limits = STREAM_LIMITS
    _context: ssl.SSLContext | None = None
    _certificate: ClientCertificate | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def dead_after(self) -> float:
        """As TCP's own probes find it out."""
        is_probed = all(hasattr(socket, option) for option in _KEEPALIVE)
        return _DEAD_AFTER if is_probed else self.limits.read

    def open(self, target: str, headers: Mapping[str, str], cut: Cut) -> Stream:
        """Asks once; see `StreamWire`."""
        connection = connect(self.access, self._tls(), self.limits)
        # Taken now: an answer that ends with its connection takes the socket away.
        sock = connection.sock
        cut.binds(lambda: _shut(sock))
        try:
            _keep_alive(sock)
            path = f"{urlsplit(self.access.server).path}{target}"
            connection.request("GET", path, headers=dict(headers))
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            cut.binds(None)
            connection.close()
            raise broken(error, self.limits.read) from error
        return _DirectStream(connection, response, self.limits.read)

    def _tls(self) -> ssl.SSLContext | None:
        if not is_tls(self.access):
            return None
        # A credential program's certificates are short-lived: another one, another context.
        certificate = self.access.credentials.certificate()
        with self._lock:
            if self._context is None or certificate != self._certificate:
                self._context = tls_context(self.access, certificate)
                self._certificate = certificate
            return self._context


@dataclass(frozen=True, slots=True)
class _DirectStream:
    connection: http.client.HTTPConnection
    response: http.client.HTTPResponse
    limit: float

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def retry_after(self) -> float:
        return seconds(self.response.headers.get("Retry-After"))

    def pieces(self) -> Iterator[bytes]:
        while True:
            try:
                piece = self.response.read1(_PIECE)
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise broken(error, self.limit) from error
            if not piece:
                return
            yield piece

    def close(self) -> None:
        # In this order: the answer holds on to the socket.
        self.response.close()
        self.connection.close()


def _lines(stream: Stream, cut: Cut) -> Generator[bytes, None, None]:
    """Puts pieces together to lines; half a line at the end is no line."""
    held: list[bytes] = []
    size = 0
    try:
        for piece in stream.pieces():
            *ends, rest = piece.split(b"\n")
            for end in ends:
                held.append(end)
                line = b"".join(held)
                held, size = [], 0
                if line:
                    yield line
            if rest:
                held.append(rest)
                size += len(rest)
                if size > _LONGEST_LINE:
                    raise broken(http.client.LineTooLong("event"))
    finally:
        cut.binds(None)
        stream.close()


def _start(pieces: Iterator[bytes]) -> bytes:
    """Reads an answer that isn't a stream; its first megabyte is enough."""
    data = b""
    with suppress(WireError):
        for piece in pieces:
            data += piece
            if len(data) > _LONGEST_REFUSAL:
                break
    return data


def _shut(sock: socket.socket) -> None:
    """Wakes up who reads from it; a TLS socket's own way of doing so takes its layer away."""
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _keep_alive(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        option = getattr(socket, name, None)  # not every system has all of them
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _wire_to(access: Access) -> StreamWire:
    if access.proxy:
        from reconciler.adapters.cluster.proxied_streams import ProxiedStreamWire

        return ProxiedStreamWire(access)
    return DirectStreamWire(access)
