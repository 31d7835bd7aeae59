"""One request and its answer, over kept connections.

Made of the standard library's client, since importing urllib3 takes longer (0.07 s) than reading
two thousand objects does; through a proxy, where there is more to get wrong, urllib3 does it
(`proxied.py`).
"""

import http.client
import select
import socket
import ssl
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson

from reconciler.adapters.cluster.access import Access
from reconciler.adapters.cluster.tls import tls_context

#: Seconds to connect, and between two pieces of an answer. The API server itself gives up an
#: ordinary request after 60 (--request-timeout).
CONNECT_SECONDS = 10.0
READ_SECONDS = 65.0
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's answer.

    Attributes:
        status: The HTTP status.
        data: The raw body.
        retry_after: Seconds that the server asks to wait; 0 where it doesn't.
        warnings: The `Warning` headers, as they came.
    """

    status: int
    data: bytes
    retry_after: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the server did what it was asked."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Decodes the body; an empty map where it isn't JSON, such as a proxy's error page."""
        try:
            return orjson.loads(self.data)
        except orjson.JSONDecodeError:
            return {}


class WireError(Exception):
    """No answer came.

    Attributes:
        what: What is wrong, to be read after the server's name.
        fix: What the reader can do about it.
        sent: Whether the server may have got the request.
        repeats: How often it is worth being tried again; a person may be waiting.
    """

    def __init__(self, what: str, fix: str, *, sent: bool, repeats: int) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix
        self.sent = sent
        self.repeats = repeats


