"""The files of a tree with some of them as they would be after an edit."""

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.adapters.sources.tree import Entry, EntryKind, Tree
from reconciler.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class OverlaidTree:
    """See `tree.Tree`.

    Attributes:
        tree: What is there.
        files: By path, what a file would hold; None for one that would go.
    """

    tree: Tree
    files: Mapping[str, bytes | None]

    def identity(self, path: str) -> str:
        """Gives none: what is only tried is not kept."""
        return ""

    def names(self, path: str) -> Sequence[str]:
        """Gives the names right in a folder."""
        prefix = f"{path}/" if path else ""
        mine = {
            name.removeprefix(prefix).partition("/")[0]
            for name, content in self.files.items()
            if content is not None and name.startswith(prefix)
        }
        gone = {
            posixpath.basename(name)
            for name, content in self.files.items()
            if content is None and posixpath.dirname(name) == path
        }
        return sorted(({*self.tree.names(path)} | mine) - gone)

    def entries(self, path: str) -> Sequence[Entry]:
        """Gives all files below a folder, or the file itself."""
        found = {entry.path: entry for entry in self.tree.entries(path)}
        for name, content in self.files.items():
            if path and name != path and not name.startswith(f"{path}/"):
                continue
            before = found.pop(name, None)
            if content is not None:
                executable = before is not None and before.executable
                found[name] = Entry(name, EntryKind.FILE, len(content), "", executable)
        if not found and path:
            raise ConfigError(f"--path {path} isn't there any more", fix="leave a file in it")
        return [found[name] for name in sorted(found)]

    def read(self, entries: Iterable[Entry]) -> Sequence[bytes]:
        """Gives the contents of files."""
        wanted = list(entries)
        rest = [each for each in wanted if self.files.get(each.path) is None]
        contents = dict(zip((each.path for each in rest), self.tree.read(rest), strict=True))
        contents.update((name, new) for name, new in self.files.items() if new is not None)
        return [contents[each.path] for each in wanted]
