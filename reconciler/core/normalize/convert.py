"""What the server makes of a declaration by decoding, defaulting and printing it.

For a built-in kind that is Go's: unknown fields and nulls are dropped, empty values go where the
field is no pointer, defaults are filled in, quantities and the like are printed anew. For a custom
resource it is the structural schema's: unknown fields are dropped, defaults filled in.

A plan is prepared for each node once. What plans give shares its parts with the declaration and
with the defaults: nobody may change it in place.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from reconciler.core.normalize import leaves
from reconciler.core.normalize.metadata import embedded_metadata
from reconciler.core.normalize.rules import RULES, Rule
from reconciler.core.schema import Node, Shape, Struct

Convert: TypeAlias = Callable[[Any], Any]

_LEAVES: Mapping[Shape, Convert] = {
    Shape.QUANTITY: leaves.quantity,
    Shape.RESOURCE: leaves.resource,
    Shape.TIME: leaves.time,
    Shape.MICRO_TIME: leaves.micro_time,
    Shape.BYTES: leaves.base64_bytes,
}

#: What a Go variable of a type holds before anything is put in; None where that prints as null.
_ZERO: Mapping[Shape, Any] = {
    Shape.STRING: "",
    Shape.INTEGER: 0,
    Shape.INT_OR_STRING: 0,
    Shape.BOOLEAN: False,
    Shape.FLOAT: 0,
    Shape.QUANTITY: "0",
    Shape.RESOURCE: "0",
    Shape.BYTES: "",
}

#: Of a whole object these are looked at apart from the rest.
_APART = frozenset({"metadata", "status"})


def converter(node: Node) -> Convert | None:
    """Gives the function that converts a value at this place; None where values stay as they are.

    A root's function leaves `metadata` and `status` out, and doesn't apply the root's rule.
    """
    if node.plan is None:
        node.plan = (_custom(node) if node.custom else _builtin(node),)
    plan: Convert | None = node.plan[0]
    return plan


def rule_of(node: Node) -> Rule | None:
    """Gives the rule of a root's type, to be applied once its metadata is in place."""
    struct = node.struct
    return RULES.get(struct.type) if struct is not None else None


def _builtin(node: Node) -> Convert | None:
    match node.shape:
        case Shape.STRUCT:
            return _Object(node)
        case Shape.LIST if node.item is not None:
            return _list(node.item)
        case Shape.MAP if node.item is not None:
            return _map(node.item)
        case Shape.SCHEMA_OR_OTHER if node.item is not None:
            return _schema_or_other(node.item)
        case _:
            return _LEAVES.get(node.shape)


def _list(item: Node) -> Convert:
    convert = converter(item)
    zero = _zero(item)

    def converted(values: Any) -> Any:
        if not isinstance(values, list):
            return values
        if convert is None:
            return [zero if v is None else v for v in values] if None in values else values
        return [convert(zero if value is None else value) for value in values]

    return converted