class Wire(Protocol):
    """Makes one request at a time, from any thread."""

    def request(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        """Asks once.

        Args:
            method: The HTTP method.
            target: Path and query, below the server's own path.
            body: The request's body.
            headers: Its headers.

        Raises:
            WireError: No whole answer came.
        """
        ...

    def close(self) -> None:
        """Closes all connections that aren't in use."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a server may take, in seconds.

    Attributes:
        connect: To take a connection.
        read: Between two pieces of an answer.
    """

    connect: float = CONNECT_SECONDS
    read: float = READ_SECONDS


USUAL = Limits()


@dataclass(slots=True)
class DirectWire:
    """Connections straight to the server.

    Attributes:
        access: Which server.
        limits: How long to wait for it.
    """

    access: Access
    limits: Limits = USUAL
    _context: ssl.SSLContext | None = None
    _idle: list[http.client.HTTPConnection] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def request(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        """Asks once; see `Wire`."""
        connection = self._taken() or self._connected()
        try:
            # Compressed even on loopback: decrypting five megabytes takes longer than unpacking.
            connection.request(
                method,
                f"{urlsplit(self.access.server).path}{target}",
                body=body,
                headers={"Accept-Encoding": "gzip", **headers},
            )
            response = connection.getresponse()
            data = response.read()
            if response.headers.get("Content-Encoding") == "gzip":
                data = zlib.decompress(data, _GZIP)
        except (OSError, http.client.HTTPException, zlib.error) as error:
            connection.close()
            raise broken(error, self.limits.read) from error
        if response.will_close:
            connection.close()
        else:
            with self._lock:
                self._idle.append(connection)
        warnings = tuple(response.headers.get_all("Warning") or ())
        return Answer(response.status, data, seconds(response.headers.get("Retry-After")), warnings)

    def close(self) -> None:
        """Closes all connections that aren't in use, and forgets the client's certificate."""
        with self._lock:
            idle, self._idle, self._context = self._idle, [], None
        for connection in idle:
            connection.close()

    def _taken(self) -> http.client.HTTPConnection | None:
        """Takes a kept connection that the server hasn't closed meanwhile."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if connection.sock is not None and not _is_readable(connection.sock):
                return connection
            connection.close()

    def _connected(self) -> http.client.HTTPConnection:
        context = None
        if is_tls(self.access):
            with self._lock:
                context = self._context
            if context is None:
                context = tls_context(self.access, self.access.credentials.certificate())
                with self._lock:
                    self._context = context
        return connect(self.access, context, self.limits)


def is_tls(access: Access) -> bool:
    """Whether the server is spoken to by TLS."""
    return urlsplit(access.server).scheme == "https"


def connect(
    access: Access, context: ssl.SSLContext | None, limits: Limits
) -> http.client.HTTPConnection:
    """Makes a connection straight to the server; by TLS where a context is given.

    Raises:
        WireError: None came about.
    """
    parts = urlsplit(access.server)
    host = parts.hostname or ""
    connection: http.client.HTTPConnection
    if context is not None:
        name = access.server_name or host
        connection = _NamedHTTPSConnection(host, parts.port, context, name, limits.connect)
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=limits.connect)
    try:
        connection.connect()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise unconnected(error, limits.connect) from error
    connection.sock.settimeout(limits.read)
    return connection


class _NamedHTTPSConnection(http.client.HTTPConnection):
    """A TLS connection whose server may have another name than its address."""

    default_port = http.client.HTTPS_PORT

    def __init__(
        self, host: str, port: int | None, context: ssl.SSLContext, name: str, timeout: float
    ) -> None:
        super().__init__(host, port, timeout=timeout)
        self._context = context
        self._name = name

    def connect(self) -> None:
        """Connects, and verifies the server."""
        super().connect()
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self._name)


def _is_readable(sock: socket.socket) -> bool:
    """Whether something came without being asked for: the server's goodbye."""
    poll = select.poll()
    poll.register(sock, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))


def seconds(retry_after: str | None) -> float:
    """Reads Retry-After; the API server sends whole seconds, never a date."""
    return float(retry_after) if retry_after and retry_after.isdecimal() else 0.0


def _reason(error: ssl.SSLError) -> str:
    """OpenSSL's own word, such as `WRONG_VERSION_NUMBER`; not every error has one."""
    return str(getattr(error, "reason", "") or "no reason given")


def unconnected(error: BaseException, limit: float = CONNECT_SECONDS) -> WireError:
    """Says why no connection came about; without the error's own text, which names addresses."""
    match error:
        case ssl.SSLCertVerificationError():
            what = f"could not be verified by TLS: {error.verify_message}"
            fix = "check certificate-authority and tls-server-name of this context's cluster"
        case ssl.SSLError():
            what = f"speaks no TLS that can be used here ({_reason(error)})"
            fix = "check server of this context's cluster: host, port, and https"
        case socket.gaierror():
            what = "has a name that can't be resolved"
            fix = "check server of this context's cluster"
        case TimeoutError():
            what = f"did not answer within {limit:.0f} s"
            fix = "check the network, a VPN, and server of this context's cluster"
        case ConnectionRefusedError():
            what = "refuses connections"
            fix = "check that the cluster runs, and server of this context's cluster"
        case _:
            what = "can't be reached"
            fix = "check the network, a VPN, and server of this context's cluster"
    passing = not isinstance(error, TimeoutError | ssl.SSLCertVerificationError)
    return WireError(what, fix, sent=False, repeats=1 if passing else 0)


def broken(error: BaseException, limit: float = READ_SECONDS) -> WireError:
    """Says why an answer didn't come on a connection that was there."""
    match error:
        case ssl.SSLError():
            what = f"broke off the TLS connection ({_reason(error)})"
            fix = "check the client certificate of this context's user"
        case TimeoutError():
            what = f"sent nothing for {limit:.0f} s"
            fix = "try again when it is less busy"
        case http.client.RemoteDisconnected() | ConnectionError():
            what = "broke off the connection"
            fix = "try again; if it stays so, look at the server's log"
        case _:
            what = "gave an answer that isn't HTTP"
            fix = "check server of this context's cluster"
    repeats = 0 if isinstance(error, TimeoutError) else 3
    return WireError(what, fix, sent=True, repeats=repeats)
