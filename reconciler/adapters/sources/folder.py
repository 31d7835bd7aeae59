"""Reads a plain folder, outside Git, as it is now."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.sources.tree import Entry, EntryKind, below
from reconciler.core.errors import ConfigError, SourceError


@dataclass(frozen=True, slots=True)
class FolderTree:
    """See `tree.Tree`. Symlinks are never followed.

    Attributes:
        top: The folder; nothing outside is read.
        file_limit: With a larger file among them, files have no digest.
        total_limit: With more bytes together, neither.
    """

    top: Path
    file_limit: int
    total_limit: int

    def identity(self, path: str) -> str:
        """Gives a digest of all contents at and below a path; empty where they are too many."""
        entries = self.entries(path)
        sizes = [entry.size for entry in entries]
        if max(sizes, default=0) > self.file_limit or sum(sizes) > self.total_limit:
            return ""
        digest = hashlib.sha256()
        for entry, content in zip(entries, self._each(entries), strict=True):
            facts = f"{entry.path}\0{entry.kind.name}\0{entry.executable}\0{len(content)}\0"
            digest.update(facts.encode("utf-8", "surrogateescape"))
            digest.update(content)
        return digest.hexdigest()

    def names(self, path: str) -> Sequence[str]:
        """Gives the names right in a folder."""
        place = self._place(path)
        try:
            return sorted(os.listdir(place)) if place.is_dir() else []  # noqa: PTH208 - names alone
        except OSError as error:
            raise _unreadable(path, error) from error

    def entries(self, path: str) -> Sequence[Entry]:
        """Gives all files below a folder, or the file itself."""
        place = self._place(path)
        if not place.is_dir():
            return [self._entry(path)]
        found: list[Entry] = []

        def refuse(error: OSError) -> None:
            raise _unreadable(path, error) from error

        for folder, folders, files in os.walk(place, onerror=refuse):
            # A repository's own data is never desired state.
            folders[:] = [name for name in folders if name != ".git"]
            inside = os.path.relpath(folder, self.top)
            prefix = "" if inside == "." else inside
            links = [name for name in folders if Path(folder, name).is_symlink()]
            found += [self._entry(below(prefix, name)) for name in (*files, *links)]
        return sorted(found, key=lambda entry: entry.path)

    def read(self, entries: Iterable[Entry]) -> Sequence[bytes]:
        """Gives the contents of files."""
        return list(self._each(entries))

    def _each(self, entries: Iterable[Entry]) -> Iterator[bytes]:
        for entry in entries:
            try:
                if entry.kind is EntryKind.SYMLINK:
                    yield os.fsencode((self.top / entry.path).readlink())
                elif entry.kind is EntryKind.FILE:
                    yield _read(self.top / entry.path, entry.size)
                else:
                    yield b""
            except OSError as error:
                raise _unreadable(entry.path, error) from error

    def _place(self, path: str) -> Path:
        place = self.top
        for part in path.split("/") if path else ():
            place /= part
            if place.is_symlink():
                raise ConfigError(
                    f"--path {path} goes through the symlink {place}",
                    fix="name the folder that it leads to",
                )
        if not place.exists():
            raise ConfigError(f"--path {path} isn't there in {self.top}", fix="check --path")
        return place

    def _entry(self, path: str) -> Entry:
        try:
            facts = (self.top / path).lstat()
        except OSError as error:
            raise _unreadable(path, error) from error
        kind = EntryKind.OTHER
        if stat.S_ISREG(facts.st_mode):
            kind = EntryKind.FILE
        elif stat.S_ISLNK(facts.st_mode):
            kind = EntryKind.SYMLINK
        return Entry(path, kind, facts.st_size, executable=bool(facts.st_mode & stat.S_IXUSR))


def _read(path: Path, size: int) -> bytes:
    # Between looking and opening the file may have become a link or a pipe, or have grown.
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(0, "it is no longer a file")
        content = file.read(size + 1)
    if len(content) > size:
        raise OSError(0, "it grew while it was read")
    return content


def _unreadable(path: str, error: OSError) -> SourceError:
    return SourceError(f"{path or '.'} can't be read: {error.strerror}", fix="check its rights")
