"""The sockets of the tests' Slack: HTTP for its Web API, a WebSocket for Socket Mode."""

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.fakes.websocket import WebSocket

if TYPE_CHECKING:
    from tests.fakes.slack import Failure, FakeSlack


class SlackServer:
    """Serves on loopback.

    Attributes:
        port: Where.
        acks: The envelopes that clients acknowledged.
        refusing: Whether Socket Mode's connections are refused.
    """

    def __init__(self, slack: "FakeSlack") -> None:
        self.acks: queue.Queue[str] = queue.Queue()
        self.refusing = False
        self._sockets: queue.Queue[WebSocket] = queue.Queue()
        self._open: list[WebSocket] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                kind = self.headers.get_content_type()
                _, place, name = self.path.split("/", 2)
                if place == "api":
                    token = self.headers.get("Authorization", "")
                    _reply(self, slack.api(name, token, kind, body))
                elif place == "upload":
                    _reply(self, slack.upload(name, body))
                else:
                    _reply(self, slack.respond(name, body))

            def do_GET(self) -> None:
                if server.refusing:
                    self.send_error(503)
                    return
                server.serve(WebSocket(self))

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve(self, socket: WebSocket) -> None:
        """Greets a client, and takes what it acknowledges until it goes."""
        socket.send(json.dumps({"type": "hello", "num_connections": 1}))
        self._sockets.put(socket)
        try:
            for text in socket.texts():
                self.acks.put(json.loads(text)["envelope_id"])
        except OSError:
            pass  # it went without saying so

    def connection(self) -> WebSocket:
        """Waits for the next client that connects."""
        return self._sockets.get(timeout=30)


def envelope(number: str, payload: Any, kind: str = "interactive") -> str:
    """Gives what Slack sends by Socket Mode."""
    return json.dumps(
        {"type": kind, "envelope_id": number, "payload": payload, "accepts_response_payload": False}
    )


def _reply(handler: BaseHTTPRequestHandler, reply: "Failure") -> None:
    text = reply.body or json.dumps({"ok": not reply.error, "error": reply.error})
    raw = text.encode()
    handler.send_response(reply.status)
    handler.send_header("Content-Type", "application/json; charset=utf-8")
    handler.send_header("Content-Length", str(len(raw)))
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(raw)
