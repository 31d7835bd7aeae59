"""The files that are edited, as they are by now, and what is wanted of one object."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.core.adoption import declaring
from reconciler.core.desired import Manifest
from reconciler.core.drift import Change
from reconciler.core.errors import ManifestError
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.ports import ENCRYPTED, Draft, Editor, Written

#: Files as they would be, on top of those that are there; None for one that goes.
Files = Mapping[str, str | None]

#: As kustomize names its file.
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


@dataclass(frozen=True, slots=True)
class Wish:
    """What one object is to be.

    Attributes:
        manifest: As it is declared now.
        changes: Of which fields the live value is wanted.
        live: The live object, without what the server fills in by itself.
    """

    manifest: Manifest
    changes: tuple[Change, ...]
    live: JsonObject

    @property
    def wanted(self) -> JsonObject:
        """The manifest as it is to come out."""
        return declaring(self.manifest.body, self.changes, self.live)


@dataclass(slots=True)
class Bench:
    """The files as they are by now, with what was found out about them.

    Attributes:
        draft: What is there.
        editor: Edits.
        files: What was settled on already.
        refused: Why edits couldn't be made; the last one first.
    """

    draft: Draft
    editor: Editor
    files: dict[str, str | None] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def text(self, path: str) -> str | None:
        """Gives a file's text as it is by now."""
        return self.files[path] if path in self.files else self.draft.text(path)

    def documents(self, path: str) -> list[Written]:
        """Gives a file's documents; none where it can't be read."""
        try:
            text = self.text(path)
            return list(self.draft.documents(text)) if text is not None else []
        except ManifestError as error:
            # That any file of the target is encrypted says nothing of the edit that is looked for.
            if error.problems[0].message != ENCRYPTED:
                self.refused.insert(0, error.problems[0].message)
            return []

    def sealed(self, path: str) -> str:
        """Says that an object can't be edited since its file is encrypted; empty where it isn't."""
        try:
            self.text(path)
        except ManifestError as error:
            problem = error.problems[0]
            if problem.message == ENCRYPTED:
                return f"{path} is encrypted by sops, and is never edited: edit it by `sops edit`"
        return ""

    def edited(self, path: str, line: int, before: JsonObject, wanted: JsonObject) -> Iterator[str]:
        """Gives a file with another object in it; nothing where that can't be written."""
        text = self.text(path)
        if text is None:
            return
        try:
            yield self.editor.rewritten(path, text, line, before, wanted)
        except ManifestError as error:
            self.refused.insert(0, error.problems[0].message)

    def kustomization(self) -> tuple[str, JsonObject] | None:
        """Gives the target's own kustomization; None where there is none that can be read."""
        for name in KUSTOMIZATIONS:
            path = posixpath.join(self.draft.path, name)
            for written in self.documents(path):
                if isinstance(written.value, dict):
                    return path, written.value
        return None


def others_than(
    key: ResourceKey, desired: Mapping[ResourceKey, Manifest]
) -> dict[ResourceKey, JsonObject]:
    """Gives what every other object is declared as."""
    return {each: manifest.body for each, manifest in desired.items() if each != key}
