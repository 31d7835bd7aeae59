"""Makes one object of a file say something else, and touches nothing that already says it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any

from reconciler.adapters.manifests.nodes import (
    Alias,
    Mapping,
    Node,
    Scalar,
    Sequence,
    Unplaced,
    documents_of,
)
from reconciler.adapters.manifests.writing import Style, header, is_literal, literal
from reconciler.core.diff import same
from reconciler.core.resource import JsonObject

#: By which fields items of lists are taken to be the same, in this order.
_NAMES = ("name", "key", "id", "port", "containerPort", "mountPath", "path", "host", "ip")


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
    root = node_at(text, line) if line else first(text)
    edits = _Edits(text, style_of(text, root))
    edits.value(root, before, wanted, _Place(root.column))
    return edits.applied()


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
        edits = _Edits(text, style_of(text, documents[at].root))
        edits.drop(items, gone)
        return edits.applied()
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


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands.

    Attributes:
        column: The column of the key or the dash before it.
        behind: Where that ends: behind the `:` or the dash; -1 for a document's root.
        is_item: Whether it is a dash.
        flow: Whether it is in brackets or braces.
    """

    column: int
    behind: int = -1
    flow: bool = False
    is_item: bool = False


@dataclass(slots=True)
class _Edits:
    """Gathers what is to be put where.

    Attributes:
        text: The file.
        style: How it is written.
    """

    text: str
    style: Style
    _made: list[tuple[int, int, str]] = field(default_factory=list)

    def applied(self) -> str:
        """Gives the file with all edits made."""
        newline = "\r\n" if "\r\n" in self.text else "\n"
        text = self.text
        ordered = sorted(self._made, key=lambda each: each[:2])
        for (_, end, _), (start, _, _) in pairwise(ordered):
            if start < end:
                raise Unplaced("what is to be changed stands in one another")
        for start, end, put in reversed(ordered):
            text = text[:start] + put.replace("\n", newline) + text[end:]
        # A text of several lines that ends its file now would lose its own newline.
        is_last = any(end == len(self.text) for _, end, _ in ordered)
        return f"{text}{newline}" if is_last and not text.endswith("\n") else text

    def drop(self, items: Sequence, gone: Node) -> None:
        """Takes an item out of a list that has more."""
        at = next(at for at, item in enumerate(items.items) if item.start == gone.start)
        kept = [each for each in range(len(items.items)) if each != at]
        self._drop_item(items, at, kept)

    def _put(self, start: int, end: int, text: str) -> None:
        self._made.append((start, end, text))

    def value(self, node: Node, before: Any, wanted: Any, place: _Place) -> None:
        """Makes a value another."""
        if same(before, wanted):
            return
        maps = isinstance(before, dict) and isinstance(wanted, dict)
        if isinstance(node, Mapping) and maps and before and wanted and node.entries:
            self._mapping(node, before, wanted, place)
            return
        lists = isinstance(before, list) and isinstance(wanted, list)
        if isinstance(node, Sequence) and lists and wanted and node.items:
            self._sequence(node, before, wanted)
            return
        self._replace(node, wanted, place)

    # A value as a whole

    def _replace(self, node: Node, wanted: Any, place: _Place) -> None:
        if self.text[node.start : node.start + 1] in ("&", "!") and not isinstance(node, Alias):
            raise Unplaced("an anchor or a tag stands there, and others may refer to it")
        if place.behind < 0:
            raise Unplaced("the whole document would have to be written anew")
        if place.flow or self.style.is_json:
            self._put(node.start, node.end, self._in_flow(wanted, node))
            return
        quotes = node.style if isinstance(node, Scalar) else ""
        is_text = isinstance(wanted, str) and (is_literal(wanted) or quotes in ("|", ">"))
        if isinstance(node, Scalar) and quotes in ("|", ">") and isinstance(wanted, str):
            self._text(node, wanted, place)
            return
        if not (is_text or (isinstance(wanted, dict | list) and wanted)):
            head = (
                self.style.flow(wanted)
                if isinstance(wanted, dict | list)
                else self.style.scalar(wanted, quotes)
            )
            self._head(node, head, place)
            return
        head, body = self.style.parts(wanted, place.column, is_item=place.is_item)
        if self._line_of(node.start) != self._line_of(place.behind) and not quotes:
            # What stands below is replaced; a comment behind the key stays.
            if head:
                self._put(place.behind, place.behind, f" {head}")
            self._put_below(place.behind, body, instead_of=node.end)
            return
        self._head(node, head, place)
        self._put_below(node.end, body)

    def _head(self, node: Node, head: str, place: _Place) -> None:
        start = node.start
        if self._line_of(start) != self._line_of(place.behind) or start == node.end:
            start = place.behind
        if not head:
            start = place.behind
        pad = " " if head and self.text[start - 1 : start] in (":", "-") else ""
        self._put(start, node.end, f"{pad}{head}")

    def _text(self, node: Scalar, wanted: str, place: _Place) -> None:
        """Writes a text of several lines in place of another: lines that stay are the same."""
        first = self._line_end(node.start)
        old = [line for line in self.text[first : node.end].split("\n") if line.strip()]
        if not wanted.strip("\n") or wanted[:1] in (" ", "\t", "\n"):
            self._put(node.start, node.end, self.style.scalar(wanted, '"'))
            return
        column = min((len(line) - len(line.lstrip(" ")) for line in old), default=0)
        column = column if column > place.column else place.column + self.style.step
        head = self.text[node.start : first]
        sign = head.split()[0] if head.split() else ""
        self._put(node.start, node.start + len(sign), header(wanted))
        self._put_below(node.start, list(literal(wanted, column)), instead_of=node.end)

    def _in_flow(self, wanted: Any, node: Node) -> str:
        quotes = node.style if isinstance(node, Scalar) else ""
        if isinstance(wanted, dict | list):
            return self.style.flow(wanted)
        return self.style.scalar(wanted, quotes, flow=True)

    # Maps

    def _mapping(
        self, node: Mapping, before: JsonObject, wanted: JsonObject, place: _Place
    ) -> None:
        gone = [name for name in before if name not in wanted]
        places = {name: node.find(name) for name in before}
        for name in gone:
            if places[name] < 0:
                raise Unplaced("a field that is to go comes from an anchor that others share")
        kept = [at for at in range(len(node.entries)) if at not in {places[n] for n in gone}]
        if not kept:
            self._replace(node, wanted, place)
            return
        for at in sorted(places[name] for name in gone):
            self._drop_entry(node, at, kept)
        new: list[str] = []
        for name, value in wanted.items():
            if name in before and places[name] >= 0:
                key, child = node.entries[places[name]]
                behind = self.text.index(":", key.end) + 1
                self.value(child, before[name], value, _Place(key.column, behind, node.flow))
            elif name not in before or not same(before[name], value):
                new.append(name)
        for name in new:
            self._add_entry(node, kept, name, wanted[name])

    def _drop_entry(self, node: Mapping, at: int, kept: list[int]) -> None:
        key, value = node.entries[at]
        if node.flow:
            self._drop_from_flow([pair[0].start for pair in node.entries],
                                 [pair[1].end for pair in node.entries], at, kept)  # fmt: skip
        elif self._begins_line(key.start):
            self._drop_lines(key.start, value.end, with_comments=at > 0)
        else:
            # Behind a dash: the next key that stays takes its place.
            following = next((each for each in kept if each > at), None)
            if following is None:
                raise Unplaced("the first field of a list's item can't be taken away alone")
            if any(each < following and each not in kept for each in range(at + 1, following)):
                raise Unplaced("the first fields of a list's item can't be taken away together")
            self._put(key.start, node.entries[following][0].start, "")

    def _add_entry(self, node: Mapping, kept: list[int], name: str, value: Any) -> None:
        if node.flow or self.style.is_json:
            before = node.entries[kept[-1]][1]
            written = self._written(value, [each for _, each in node.entries])
            text = f"{self.style.key(name, flow=True)}: {written}"
            self._put(before.end, before.end, self._comma(node, before, text))
            return
        key = node.entries[0][0]
        at = self._place_of(node, kept, name)
        lines = self.style.block({name: value}, key.column)
        if _is_line(value):
            written = self.style.scalar(value, _quotes([each for _, each in node.entries]))
            lines = [f"{' ' * key.column}{self.style.key(name)}: {written}"]
        self._add_lines(node.entries[at][1].end, lines)

    def _place_of(self, node: Mapping, kept: list[int], name: str) -> int:
        """Says behind which entry a new one goes: in its place among sorted ones, else the last."""
        names = [node.entries[at][0] for at in kept]
        texts = [each.text for each in names if isinstance(each, Scalar)]
        if len(texts) == len(names) > 1 and texts == sorted(texts):
            smaller = [at for at, text in zip(kept, texts, strict=True) if text < name]
            return smaller[-1] if smaller else kept[-1]
        return kept[-1]

    # Lists

    def _sequence(self, node: Sequence, before: list[Any], wanted: list[Any]) -> None:
        pairs, gone, new = _aligned(before, wanted)
        kept = [at for at in range(len(before)) if at not in gone]
        if len(node.items) != len(before):
            raise Unplaced("a list is not as it was read")
        if not kept:
            self._whole_sequence(node, wanted)
            return
        for at in gone:
            self._drop_item(node, at, kept)
        for at, to in pairs:
            item = node.items[at]
            dash = -1 if node.flow else self._dash(node, at)
            behind = item.start if node.flow else dash + 1
            place = _Place(node.column, behind, node.flow, is_item=True)
            self.value(item, before[at], wanted[to], place)
        for to in new:
            earlier = [at for at, other in pairs if other < to]
            self._add_item(node, max(earlier, default=-1), kept, wanted[to])

    def _whole_sequence(self, node: Sequence, wanted: list[Any]) -> None:
        if node.flow:
            self._put(node.start, node.end, self.style.flow(wanted))
            return
        start = self._line_start(self._dash(node, 0))
        if not self._begins_line(self._dash(node, 0)):
            raise Unplaced("a list in a list would be written anew")
        lines = self.style.block(wanted, node.column)
        self._put(start, node.end, "\n".join(lines))

    def _drop_item(self, node: Sequence, at: int, kept: list[int]) -> None:
        item = node.items[at]
        if node.flow:
            self._drop_from_flow([each.start for each in node.items],
                                 [each.end for each in node.items], at, kept)  # fmt: skip
            return
        dash = self._dash(node, at)
        if not self._begins_line(dash):
            raise Unplaced("the first item of a list in a list can't be taken away alone")
        self._drop_lines(dash, item.end, with_comments=at > 0)

    def _add_item(self, node: Sequence, behind: int, kept: list[int], value: Any) -> None:
        if node.flow or self.style.is_json:
            text = self._written(value, node.items)
            if behind < 0:
                first = node.items[kept[0]]
                self._put(first.start, first.start, f"{text}, ")
                return
            before = node.items[behind]
            self._put(before.end, before.end, self._comma(node, before, text))
            return
        lines = self.style.item(value, node.column)
        if _is_line(value):
            lines = [f"{' ' * node.column}- {self.style.scalar(value, _quotes(node.items))}"]
        if behind >= 0:
            self._add_lines(node.items[behind].end, lines)
            return
        start = self._line_start(self._dash(node, 0))
        if not self._begins_line(self._dash(node, 0)):
            raise Unplaced("nothing can be put before the first item of a list in a list")
        self._put(start, start, "".join(f"{line}\n" for line in lines))

    def _dash(self, node: Sequence, at: int) -> int:
        before = node.items[at - 1].end if at else node.start
        start = node.items[at].start
        found = before if not at and self.text[before] == "-" else -1
        if found < 0:
            found = self.text.rfind("-", before, start)
        if found < 0:
            raise Unplaced("a list's item isn't found")
        return found

    # Lines, and what is between commas

    def _drop_from_flow(self, starts: list[int], ends: list[int], at: int, kept: list[int]) -> None:
        """Takes a part away with the comma that it no longer needs."""
        if any(each < at for each in kept):
            self._put(ends[at - 1], ends[at], "")
        else:
            self._put(starts[at], starts[at + 1], "")

    def _written(self, value: Any, others: list[Node]) -> str:
        """Writes a new part between commas, quoted as its neighbours are."""
        if isinstance(value, dict | list):
            return self.style.flow(value)
        return self.style.scalar(value, _quotes(others), flow=True)

    def _comma(self, node: Mapping | Sequence, before: Node, text: str) -> str:
        """Gives a new part with its comma, on a line of its own where the others are."""
        parts = [entry[0] for entry in node.entries] if isinstance(node, Mapping) else node.items
        if parts[0].line == node.line:
            return f", {text}"
        return f",\n{' ' * parts[0].column}{text}"

    def _add_lines(self, behind: int, lines: list[str]) -> None:
        self._put_below(behind, lines)

    def _put_below(self, behind: int, lines: list[str], *, instead_of: int = -1) -> None:
        """Puts lines below that of a place, in place of what is there up to another place."""
        start = self._line_end(behind)
        end = max(start, self._line_end(instead_of)) if instead_of >= 0 else start
        self._put(start, end, "".join(f"\n{line}" for line in lines))

    def _drop_lines(self, start: int, end: int, *, with_comments: bool) -> None:
        """Takes lines away, with the comments right above that are indented alike."""
        first = self._line_start(start)
        pad = self.text[first:start]
        while with_comments and first:
            above = self._line_start(first - 1)
            if not self.text[above:first].startswith(f"{pad}#"):
                break
            first = above
        last = self._line_end(end)
        # The newline before goes with them: the last line of a file may have none.
        self._put(max(first - 1, 0), last, "") if first else self._put(0, last + 1, "")

    def _begins_line(self, at: int) -> bool:
        return not self.text[self._line_start(at) : at].strip(" \ufeff")

    def _line_of(self, at: int) -> int:
        return self._line_start(at)

    def _line_start(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        found = self.text.find("\n", at)
        return len(self.text) if found < 0 else found


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and not is_literal(value)


def _quotes(nodes: list[Node]) -> str:
    """Gives the quotes that all of some values have; empty where they differ, or have none."""
    styles = {each.style if isinstance(each, Scalar) else "" for each in nodes}
    return styles.pop() if len(styles) == 1 and styles <= {"'", '"'} else ""


def _aligned(
    before: list[Any], wanted: list[Any]
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Says which items are the same ones, which go, and which are new."""
    keys = _keys(before), _keys(wanted)
    pairs: list[tuple[int, int]] = []
    matcher = SequenceMatcher(None, *keys, autojunk=False)
    for tag, left, left_end, right, right_end in matcher.get_opcodes():
        same_length = left_end - left == right_end - right
        if tag == "equal" or (tag == "replace" and same_length):
            pairs += zip(range(left, left_end), range(right, right_end), strict=True)
    lefts, rights = {left for left, _ in pairs}, {right for _, right in pairs}
    gone = [at for at in range(len(before)) if at not in lefts]
    new = [at for at in range(len(wanted)) if at not in rights]
    return pairs, gone, new


def _keys(items: list[Any]) -> list[str]:
    """Names items, by what tells all of them apart; else by all that they are."""
    if items and all(isinstance(item, dict) for item in items):
        for name in _NAMES:
            values = [repr(item[name]) for item in items if name in item]
            if len(set(values)) == len(items):
                return [f"{name}={value}" for value in values]
    return [repr(item) for item in items]
