"""Real Git servers on free loopback ports: git's own daemon, and its http-backend behind HTTP."""

import base64
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.integration.sources.conftest import GIT_ENVIRON


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def git_daemon(folder: Path) -> Iterator[str]:
    """Serves all repositories below a folder by git://."""
    port = free_port()
    process = subprocess.Popen(
        ["git", "daemon", "--export-all", f"--base-path={folder}", f"--port={port}",
         "--listen=127.0.0.1", "--reuseaddr", str(folder)],
        env={**GIT_ENVIRON, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory",
             "GIT_CONFIG_VALUE_0": "*"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        _await_port(port)
        yield f"git://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _await_port(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


class HttpBackend:
    """Serves all repositories below a folder by http://, to one user alone.

    Attributes:
        requests: Method and path of each request, and whether it was authorized.
        seen: What programs of ours ran at each request, one of which asked.
    """

    def __init__(
        self,
        folder: Path,
        password: str = "",
        protocol: bool = True,
        address: str = "127.0.0.1",
    ) -> None:
        self.requests: list[tuple[str, str, bool]] = []
        self.seen: list[str] = []
        self.folder = folder
        self.password = password
        self.protocol = protocol
        backend = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                backend.answer(self)

            def do_POST(self) -> None:
                backend.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer((address, 0), Handler)
        self.host = f"{address}:{self._server.server_port}"

    def __enter__(self) -> "HttpBackend":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        wanted = "Basic " + base64.b64encode(f"ann:{self.password}".encode()).decode()
        allowed = not self.password or handler.headers.get("Authorization") == wanted
        self.seen.append(children_arguments())
        self.requests.append((handler.command, handler.path, allowed))
        if not allowed:
            handler.send_response(401)
            handler.send_header("WWW-Authenticate", 'Basic realm="git"')
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        parts = urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length") or 0)
        environ = {
            **GIT_ENVIRON,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": handler.command,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": handler.headers.get("Content-Type") or "",
            "HTTP_CONTENT_ENCODING": handler.headers.get("Content-Encoding") or "",
            "CONTENT_LENGTH": str(length),
        }
        if self.protocol and handler.headers.get("Git-Protocol"):
            environ["GIT_PROTOCOL"] = handler.headers["Git-Protocol"]
        done = subprocess.run(
            ["git", "http-backend"],
            env=environ,
            input=handler.rfile.read(length),
            capture_output=True,
            check=False,
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        status = 200
        headers = []
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            elif name:
                headers.append((name, value))
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


def children_arguments() -> str:
    """The arguments of all programs that this process has running, as any user can read them."""
    parents: dict[int, int] = {}
    arguments: dict[int, str] = {}
    for place in Path("/proc").iterdir():
        if not place.name.isdecimal():
            continue
        try:
            # The name before it is in brackets, and may hold anything.
            parents[int(place.name)] = int(
                (place / "stat").read_text().rpartition(")")[2].split()[1]
            )
            arguments[int(place.name)] = (place / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
    ours = {os.getpid()}
    while found := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= found
    return "\n".join(arguments.get(pid, "") for pid in ours - {os.getpid()})