def _map(item: Node) -> Convert:
    convert = converter(item)
    zero = _zero(item)

    def converted(values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        if convert is not None:
            return {n: convert(zero if v is None else v) for n, v in values.items()}
        if None in values.values():
            return {n: zero if v is None else v for n, v in values.items()}
        return values

    return converted


def _zero(node: Node) -> Any:
    """What a `null` among a list's items or a map's values becomes, before it is converted."""
    return {} if node.shape is Shape.STRUCT else _ZERO.get(node.shape)


def _schema_or_other(item: Node) -> Convert:
    convert = _Object(item)

    def converted(value: Any) -> Any:
        if isinstance(value, dict):
            return convert(value)
        if isinstance(value, list):
            return [convert(v) if isinstance(v, dict) else v for v in value]
        return value

    return converted


class _Object:
    """Converts values of a Go struct; prepared at its first use, as types may be recursive."""

    __slots__ = ("_fields", "_fills", "_node", "_rule")

    def __init__(self, node: Node) -> None:
        self._node = node
        self._fields: dict[str, tuple[Convert | None, bool]] | None = None
        self._fills: list[tuple[str, Any]] = []
        self._rule: Callable[[dict[str, Any]], None] | None = None

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        fields = self._fields
        if fields is None:
            fields = self._prepare()
        made: dict[str, Any] = {}
        for name, given in value.items():
            plan = fields.get(name)
            if plan is None or given is None:
                continue
            convert, keeps_empty = plan
            if given or keeps_empty:
                made[name] = given if convert is None else convert(given)
        for name, fill in self._fills:
            if name not in made:
                made[name] = fill
        if self._rule is not None:
            self._rule(made)
        return made

    def _prepare(self) -> dict[str, tuple[Convert | None, bool]]:
        node = self._node
        struct = node.struct or Struct("", {})
        rule = RULES.get(struct.type)
        decided = rule.decides if rule is not None else frozenset()
        fields: dict[str, tuple[Convert | None, bool]] = {}
        fills: dict[str, Any] = {}
        for name, field in struct.fields.items():
            if node.root and name in _APART:
                continue
            fields[name] = (converter(field.node), field.keeps_empty)
            if name in struct.defaults and name not in decided:
                fills[name] = struct.defaults[name]
            elif field.always:
                fills[name] = None if field.null else _empty(field.node)
        self._fills = list(fills.items())
        if rule is not None and not node.root and not rule.whole:
            self._rule = rule.apply
        self._fields = fields
        return fields


def _empty(node: Node) -> Any:
    convert = converter(node)
    if node.shape is Shape.STRUCT and convert is not None:
        return convert({})
    return _ZERO.get(node.shape)


def _custom(node: Node) -> Convert | None:
    match node.shape:
        case Shape.STRUCT:
            return _CustomObject(node)
        case Shape.LIST | Shape.MAP if node.item is not None:
            return _custom_items(converter(node.item), node.item.nullable)
        case Shape.MAP:
            return _emptied
        case Shape.METADATA:
            return embedded_metadata
        case _:
            return None


def _custom_items(convert: Convert | None, nullable: bool) -> Convert:
    def converted(values: Any) -> Any:
        if isinstance(values, dict):
            if not nullable and None in values.values():
                values = {name: value for name, value in values.items() if value is not None}
            if convert is not None:
                return {name: convert(value) for name, value in values.items()}
        elif isinstance(values, list) and convert is not None:
            return [convert(value) for value in values]
        return values

    return converted


def _emptied(value: Any) -> Any:
    """Drops what is in the values of a map of anything, `additionalProperties: true`.

    Nothing is known of what an object in it may hold, and the server drops what it doesn't know
    (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning, prune without a schema).
    """
    return {n: _pruned(v) for n, v in value.items()} if isinstance(value, dict) else value


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {}
    return [_pruned(inner) for inner in value] if isinstance(value, list) else value


class _CustomObject:
    """Converts values of a custom resource's object, by its structural schema."""

    __slots__ = ("_defaults", "_fields", "_node", "_open")

    def __init__(self, node: Node) -> None:
        self._node = node
        self._fields: dict[str, tuple[Convert | None, bool]] | None = None
        self._defaults: list[tuple[str, Any]] = []
        self._open = False

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        fields = self._fields
        if fields is None:
            fields = self._prepare()
        made: dict[str, Any] = {}
        for name, given in value.items():
            plan = fields.get(name)
            if plan is None:
                if self._open:
                    made[name] = given
                continue
            convert, nullable = plan
            if given is not None:
                made[name] = given if convert is None else convert(given)
            elif nullable:
                made[name] = None
            elif convert is embedded_metadata:
                # Read as ObjectMeta, which null leaves empty, and written as that.
                made[name] = {}
        for name, default in self._defaults:
            if name not in made:
                convert, _ = fields[name]
                made[name] = default if convert is None else convert(default)
        return made

    def _prepare(self) -> dict[str, tuple[Convert | None, bool]]:
        node = self._node
        struct = node.struct or Struct("", {})
        apart = _APART if node.root else frozenset()
        self._open = struct.open
        self._defaults = [(n, v) for n, v in struct.defaults.items() if n not in apart]
        fields = {
            name: (converter(field.node), field.node.nullable)
            for name, field in struct.fields.items()
            if name not in apart
        }
        if node.root:
            fields |= {"apiVersion": (None, False), "kind": (None, False)}
        self._fields = fields
        return fields
