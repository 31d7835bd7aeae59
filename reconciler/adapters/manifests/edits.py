"""What is to be put where so that a value becomes another."""

from dataclasses import dataclass
from typing import Any

from reconciler.adapters.manifests.alignment import aligned
from reconciler.adapters.manifests.nodes import Alias, Mapping, Node, Scalar, Sequence, Unplaced
from reconciler.adapters.manifests.splices import Splices
from reconciler.adapters.manifests.writing import Style, header, is_literal, literal
from reconciler.core.diff import same
from reconciler.core.resource import JsonObject


@dataclass(frozen=True, slots=True)
class Place:
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
class Edits:
    """Makes values others, each with as few edits as it takes.

    Attributes:
        splices: Where they go.
        style: How the file is written.
    """

    splices: Splices
    style: Style

    def drop(self, items: Sequence, gone: Node) -> None:
        """Takes an item out of a list that has more."""
        at = next(at for at, item in enumerate(items.items) if item.start == gone.start)
        kept = [each for each in range(len(items.items)) if each != at]
        self._drop_item(items, at, kept)

    def value(self, node: Node, before: Any, wanted: Any, place: Place) -> None:
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

    def _replace(self, node: Node, wanted: Any, place: Place) -> None:
        if self.splices.text[node.start : node.start + 1] in ("&", "!") and not isinstance(
            node, Alias
        ):
            raise Unplaced("an anchor or a tag stands there, and others may refer to it")
        if place.behind < 0:
            raise Unplaced("the whole document would have to be written anew")
        if place.flow or self.style.is_json:
            self.splices.put(node.start, node.end, self._in_flow(wanted, node))
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
        if (
            self.splices.line_start(node.start) != self.splices.line_start(place.behind)
            and not quotes
        ):
            # What stands below is replaced; a comment behind the key stays.
            if head:
                self.splices.put(place.behind, place.behind, f" {head}")
            self.splices.put_below(place.behind, body, instead_of=node.end)
            return
        self._head(node, head, place)
        self.splices.put_below(node.end, body)

    def _head(self, node: Node, head: str, place: Place) -> None:
        start = node.start
        if (
            self.splices.line_start(start) != self.splices.line_start(place.behind)
            or start == node.end
        ):
            start = place.behind
        if not head:
            start = place.behind
        pad = " " if head and self.splices.text[start - 1 : start] in (":", "-") else ""
        self.splices.put(start, node.end, f"{pad}{head}")

    def _text(self, node: Scalar, wanted: str, place: Place) -> None:
        """Writes a text of several lines in place of another: lines that stay are the same."""
        first = self.splices.line_end(node.start)
        old = [line for line in self.splices.text[first : node.end].split("\n") if line.strip()]
        if not wanted.strip("\n") or wanted[:1] in (" ", "\t", "\n"):
            self.splices.put(node.start, node.end, self.style.scalar(wanted, '"'))
            return
        column = min((len(line) - len(line.lstrip(" ")) for line in old), default=0)
        column = column if column > place.column else place.column + self.style.step
        head = self.splices.text[node.start : first]
        sign = head.split()[0] if head.split() else ""
        self.splices.put(node.start, node.start + len(sign), header(wanted))
        self.splices.put_below(node.start, list(literal(wanted, column)), instead_of=node.end)

    def _in_flow(self, wanted: Any, node: Node) -> str:
        quotes = node.style if isinstance(node, Scalar) else ""
        if isinstance(wanted, dict | list):
            return self.style.flow(wanted)
        return self.style.scalar(wanted, quotes, flow=True)

    # Maps

    def _mapping(self, node: Mapping, before: JsonObject, wanted: JsonObject, place: Place) -> None:
        gone = [name for name in before if name not in wanted]
        places = _places(node, before)
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
                behind = self.splices.text.index(":", key.end) + 1
                self.value(child, before[name], value, Place(key.column, behind, node.flow))
            elif name not in before or not same(before[name], value):
                new.append(name)
        for name in new:
            self._add_entry(node, kept, name, wanted[name])

    def _drop_entry(self, node: Mapping, at: int, kept: list[int]) -> None:
        key, value = node.entries[at]
        if node.flow:
            self.splices.drop_from_flow([pair[0].start for pair in node.entries],
                                 [pair[1].end for pair in node.entries], at, kept)  # fmt: skip
        elif self.splices.begins_line(key.start):
            self.splices.drop_lines(key.start, value.end, with_comments=at > 0)
        else:
            # Behind a dash: the next key that stays takes its place.
            following = next((each for each in kept if each > at), None)
            if following is None:
                raise Unplaced("the first field of a list's item can't be taken away alone")
            if any(each < following and each not in kept for each in range(at + 1, following)):
                raise Unplaced("the first fields of a list's item can't be taken away together")
            self.splices.put(key.start, node.entries[following][0].start, "")

    def _add_entry(self, node: Mapping, kept: list[int], name: str, value: Any) -> None:
        if node.flow or self.style.is_json:
            before = node.entries[kept[-1]][1]
            written = self._written(value, [each for _, each in node.entries])
            text = f"{self.style.key(name, flow=True)}: {written}"
            self.splices.put(before.end, before.end, self.splices.comma(node, before, text))
            return
        key = node.entries[0][0]
        at = self._place_of(node, kept, name)
        lines = self.style.block({name: value}, key.column)
        if _is_line(value):
            written = self.style.scalar(value, _quotes([each for _, each in node.entries]))
            lines = [f"{' ' * key.column}{self.style.key(name)}: {written}"]
        self.splices.put_below(node.entries[at][1].end, lines)

    def _place_of(self, node: Mapping, kept: list[int], name: str) -> int:
        """Says behind which entry a new one goes: in its place among sorted ones, else the last."""
        names = [node.entries[at][0] for at in kept]
        texts = [each.text for each in names if isinstance(each, Scalar)]
        # An object's own fields are sorted by chance: `apiVersion`, `kind`, `metadata`, `spec`.
        is_object = "apiVersion" in texts
        if len(texts) == len(names) > 1 and texts == sorted(texts) and not is_object:
            smaller = [at for at, text in zip(kept, texts, strict=True) if text < name]
            return smaller[-1] if smaller else kept[-1]
        return kept[-1]

    # Lists

    def _sequence(self, node: Sequence, before: list[Any], wanted: list[Any]) -> None:
        pairs, gone, new = aligned(before, wanted)
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
            dash = -1 if node.flow else self.splices.dash(node, at)
            behind = item.start if node.flow else dash + 1
            place = Place(node.column, behind, node.flow, is_item=True)
            self.value(item, before[at], wanted[to], place)
        for to in new:
            earlier = [at for at, other in pairs if other < to]
            self._add_item(node, max(earlier, default=-1), kept, wanted[to])

    def _whole_sequence(self, node: Sequence, wanted: list[Any]) -> None:
        if node.flow:
            self.splices.put(node.start, node.end, self.style.flow(wanted))
            return
        start = self.splices.line_start(self.splices.dash(node, 0))
        if not self.splices.begins_line(self.splices.dash(node, 0)):
            raise Unplaced("a list in a list would be written anew")
        lines = self.style.block(wanted, node.column)
        self.splices.put(start, node.end, "\n".join(lines))

    def _drop_item(self, node: Sequence, at: int, kept: list[int]) -> None:
        item = node.items[at]
        if node.flow:
            self.splices.drop_from_flow([each.start for each in node.items],
                                 [each.end for each in node.items], at, kept)  # fmt: skip
            return
        dash = self.splices.dash(node, at)
        if not self.splices.begins_line(dash):
            raise Unplaced("the first item of a list in a list can't be taken away alone")
        self.splices.drop_lines(dash, item.end, with_comments=at > 0)

    def _add_item(self, node: Sequence, behind: int, kept: list[int], value: Any) -> None:
        if node.flow or self.style.is_json:
            text = self._written(value, node.items)
            if behind < 0:
                first = node.items[kept[0]]
                self.splices.put(first.start, first.start, f"{text}, ")
                return
            before = node.items[behind]
            self.splices.put(before.end, before.end, self.splices.comma(node, before, text))
            return
        lines = self.style.item(value, node.column)
        if _is_line(value):
            lines = [f"{' ' * node.column}- {self.style.scalar(value, _quotes(node.items))}"]
        if behind >= 0:
            self.splices.put_below(node.items[behind].end, lines)
            return
        start = self.splices.line_start(self.splices.dash(node, 0))
        if not self.splices.begins_line(self.splices.dash(node, 0)):
            raise Unplaced("nothing can be put before the first item of a list in a list")
        self.splices.put(start, start, "".join(f"{line}\n" for line in lines))

    def _written(self, value: Any, others: list[Node]) -> str:
        """Writes a new part between commas, quoted as its neighbours are."""
        if isinstance(value, dict | list):
            return self.style.flow(value)
        return self.style.scalar(value, _quotes(others), flow=True)


def _places(node: Mapping, before: JsonObject) -> dict[str, int]:
    """Gives the place of each field among a map's entries; -1 where it comes from elsewhere."""
    if len(before) == len(node.entries) and node.find("<<") < 0:
        # A key may be read as another one than is written: `y` is `true`.
        return {name: at for at, name in enumerate(before)}
    return {name: node.find(name) for name in before}


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and not is_literal(value)


def _quotes(nodes: list[Node]) -> str:
    """Gives the quotes that all of some values have; empty where they differ, or have none."""
    styles = {each.style if isinstance(each, Scalar) else "" for each in nodes}
    return styles.pop() if len(styles) == 1 and styles <= {"'", '"'} else ""
