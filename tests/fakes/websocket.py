"""The server's side of a WebSocket (RFC 6455): as much of it as Slack's clients use."""

import base64
import hashlib
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import BinaryIO

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


class WebSocket:
    """An accepted connection."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        key = handler.headers["Sec-WebSocket-Key"].encode()
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()  # noqa: S324
        handler.send_response(101)
        handler.send_header("Upgrade", "websocket")
        handler.send_header("Connection", "Upgrade")
        handler.send_header("Sec-WebSocket-Accept", accept)
        handler.end_headers()
        self._in: BinaryIO = handler.rfile  # type: ignore[assignment]
        self._handler = handler
        self._lock = threading.Lock()

    def send(self, text: str) -> None:
        self._send(_TEXT, text.encode())

    def close(self) -> None:
        """Ends the connection as a server does that goes away."""
        self._send(_CLOSE, struct.pack("!H", 1001))

    def texts(self) -> Iterator[str]:
        """Gives the texts that come, until the connection ends; answers pings."""
        while True:
            head = self._in.read(2)
            if len(head) < 2:
                return
            opcode, length = head[0] & 15, head[1] & 127
            assert head[1] & 128, "a client masks"
            if length == 126:
                length = struct.unpack("!H", self._in.read(2))[0]
            elif length == 127:
                length = struct.unpack("!Q", self._in.read(8))[0]
            mask = self._in.read(4)
            data = bytes(b ^ mask[i % 4] for i, b in enumerate(self._in.read(length)))
            if opcode == _CLOSE:
                return
            if opcode == _PING:
                self._send(_PONG, data)
            elif opcode == _TEXT:
                yield data.decode()

    def _send(self, opcode: int, data: bytes) -> None:
        size = len(data)
        if size < 126:
            head = struct.pack("!BB", 128 | opcode, size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", 128 | opcode, 126, size)
        else:
            head = struct.pack("!BBQ", 128 | opcode, 127, size)
        with self._lock:
            self._handler.wfile.write(head + data)
            self._handler.wfile.flush()
