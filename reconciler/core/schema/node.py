"""One place in an object: its shape, and the facts by which the server reads and prints it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any


class Shape(Enum):
    """What kind of value stands at a place, as the server decodes and prints it."""

    STRING = auto()
    INTEGER = auto()
    BOOLEAN = auto()
    FLOAT = auto()
    #: `k8s.io/apimachinery/pkg/api/resource.Quantity`, printed in a canonical spelling.
    QUANTITY = auto()
    #: A quantity in a `ResourceList`, which the server rounds up to thousandths.
    RESOURCE = auto()
    INT_OR_STRING = auto()
    #: RFC 3339 in seconds, UTC.
    TIME = auto()
    #: RFC 3339 in microseconds, UTC.
    MICRO_TIME = auto()
    #: Base64 in JSON.
    BYTES = auto()
    #: Any JSON, kept as it is.
    ANY = auto()
    STRUCT = auto()
    LIST = auto()
    MAP = auto()
    #: The metadata of an object inside a custom resource.
    METADATA = auto()
    #: A JSON schema, a list of them, or something else, such as `true`.
    SCHEMA_OR_OTHER = auto()


@dataclass(frozen=True, slots=True)
class Field:
    """A struct's field.

    Attributes:
        node: What stands there.
        keeps_empty: Whether an empty value that is given is kept (a pointer in Go).
        always: Whether the server prints the field even where it has no value.
        null: Whether a field without a value is printed as `null`.
    """

    node: "Node"
    keeps_empty: bool = True
    always: bool = False
    null: bool = False


@dataclass(frozen=True, slots=True)
class Struct:
    """What is known of an object with named fields.

    Attributes:
        type: The type's name, by which rules know it; empty for a custom resource's.
        fields: By name.
        defaults: What the server fills in, by field, whatever else is given.
        open: Whether fields that aren't in `fields` are kept, rather than dropped.
        gated: Fields that a server drops where one of its feature gates is off.
    """

    type: str
    fields: Mapping[str, Field]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    open: bool = False
    gated: frozenset[str] = frozenset()


class Node:
    """What is known of one place in an object.

    Nodes are built when they are asked for: a struct's fields by a function given at its making.
    """

    __slots__ = (
        "_build",
        "_struct",
        "atomic",
        "custom",
        "item",
        "merge_keys",
        "nullable",
        "ordered",
        "plan",
        "root",
        "shape",
    )

    def __init__(
        self,
        shape: Shape,
        *,
        item: "Node | None" = None,
        struct: Callable[[], Struct] | None = None,
        merge_keys: tuple[str, ...] = (),
        ordered: bool = False,
        atomic: bool = False,
        custom: bool = False,
        nullable: bool = False,
        root: bool = False,
    ) -> None:
        """Makes a node.

        Args:
            shape: The kind of value.
            item: What is known of a list's items or a map's values.
            struct: Gives the fields, when first asked for.
            merge_keys: The fields that tell a list's items apart; empty for atomic lists.
            ordered: Whether the order of a keyed list's items has a meaning.
            atomic: Whether field managers own the value as a whole.
            custom: Whether the place is a custom resource's: kept as JSON, not through a Go type.
            nullable: Whether a custom resource's `null` is kept here.
            root: Whether this is a whole object.
        """
        self.shape = shape
        self.item = item
        self.merge_keys = merge_keys
        self.ordered = ordered
        self.atomic = atomic
        self.custom = custom
        self.nullable = nullable
        self.root = root
        #: Where normalization keeps what it prepared for this node; no business of others.
        self.plan: Any = None
        self._build = struct
        self._struct: Struct | None = None

    @property
    def struct(self) -> Struct | None:
        """The named fields; None where the place has none."""
        if self._struct is None and self._build is not None:
            self._struct = self._build()
        return self._struct

    def field(self, name: str) -> "Node | None":
        """Gives what is known of a field; of any name in a map."""
        struct = self.struct
        if struct is not None:
            found = struct.fields.get(name)
            return self.item if found is None else found.node
        return self.item if self.shape is Shape.MAP else None
