"""Opens files of a container so that none leads out of it, and none makes us wait.

`openat2` (Linux 5.6) has the kernel refuse what leads out; where it isn't there or isn't allowed,
a path is walked part by part, never through a symbolic link.
"""

import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

#: The system call's number, the same on every architecture that Linux got after it and on those
#: of before (include/uapi/asm-generic/unistd.h).
_OPENAT2 = 437
_NO_MAGICLINKS = 0x02
_NO_SYMLINKS = 0x04
_BENEATH = 0x08
_IN_ROOT = 0x10
_NO_XDEV = 0x01

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_CONTENT = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class _How(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


@cache
def libc() -> ctypes.CDLL:
    """Gives the C library, for system calls that Python doesn't have."""
    return ctypes.CDLL(None, use_errno=True)


def _openat2(folder: int, path: bytes, flags: int, resolve: int) -> int:
    how = _How(flags, 0, resolve)
    for _ in range(8):
        number: int = libc().syscall(_OPENAT2, folder, path, ctypes.byref(how), ctypes.sizeof(how))
        if number >= 0:
            return number
        code = ctypes.get_errno()
        # Something moved while the kernel looked: it wants us to ask again.
        if code not in (errno.EAGAIN, errno.EINTR):
            break
    raise OSError(code, os.strerror(code), os.fsdecode(path))


def open_in(root: int, path: str) -> int:
    """Opens something by its path as seen from a root, whatever links are on the way, as O_PATH.

    Args:
        root: A descriptor of the root's directory.
        path: Absolute, as seen from there.

    Raises:
        OSError: It isn't there, or the kernel can't do this.
    """
    flags = os.O_PATH | os.O_CLOEXEC
    return _openat2(root, os.fsencode(path), flags, _IN_ROOT | _NO_MAGICLINKS)


@contextmanager
def opened_in(root: str, path: str) -> Iterator[int]:
    """Opens something as `open_in` does, for a while.

    Args:
        root: The root's directory.
        path: Absolute, as seen from there.

    Raises:
        OSError: It isn't there.
    """
    folder = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        handle = open_in(folder, path)
    finally:
        os.close(folder)
    try:
        yield handle
    finally:
        os.close(handle)


def open_folder(root: int, path: str) -> int:
    """Opens a directory below another one, through no link and into no other file system.

    Args:
        root: A descriptor of the directory that must not be left.
        path: Relative, without `..`; empty for the directory itself.

    Raises:
        OSError: There is no such directory.
    """
    if not path:
        return os.open(".", _FOLDER, dir_fd=root)
    try:
        resolve = _BENEATH | _NO_SYMLINKS | _NO_MAGICLINKS | _NO_XDEV
        return _openat2(root, os.fsencode(path), _FOLDER, resolve)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EPERM, errno.ENAMETOOLONG):
            raise
    return _walked(root, path)


def _walked(root: int, path: str) -> int:
    folder = os.dup(root)
    for part in path.split("/"):
        try:
            inner = os.open(part, _FOLDER, dir_fd=folder)
        finally:
            os.close(folder)
        folder = inner
    return folder


@contextmanager
def opened_content(folder: int, name: str) -> Iterator[int]:
    """Opens a regular file to be read; it is never waited for, and never another sort of file.

    Raises:
        OSError: It isn't there, isn't regular by now, or can't be read without waiting.
    """
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    with content_of(handle, name) as content:
        yield content


@contextmanager
def content_of(handle: int, name: str) -> Iterator[int]:
    """Opens what an O_PATH descriptor names to be read, as `opened_content` does; closes that.

    Raises:
        OSError: It isn't a regular file, or can't be read without waiting.
    """
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file by now", name)
        content = os.open(f"/proc/self/fd/{handle}", _CONTENT)
    finally:
        os.close(handle)
    try:
        yield content
    finally:
        os.close(content)
