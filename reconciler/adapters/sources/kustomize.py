"""Renders a kustomization by the real kustomize, alone or as kubectl has it inside."""

import posixpath
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from reconciler.adapters.sources.document import AliasBudget, DocumentError
from reconciler.adapters.sources.kustomize_origin import Origins
from reconciler.adapters.sources.location import printable
from reconciler.adapters.sources.manifests import Collection, read_documents
from reconciler.adapters.sources.programs import find_program, program_identity, run_program
from reconciler.adapters.sources.rendering import KUSTOMIZATION_NAMES, MANIFEST_SUFFIXES, Checkout
from reconciler.adapters.sources.tree import Entry, EntryKind, Tree, below
from reconciler.core.desired import SourceLocation
from reconciler.core.errors import SourceError

#: Where a kustomization names folders outside of its own; everything else it may only read below
#: itself (LoadRestrictionsRootOnly).
_FOLDER_FIELDS = ("resources", "bases", "components", "generators", "transformers", "validators")


@dataclass(frozen=True, slots=True)
class KustomizeRenderer:
    """See `rendering.Renderer`. Nothing is fetched: a remote base is refused.

    Attributes:
        program: kustomize or kubectl, by name or path; None for whichever is on PATH.
        environ: This process's environment, for PATH alone.
        traces: Whether to find out from which file each object comes.
    """

    program: str | None
    environ: Mapping[str, str] = field(repr=False)
    traces: bool = True

    def identity(self, tree: Tree, path: str) -> tuple[str, ...]:
        """Gives the digest of the whole tree, since bases may be anywhere in it."""
        identity = tree.identity("")
        program = program_identity(self._find())
        return ("kustomize", path, identity, program) if identity else ()

    def values_in(self, tree: Tree, path: str) -> tuple[str, ...]:
        """Gives none: a kustomization is one of the files."""
        return ()

    def inputs(self, tree: Tree, path: str, into: Collection) -> Sequence[Entry]:
        """Gives the files in its reach whose names stand in one of them: it reads what it's told.

        So a file of another environment beside them, for which no key is here, is no problem.
        """
        reached = Reach(tree, Collection(into.limits)).entries(path)
        texts = [e for e in reached if e.kind is EntryKind.FILE and _is_text(e, into.limits.file)]
        if sum(each.size for each in texts) > into.limits.total:
            return reached
        words = b"\n".join(tree.read(texts))
        return [each for each in reached if posixpath.basename(each.path).encode() in words]

    def render(self, tree: Tree, path: str, into: Collection) -> None:
        """Adds what kustomize builds, each object with the file that it came from."""
        program = self._find()
        with tempfile.TemporaryDirectory(prefix="plumbline-") as name:
            folder, home = Path(name, "tree"), Path(name, "home")
            for each in (folder, home):
                each.mkdir(mode=0o700)
            checkout = Checkout(folder, tree, into)
            checkout.write(Reach(tree, into).entries(path))
            checkout.refuse_escapes()
            into.raise_problems()
            build = _Build(program, folder, home, path, into.limits.total)
            kustomization = build.file()
            output = build.run()
            origins = Origins(
                folder,
                path,
                SourceLocation(below(path, kustomization.name)),
                build.traced() if self.traces else b"",
            )
            into.read(output, origins.locator(output))

    def _find(self) -> str:
        return find_program(
            ("kustomize", "kubectl"), self.program, self.environ, "a kustomization needs it"
        )


