"""Answers `/metrics` and `/healthz`; whoever can reach it may be hostile."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

#: So many connections at a time; a further one is closed at once.
_CONNECTIONS: Final = 16
#: Seconds that a connection may last, whatever it does.
_PATIENCE: Final = 10.0


class Serving:
    """Serves in threads of its own until it is stopped.

    Args:
        address: Host and port; port 0 for any free one.
        metrics: Gives the metrics' text.
        trouble: Says why it isn't well; empty where it is.

    Raises:
        OSError: The address can't be listened at.
    """

    def __init__(
        self, address: tuple[str, int], metrics: Callable[[], str], trouble: Callable[[], str]
    ) -> None:
        self._server = _Server(address, metrics, trouble)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        """The port that it listens at."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answers no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(
        self, address: tuple[str, int], metrics: Callable[[], str], trouble: Callable[[], str]
    ) -> None:
        self.metrics = metrics
        self.trouble = trouble
        self._free = threading.BoundedSemaphore(_CONNECTIONS)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        limit = threading.Timer(_PATIENCE, _close, (request,))
        limit.daemon = True
        limit.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            limit.cancel()
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: a client that goes is no trouble of ours."""


def _close(request: socket.socket) -> None:
    with contextlib.suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _PATIENCE

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            kind = "text/plain; version=0.0.4; charset=utf-8"
            self._answer(HTTPStatus.OK, self.server.metrics(), kind)
        elif path == "/healthz":
            trouble = self.server.trouble()
            status = HTTPStatus.SERVICE_UNAVAILABLE if trouble else HTTPStatus.OK
            self._answer(status, f"{trouble or 'ok'}\n", "text/plain; charset=utf-8")
        else:
            self._answer(HTTPStatus.NOT_FOUND, "not here\n", "text/plain; charset=utf-8")

    def _answer(self, status: HTTPStatus, text: str, kind: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Names no version: nobody needs it."""
        return "plumbline"

    def log_message(self, format: str, *args: Any) -> None:
        """Writes nothing: standard output has the results alone."""
