"""Tells from which file each object of a kustomize build came, and on which line it begins."""

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.adapters.sources.document import AliasBudget, DocumentError
from reconciler.adapters.sources.manifests import read_documents
from reconciler.core.desired import SourceLocation
from reconciler.core.resource import metadata_of

#: What `buildMetadata: [originAnnotations]` writes into every object.
_ORIGIN = "config.kubernetes.io/origin"


@dataclass(slots=True)
class Origins:
    """The places of a build's objects.

    Attributes:
        folder: Where the tree was written out.
        path: The kustomization's folder in it.
        otherwise: The place of an object of which no origin is known.
        traced: The build with origins in it; empty where there is none.
    """

    folder: Path
    path: str
    otherwise: SourceLocation
    traced: bytes = field(repr=False)
    _files: dict[str, list[tuple[str, str, int]]] = field(default_factory=dict)

    def locator(self, output: bytes) -> Callable[[int], SourceLocation]:
        """Gives a function that finds an object's place by its line in the build."""
        try:
            built = read_documents(output, AliasBudget())
            traced = read_documents(self.traced, AliasBudget())
        except DocumentError:
            return lambda _: self.otherwise
        pairs = list(zip(built, traced, strict=False))
        if len(built) != len(traced) or any(
            _without_origin(one.value) != _without_origin(other.value) for one, other in pairs
        ):
            return lambda _: self.otherwise
        places = {one.line: self._place(other.value) for one, other in pairs}
        return lambda line: places.get(line, self.otherwise)

    def _place(self, traced: Any) -> SourceLocation:
        annotations = _annotations(traced)
        try:
            (origin,) = read_documents(str(annotations.get(_ORIGIN)).encode(), AliasBudget())
        except (DocumentError, ValueError):
            return self.otherwise
        if not isinstance(origin.value, Mapping):
            return self.otherwise
        # What a generator makes has no file of its own, but a kustomization that configures it.
        name = origin.value.get("path") or origin.value.get("configuredIn")
        if not isinstance(name, str):
            return self.otherwise
        file = posixpath.normpath(posixpath.join(self.path, name))
        if file.startswith(("../", "/")) or not (self.folder / file).is_file():
            return self.otherwise
        return SourceLocation(file, self._line(file, traced))

    def _line(self, file: str, traced: Any) -> int:
        """Finds the object in its file by its kind and by what is left of its name."""
        if file not in self._files:
            self._files[file] = _objects(self.folder / file)
        kind = str(traced.get("kind"))
        name = str(metadata_of(traced).get("name"))
        alike = [(own, line) for own_kind, own, line in self._files[file] if own_kind == kind]
        exact = [line for own, line in alike if own == name]
        # A prefix or suffix may have been added.
        partly = [line for own, line in alike if own and own in name]
        for found in (exact, partly, [line for _, line in alike]):
            if len(found) == 1:
                return found[0]
        return 0


def _objects(file: Path) -> list[tuple[str, str, int]]:
    try:
        documents = read_documents(file.read_bytes(), AliasBudget())
    except (DocumentError, OSError):
        return []
    found = []
    for document in documents:
        value = document.value
        if isinstance(value, Mapping):
            items = value.get("items")
            for each in items if isinstance(items, list) else [value]:
                if isinstance(each, Mapping):
                    line = document.lines.get(id(each), document.line)
                    name = str(metadata_of(each).get("name") or "")
                    found.append((str(each.get("kind")), name, line))
    return found


def _annotations(value: Any) -> Mapping[str, Any]:
    annotations = metadata_of(value).get("annotations") if isinstance(value, Mapping) else None
    return annotations if isinstance(annotations, Mapping) else {}


def _without_origin(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    annotations = {k: v for k, v in _annotations(value).items() if k != _ORIGIN}
    metadata = {k: v for k, v in metadata_of(value).items() if k != "annotations"}
    return {**value, "metadata": {**metadata, "annotations": annotations}}
