"""Makes manifests of a file's documents, and says of what isn't one why, and what to do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from reconciler.adapters.sources.ciphertext import PROBLEM as ENCRYPTED
from reconciler.adapters.sources.ciphertext import holds_ciphertext
from reconciler.adapters.sources.document import AliasBudget, Document, DocumentError
from reconciler.core.desired import Manifest, SourceLocation
from reconciler.core.errors import ManifestError, ManifestProblem
from reconciler.core.resource import JsonObject

#: What a Git LFS pointer begins with, and how large one may be
#: (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md).
_LFS_START = b"version https://git-lfs.github.com/spec/v1\n"
_LFS_LIMIT = 1024

#: Gives the place of something by its line in the file that was read.
Locate = Callable[[int], SourceLocation]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a desired side may hold.

    Attributes:
        file: Bytes of one file.
        total: Bytes of all files together, and of what a renderer's program writes.
        manifests: How many there may be.
    """

    file: int = 10 << 20
    total: int = 256 << 20
    manifests: int = 50_000


@dataclass(slots=True)
class Collection:
    """Gathers a run's manifests, and all of its problems: one run shows every one of them.

    Attributes:
        limits: How much there may be.
        documents: Reads a file; None for `read_documents`.
        manifests: What was found.
        problems: What is wrong.
        notes: What a reader should know.
        private: Whether something of it came encrypted, so that it mustn't be kept in files.
    """

    limits: Limits
    documents: Callable[[bytes, AliasBudget], list[Document]] | None = None
    manifests: list[Manifest] = field(default_factory=list)
    problems: list[ManifestProblem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    private: bool = False
    _budget: AliasBudget = field(default_factory=AliasBudget)

    def problem(self, path: str, line: int, message: str, fix: str = "") -> None:
        """Remembers a problem."""
        self.problems.append(ManifestProblem(path, line, message, fix))

    def raise_problems(self) -> None:
        """Ends the run where there were problems.

        Raises:
            ManifestError: With all of them.
        """
        if self.problems:
            raise ManifestError(*self.problems)

    def read(self, content: bytes, locate: Locate) -> None:
        """Adds the manifests of a file, or of what a renderer wrote.

        Args:
            content: YAML or JSON.
            locate: Where a line of it is declared.

        Raises:
            ManifestError: There are more manifests than there may be.
        """
        if is_lfs_pointer(content):
            self._add_problem(locate(0), *LFS_PROBLEM)
            return
        try:
            found = (self.documents or read_documents)(content, self._budget)
        except DocumentError as error:
            self._add_problem(locate(error.line), error.message, error.fix)
            return
        for document in found:
            for body, line in _objects(document.value, document):
                if isinstance(body, dict) and holds_ciphertext(body, content):
                    self._add_problem(locate(line), *ENCRYPTED)
                else:
                    self._add(body, locate(line))

    def _add(self, body: Any, place: SourceLocation) -> None:
        problem = _what_is_wrong(body)
        if problem:
            self._add_problem(place, *problem)
            return
        self.manifests.append(Manifest(body, place))
        if len(self.manifests) > self.limits.manifests:
            raise ManifestError(
                ManifestProblem(
                    place.path,
                    place.line,
                    f"there are more than {self.limits.manifests} manifests",
                    "make several targets of it, each with a path of its own",
                )
            )

    def _add_problem(self, place: SourceLocation, message: str, fix: str) -> None:
        self.problem(place.path, place.line, message, fix)


def objects_of(document: Document) -> Iterator[tuple[Any, int]]:
    """Gives a document's objects with their lines, those of a List one by one."""
    return _objects(document.value, document)


LFS_PROBLEM = (
    "this is a pointer of Git LFS, not the file itself",
    "keep manifests in Git itself: `git lfs untrack` it, and commit it again",
)


def is_lfs_pointer(content: bytes) -> bool:
    """Whether Git holds only a pointer in the file's place."""
    return len(content) <= _LFS_LIMIT and content.startswith(_LFS_START)


def read_documents(content: bytes, budget: AliasBudget) -> list[Document]:
    """Reads all documents of a file, YAML or JSON.

    Raises:
        DocumentError: It is neither, or more than Kubernetes or this program takes.
    """
    # Late: a rendering that is kept needs no parser.
    from reconciler.adapters.sources.json_text import json_documents
    from reconciler.adapters.sources.yaml_text import yaml_documents

    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        # As kubectl does: what begins so and isn't JSON may still be YAML.
        found = json_documents(content)
        if found is not None:
            return found
    return yaml_documents(content, budget)


def _objects(
    value: Any, document: Document, api_version: str = "", item_kind: str = ""
) -> Iterator[tuple[Any, int]]:
    """Gives a document's objects with their lines, those of a List (of any kind) one by one."""
    if document.value is None:
        return
    line = document.lines.get(id(value), document.line)
    if not isinstance(value, dict):
        yield value, line
        return
    if item_kind and not value.get("apiVersion") and not value.get("kind"):
        # Items of a typed list (a ConfigMapList) may go without; apimachinery's decodeToList.
        value = {"apiVersion": api_version, "kind": item_kind, **value}
    kind, items = value.get("kind"), value.get("items")
    if not (isinstance(kind, str) and kind.endswith("List") and isinstance(items, list)):
        yield value, line
        return
    of_list = str(value.get("apiVersion") or "")
    for item in items:
        for body, item_line in _objects(item, document, of_list, kind.removesuffix("List")):
            yield body, item_line if id(item) in document.lines else line


def _what_is_wrong(body: Any) -> tuple[str, str] | None:
    """Says what keeps a value from being a manifest, and the fix."""
    if not isinstance(body, dict):
        return (
            "this is not an object",
            "a manifest is a map with apiVersion, kind and metadata; move other files elsewhere",
        )
    for name in ("apiVersion", "kind"):
        if not body.get(name) or not isinstance(body[name], str):
            return (
                f"{name} is missing" if name not in body else f"{name} isn't a name",
                f"write the object's {name}, or move a file that holds no manifest elsewhere",
            )
    return _what_is_wrong_with_metadata(body)


def _what_is_wrong_with_metadata(body: JsonObject) -> tuple[str, str] | None:
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        return "metadata is missing or not a map", "give the object a metadata.name"
    for name in ("name", "generateName", "namespace"):
        if metadata.get(name) is not None and not isinstance(metadata[name], str):
            return f"metadata.{name} isn't a string", f"quote metadata.{name}"
    if not metadata.get("name") and not metadata.get("generateName"):
        return "metadata.name is missing", "give the object a metadata.name"
    return None
