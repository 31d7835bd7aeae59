"""Reads the files of one commit out of Git's object database: no checkout, so no filter runs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.adapters.sources.git import Git, failure
from reconciler.adapters.sources.location import printable
from reconciler.adapters.sources.tree import Entry, EntryKind, below
from reconciler.core.errors import ConfigError, SourceError

_KINDS = {"120000": EntryKind.SYMLINK, "160000": EntryKind.SUBMODULE}

#: More than any run reads: the limits of one run are checked before anything is read.
_READ_LIMIT = 1 << 30


@dataclass(frozen=True, slots=True)
class GitTree:
    """See `tree.Tree`.

    Attributes:
        git: How git is run.
        folder: The repository.
        commit: The full hash.
    """

    git: Git
    folder: Path
    commit: str
    _identities: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    def identity(self, path: str) -> str:
        """Gives the hash of the tree or blob at a path."""
        known = self._identities.get(path)
        if known is None:
            known = self._identities[path] = self._find(path)
        return known

    def _find(self, path: str) -> str:
        answer = self.git.ask(
            ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{self.commit}:{path}"],
            folder=self.folder,
        )
        if answer.code != 0:
            raise ConfigError(
                f"--path {printable(path)} isn't there at revision {self.commit[:12]}",
                fix="name a folder or file as it is called from the repository's top",
            )
        return answer.stdout.decode().strip()

    def names(self, path: str) -> Sequence[str]:
        """Gives the names right in a folder."""
        identity = self.identity(path)
        answer = self.git.ask(["ls-tree", "-z", "--name-only", identity], folder=self.folder)
        # A blob has no names, and ls-tree refuses it.
        return [_text(name) for name in answer.stdout.split(b"\0") if name]

    def entries(self, path: str) -> Sequence[Entry]:
        """Gives all files below a folder, or the file itself."""
        identity = self.identity(path)
        kind = self.git.ask(["cat-file", "-t", identity], folder=self.folder).stdout.strip()
        if kind == b"tree":
            found = [
                Entry(below(path, each.path), each.kind, each.size, each.identity, each.executable)
                for each in self._list([identity])
            ]
            return sorted(found, key=lambda entry: entry.path)
        # Only the folder that a file is in tells its mode.
        folder, _, name = path.rpartition("/")
        return [
            Entry(path, each.kind, each.size, each.identity, each.executable)
            for each in self._list([f"{self.commit}:{folder}", "--", name])
            if each.path == name
        ]

    def _list(self, arguments: list[str]) -> Iterator[Entry]:
        answer = self.git.ask(
            ["ls-tree", "-r", "-z", "-l", *arguments], folder=self.folder, output_limit=256 << 20
        )
        if answer.code != 0:
            raise failure(f"the files of revision {self.commit[:12]} can't be listed", answer)
        for line in answer.stdout.split(b"\0"):
            if not line:
                continue
            facts, _, name = line.partition(b"\t")
            mode, _, identity, size = facts.decode("ascii").split()
            yield Entry(
                path=_text(name),
                kind=_KINDS.get(mode, EntryKind.FILE),
                size=int(size) if size.isdecimal() else 0,
                identity=identity,
                executable=mode == "100755",
            )

    def read(self, entries: Iterable[Entry]) -> Sequence[bytes]:
        """Gives the contents of blobs."""
        wanted = [entry.identity for entry in entries]
        if not wanted:
            return []
        answer = self.git.ask(
            ["cat-file", "--batch", "--buffer"],
            folder=self.folder,
            stdin="".join(f"{identity}\n" for identity in wanted).encode(),
            output_limit=_READ_LIMIT,
            seconds=300,
        )
        if answer.code != 0:
            raise failure(f"the files of revision {self.commit[:12]} can't be read", answer)
        return list(_contents(answer.stdout, len(wanted), self.commit))


def _contents(output: bytes, count: int, commit: str) -> Iterator[bytes]:
    at = 0
    for _ in range(count):
        end = output.find(b"\n", at)
        header = output[at:end].split()
        if end < 0 or len(header) != 3:
            raise SourceError(
                f"a file of revision {commit[:12]} is missing in the repository's database",
                fix="run `git fsck` there; a partial clone must be completed first",
            )
        size = int(header[2])
        yield output[end + 1 : end + 1 + size]
        at = end + 2 + size


def _text(name: bytes) -> str:
    # Names that aren't UTF-8 stay distinguishable, and printable.
    return name.decode(errors="backslashreplace")
