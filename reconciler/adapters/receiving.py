"""A small HTTP server that takes JSON from API servers and forges, within bounds.

Whoever can reach it may be hostile: the number of connections, the size of a body and the time
that each may take are limited, and a TLS handshake never holds up the others.
"""

import contextlib
import hmac
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from reconciler.adapters.serving_tls import Tls
from reconciler.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one server takes.

    Attributes:
        body: Bytes of a body; a larger one is refused unread.
        connections: How many at a time; further ones are closed at once.
        patience: Seconds that a handshake, or a request from its headers' end on, may take.
        idle: Seconds within which the next request on a connection must begin.
    """

    body: int
    connections: int = 128
    patience: float = 10.0
    idle: float = 60.0


#: Seconds between looks at whether the certificate was renewed.
_RENEWAL = 10.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, and its JSON."""

    status: HTTPStatus
    body: bytes = b""


class JsonServer(ABC):
    """Serves POSTs of JSON at one path, in threads of its own; all else is refused.

    Args:
        address: Host and port to listen at; port 0 for any free one.
        path: The path that is served.
        bounds: What is taken.
        tls: The certificate; None for plain HTTP.
        token: The bearer token that a client must know; empty for none.

    Raises:
        ConfigError: The address can't be listened at, or the certificate is unusable.
    """

    def __init__(
        self,
        address: tuple[str, int],
        path: str,
        bounds: Bounds,
        tls: Tls | None,
        token: str = "",
    ) -> None:
        self.path = path
        self.bounds = bounds
        self.client_names = tls.client_names if tls else frozenset()
        self._token = f"Bearer {token}".encode() if token else b""
        try:
            self._server = _Server(address, self, tls)
        except OSError as error:
            raise ConfigError(
                f"can't listen at {address[0]} port {address[1]}: {error.strerror or error}",
                fix="choose another address, or end what listens there",
            ) from error
        self._thread: threading.Thread | None = None

    @abstractmethod
    def answer(self, body: bytes, headers: Message) -> Reply:
        """Answers one request; called in the connection's thread."""

    @abstractmethod
    def after(self, body: bytes) -> None:
        """Does what the client needn't wait for; called after the answer was sent."""

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Serves, until `stop`."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Ends listening, and closes every connection."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()

    def refusal(self, headers: Message, certificate: Mapping[str, Any]) -> Reply | None:
        """Says how a client is turned away before its body is read; None where it may ask."""
        allowed = self.lets_in(headers, certificate)
        return None if allowed else Reply(HTTPStatus.UNAUTHORIZED)

    def lets_in(self, headers: Message, certificate: Mapping[str, Any]) -> bool:
        """Whether a client may ask: by its token, and by its certificate's common name."""
        given = str(headers.get("Authorization", "")).encode("utf-8", "surrogateescape")
        if self._token and not hmac.compare_digest(given, self._token):
            return False
        if not self.client_names:
            return True
        subject = {name: value for part in certificate.get("subject", ()) for name, value in part}
        return subject.get("commonName") in self.client_names


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Threads that wait for clients shall not hold up the end of the process.
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], owner: JsonServer, tls: Tls | None) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.owner = owner
        self._tls = tls
        self._context = tls.context() if tls else None
        self._stamp = tls.stamp() if tls else ()
        self._looked_at = time.monotonic()
        self._room = threading.BoundedSemaphore(owner.bounds.connections)
        self._deadlines: dict[socket.socket, float] = {}
        super().__init__(address, _Handler)

    def expect(self, connection: socket.socket, seconds: float) -> None:
        """Gives a connection so much time from now on, however it trickles."""
        self._deadlines[connection] = time.monotonic() + seconds

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        connection = request
        try:
            self.expect(connection, self.owner.bounds.patience)
            with contextlib.suppress(OSError):
                if self._context is not None:
                    # Here, not where connections are accepted: who is silent holds up nobody else.
                    connection = self._context.wrap_socket(
                        request, server_side=True, do_handshake_on_connect=False
                    )
                    self._deadlines[connection] = self._deadlines.pop(request)
                    connection.do_handshake()
                self.finish_request(connection, client_address)
        finally:
            self._deadlines.pop(connection, None)
            self.shutdown_request(connection)
            self._room.release()

    def service_actions(self) -> None:
        """Ends connections whose time is up; called several times a second."""
        now = time.monotonic()
        for connection, deadline in tuple(self._deadlines.items()):
            if deadline < now:
                _hang_up(connection)
        if self._tls is not None and now - self._looked_at > _RENEWAL:
            self._looked_at = now
            self._renew(self._tls)

    def _renew(self, tls: Tls) -> None:
        """Takes a renewed certificate; a broken or half-written one is looked at again later."""
        with contextlib.suppress(ConfigError):
            stamp = tls.stamp()
            if stamp and stamp != self._stamp:
                self._context, self._stamp = tls.context(), stamp

    def server_close(self) -> None:
        super().server_close()
        for connection in tuple(self._deadlines):
            _hang_up(connection)


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # Not a TLS socket's own: that one isn't made to be called while another thread reads.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "plumbline"
    sys_version = ""
    # An answer goes out at once and as one: in parts, the second waits for the client's delayed
    # acknowledgement of the first, and every write to the cluster with it, for 40 ms.
    wbufsize = -1
    disable_nagle_algorithm = True

    @property
    def _owner(self) -> JsonServer:
        return cast("_Server", self.server).owner

    def _expect(self, seconds: float) -> None:
        cast("_Server", self.server).expect(self.connection, seconds)

    def handle_one_request(self) -> None:
        self._expect(self._owner.bounds.idle)
        super().handle_one_request()

    def do_POST(self) -> None:
        self._expect(self._owner.bounds.patience)
        body = self._body()
        if isinstance(body, Reply):
            # What is left of the body isn't read, so nothing can follow on this connection.
            self.close_connection = True
            self._send(body)
            return
        self._send(self._owner.answer(body, self.headers))
        self._owner.after(body)

    def _body(self) -> bytes | Reply:
        """Reads the body; or says why it isn't taken."""
        owner = self._owner
        if self.path.partition("?")[0] != owner.path:
            return Reply(HTTPStatus.NOT_FOUND)
        get = getattr(self.connection, "getpeercert", None)
        refusal = owner.refusal(self.headers, (get() or {}) if get else {})
        if refusal is not None:
            return refusal
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or self.headers.get("Transfer-Encoding"):
            return Reply(HTTPStatus.LENGTH_REQUIRED)
        if len(length) > 12 or int(length) > owner.bounds.body:
            return Reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = self.rfile.read(int(length))
        return body if len(body) == int(length) else Reply(HTTPStatus.BAD_REQUEST)

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        if reply.body:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(reply.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: a client's words would land in the log."""
