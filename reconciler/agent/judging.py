"""Says of one file of a container's root how it differs from the image."""

import errno
import os
import stat
from contextlib import suppress

from reconciler.agent.contents import Contents
from reconciler.agent.findings import Root
from reconciler.agent.layers import Attributes, Found, Place, in_layers
from reconciler.agent.opening import open_folder
from reconciler.agent.starters import digest_of
from reconciler.core.drift import ChangeType


class Judge:
    """Compares single files.

    Args:
        root: The container's root.
        contents: Reads files.
    """

    def __init__(self, root: Root, contents: Contents) -> None:
        self._root = root
        self._contents = contents

    def change_of(self, path: str) -> ChangeType | None:
        """Says whether a file was added or has other content; None where it is the image's.

        Args:
            path: As the container sees it, with no link on the way.

        Raises:
            OSError: It can't be read.
        """
        if self._root.upper < 0:
            return None
        name = path.strip("/")
        above, _, last = name.rpartition("/")
        try:
            folder = open_folder(self._root.upper, above)
        except (FileNotFoundError, NotADirectoryError):
            return ChangeType.ADDED if self._is_moved(above) else None
        try:
            return self._written(folder, above, last)
        finally:
            os.close(folder)

    def is_as_image(self, path: str, handle: int) -> bool:
        """Whether an open file has the content of the image's file of this path."""
        with suppress(OSError):
            return self._image_digest(path.strip("/")) == digest_of(handle)
        return False

    def _written(self, folder: int, above: str, last: str) -> ChangeType | None:
        attributes = Attributes(self._root.prefix)
        try:
            status = os.stat(last, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return ChangeType.ADDED if self._is_moved(above) else None
        path = f"{above}/{last}" if above else last
        was = self._image_digest(path)
        if was is None:
            return ChangeType.ADDED
        if attributes.mark(folder, last, "metacopy") is not None:
            moved = attributes.mark(folder, last, "redirect") is not None
            return ChangeType.CHANGED if moved else None
        if not stat.S_ISREG(status.st_mode):
            return ChangeType.CHANGED
        now = self._read(folder, last, status)
        return None if now == was else ChangeType.CHANGED

    def _read(self, folder: int, name: str, status: os.stat_result) -> str:
        digest = self._contents.digest(folder, name, status)
        if not digest:
            raise OSError(errno.EFBIG, "what it runs is too long to be compared", name)
        return digest

    def _image_digest(self, path: str) -> str | None:
        """Gives the digest of the image's file; None where it has none there.

        Raises:
            OSError: It can't be read.
        """

        def digest(file: Found) -> str | None:
            if not stat.S_ISREG(file.status.st_mode):
                return None
            return self._read(file.folder, file.name, file.status)

        places = tuple(Place(each, "") for each in self._root.lowers)
        return in_layers(places, Attributes(self._root.prefix), path, digest)

    def _is_moved(self, above: str) -> bool:
        """Whether a directory on the way was moved here from elsewhere in the image."""
        attributes = Attributes(self._root.prefix)
        parts = above.split("/") if above else []
        for depth in range(len(parts)):
            with suppress(OSError):
                folder = open_folder(self._root.upper, "/".join(parts[:depth]))
                try:
                    if attributes.mark(folder, parts[depth], "redirect") is not None:
                        return True
                finally:
                    os.close(folder)
        return False
