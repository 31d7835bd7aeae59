"""Where in a text each value of a YAML (or JSON) document stands."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

#: Levels of lists and maps in one another; as `sources.document.DEPTH_LIMIT`.
_DEPTH = 200


class Unplaced(Exception):  # noqa: N818 - says what is the matter
    """A text in which values can't be found; the message quotes nothing of it."""


@dataclass(slots=True)
class Node:
    """One value, by its place: `text[start:end]`, without comments around it.

    Attributes:
        start: Where it begins; where it has an anchor or a tag, there.
        end: Behind its last character.
        column: The column of its first character, from 0.
        line: Its first line, from 1.
    """

    start: int
    end: int
    column: int
    line: int


@dataclass(slots=True)
class Scalar(Node):
    """A value that is neither a list nor a map.

    Attributes:
        text: The value as a string, before anybody asks what type it is.
        style: Its quotes: `'`, `"`, `|`, `>`; empty for none.
    """

    text: str = ""
    style: str = ""


@dataclass(slots=True)
class Alias(Node):
    """A reference to an anchor."""


@dataclass(slots=True)
class Sequence(Node):
    """A list.

    Attributes:
        flow: Whether it is written in brackets.
        items: Its items.
    """

    flow: bool = False
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Mapping(Node):
    """A map.

    Attributes:
        flow: Whether it is written in braces.
        entries: Its keys and values, in the order of the text.
    """

    flow: bool = False
    entries: list[tuple[Node, Node]] = field(default_factory=list)

    def find(self, key: str) -> int:
        """Gives the place of a key among the entries; -1 where it isn't written here."""
        for at, (name, _) in enumerate(self.entries):
            if isinstance(name, Scalar) and name.text == key:
                return at
        return -1


@dataclass(slots=True)
class Document:
    """One document of a text.

    Attributes:
        start: Where it begins: at its `---`, or where the document before it ends.
        root: What it holds.
    """

    start: int
    root: Node


def documents_of(text: str) -> list[Document]:
    """Finds all values of all documents.

    Raises:
        Unplaced: It isn't YAML.
    """
    parser = yaml.CSafeLoader(text)
    try:
        return list(_Reader(text, parser.get_event).documents())
    except yaml.YAMLError:
        raise Unplaced("it isn't YAML") from None
    finally:
        parser.dispose()


@dataclass(slots=True)
class _Reader:
    text: str
    next_event: Callable[[], Any]

    def documents(self) -> Iterator[Document]:
        while True:
            event = self.next_event()
            if type(event) is StreamEndEvent:
                return
            if type(event) is DocumentStartEvent:
                yield Document(_span(event)[0], self.node(self.next_event(), 0))

    def node(self, event: Event, depth: int) -> Node:
        if depth > _DEPTH:
            raise Unplaced("its lists and maps are nested too deep")
        start, end, column, line = _span(event)
        if isinstance(event, ScalarEvent):
            return Scalar(
                start,
                self._scalar_end(event, end),
                column,
                line,
                event.value,
                "" if event.style in (None, "") else str(event.style),
            )
        if isinstance(event, AliasEvent):
            return Alias(start, end, column, line)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(event, Sequence(start, end, column, line), depth)
        if isinstance(event, MappingStartEvent):
            return self._mapping(event, Mapping(start, end, column, line), depth)
        raise Unplaced("it isn't YAML")  # pragma: no cover - the parser gives nothing else

    def _scalar_end(self, event: ScalarEvent, end: int) -> int:
        if event.style in ("|", ">"):
            # The parser's mark is behind the empty lines and comments that follow.
            start = _span(event)[0]
            return start + len(_block(self.text[start:end]).rstrip())
        return end

    def _sequence(self, event: SequenceStartEvent, made: Sequence, depth: int) -> Sequence:
        made.flow = bool(event.flow_style)
        while type(each := self.next_event()) is not SequenceEndEvent:
            made.items.append(self.node(each, depth + 1))
        made.end = _span(each)[1] if made.flow else max(made.end, _last(made.items))
        return made

    def _mapping(self, event: MappingStartEvent, made: Mapping, depth: int) -> Mapping:
        made.flow = bool(event.flow_style)
        while type(each := self.next_event()) is not MappingEndEvent:
            key = self.node(each, depth + 1)
            made.entries.append((key, self.node(self.next_event(), depth + 1)))
        values = [value for entry in made.entries for value in entry]
        made.end = _span(each)[1] if made.flow else _last(values)
        return made


def _span(event: Event) -> tuple[int, int, int, int]:
    """Gives where an event begins and ends, its column and its line."""
    start, end = event.start_mark, event.end_mark
    if start is None or end is None:
        raise Unplaced("it isn't YAML")  # pragma: no cover - only made-up events have none
    return start.index, end.index, start.column, start.line + 1


def _last(nodes: list[Node]) -> int:
    return max((node.end for node in nodes), default=0)


def _block(text: str) -> str:
    """Gives a block scalar without comments that follow it further to the left."""
    head, newline, rest = text.partition("\n")
    lines = rest.split("\n")
    first = next((line for line in lines if line.strip()), "")
    indent = len(first) - len(first.lstrip(" "))
    kept = len(lines)
    for at, line in enumerate(lines):
        if line.strip() and len(line) - len(line.lstrip(" ")) < indent:
            kept = at
            break
    return head + newline + "\n".join(lines[:kept])