@dataclass(frozen=True, slots=True)
class _Build:
    program: str
    folder: Path
    home: Path
    path: str
    output_limit: int

    def file(self) -> Path:
        """The kustomization."""
        place = self.folder / self.path
        return next(place / name for name in KUSTOMIZATION_NAMES if (place / name).exists())

    def run(self) -> bytes:
        verb = "build" if Path(self.program).name.startswith("kustomize") else "kustomize"
        return run_program(
            [self.program, verb, "--load-restrictor", "LoadRestrictionsRootOnly",
             str(self.folder / self.path)],
            home=self.home,
            what=f"{self.path or '.'} can't be built",
            output_limit=self.output_limit,
        )  # fmt: skip

    def traced(self) -> bytes:
        """Builds once more with origins written into the objects; empty where that can't be done.

        What is compared is always the first, unchanged build.
        """
        file = self.file()
        try:
            (document,) = read_documents(file.read_bytes(), AliasBudget())
        except (DocumentError, ValueError):
            return b""
        if not isinstance(document.value, dict):
            return b""
        wanted = document.value.get("buildMetadata") or []
        if not isinstance(wanted, list):
            return b""
        changed = {
            **document.value,
            "buildMetadata": sorted({*map(str, wanted), "originAnnotations"}),
        }
        # JSON is YAML.
        file.write_bytes(orjson.dumps(changed))
        try:
            return self.run()
        except SourceError:
            return b""


@dataclass(slots=True)
class Reach:
    """Finds the folders that a kustomization builds on."""

    tree: Tree
    into: Collection
    _all: dict[str, Entry] = field(default_factory=dict)
    _folders: set[str] = field(default_factory=set)

    def entries(self, *paths: str) -> list[Entry]:
        """Gives all files of all folders that are reached from some paths."""
        self._all = {entry.path: entry for entry in self.tree.entries("")}
        self._folders = {""}
        for each in self._all:
            while each := posixpath.dirname(each):
                self._folders.add(each)
        reached: list[str] = []
        waiting = [*paths]
        while waiting:
            folder = waiting.pop()
            if folder in reached:
                continue
            reached.append(folder)
            waiting += self._named_by(folder)
        return [
            entry
            for name, entry in self._all.items()
            if any(not folder or name.startswith(f"{folder}/") for folder in reached)
        ]

    def _named_by(self, folder: str) -> list[str]:
        found = []
        for name in KUSTOMIZATION_NAMES:
            entry = self._all.get(below(folder, name))
            if entry is None or entry.kind is not EntryKind.FILE:
                continue
            if entry.size > self.into.limits.file:
                continue  # writing it out will tell
            (content,) = self.tree.read([entry])
            found += self._folders_in(content, folder, entry.path)
        return found

    def _folders_in(self, content: bytes, folder: str, file: str) -> list[str]:
        try:
            documents = read_documents(content, AliasBudget())
        except DocumentError as error:
            self.into.problem(file, error.line, error.message, error.fix)
            return []
        found = []
        for document in documents:
            for name in _named(document.value):
                target = posixpath.normpath(posixpath.join(folder, name))
                target = "" if target == "." else target
                if target in self._folders:
                    found.append(target)
                elif target not in self._all:
                    self._refuse(file, document.line, name, target)
        return found

    def _refuse(self, file: str, line: int, name: str, target: str) -> None:
        shown = printable(name, 100)
        if target.startswith(("../", "/")) or target == "..":
            self.into.problem(
                file, line, f"{shown} leads out of the repository", "copy it into the repository"
            )
            return
        self.into.problem(
            file,
            line,
            f"{shown} isn't in this repository",
            "check the name; a remote base is never fetched, since no revision here would pin it: "
            "copy it into the repository",
        )


def _is_text(entry: Entry, limit: int) -> bool:
    named_so = entry.path.endswith((*MANIFEST_SUFFIXES, *KUSTOMIZATION_NAMES))
    return entry.size <= limit and named_so


def _named(value: Any) -> Sequence[str]:
    """Gives the files and folders that a kustomization names; inline YAML isn't one of them."""
    if not isinstance(value, dict):
        return []
    lists = [value.get(name) for name in _FOLDER_FIELDS]
    return [
        each
        for names in lists
        if isinstance(names, list)
        for each in names
        if isinstance(each, str) and "\n" not in each
    ]
