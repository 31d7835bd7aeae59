"""Edits manifests: finds them in the text, and says where it can't."""

from contextlib import suppress

from reconciler.adapters.manifests import rewriting
from reconciler.adapters.manifests.nodes import Unplaced
from reconciler.adapters.manifests.writing import Style
from reconciler.core.errors import ManifestError, ManifestProblem
from reconciler.core.resource import JsonObject

_FIX = "edit it by hand"


class TextEditor:
    """See `ports.Editor`."""

    def rewritten(
        self, path: str, text: str, line: int, before: JsonObject, wanted: JsonObject
    ) -> str:
        """Gives a file in which an object is another; all else stays byte for byte.

        Args:
            path: The file's, for messages.
            text: The file.
            line: Where the object begins, from 1; 0 for the first document as a whole.
            before: The object as the file has it.
            wanted: As it is to be.

        Raises:
            ManifestError: It can't be written there.
        """
        try:
            return rewriting.rewritten(text, line, before, wanted)
        except Unplaced as error:
            raise ManifestError(ManifestProblem(path, line, str(error), _FIX)) from None

    def without(self, path: str, text: str, line: int) -> str | None:
        """Gives a file without an object; None where nothing else is in it.

        Raises:
            ManifestError: It can't be taken out.
        """
        try:
            return rewriting.without(text, line)
        except Unplaced as error:
            raise ManifestError(ManifestProblem(path, line, str(error), _FIX)) from None

    def written(self, body: JsonObject | list[JsonObject], like: str = "") -> str:
        """Writes an object, or a list, as a document of its own.

        Args:
            body: What to write.
            like: A file whose indentation it is to have; empty for kubectl's.
        """
        style = Style(offset=0)
        if like:
            with suppress(Unplaced):
                style = rewriting.style_of(like, rewriting.first(like))
        return "".join(f"{line}\n" for line in Style(style.step, style.offset).block(body, 0))
