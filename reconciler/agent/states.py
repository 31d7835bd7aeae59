"""Files as a report describes them."""

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from math import floor

from reconciler.agent.contents import Contents
from reconciler.agent.layers import Found, attribute, attribute_names
from reconciler.core.containers import FileState, FileType
from reconciler.core.moments import rfc3339

_TYPES = {
    stat.S_IFREG: FileType.REGULAR,
    stat.S_IFDIR: FileType.DIRECTORY,
    stat.S_IFLNK: FileType.SYMLINK,
    stat.S_IFIFO: FileType.FIFO,
    stat.S_IFSOCK: FileType.SOCKET,
    stat.S_IFCHR: FileType.CHARACTER,
    stat.S_IFBLK: FileType.BLOCK,
}

_CAPABILITY = "security.capability"


def state_of(found: Found, names: Sequence[str] | None = None) -> FileState:
    """Describes a file, but for its content.

    Args:
        found: The file.
        names: Of its extended attributes, where they are known.

    Raises:
        OSError: It can't be read.
    """
    status = found.status
    kind = _TYPES[stat.S_IFMT(status.st_mode)]
    is_file, is_device = kind is FileType.REGULAR, kind in (FileType.CHARACTER, FileType.BLOCK)
    held = None
    if is_file:
        if names is None:
            names = attribute_names(found.folder, found.name)
        if names is None or _CAPABILITY in names:
            held = attribute(found.folder, found.name, _CAPABILITY)
    return FileState(
        type=kind,
        # The kernel asks nobody's leave to follow a link.
        mode=0o777 if kind is FileType.SYMLINK else stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
        size=status.st_size if is_file else 0,
        modified=moment(status.st_mtime),
        target=os.readlink(found.name, dir_fd=found.folder) if kind is FileType.SYMLINK else "",
        capabilities=held.hex() if held else "",
        device=f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}" if is_device else "",
    )


def with_content(state: FileState, found: Found | None, contents: Contents) -> FileState:
    """Adds the content's digest to a regular file's state, and its size.

    Args:
        state: The file's.
        found: Where its content is; None where that can't be found.
        contents: Reads it.

    Raises:
        OSError: It can't be read.
    """
    if state.type is not FileType.REGULAR or found is None:
        return state
    digest = contents.digest(found.folder, found.name, found.status)
    return FileState(
        state.type,
        state.mode,
        state.uid,
        state.gid,
        found.status.st_size,
        state.modified,
        digest,
        capabilities=state.capabilities,
    )


def owner_of(found: Found) -> tuple[int, int, int]:
    """Gives mode, owner and group."""
    status = found.status
    return stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid


def same(was: FileState, now: FileState) -> bool:
    """Whether two files are the same but for when they were written.

    What wasn't read isn't the same unless its size is; the caller says that it isn't known.
    """
    return (was.sha256, was.size) == (now.sha256, now.size) and same_but_content(was, now)


def same_but_content(was: FileState, now: FileState) -> bool:
    """Whether two files are the same, but for what they hold and when they were written."""
    return (
        was.type is now.type
        and (was.mode, was.uid, was.gid) == (now.mode, now.uid, now.gid)
        and (was.target, was.capabilities, was.device) == (now.target, now.capabilities, now.device)
    )


def moment(seconds: float) -> str:
    """Writes a time; empty where it's none, as a container may set what it likes."""
    with suppress(ValueError, OverflowError, OSError):
        return _moment(floor(seconds))
    return ""


@lru_cache(maxsize=1024)
def _moment(seconds: int) -> str:
    """Writes a time: files are often written many a second."""
    return rfc3339(datetime.fromtimestamp(seconds, UTC))
