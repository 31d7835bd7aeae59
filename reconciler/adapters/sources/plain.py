"""Reads manifests as they stand in files."""

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from reconciler.adapters.sources.manifests import Collection
from reconciler.adapters.sources.rendering import (
    CHART_NAME,
    KUSTOMIZATION_NAMES,
    MANIFEST_SUFFIXES,
    refuse_link,
    refuse_submodule,
    too_large,
)
from reconciler.adapters.sources.tree import Entry, EntryKind, Tree, leaves_tree
from reconciler.core.desired import SourceLocation
from reconciler.core.errors import ManifestError, ManifestProblem


@dataclass(frozen=True, slots=True)
class PlainRenderer:
    """See `rendering.Renderer`. Reads every *.yaml, *.yml and *.json, but for hidden ones."""

    def identity(self, tree: Tree, path: str) -> tuple[str, ...]:
        """Gives the digest of the path's files."""
        identity = tree.identity(path)
        return ("plain", path, identity) if identity else ()

    def values_in(self, tree: Tree, path: str) -> tuple[str, ...]:
        """Gives none: plain files say all by themselves."""
        return ()

    def inputs(self, tree: Tree, path: str, into: Collection) -> Sequence[Entry]:
        """Gives all files, but for hidden ones."""
        return [e for e in tree.entries(path) if e.path == path or not _is_hidden(e.path, path)]

    def render(self, tree: Tree, path: str, into: Collection) -> None:
        """Adds the manifests of all files, in the order of their paths."""
        entries = self.inputs(tree, path, into)
        foreign = _refuse_foreign(entries, into)
        wanted = [entry for entry in entries if _is_wanted(entry, path, tree, into, foreign)]
        _refuse_total(wanted, into)
        for entry, content in zip(wanted, tree.read(wanted), strict=True):
            into.read(content, partial(SourceLocation, entry.path))


def _is_hidden(entry: str, path: str) -> bool:
    inside = entry.removeprefix(f"{path}/") if path else entry
    return any(part.startswith(".") for part in inside.split("/"))


def _refuse_foreign(entries: Sequence[Entry], into: Collection) -> tuple[str, ...]:
    """Refuses what another renderer is for; gives the charts' folders, whose files aren't YAML."""
    charts = []
    for entry in entries:
        folder, name = posixpath.split(entry.path)
        if name in KUSTOMIZATION_NAMES:
            into.problem(
                entry.path,
                0,
                "this is a kustomization, among files that are read as plain manifests",
                f"point --path at {folder or '.'} with --render kustomize, or move it elsewhere",
            )
        if name == CHART_NAME:
            charts.append(f"{folder}/" if folder else "")
            into.problem(
                entry.path,
                0,
                "this is a Helm chart, among files that are read as plain manifests",
                f"point --path at {folder or '.'} with --render helm, or move it elsewhere",
            )
    return tuple(charts)


def _is_wanted(
    entry: Entry, path: str, tree: Tree, into: Collection, charts: tuple[str, ...]
) -> bool:
    """Whether a file is to be read; what can't be is a problem, or at least a note."""
    if entry.kind is EntryKind.SUBMODULE:
        refuse_submodule(into, entry.path)
        return False
    is_manifest = entry.path.endswith(MANIFEST_SUFFIXES) or entry.path == path
    if entry.kind is EntryKind.SYMLINK:
        (target,) = tree.read([entry])
        if leaves_tree(entry.path, target.decode(errors="replace")):
            refuse_link(into, entry.path)
        elif is_manifest:
            into.problem(
                entry.path,
                0,
                "this is a symlink, and symlinks aren't followed",
                "commit the file itself instead",
            )
        else:
            into.notes.append(f"the symlink {entry.path} is not followed")
        return False
    name = posixpath.basename(entry.path)
    if not is_manifest or name in KUSTOMIZATION_NAMES or entry.path.startswith(charts or ("\0",)):
        return False
    if entry.kind is EntryKind.OTHER:
        into.problem(entry.path, 0, "this is not a regular file", "delete it")
        return False
    if entry.size > into.limits.file:
        into.problem(entry.path, 0, *too_large(into.limits.file))
        return False
    return True


def _refuse_total(entries: Sequence[Entry], into: Collection) -> None:
    if sum(entry.size for entry in entries) > into.limits.total:
        raise ManifestError(
            *into.problems,
            ManifestProblem(
                "(all)",
                0,
                f"the manifests are larger than {into.limits.total} bytes together",
                "make several targets of it, each with a path of its own",
            ),
        )
