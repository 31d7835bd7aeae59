"""Who set a field: `metadata.managedFields` read as data.

The format is fieldsV1 of kubernetes-sigs/structured-merge-diff (fieldpath/serialize.go):
`f:name` is a field, `k:{"name":"web"}` a list item by merge keys, `v:"x"` a member of a set,
`i:0` an index, and `.` says that the manager owns the item itself, not only fields inside it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from reconciler.core.path import Item, Path, Step, value_at
from reconciler.core.resource import metadata_of


@dataclass(frozen=True, slots=True, order=True)
class FieldManager:
    """One manager's entry: a program's name, not a person's.

    Attributes:
        time: When it last wrote, RFC 3339; empty where the server didn't say.
        manager: Such as `kubectl-edit`.
        operation: `Update` or `Apply`.
        subresource: Such as `status` or `scale`; empty for the object itself.
    """

    time: str
    manager: str
    operation: str
    subresource: str = ""


class Ownership:
    """The managedFields of one live object."""

    def __init__(self, live: Mapping[str, Any]) -> None:
        self._live = live
        self._entries: list[tuple[FieldManager, Mapping[str, Any]]] = []
        for entry in metadata_of(live).get("managedFields") or ():
            manager = FieldManager(
                time=str(entry.get("time") or ""),
                manager=str(entry.get("manager") or ""),
                operation=str(entry.get("operation") or ""),
                subresource=str(entry.get("subresource") or ""),
            )
            self._entries.append((manager, entry.get("fieldsV1") or {}))

    @property
    def managers(self) -> tuple[FieldManager, ...]:
        """All managers, the latest first."""
        return tuple(sorted((manager for manager, _ in self._entries), reverse=True))

    @property
    def last_changed(self) -> str:
        """When a manager other than a status writer last wrote, RFC 3339; may be empty."""
        times = (m.time for m, _ in self._entries if m.subresource != "status")
        return max(times, default="")

    def owner(self, path: Path, value: object) -> FieldManager | None:
        """Names who set the value at a path: the last of those who own it or anything in it.

        Falls back to the owner of the nearest enclosing value that is owned as a whole, as an
        atomic list or map is. None where nobody does: the server filled it in.
        """
        owners = self.owners(path, value)
        for end in range(len(path) - 1, 0, -1):
            if owners:
                break
            owners = self._whole_owners(path[:end])
        return owners[0] if owners else None

    def owners(self, path: Path, value: object) -> tuple[FieldManager, ...]:
        """Names everybody who owns the value at a path or anything in it, the latest first."""
        values = self._values(path, value)
        found = (m for m, fields in self._entries if _descend(fields, path, values) is not None)
        return tuple(sorted(found, reverse=True))

    def _whole_owners(self, path: Path) -> tuple[FieldManager, ...]:
        """Names who owns the value at a path as a whole, the latest first."""
        values = self._values(path, None)
        found = (m for m, fields in self._entries if _is_leaf(_descend(fields, path, values)))
        return tuple(sorted(found, reverse=True))

    def _values(self, path: Path, last: object) -> list[object]:
        """Gives the live value behind each step: a list's items are told apart by what they are."""
        values = [value_at(self._live, path[: end + 1]) for end in range(len(path))]
        return values if last is None or not path else [*values[:-1], last]

    def candidates(self) -> tuple[FieldManager, ...]:
        """Names who could have removed a field: whoever wrote the object, the latest first.

        A removal leaves no trace in managedFields but the time of the writer's entry.
        """
        return tuple(m for m in self.managers if m.subresource != "status")


def _is_leaf(node: Mapping[str, Any] | None) -> bool:
    return node is not None and not any(key != "." for key in node)


def _descend(
    fields: Mapping[str, Any], path: Path, values: Sequence[object]
) -> Mapping[str, Any] | None:
    node: Mapping[str, Any] | None = fields
    for step, value in zip(path, values, strict=True):
        if node is None:
            break
        node = _child(node, step, value)
    return node


def _child(node: Mapping[str, Any], step: Step, value: object) -> Mapping[str, Any] | None:
    match step:
        case str():
            field: Mapping[str, Any] | None = node.get(f"f:{step}")
            return field
        case int():
            by_index: Mapping[str, Any] | None = node.get(f"i:{step}")
            return by_index if by_index is not None else _member(node, value, _fields(value))
        case Item():
            # The step's keys may be guessed ones: the item's own say more.
            return _member(node, None, {**_fields(value), **dict(step.keys)})
        case _:
            assert_never(step)


def _fields(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _member(
    node: Mapping[str, Any], value: object, keys: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """Finds a list's item by its merge keys, or a set's member by its value."""
    for name, child in node.items():
        if name.startswith("v:") and value is not None and json.loads(name[2:]) == value:
            return dict(child)
        if name.startswith("k:") and _keys_match(json.loads(name[2:]), keys):
            return dict(child)
    return None


def _keys_match(owned: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Compares merge keys; a key may carry defaulted fields (such as `protocol`) more or less."""
    shared = owned.keys() & wanted.keys()
    return bool(shared) and all(owned[key] == wanted[key] for key in shared)
