"""Says of a file that is about to be executed whether the image holds it: at once, or by content.

What is asked about is the open file itself, never what is at its name by then: a container may
rename and write while we look.
"""

import hashlib
import os
import stat
from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar

from reconciler.agent.findings import Root
from reconciler.agent.layers import Attributes, Found, Place, in_layers
from reconciler.agent.opening import open_folder, opened_content
from reconciler.core.containers import Origin

_DELETED: Final = " (deleted)"
_CHUNK: Final = 1 << 20
#: So much is remembered of one container; then all is looked up anew.
_REMEMBERED: Final = 4096
#: An inode's number in a layer; an overlay may put the layer's number into the upper half
#: (overlayfs.rst, "xino").
_INODE: Final = (1 << 32) - 1

_Key: TypeAlias = tuple[int, int, int, int]
_T = TypeVar("_T")


class UnreadError(Exception):
    """Only its content can tell, and nobody has read that yet."""


class GivenUpError(Exception):
    """Whoever waited has had an answer: there is no use in reading on."""


class Comparison:
    """Compares files of one container with its image, which doesn't change.

    Args:
        root: The container's root.
    """

    def __init__(self, root: Root) -> None:
        self._root = root
        self._lowers = tuple(Place(each, "") for each in root.lowers)
        self._statuses: dict[str, os.stat_result | None] = {}
        self._digests: dict[str, bytes] = {}
        self._known: dict[tuple[str, _Key], bool] = {}

    def quick(self, name: str, handle: int) -> Origin | None:
        """Says where an open file comes from, without reading it; None for the image.

        Args:
            name: Its path from the root's own top, as the kernel writes it.
            handle: The file.

        Raises:
            UnreadError: Only `slow` can tell.
            OSError: It can't be told.
        """
        path, otherwise = self._path(name)
        image = self._image(path)
        if image is None:
            return otherwise
        status = os.fstat(handle)
        if not stat.S_ISREG(image.st_mode) or image.st_size != status.st_size:
            return otherwise if otherwise is Origin.DELETED else Origin.CHANGED
        known = self._known.get((path, _key(status)))
        if known is not None:
            return None if known else _or_changed(otherwise)
        if otherwise is not Origin.DELETED and self._is_own(path, image, status):
            return None
        raise UnreadError

    def slow(self, name: str, handle: int, wanted: Callable[[], bool]) -> Origin | None:
        """Says the same by content, for which it takes its time.

        Args:
            name: As for `quick`.
            handle: The file.
            wanted: Whether to go on.

        Raises:
            GivenUpError: It isn't wanted any more.
            OSError: It can't be read.
        """
        path, otherwise = self._path(name)
        status = os.fstat(handle)
        if (was := self._digests.get(path)) is None:
            was = self._digests[path] = self._image_digest(path, wanted)
        same = _digest(handle, wanted) == was
        # What is written meanwhile is read again the next time.
        if _key(os.fstat(handle)) == _key(status):
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[path, _key(status)] = same
        return None if same else _or_changed(otherwise)

    def _path(self, name: str) -> tuple[str, Origin]:
        """Gives the path to compare with, and what it is where the image has nothing like it."""
        path = name.strip("/")
        # A file may have ` (deleted)` in its name, but what isn't the image's is refused by any.
        if path.endswith(_DELETED) and self._image(path) is None:
            return path.removesuffix(_DELETED), Origin.DELETED
        return path, Origin.ADDED

    def _is_own(self, path: str, image: os.stat_result, status: os.stat_result) -> bool:
        """Whether an open file is the image's own: its content is in the image's layer alone."""
        alike = (image.st_ino & _INODE, image.st_mtime_ns) == (
            status.st_ino & _INODE,
            status.st_mtime_ns,
        )
        return alike and not self._is_written(path)

    def _is_written(self, path: str) -> bool:
        """Whether the container has content of its own at a path."""
        if self._root.upper < 0:
            return False
        above, _, last = path.rpartition("/")
        try:
            folder = open_folder(self._root.upper, above)
        except (FileNotFoundError, NotADirectoryError):
            return False
        try:
            os.stat(last, dir_fd=folder, follow_symlinks=False)
            attributes = Attributes(self._root.prefix)
            # Where only mode, owner or time was changed, the content is the image's.
            copied = attributes.mark(folder, last, "metacopy") is not None
            return not copied or attributes.mark(folder, last, "redirect") is not None
        except FileNotFoundError:
            return False
        finally:
            os.close(folder)

    def _image(self, path: str) -> os.stat_result | None:
        """Gives what the image has at a path; None where it has nothing."""
        if path not in self._statuses:
            if len(self._statuses) >= _REMEMBERED:
                self._statuses.clear()
            self._statuses[path] = self._lookup(path, lambda file: file.status)
        return self._statuses[path]

    def _image_digest(self, path: str, wanted: Callable[[], bool]) -> bytes:
        def read(file: Found) -> bytes:
            with opened_content(file.folder, file.name) as content:
                return _digest(content, wanted)

        return self._lookup(path, read) or b""

    def _lookup(self, path: str, act: Callable[[Found], _T]) -> _T | None:
        return in_layers(self._lowers, Attributes(self._root.prefix), path, act)


def _or_changed(otherwise: Origin) -> Origin:
    return otherwise if otherwise is Origin.DELETED else Origin.CHANGED


def _digest(handle: int, wanted: Callable[[], bool]) -> bytes:
    hashed, at = hashlib.sha256(), 0
    while chunk := os.pread(handle, _CHUNK, at):
        if not wanted():
            raise GivenUpError
        hashed.update(chunk)
        at += len(chunk)
    return hashed.digest()


def _key(status: os.stat_result) -> _Key:
    return (status.st_dev, status.st_ino, status.st_ctime_ns, status.st_size)
