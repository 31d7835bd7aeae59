"""Stands between a client and a server, and breaks off or holds up what they say."""

import contextlib
import selectors
import socket
import struct
import threading
from typing import Self

_PIECE = 64 * 1024
_RESET = struct.pack("ii", 1, 0)


class Cutter:
    """Forwards TCP connections from a port of its own, until the `with` block ends.

    Attributes:
        port: Where it listens, on loopback.
        made: How many connections were made.
    """

    def __init__(self, upstream: int) -> None:
        self.made = 0
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._held = False
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cutter", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        self.cut()
        self._listener.close()
        self._selector.close()

    def cut(self) -> None:
        """Resets every connection there is."""
        with self._lock:
            for sock in list(self._pairs):
                self._drop(sock)

    def hold(self, held: bool = True) -> None:
        """Says nothing more to anybody, and takes no connection, or goes on."""
        self._held = held

    def _run(self) -> None:
        while not self._ending.is_set():
            ready = self._selector.select(0.02)
            if self._held:
                self._ending.wait(0.02)
                continue
            for key, _ in ready:
                with self._lock:
                    if key.fileobj is self._listener:
                        self._accept()
                    elif isinstance(key.fileobj, socket.socket):
                        self._forward(key.fileobj)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", self._upstream), 1)
        except OSError:
            client.close()
            return
        self.made += 1
        self._pairs |= {client: server, server: client}
        for sock in (client, server):
            self._selector.register(sock, selectors.EVENT_READ)

    def _forward(self, sock: socket.socket) -> None:
        other = self._pairs.get(sock)
        if other is None:
            return
        try:
            piece = sock.recv(_PIECE)
            other.sendall(piece)
        except OSError:
            piece = b""
        if not piece:
            self._drop(sock)

    def _drop(self, sock: socket.socket) -> None:
        other = self._pairs.pop(sock, None)
        if other is None:
            return
        del self._pairs[other]
        for each in (sock, other):
            self._selector.unregister(each)
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            each.close()
