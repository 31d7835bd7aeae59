"""Paths into objects, written as Kubernetes people write them.

`spec.template.spec.containers[name=web].image`, `metadata.labels["app.kubernetes.io/name"]`,
`spec.ports[containerPort=80,protocol=TCP]`, `args[2]`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Item:
    """A step into a list by merge keys.

    Attributes:
        keys: The merge keys with their values, such as `(("name", "web"),)`.
    """

    keys: tuple[tuple[str, Any], ...]

    def matches(self, value: object) -> bool:
        """Whether a list item carries these keys."""
        return isinstance(value, Mapping) and all(value.get(k) == v for k, v in self.keys)

    def __str__(self) -> str:
        return "[" + ",".join(f"{k}={v}" for k, v in self.keys) + "]"


#: A field's name, an index into an atomic list, or a list item by its merge keys.
Step: TypeAlias = str | int | Item
Path: TypeAlias = tuple[Step, ...]

_PLAIN = re.compile(r"[A-Za-z0-9_$-]+\Z")


def format_path(path: Path) -> str:
    """Writes a path as people read it."""
    text = ""
    for step in path:
        match step:
            case int():
                text += f"[{step}]"
            case Item():
                text += str(step)
            case str() if _PLAIN.match(step):
                text += f".{step}" if text else step
            case str():
                text += f"[{json.dumps(step, ensure_ascii=False)}]"
    return text


def value_at(body: object, path: Path) -> Any:
    """Gives the value at a path, or None where there is none."""
    value: Any = body
    for step in path:
        match step:
            case Item():
                found = value if isinstance(value, list) else []
                value = next((item for item in found if step.matches(item)), None)
            case int():
                inside = isinstance(value, list) and step < len(value)
                value = value[step] if inside else None
            case str():
                value = value.get(step) if isinstance(value, Mapping) else None
        if value is None:
            return None
    return value


def with_value(body: Any, path: Path, value: Any) -> Any:
    """Gives a copy of a body with the value at a path set; None takes it away.

    Maps and list items that are missing on the way to a value are made, an index beyond a list's
    end appends to it; what isn't on the way is shared with the original.
    """
    if value is None and value_at(body, path) is None and not _holds_null(body, path):
        return body
    return _with_value(body, path, value)


def _holds_null(body: Any, path: Path) -> bool:
    parent = value_at(body, path[:-1])
    return bool(path) and isinstance(parent, Mapping) and path[-1] in parent


def _with_value(body: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    step, rest = path[0], path[1:]
    match step:
        case str():
            fields = dict(body) if isinstance(body, Mapping) else {}
            child = _with_value(fields.get(step), rest, value)
            if child is None:
                fields.pop(step, None)
            else:
                fields[step] = child
            return fields
        case int() | Item():
            return _with_item(list(body) if isinstance(body, list) else [], step, rest, value)


def _with_item(items: list[Any], step: int | Item, rest: Path, value: Any) -> list[Any]:
    match step:
        case int():
            at = step if step < len(items) else None
        case Item():
            at = next((i for i, item in enumerate(items) if step.matches(item)), None)
    old = dict(step.keys) if at is None and isinstance(step, Item) else None
    child = _with_value(items[at] if at is not None else old, rest, value)
    if at is None:
        return items if child is None else [*items, child]
    return [*items[:at], *([] if child is None else [child]), *items[at + 1 :]]
