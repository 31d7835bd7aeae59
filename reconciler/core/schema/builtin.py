"""The built-in kinds' nodes, read from the bundled table.

The table is made by `python -m tests.tools.schema` from a real API server and Kubernetes' own Go
types. It holds for each type its fields, each as one word (see `_field`), and its defaults.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.core.schema.node import Field, Node, Shape, Struct

#: One letter a leaf.
LETTERS: Mapping[str, Shape] = {
    "s": Shape.STRING,
    "i": Shape.INTEGER,
    "b": Shape.BOOLEAN,
    "f": Shape.FLOAT,
    "q": Shape.QUANTITY,
    "r": Shape.RESOURCE,
    "x": Shape.INT_OR_STRING,
    "t": Shape.TIME,
    "m": Shape.MICRO_TIME,
    "y": Shape.BYTES,
    "a": Shape.ANY,
}

#: Keyed lists of which the order has a meaning: containers start in it, variables refer to
#: earlier ones, webhooks are called and versions are sorted in it.
_ORDERED = frozenset({"containers", "initContainers", "env", "webhooks", "versions"})

#: Go prints these leaves even where they are empty, `omitempty` or not: they are structs to it.
_NEVER_EMPTY = frozenset({Shape.TIME, Shape.MICRO_TIME, Shape.QUANTITY, Shape.INT_OR_STRING})
_NULL_WHEN_EMPTY = frozenset({Shape.TIME, Shape.MICRO_TIME, Shape.LIST, Shape.MAP, Shape.ANY})


class Builtin(Mapping[tuple[str, str], Node]):
    """The nodes of a table, by `(apiVersion, kind)`, each built when it is first asked for."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._kinds: Mapping[str, Mapping[str, str]] = table["kinds"]
        self._types: Mapping[str, Any] = table["types"]
        self._roots: dict[tuple[str, str], Node] = {}
        self._structs: dict[str, Struct] = {}
        self._fields: dict[tuple[str, bool], Field] = {}

    def __getitem__(self, key: tuple[str, str]) -> Node:
        node = self._roots.get(key)
        if node is None:
            api_version, kind = key
            name = self._kinds[api_version][kind]
            node = Node(Shape.STRUCT, struct=lambda: self._struct(name), root=True)
            self._roots[key] = node
        return node

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for api_version, kinds in self._kinds.items():
            for kind in kinds:
                yield api_version, kind

    def __len__(self) -> int:
        return sum(map(len, self._kinds.values()))

    def _struct(self, name: str) -> Struct:
        known = self._structs.get(name)
        if known is None:
            entry = self._types[name]
            fields = {
                field: self._field(word, field in _ORDERED) for field, word in entry["f"].items()
            }
            gated = frozenset(entry.get("g") or ())
            known = Struct(name, fields, entry.get("d") or {}, gated=gated)
            self._structs[name] = known
        return known

    def _field(self, word: str, ordered: bool) -> Field:
        """Reads a word: flags, then a shape.

        `*` is a pointer, `?` is left out when empty, `0` is left out when zero.
        """
        known = self._fields.get((word, ordered))
        if known is not None:
            return known
        rest = word.lstrip("*?0")
        flags = word[: len(word) - len(rest)]
        node = self._node(rest, ordered)
        pointer, omitted = "*" in flags, "?" in flags or "0" in flags
        if pointer:
            always = not omitted
        elif node.shape is Shape.STRUCT or node.shape in _NEVER_EMPTY:
            always = "0" not in flags
        else:
            always = not omitted
        null = always and (pointer or node.shape in _NULL_WHEN_EMPTY)
        keeps_empty = pointer or node.shape is Shape.ANY
        field = Field(node, keeps_empty=keeps_empty, always=always, null=null)
        self._fields[word, ordered] = field
        return field

    def _node(self, word: str, ordered: bool = False) -> Node:
        """Reads a shape.

        A letter is a leaf, `@NAME` a struct, `{}` a map, `[KEYS]` a list, `S` what may be a JSON
        schema; each before what it holds. `^` says that managers own the whole as one.
        """
        atomic = word.startswith("^")
        word = word.removeprefix("^")
        if word[0] == "@":
            name = word[1:]
            return Node(Shape.STRUCT, struct=lambda: self._struct(name), atomic=atomic)
        if word[0] == "[":
            inside, _, rest = word[1:].partition("]")
            keys = tuple(inside.split(",")) if inside else ()
            return Node(
                Shape.LIST,
                item=self._node(rest),
                merge_keys=keys,
                ordered=ordered and bool(keys),
                atomic=atomic,
            )
        if word.startswith("{}"):
            return Node(Shape.MAP, item=self._node(word[2:]), atomic=atomic)
        if word[0] == "S":
            return Node(Shape.SCHEMA_OR_OTHER, item=self._node(word[1:]))
        return Node(LETTERS[word])
