"""Has the kernel tell of every execution from a mount (fanotify(7), FAN_OPEN_EXEC, Linux 5.0)."""

import ctypes
import os
import select
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NoReturn

from reconciler.agent.opening import libc

# include/uapi/linux/fanotify.h
_CLASS_NOTIF = 0x00
_CLOEXEC = 0x01
_NONBLOCK = 0x02
_MARK_ADD = 0x01
_MARK_MOUNT = 0x10
_OPEN_EXEC = 0x1000
_OVERFLOW = 0x4000
_AT_FDCWD = -100
METADATA: Final = struct.Struct("=IBBHQii")
#: So many events are read at once: each has a descriptor of ours. The others wait in the kernel.
_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Execution:
    """A program that was opened to be executed.

    Attributes:
        handle: Its file; whoever takes it closes it.
        pid: Of the process that executes it.
    """

    handle: int
    pid: int


class Notifier:
    """Tells of executions; it never holds one up.

    Raises:
        OSError: The kernel can't do this, or we may not.
    """

    def __init__(self) -> None:
        flags = _CLASS_NOTIF | _CLOEXEC | _NONBLOCK
        self._group = libc().fanotify_init(flags, os.O_RDONLY | os.O_CLOEXEC | os.O_LARGEFILE)
        if self._group < 0:
            fail()
        self._poll = select.poll()
        self._poll.register(self._group, select.POLLIN)
        self.lost = 0

    def mark(self, path: str) -> None:
        """Has executions told from the mount at a path.

        Raises:
            OSError: It can't be marked.
        """
        mask = ctypes.c_uint64(_OPEN_EXEC)
        words = (self._group, _MARK_ADD | _MARK_MOUNT, mask, _AT_FDCWD, os.fsencode(path))
        if libc().fanotify_mark(*words) < 0:
            fail()

    def executions(self, patience: float) -> Iterator[Execution]:
        """Gives what is executed; waits for the first so many seconds.

        Raises:
            OSError: The kernel gave no descriptors, or no memory.
        """
        if not self._poll.poll(patience * 1000):
            return
        try:
            held = os.read(self._group, _AT_ONCE * METADATA.size)
        except BlockingIOError:
            return
        for each in unpacked(held):
            if each is None:
                self.lost += 1
            else:
                yield each

    def close(self) -> None:
        """Ends all marks."""
        os.close(self._group)


def unpacked(held: bytes) -> Iterator[Execution | None]:
    """Gives the executions that the kernel wrote; None for some that it couldn't (fanotify(7))."""
    while len(held) >= METADATA.size:
        length, _, _, _, mask, handle, pid = METADATA.unpack_from(held)
        held = held[length:]
        if mask & _OVERFLOW:
            yield None
        if handle >= 0:
            yield Execution(handle, pid)


def fail() -> NoReturn:
    """Raises what the last system call failed by.

    Raises:
        OSError: Always.
    """
    code = ctypes.get_errno()
    raise OSError(code, os.strerror(code))
