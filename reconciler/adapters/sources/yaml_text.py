"""Reads YAML as Kubernetes does, and remembers lines. Quotes nothing of what it reads."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from reconciler.adapters.sources.document import (
    ALIAS_LIMIT_FILE,
    DEPTH_LIMIT,
    AliasBudget,
    Document,
    DocumentError,
)
from reconciler.adapters.sources.scalars import (
    Scalar,
    ScalarError,
    json_value,
    key_text,
    plain,
    tagged,
)

#: To which depth a map's line is remembered: an object in a List in a List.
_LINE_DEPTH = 6

_MERGE_TAG = "tag:yaml.org,2002:merge"


def yaml_documents(content: bytes, budget: AliasBudget) -> list[Document]:
    """Reads all documents of a file.

    Raises:
        DocumentError: It isn't YAML, or more than Kubernetes or this program takes.
    """
    try:
        return list(_Reader(content, budget).documents())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        raise DocumentError(line, f"this isn't YAML: {error.problem}", _yaml_fix(error)) from None
    except yaml.YAMLError as error:
        position = getattr(error, "position", 0)
        line = content.count(b"\n", 0, position) + 1 if isinstance(position, int) else 0
        raise DocumentError(line, "this isn't text in UTF-8", "save it as UTF-8") from None


def _yaml_fix(error: yaml.MarkedYAMLError) -> str:
    if any(word in (error.problem or "") for word in ("tab character", "cannot start any token")):
        return "indent with spaces, not with tabs; quote a value that begins with @, ` or %"
    return "check this line's indentation, colons and quotes, and the line before it"


@dataclass(slots=True)
class _Anchored:
    value: Any
    nodes: int


@dataclass(slots=True)
class _Reader:
    """Builds plain values straight from libyaml's events: no nodes, no constructors."""

    content: bytes
    budget: AliasBudget
    nodes: int = 0
    aliased: int = 0
    anchors: dict[str, _Anchored | None] = field(default_factory=dict)
    lines: dict[int, int] = field(default_factory=dict)
    next_event: Any = None

    def documents(self) -> Iterator[Document]:
        parser = yaml.CSafeLoader(self.content)
        try:
            self.next_event = parser.get_event
            while True:
                event = self.next_event()
                if type(event) is StreamEndEvent:
                    return
                if type(event) is not DocumentStartEvent:
                    continue
                # Anchors hold for one document alone.
                self.anchors, self.lines = {}, {}
                first = self.next_event()
                value = self.value(first, 1)
                yield Document(value, _line(first), self.lines)
        finally:
            parser.dispose()

    def value(self, event: Event, depth: int) -> Any:
        self.nodes += 1
        if isinstance(event, ScalarEvent):
            value: Any = json_value(self.scalar(event))
            if event.anchor:
                self.anchors[event.anchor] = _Anchored(value, 1)
            return value
        if isinstance(event, AliasEvent):
            return self.alias(event)
        if depth > DEPTH_LIMIT:
            raise DocumentError(
                _line(event),
                f"lists and maps are nested more than {DEPTH_LIMIT} levels deep",
                "no object of Kubernetes is: check what generated this file",
            )
        before = self.nodes + self.aliased
        anchor = event.anchor if isinstance(event, NodeEvent) else None
        if anchor:
            # Until it is whole, an alias to it would contain itself.
            self.anchors[anchor] = None
        is_map = isinstance(event, MappingStartEvent)
        value = self.mapping(event, depth) if is_map else self.sequence(depth)
        if anchor:
            self.anchors[anchor] = _Anchored(value, self.nodes + self.aliased - before + 1)
        return value

    def scalar(self, event: ScalarEvent) -> Scalar:
        try:
            if event.tag is not None:
                return tagged(event.tag, event.value)
            return plain(event.value) if event.implicit[0] else event.value
        except ScalarError as error:
            raise DocumentError(
                _line(event), str(error), "quote the value if a string is meant"
            ) from None

    def alias(self, event: AliasEvent) -> Any:
        found = self.anchors.get(event.anchor or "")
        if found is None:
            itself = event.anchor in self.anchors
            raise DocumentError(
                _line(event),
                "an anchor contains itself" if itself else "an alias names no anchor before it",
                "write the value out" if itself else "define the anchor earlier in this document",
            )
        self.aliased += found.nodes
        self.budget.left -= found.nodes
        if self.aliased > ALIAS_LIMIT_FILE or self.budget.left < 0:
            raise DocumentError(
                _line(event),
                f"aliases blow this document up to more than {ALIAS_LIMIT_FILE} values",
                "write the values out, or use fewer anchors that hold one another",
            )
        return found.value

    def sequence(self, depth: int) -> list[Any]:
        result = []
        while type(event := self.next_event()) is not SequenceEndEvent:
            result.append(self.value(event, depth + 1))
        return result

    def mapping(self, start: Event, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        written: set[str] = set()
        if depth <= _LINE_DEPTH:
            self.lines[id(result)] = _line(start)
        while type(event := self.next_event()) is not MappingEndEvent:
            if _is_merge(event):
                self.merge(result, event, depth)
                continue
            key = self.key(event)
            if key in written:
                raise DocumentError(
                    _line(event),
                    "a key is written twice in one map; Kubernetes would silently take the last",
                    "delete one of the two",
                )
            written.add(key)
            result[key] = self.value(self.next_event(), depth + 1)
        return result

    def key(self, event: Event) -> str:
        line = _line(event)
        value: Any = None
        if isinstance(event, ScalarEvent):
            value = self.scalar(event)
            if event.anchor:
                self.anchors[event.anchor] = _Anchored(json_value(value), 1)
        elif isinstance(event, AliasEvent):
            value = self.alias(event)
        if not isinstance(event, ScalarEvent | AliasEvent) or isinstance(value, dict | list):
            raise DocumentError(line, "a key is a list or a map", "JSON's keys are strings")
        try:
            return key_text(value)
        except ScalarError as error:
            raise DocumentError(line, str(error), "quote the key") from None

    def merge(self, result: dict[str, Any], key: Event, depth: int) -> None:
        """Merges in place: whatever stands later wins, as in Kubernetes' reader."""
        merged = self.value(self.next_event(), depth + 1)
        parts = merged if isinstance(merged, list) else [merged]
        if not all(isinstance(part, dict) for part in parts):
            raise DocumentError(
                _line(key), "<< merges something that isn't a map", "name a map, or a list of maps"
            )
        # In a list, whatever stands earlier wins.
        for part in reversed(parts):
            self.aliased += len(part)
            result.update(part)


def _is_merge(event: Event) -> bool:
    return (
        isinstance(event, ScalarEvent)
        and event.value == "<<"
        and (event.tag == _MERGE_TAG or (event.tag is None and event.implicit[0]))
    )


def _line(event: Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0
