"""A server on loopback that answers by a function."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Call:
    """A request: its path without the query, decoded; its body, if any, from JSON."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class Reply:
    """An answer: bytes as they are, all else as JSON."""

    status: int = 200
    content: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class AnsweringServer:
    """Answers each call by a function; a context manager.

    Attributes:
        calls: All that was asked.
        failures: What the function raised: a test asserts that there is nothing.
    """

    def __init__(self, answer: Callable[[Call], Reply]) -> None:
        self.answer = answer
        self.calls: list[Call] = []
        self.failures: list[Exception] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                server.reply(self)

            def do_POST(self) -> None:
                server.reply(self)

            def do_PATCH(self) -> None:
                server.reply(self)

            def do_PUT(self) -> None:
                server.reply(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "AnsweringServer":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reply(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        sent = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        call = Call(
            handler.command,
            unquote(parts.path),
            dict(parse_qsl(parts.query)),
            dict(handler.headers.items()),
            json.loads(sent) if sent else None,
        )
        self.calls.append(call)
        try:
            reply = self.answer(call)
        except Exception as error:  # the client is told of a failure, the test of which one
            self.failures.append(error)
            reply = Reply(599, {"message": "the test's server failed"})
        content = reply.content
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        handler.send_response(reply.status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(raw))}
        for name, value in {**headers, **reply.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(raw)
