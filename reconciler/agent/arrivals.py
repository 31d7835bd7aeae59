"""Tells of containers before they start: a runtime makes their bundle first (inotify(7)).

Between the bundle and the first program of the container lie the mount of its root and the
runtime's own work, some 50 ms: enough to have the root marked before anything runs in it.
"""

import ctypes
import os
import re
import select
import struct
from contextlib import suppress
from functools import cache
from time import monotonic
from typing import Final, Protocol, TypeAlias

# include/uapi/linux/inotify.h
_CLOEXEC: Final = 0o2000000
_NONBLOCK: Final = 0o4000
_CREATE: Final = 0x100
_MOVED_TO: Final = 0x80
_ONLYDIR: Final = 0x1000000
_EVENT: Final = struct.Struct("=iIII")
_ID: Final = re.compile(r"[0-9a-f]{64}\Z")

#: Seconds between two looks at a bundle until its root is mounted, and for how long.
_STEP: Final = 0.004
_LONGEST: Final = 10.0
#: Seconds between two looks for runtimes.
_RUNTIMES: Final = 1.0

#: A process that sees what the runtime sees, and a folder of bundles as it sees it.
Runtime: TypeAlias = tuple[int, str]


class Foreseeing(Protocol):
    """What knows the containers."""

    def runtimes(self) -> frozenset[Runtime]:
        """Gives where the runtimes of known containers keep their bundles."""

    def foresee(self, runtime: Runtime, container_id: str) -> bool:
        """Takes in a container that is about to start; says whether that is done."""


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


class Arrivals:
    """Has containers marked before they start, where the runtime is known by an earlier one.

    Args:
        wards: Is told.

    Raises:
        OSError: The kernel can't do this.
    """

    def __init__(self, wards: Foreseeing) -> None:
        self._wards = wards
        self._handle: int = _libc().inotify_init1(_CLOEXEC | _NONBLOCK)
        if self._handle < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        self._poll = select.poll()
        self._poll.register(self._handle, select.POLLIN)
        self._watched: dict[int, Runtime] = {}
        self._coming: dict[str, tuple[Runtime, float]] = {}
        self._looked = 0.0

    def attend(self) -> None:
        """Waits a while for containers, and takes in those that come."""
        now = monotonic()
        if now - self._looked >= _RUNTIMES:
            self._looked = now
            for runtime in self._wards.runtimes():
                self._watch(runtime)
        self._poll.poll(1000 * (_STEP if self._coming else _RUNTIMES))
        for runtime, name in self._made():
            self._coming[name] = (runtime, monotonic() + _LONGEST)
        for name, (runtime, until) in tuple(self._coming.items()):
            if self._wards.foresee(runtime, name) or monotonic() > until:
                del self._coming[name]

    def _watch(self, runtime: Runtime) -> None:
        pid, folder = runtime
        path = os.fsencode(f"/proc/{pid}/root{folder}")
        number: int = _libc().inotify_add_watch(self._handle, path, _CREATE | _MOVED_TO | _ONLYDIR)
        if number >= 0:  # the runtime's own folder; else it is gone by now
            self._watched[number] = runtime

    def _made(self) -> list[tuple[Runtime, str]]:
        found: list[tuple[Runtime, str]] = []
        with suppress(BlockingIOError):
            held = os.read(self._handle, 1 << 16)
            while len(held) >= _EVENT.size:
                number, _, _, length = _EVENT.unpack_from(held)
                name = os.fsdecode(held[_EVENT.size : _EVENT.size + length].rstrip(b"\0"))
                held = held[_EVENT.size + length :]
                if _ID.match(name) and number in self._watched:
                    found.append((self._watched[number], name))
        return found
