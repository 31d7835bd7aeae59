"""Makes one object of a file say something else, and touches nothing that already says it."""

import re
from collections import Counter
from collections.abc import Iterator

from reconciler.adapters.manifests.edits import Edits, Place
from reconciler.adapters.manifests.nodes import (
    Mapping,
    Node,
    Scalar,
    Sequence,
    Unplaced,
    documents_of,
)
from reconciler.adapters.manifests.splices import Splices
from reconciler.adapters.manifests.writing import Style
from reconciler.core.resource import JsonObject

#: A document's begin stands in the first column, whatever else stands there (YAML 1.2, 9.1.2).
_BEGIN = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)


def rewritten(text: str, line: int, before: JsonObject, wanted: JsonObject) -> str:
    """Gives a file in which an object is another.

    Args:
        text: The file.
        line: On which line the object begins, from 1; 0 for the file's first document as a whole,
            be it no manifest.
        before: The object as it is read from the file now.
        wanted: What it is to be.

    Raises:
        Unplaced: It can't be written there; the message says why.
    """
    start, end = _document_at(text, line) if line else (0, len(text))
    part = text[start:end]
    root = node_at(part, line - text.count("\n", 0, start)) if line else first(text)
    edits = Edits(Splices(part), style_of(text, root))
    edits.value(root, before, wanted, Place(root.column))
    return text[:start] + edits.splices.applied() + text[end:]


def _document_at(text: str, line: int) -> tuple[int, int]:
    """Gives where the document of a line begins and ends: the others aren't even looked at."""
    at = 0
    for _ in range(line - 1):
        at = text.find("\n", at) + 1
    start = end = 0
    for found in _BEGIN.finditer(text):
        if found.start() <= at:
            start = found.start()
        else:
            end = found.start()
            break
    return start, end or len(text)


def node_at(text: str, line: int) -> Mapping:
    """Finds the object that begins on a line.

    Raises:
        Unplaced: There is none, or more than one.
    """
    found = [
        each
        for document in documents_of(text)
        for each in _maps(document.root, 0)
        if each.line == line and each.find("metadata") >= 0
    ]
    if not found:
        raise Unplaced("the object isn't found on its line of the file")
    if len(found) > 1:
        raise Unplaced("several objects stand on one line of the file")
    return found[0]


def first(text: str) -> Node:
    """Gives what the first document of a file holds.

    Raises:
        Unplaced: There is none.
    """
    documents = documents_of(text)
    if not documents:
        raise Unplaced("the file is empty")
    return documents[0].root


def without(text: str, line: int) -> str | None:
    """Gives a file without the object that begins on a line; None where nothing else is in it.

    Raises:
        Unplaced: It can't be taken out; the message says why.
    """
    documents = documents_of(text)
    gone = node_at(text, line)
    at = next(at for at, each in enumerate(documents) if _holds(each.root, gone))
    items = _list_with(documents[at].root, gone)
    if items is not None and len(items.items) > 1:
        edits = Edits(Splices(text), style_of(text, documents[at].root))
        edits.drop(items, gone)
        return edits.splices.applied()
    if not any(each.root.end > each.root.start for each in documents if each is not documents[at]):
        return None
    starts = [*(each.start for each in documents), len(text)]
    rest = text[: starts[at]] + text[starts[at + 1] :]
    return rest if at + 1 < len(documents) else f"{rest.rstrip()}\n"


def _holds(node: Node, wanted: Node) -> bool:
    return node.start <= wanted.start < node.end


def _list_with(node: Node, wanted: Node) -> Sequence | None:
    """Gives the list that an object stands in; None where it is the whole document."""
    if isinstance(node, Sequence):
        if any(item.start == wanted.start for item in node.items):
            return node
        children = node.items
    else:
        children = [value for _, value in node.entries] if isinstance(node, Mapping) else []
    for each in children:
        if _holds(each, wanted):
            return _list_with(each, wanted)
    return None


def _maps(node: Node, depth: int) -> Iterator[Mapping]:
    """Gives the maps that may be an object: those in lists, too."""
    if isinstance(node, Mapping):
        yield node
        if depth < 3:
            for key, value in node.entries:
                if isinstance(key, Scalar) and key.text == "items":
                    yield from _maps(value, depth + 1)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _maps(item, depth)


def style_of(text: str, root: Node) -> Style:
    """Finds out how a document is written, by what is most frequent in it."""
    steps: Counter[int] = Counter()
    offsets: Counter[int] = Counter()
    _count(root, steps, offsets)
    is_json = text.lstrip("\ufeff \t\r\n")[:1] == "{"
    step = max(steps, key=lambda each: (steps[each], -each), default=2)
    offset = max(offsets, key=lambda each: (offsets[each], each), default=0 if steps else 2)
    return Style(step, offset, is_json)


def _count(node: Node, steps: Counter[int], offsets: Counter[int]) -> None:
    if isinstance(node, Sequence):
        for item in node.items:
            _count(item, steps, offsets)
    elif isinstance(node, Mapping) and not node.flow:
        for key, value in node.entries:
            if isinstance(value, Mapping) and not value.flow:
                steps[value.column - key.column] += 1
            elif isinstance(value, Sequence) and not value.flow:
                offsets[value.column - key.column] += 1
            _count(value, steps, offsets)
