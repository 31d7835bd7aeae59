"""What it takes to have Git say something else: its files, and who edits them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from reconciler.core.desired import Rendered
from reconciler.core.resource import JsonObject

#: Why an encrypted file has no text to edit.
ENCRYPTED = "it is encrypted by sops, and an encrypted file is never edited"


class Making(StrEnum):
    """How manifests are made of files."""

    PLAIN = "plain"
    KUSTOMIZE = "kustomize"
    HELM = "helm"


@dataclass(frozen=True, slots=True)
class Written:
    """A document of a file, as Kubernetes reads it; of a List each item.

    Attributes:
        value: What it holds.
        line: The line of its first key, from 1.
    """

    value: Any
    line: int


class Draft(Protocol):
    """The files of the desired side at one revision, to try edits on. Nothing is written."""

    @property
    def path(self) -> str:
        """The target's folder (or file) in the repository; empty for its top."""
        ...

    @property
    def making(self) -> Making:
        """How manifests are made of the files."""
        ...

    @property
    def own(self) -> Sequence[str]:
        """The YAML and JSON files that only this target is made of, as far as can be told."""
        ...

    @property
    def shared(self) -> Sequence[str]:
        """Those that other kustomizations of the repository build on, too."""
        ...

    def text(self, path: str) -> str | None:
        """Gives a file's text; None where there is no such file.

        Raises:
            SourceError: It can't be read.
            ManifestError: It isn't text in UTF-8, or it is encrypted.
        """
        ...

    def documents(self, text: str) -> Sequence[Written]:
        """Reads a file's documents.

        Raises:
            ManifestError: It can't be read.
        """
        ...

    def rendered(self, files: Mapping[str, str | None]) -> Rendered:
        """Makes the manifests of the files with these in place of what is there; None for none.

        Raises:
            SourceError: A renderer's program failed.
            ManifestError: What comes out can't be taken as a desired state.
            ConfigError: Something asked for isn't there.
        """
        ...


class Editor(Protocol):
    """Edits manifests in their text; what isn't meant to change stays byte for byte."""

    def rewritten(
        self, path: str, text: str, line: int, before: JsonObject, wanted: JsonObject
    ) -> str:
        """Gives a file in which an object is another.

        Args:
            path: The file's, for errors.
            text: What it holds.
            line: Where the object begins, from 1; 0 for the first document, whatever it is.
            before: The object as it is read from the file.
            wanted: What it is to be.

        Raises:
            ManifestError: It can't be written there.
        """
        ...

    def without(self, path: str, text: str, line: int) -> str | None:
        """Gives a file without an object; None where nothing else is in it.

        Raises:
            ManifestError: It can't be taken out.
        """
        ...

    def written(self, body: JsonObject | list[JsonObject], like: str = "") -> str:
        """Writes an object, or a list, as a document of its own, indented as a file that is there.

        Args:
            body: What to write.
            like: The file's text; empty for kubectl's way.
        """
        ...
