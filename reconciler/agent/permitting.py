"""Has the kernel ask before it executes (fanotify(7), FAN_OPEN_EXEC_PERM, Linux 5.0).

Whoever executes waits for the answer. The kernel lets all through when the last descriptor of the
group is closed; it has no time limit of its own (fs.fanotify.watchdog_timeout only logs).
"""

import ctypes
import fcntl
import os
import select
import struct
import termios
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from reconciler.agent.notifying import METADATA, Execution, fail, unpacked
from reconciler.agent.opening import libc

# include/uapi/linux/fanotify.h
_CLASS_CONTENT = 0x04
_CLOEXEC = 0x01
_NONBLOCK = 0x02
#: Each question is of somebody who waits: there are no more than processes. A bound would have the
#: kernel let through what comes above it.
_UNLIMITED_QUEUE = 0x10
_UNLIMITED_MARKS = 0x20
_MARK_ADD = 0x01
_MARK_REMOVE = 0x02
_MARK_MOUNT = 0x10
_MARK_FILESYSTEM = 0x100
_OPEN_EXEC_PERM = 0x40000
_ALLOW = 0x01
_DENY = 0x02
_AT_FDCWD = -100
_RESPONSE: Final = struct.Struct("=iI")


class Gate:
    """Asks before anything is executed from what is marked.

    Raises:
        OSError: The kernel can't do this, or we may not (it wants CAP_SYS_ADMIN).
    """

    def __init__(self) -> None:
        flags = _CLASS_CONTENT | _CLOEXEC | _NONBLOCK | _UNLIMITED_QUEUE | _UNLIMITED_MARKS
        self.group: int = libc().fanotify_init(flags, os.O_RDONLY | os.O_CLOEXEC | os.O_LARGEFILE)
        if self.group < 0:
            fail()
        self.lost = 0

    def mark_filesystem(self, path: str, *, remove: bool = False) -> None:
        """Has it ask for all of a file system, however it is mounted, in every namespace.

        Raises:
            OSError: It can't be marked.
        """
        self._mark(path, _MARK_FILESYSTEM, remove=remove)

    def mark_mount(self, path: str, *, remove: bool = False) -> None:
        """Has it ask for one mount; copies of the mount aren't marked.

        Raises:
            OSError: It can't be marked.
        """
        self._mark(path, _MARK_MOUNT, remove=remove)

    def _mark(self, path: str, kind: int, *, remove: bool) -> None:
        flags = kind | (_MARK_REMOVE if remove else _MARK_ADD)
        mask = ctypes.c_uint64(_OPEN_EXEC_PERM)
        if libc().fanotify_mark(self.group, flags, mask, _AT_FDCWD, os.fsencode(path)) < 0:
            fail()

    def questions(self, most: int) -> Iterator[Execution]:
        """Gives who waits for an answer, without waiting for one.

        Args:
            most: So many at most; each holds a descriptor.

        Raises:
            OSError: The kernel gave no descriptors, or no memory.
        """
        try:
            held = os.read(self.group, most * METADATA.size)
        except BlockingIOError:
            return
        for each in unpacked(held):
            if each is None:
                self.lost += 1
            else:
                yield each

    def answer(self, handle: int, *, allow: bool) -> None:
        """Lets one through, or refuses it; nobody may wait by now."""
        with suppress(FileNotFoundError):
            os.write(self.group, _RESPONSE.pack(handle, _ALLOW if allow else _DENY))

    def waiting(self) -> bool:
        """Whether somebody waits whose question wasn't read yet."""
        left = fcntl.ioctl(self.group, termios.FIONREAD, b"\0\0\0\0")
        return int.from_bytes(left, "little") > 0

    def release(self, highest: int, *, allow: bool) -> int:
        """Answers all questions that a process which is gone had read; says how many there were.

        The kernel knows a question by the number of the descriptor that it gave for it.

        Args:
            highest: No descriptor had a higher number.
            allow: The answer.
        """
        count = 0
        for handle in range(highest + 1):
            with suppress(FileNotFoundError):
                os.write(self.group, _RESPONSE.pack(handle, _ALLOW if allow else _DENY))
                count += 1
        return count

    def await_question(self, seconds: float) -> bool:
        """Waits until somebody asks."""
        poll = select.poll()
        poll.register(self.group, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def close(self) -> None:
        """Asks no more; lets through who waits, unless another process has the group, too."""
        os.close(self.group)
