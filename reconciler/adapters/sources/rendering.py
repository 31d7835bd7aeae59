"""What the renderers share: the choice among them, and the private folder that programs run in."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from reconciler.adapters.sources.location import printable
from reconciler.adapters.sources.manifests import LFS_PROBLEM, Collection, is_lfs_pointer
from reconciler.adapters.sources.tree import Entry, EntryKind, Tree, leaves_tree
from reconciler.core.errors import ConfigError, ManifestProblem

MANIFEST_SUFFIXES = (".yaml", ".yml", ".json")
KUSTOMIZATION_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
CHART_NAME = "Chart.yaml"


class RenderChoice(StrEnum):
    """How manifests are made of files; AUTO finds out by the files that are there."""

    AUTO = "auto"
    PLAIN = "plain"
    KUSTOMIZE = "kustomize"
    HELM = "helm"


class Renderer(Protocol):
    """One way of making manifests of files."""

    def identity(self, tree: Tree, path: str) -> tuple[str, ...]:
        """Gives all that the result depends on; the same strings, the same manifests.

        Raises:
            ConfigError: The path isn't there.
            SourceError: The tree can't be read, or the renderer's program is missing.
        """
        ...

    def values_in(self, tree: Tree, path: str) -> tuple[str, ...]:
        """Gives the files that only say how the others are rendered: a chart's values.

        Raises:
            ConfigError: One that was asked for isn't there.
        """
        ...

    def inputs(self, tree: Tree, path: str, into: Collection) -> Sequence[Entry]:
        """Gives the files that may be read; what is wrong with them is told when they are.

        Raises:
            ConfigError: Something asked for isn't there.
            SourceError: The tree can't be read.
        """
        ...

    def render(self, tree: Tree, path: str, into: Collection) -> None:
        """Adds the manifests, and what is wrong with them.

        Raises:
            ManifestError: What is there can't be rendered.
            SourceError: The tree can't be read, or the renderer's program failed.
            ConfigError: Something asked for isn't there.
        """
        ...


def choose(choice: RenderChoice, names: Sequence[str], path: str) -> RenderChoice:
    """Finds the renderer by the names of the files right at the path.

    Raises:
        ConfigError: The renderer asked for has nothing to read there.
    """
    is_kustomization = any(name in names for name in KUSTOMIZATION_NAMES)
    is_chart = CHART_NAME in names
    if choice is RenderChoice.AUTO:
        if is_kustomization:
            return RenderChoice.KUSTOMIZE
        return RenderChoice.HELM if is_chart else RenderChoice.PLAIN
    wanted = {
        RenderChoice.KUSTOMIZE: (is_kustomization, KUSTOMIZATION_NAMES[0]),
        RenderChoice.HELM: (is_chart, CHART_NAME),
    }
    is_there, name = wanted.get(choice, (True, ""))
    if not is_there:
        raise ConfigError(
            f"--render {choice}: there is no {name} right in {path or '.'}",
            fix="point --path at the folder that holds it, or leave --render auto",
        )
    return choice


def nothing_found(path: str, choice: RenderChoice) -> ManifestProblem:
    """Says that nothing is declared, and where it was looked for."""
    looked_for = {
        RenderChoice.KUSTOMIZE: f"{KUSTOMIZATION_NAMES[0]} builds no object",
        RenderChoice.HELM: "the chart renders no object (hooks and tests aside)",
    }.get(
        choice,
        "no manifest is there: looked for "
        f"{', '.join(f'*{suffix}' for suffix in MANIFEST_SUFFIXES)}, not in hidden folders",
    )
    return ManifestProblem(
        path or ".",
        0,
        looked_for,
        "check --path; an empty desired state is never compared, since everything live would "
        "look unmanaged",
    )


@dataclass(frozen=True, slots=True)
class Checkout:
    """A private folder with a part of a tree, for programs that read files.

    Attributes:
        folder: Where; everything below is this program's own.
        tree: Of what.
        into: Where problems go.
    """

    folder: Path
    tree: Tree
    into: Collection

    def write(self, entries: Sequence[Entry]) -> None:
        """Writes files and symlinks that stay in the tree; what it can't take is a problem."""
        taken = [entry for entry in entries if self._is_sound(entry)]
        total = sum(entry.size for entry in taken)
        if total > self.into.limits.total:
            self.into.problem(
                "(all)",
                0,
                f"the files to render are larger than {self.into.limits.total} bytes together",
                "point --path at a smaller folder",
            )
            return
        for entry, content in zip(taken, self.tree.read(taken), strict=True):
            place = self.folder / entry.path
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if entry.kind is EntryKind.SYMLINK:
                self._link(entry, place, content)
                continue
            if is_lfs_pointer(content) and _is_text(entry.path):
                self.into.problem(entry.path, 0, *LFS_PROBLEM)
            place.write_bytes(content)
            place.chmod(0o700 if entry.executable else 0o600)

    def _is_sound(self, entry: Entry) -> bool:
        limit = self.into.limits.file
        if entry.kind is EntryKind.SUBMODULE:
            refuse_submodule(self.into, entry.path)
        elif entry.kind is EntryKind.OTHER:
            self.into.problem(entry.path, 0, "this is neither a file nor a folder", "delete it")
        elif entry.size > limit:
            self.into.problem(entry.path, 0, *too_large(limit))
        elif ".." in entry.path.split("/") or "\\" in entry.path:
            self.into.problem(printable(entry.path), 0, "this name can't be written", "rename it")
        else:
            return True
        return False

    def _link(self, entry: Entry, place: Path, content: bytes) -> None:
        target = content.decode(errors="replace")
        if leaves_tree(entry.path, target):
            refuse_link(self.into, entry.path)
        elif not place.is_symlink():
            place.symlink_to(target)

    def refuse_escapes(self) -> None:
        """Refuses symlinks that lead out when all of them are followed, one through the other."""
        top = self.folder.resolve()
        for place in sorted(self.folder.rglob("*")):
            if place.is_symlink() and not place.resolve().is_relative_to(top):
                refuse_link(self.into, str(place.relative_to(self.folder)))


def refuse_submodule(into: Collection, path: str) -> None:
    """Says that a submodule isn't followed."""
    into.problem(
        path,
        0,
        "this is a submodule; what it holds is not part of the revision that is read",
        "copy what is needed into the repository, or make a target of the submodule's repository",
    )


def refuse_link(into: Collection, path: str) -> None:
    """Says that a symlink leads out of the repository."""
    into.problem(
        path, 0, "this symlink leads out of the repository", "commit the file itself instead"
    )


def too_large(limit: int) -> tuple[str, str]:
    """Gives message and fix for a file over the limit."""
    return f"the file is larger than {limit} bytes", "split it, or keep it out of this folder"


def _is_text(path: str) -> bool:
    return path.endswith((*MANIFEST_SUFFIXES, ".tpl", ".txt", ".tgz")) or path.endswith(
        KUSTOMIZATION_NAMES
    )
