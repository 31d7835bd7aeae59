"""What a renderer reads: the files of one pinned revision, wherever they are."""

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol


class EntryKind(Enum):
    """What an entry is."""

    FILE = auto()
    SYMLINK = auto()
    SUBMODULE = auto()
    #: A socket, a pipe, a device: only in plain folders.
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a tree.

    Attributes:
        path: From the tree's top, with slashes.
        kind: What it is.
        size: In bytes; 0 for a submodule.
        identity: The blob's hash in Git; empty in a plain folder.
        executable: Whether it may be run.
    """

    path: str
    kind: EntryKind
    size: int
    identity: str = ""
    executable: bool = False


class Tree(Protocol):
    """The files of one pinned revision."""

    def identity(self, path: str) -> str:
        """Gives a digest of everything at and below a path; empty path for the whole tree.

        Raises:
            ConfigError: The path isn't there.
            SourceError: It can't be read.
        """
        ...

    def names(self, path: str) -> Sequence[str]:
        """Gives the names right in a folder; none for a file.

        Raises:
            ConfigError: The path isn't there.
            SourceError: It can't be read.
        """
        ...

    def entries(self, path: str) -> Sequence[Entry]:
        """Gives all files below a folder, or the file itself, in the order of their paths.

        Raises:
            ConfigError: The path isn't there.
            SourceError: It can't be read.
        """
        ...

    def read(self, entries: Iterable[Entry]) -> Sequence[bytes]:
        """Gives the contents of files; of a symlink its target's name.

        Raises:
            SourceError: They can't be read.
        """
        ...


def leaves_tree(link: str, target: str) -> bool:
    """Whether a symlink at a path of the tree leads out of it, judged by its text alone."""
    if target.startswith("/") or "\x00" in target:
        return True
    resolved = posixpath.normpath(posixpath.join(posixpath.dirname(link), target))
    return resolved == ".." or resolved.startswith("../")


def below(path: str, name: str) -> str:
    """Joins a folder's path (empty for the top) and a name in it."""
    return f"{path}/{name}" if path else name
