"""Directories as the layers of an overlay make them together (Documentation/filesystems/overlayfs).

A whiteout is a character device 0:0, or an empty file with an attribute; it hides what is below.
An opaque directory hides all that is below it.
"""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

from reconciler.agent.opening import open_folder

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """A directory of one layer.

    Attributes:
        root: A descriptor of the layer's root.
        path: Below it, without a leading slash; empty for the root itself.
    """

    root: int
    path: str

    def child(self, name: str) -> "Place":
        """Gives a directory in this one."""
        return Place(self.root, f"{self.path}/{name}" if self.path else name)


@dataclass(frozen=True, slots=True)
class Found:
    """A file as the layers have it.

    Attributes:
        status: Of the topmost one.
        folder: A descriptor of the directory that holds it, open as long as its `Merged`.
        name: Its name there.
        places: For a directory, the layers' directories of which it is made, the topmost first.
    """

    status: os.stat_result
    folder: int
    name: str
    places: tuple[Place, ...] = ()


class Attributes:
    """Overlay's own marks on files, as extended attributes.

    Args:
        prefix: How their names begin: `trusted.overlay.`, or `user.overlay.` where the overlay
            was mounted without rights.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def mark(
        self, folder: int, name: str, mark: str, names: Sequence[str] | None = None
    ) -> bytes | None:
        """Gives a mark's value; None where the file hasn't got it.

        Args:
            folder: The directory that holds the file.
            name: The file's name there.
            mark: The mark's.
            names: Of all its attributes, as far as they are known.
        """
        if names is not None and f"{self._prefix}{mark}" not in names:
            return None
        return attribute(folder, name, f"{self._prefix}{mark}")

    def is_opaque(self, folder: int, name: str) -> bool:
        """Whether a directory hides what is below it."""
        return self.mark(folder, name, "opaque") == b"y"

    def is_whiteout(self, folder: int, name: str, status: os.stat_result) -> bool:
        """Whether a file only says that there is none."""
        if stat.S_ISCHR(status.st_mode):
            return status.st_rdev == 0
        empty = stat.S_ISREG(status.st_mode) and status.st_size == 0
        return empty and self.mark(folder, name, "whiteout") is not None


def attribute_names(folder: int, name: str) -> Sequence[str] | None:
    """Gives the names of a file's extended attributes; None where there are too many to be told.

    Nearly all files have none, and to ask once is cheaper than to ask for each.
    """
    with suppress(OSError):
        return os.listxattr(f"/proc/self/fd/{folder}/{name}", follow_symlinks=False)
    return None


def attribute(folder: int, name: str, attribute_name: str) -> bytes | None:
    """Reads an extended attribute; None where the file, or its file system, hasn't got it."""
    with suppress(OSError):
        # The last part isn't followed, and the part before it is the directory that is open.
        path = f"/proc/self/fd/{folder}/{name}"
        return os.getxattr(path, attribute_name, follow_symlinks=False)
    return None


class Merged:
    """One directory as layers make it together; holds their directories open within its `with`.

    Args:
        places: The layers' directories, the topmost first; none for a directory that isn't there.
        attributes: Overlay's marks.
    """

    def __init__(self, places: Sequence[Place], attributes: Attributes) -> None:
        self.places = tuple(places)
        self._attributes = attributes
        self._folders: list[int] = []

    def __enter__(self) -> Self:
        try:
            for place in self.places:
                self._folders.append(open_folder(place.root, place.path))
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._folders:
            os.close(self._folders.pop())

    def lookup(self, name: str) -> Found | None:
        """Gives a file in this directory; None where there is none.

        Raises:
            OSError: A layer can't be read.
        """
        first: Found | None = None
        places: list[Place] = []
        for place, folder in zip(self.places, self._folders, strict=True):
            try:
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                continue
            if not stat.S_ISDIR(status.st_mode):
                if first is None and not self._attributes.is_whiteout(folder, name, status):
                    return Found(status, folder, name)
                break
            first = first or Found(status, folder, name)
            places.append(place.child(name))
            if self._attributes.is_opaque(folder, name):
                break
        return first and Found(first.status, first.folder, name, tuple(places))

    def names(self) -> Iterator[str]:
        """Gives the names in this directory, each once; some may be of whiteouts alone."""
        seen: set[str] = set()
        for folder in self._folders:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name not in seen:
                        seen.add(entry.name)
                        yield entry.name


def in_layers(
    places: Sequence[Place], attributes: Attributes, path: str, act: Callable[[Found], T]
) -> T | None:
    """Does something with a file as layers have it; None where they have none at its path.

    Args:
        places: The layers' roots, the topmost first.
        attributes: Overlay's marks.
        path: From the root, without a leading slash.
        act: Is given the file while its directory is open.

    Raises:
        OSError: A layer can't be read.
    """
    *above, last = path.split("/")
    for name in above:
        with Merged(places, attributes) as folder:
            found = folder.lookup(name)
        if found is None or not found.places:
            return None
        places = found.places
    with Merged(places, attributes) as folder:
        file = folder.lookup(last)
        return act(file) if file is not None else None
