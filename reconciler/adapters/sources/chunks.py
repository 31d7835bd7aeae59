"""Reads files again and again of which little has changed: each document once."""

import re
from dataclasses import dataclass, field, replace

from reconciler.adapters.sources.document import AliasBudget, Document, DocumentError
from reconciler.adapters.sources.manifests import read_documents

#: A document's begin stands in the first column, whatever else stands there (YAML 1.2, 9.1.2).
_BEGIN = re.compile(rb"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)


@dataclass(slots=True)
class Chunks:
    """See `manifests.read_documents`: the same, but a document that was read is remembered."""

    _read: dict[bytes, list[Document]] = field(default_factory=dict)

    def documents(self, content: bytes, budget: AliasBudget) -> list[Document]:
        """Reads all documents of a file.

        Raises:
            DocumentError: It is neither YAML nor JSON, or more than is taken.
        """
        found: list[Document] = []
        line = 0
        for chunk in _chunks(content):
            try:
                known = self._read.get(chunk)
                if known is None:
                    known = self._read[chunk] = read_documents(chunk, budget)
            except DocumentError as error:
                raise DocumentError(error.line + line, error.message, error.fix) from None
            found += [_moved(each, line) for each in known]
            line += chunk.count(b"\n")
        return found


def _chunks(content: bytes) -> list[bytes]:
    """Cuts a file before each document; not where it has directives, which come before that."""
    if content.startswith(b"%") or b"\n%" in content or b"\r" in content.replace(b"\r\n", b""):
        return [content]
    starts = [0, *(found.start() for found in _BEGIN.finditer(content) if found.start())]
    ends = [*starts[1:], len(content)]
    return [content[start:end] for start, end in zip(starts, ends, strict=True)]


def _moved(document: Document, by: int) -> Document:
    if not by:
        return document
    lines = {name: line + by for name, line in document.lines.items()}
    return replace(document, line=document.line + by, lines=lines)
