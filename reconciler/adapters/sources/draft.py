"""The files of one revision, to try edits on."""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.adapters.sources.chunks import Chunks
from reconciler.adapters.sources.ciphertext import is_encrypted
from reconciler.adapters.sources.document import AliasBudget, DocumentError
from reconciler.adapters.sources.manifests import Collection, Limits, objects_of
from reconciler.adapters.sources.overlaid import OverlaidTree
from reconciler.adapters.sources.rendering import (
    CHART_NAME,
    KUSTOMIZATION_NAMES,
    MANIFEST_SUFFIXES,
    Renderer,
)
from reconciler.adapters.sources.tree import Entry, EntryKind, Tree, below
from reconciler.core.desired import Rendered
from reconciler.core.errors import ConfigError, ManifestError, ManifestProblem
from reconciler.ports import ENCRYPTED, Making, Written


@dataclass(frozen=True, slots=True)
class SourceDraft:
    """See `ports.Draft`.

    Attributes:
        tree: The files.
        path: The target's folder (or file) in it.
        making: How manifests are made of them.
        renderer: What makes them.
        limits: How much they may hold.
        values: A chart's values files.
    """

    tree: Tree
    path: str
    making: Making
    renderer: Renderer
    limits: Limits
    values: tuple[str, ...] = ()
    _chunks: Chunks = field(default_factory=Chunks, compare=False, repr=False)
    _parts: dict[bool, list[str]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def own(self) -> Sequence[str]:
        """The YAML and JSON files that only this target is made of, as far as can be told."""
        return self._sorted_out()[True]

    @property
    def shared(self) -> Sequence[str]:
        """Those that other kustomizations of the repository build on, too."""
        return self._sorted_out()[False]

    def text(self, path: str) -> str | None:
        """Gives a file's text; None where there is no such file.

        Raises:
            ManifestError: It is no regular file, too large, encrypted, or no text.
        """
        entry = self._entry(path)
        if entry is None:
            return None
        if entry.kind is not EntryKind.FILE or entry.size > self.limits.file:
            raise ManifestError(
                ManifestProblem(path, 0, "it isn't a regular file", "edit it by hand")
            )
        (content,) = self.tree.read([entry])
        if is_encrypted(path, content):
            raise ManifestError(ManifestProblem(path, 0, ENCRYPTED, "edit it by `sops edit`"))
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            problem = ManifestProblem(path, 0, "it isn't text in UTF-8", "save it as UTF-8")
            raise ManifestError(problem) from None

    def documents(self, text: str) -> Sequence[Written]:
        """Reads a file's documents.

        Raises:
            ManifestError: It is no YAML, or too large.
        """
        try:
            return [
                Written(body, line)
                for document in self._chunks.documents(text.encode(), AliasBudget())
                for body, line in objects_of(document)
            ]
        except DocumentError as error:
            raise ManifestError(ManifestProblem("", error.line, error.message, error.fix)) from None

    def rendered(self, files: Mapping[str, str | None]) -> Rendered:
        """Makes the manifests of the files with these in place of what is there."""
        contents = {path: None if text is None else text.encode() for path, text in files.items()}
        into = Collection(self.limits, self._chunks.documents)
        self.renderer.render(OverlaidTree(self.tree, contents), self.path, into)
        into.raise_problems()
        return Rendered("", tuple(into.manifests), tuple(into.notes))

    def _entry(self, path: str) -> Entry | None:
        try:
            found = self.tree.entries(path)
        except ConfigError:
            return None
        return found[0] if len(found) == 1 and found[0].path == path else None

    def _sorted_out(self) -> dict[bool, list[str]]:
        if not self._parts:
            own, shared = self._files()
            self._parts.update({True: own, False: shared})
        return self._parts

    def _files(self) -> tuple[list[str], list[str]]:
        if self.making is Making.HELM:
            inside = below(self.path, "values.yaml")
            return [*self.values, *([inside] if self._entry(inside) else [])], []
        if self.making is Making.PLAIN:
            return [each.path for each in self.tree.entries(self.path) if _is_yaml(each)], []
        from reconciler.adapters.sources.kustomize import Reach

        everything = self.tree.entries("")
        reached = Reach(self.tree, Collection(self.limits)).entries(self.path)
        known = {each.path for each in reached}
        roots = [
            posixpath.dirname(each.path)
            for each in everything
            if each.path not in known and posixpath.basename(each.path) in KUSTOMIZATION_NAMES
        ]
        others = {
            each.path for each in Reach(self.tree, Collection(self.limits)).entries(*roots)
        } if roots else set()  # fmt: skip
        files = [each.path for each in reached if _is_yaml(each)]
        mine = f"{self.path}/" if self.path else ""
        # First what is this target's alone, and in it the kustomization itself.
        files.sort(key=lambda path: (not path.startswith(mine), path))
        own = [path for path in files if path not in others]
        return own, [path for path in files if path in others]


def _is_yaml(entry: Entry) -> bool:
    name = posixpath.basename(entry.path)
    is_yaml = name.endswith(MANIFEST_SUFFIXES) or name in KUSTOMIZATION_NAMES
    return entry.kind is EntryKind.FILE and is_yaml and name != CHART_NAME
