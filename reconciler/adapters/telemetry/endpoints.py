"""`/healthz`, `/readyz` and `/metrics`, for who runs the controller."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from reconciler.core.errors import ConfigError

_TEXT = "text/plain; charset=utf-8"
_METRICS = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Health:
    """How the controller stands.

    Attributes:
        alive: Says what is hung, empty where nothing is: a process that is hung must be killed.
        ready: Says what isn't there yet, empty where all is.
        metrics: Gives the metrics.
    """

    alive: Callable[[], str]
    ready: Callable[[], str]
    metrics: Callable[[], bytes]


class Endpoints:
    """A small HTTP server of its own threads."""

    def __init__(self, host: str, port: int, health: Health) -> None:
        """Binds the port.

        Raises:
            ConfigError: It can't be bound.
        """
        try:
            self._server = ThreadingHTTPServer((host, port), _handler(health))
        except OSError as error:
            raise ConfigError(
                f"{host}:{port} can't be listened on: {error.strerror}",
                fix="name another address with serve.address",
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, name="endpoints"
        )

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._server.server_port

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def close(self) -> None:
        """Stops answering."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(health: Health) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version = "plumbline"
        sys_version = ""

        def do_GET(self) -> None:
            match self.path.partition("?")[0]:
                case "/healthz":
                    self._state(health.alive())
                case "/readyz":
                    self._state(health.ready())
                case "/metrics":
                    self._answer(200, health.metrics(), _METRICS)
                case _:
                    self._answer(404, b"not found\n", _TEXT)

        def _state(self, trouble: str) -> None:
            text = trouble or "ok"
            self._answer(503 if trouble else 200, f"{text}\n".encode(), _TEXT)

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: probes would fill the log."""

    return Handler
