"""Field ownership as the API server keeps it, for updates.

An update's manager comes to own what it changed or added; what it changed is no longer owned by
others, and what it removed by nobody (structured-merge-diff, merge/update.go, Updater.Update).
Which lists have merge keys is known for the most usual ones; other lists are one value.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

FieldPath = tuple[str, ...]
Leaves = dict[FieldPath, Any]

_SERVER_METADATA = frozenset(
    {
        "creationTimestamp",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "name",
        "namespace",
        "resourceVersion",
        "uid",
    }
)
_KEYED = {
    "containers": ("name",),
    "env": ("name",),
    "initContainers": ("name",),
    "ownerReferences": ("uid",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
_SETS = frozenset({"finalizers"})


def updated(
    entries: list[dict[str, Any]],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    manager: str,
    time: str,
) -> list[dict[str, Any]]:
    """Gives managedFields after an update.

    Args:
        entries: Those before it.
        before: The object before it; empty where it is made.
        after: The object after it.
        manager: Who updates.
        time: When, RFC 3339.
    """
    old, new = leaves(before), leaves(after)
    changed = {path for path, value in new.items() if path not in old or old[path] != value}
    result = []
    mine: set[FieldPath] = set(changed)
    for entry in entries:
        owned = {path for path in _read(entry["fieldsV1"]) if path in new}
        is_mine = entry["manager"] == manager and entry["operation"] == "Update"
        if is_mine:
            mine |= owned
        elif owned - changed:
            result.append({**entry, "fieldsV1": _written(owned - changed)})
    if mine:
        moved = bool(changed) or old.keys() - new.keys()
        earlier = next((e for e in entries if e["manager"] == manager), None)
        result.append(
            {
                "manager": manager,
                "operation": "Update",
                "apiVersion": after["apiVersion"],
                "time": time if moved or earlier is None else earlier["time"],
                "fieldsType": "FieldsV1",
                "fieldsV1": _written(mine),
            }
        )
    return result


def leaves(body: Mapping[str, Any]) -> Leaves:
    """Gives every value that can be owned, by its path as fieldsV1 writes it."""
    found: Leaves = {}
    for name, value in body.items():
        if name in ("apiVersion", "kind", "status"):
            continue
        if name == "metadata":
            value = {k: v for k, v in value.items() if k not in _SERVER_METADATA}
            for field, part in value.items():
                found.update(_leaves(("f:metadata", f"f:{field}"), field, part))
        else:
            found.update(_leaves((f"f:{name}",), name, value))
    return found


def _leaves(path: FieldPath, name: str, value: Any) -> Iterator[tuple[FieldPath, Any]]:
    keys = _KEYED.get(name, ())
    if isinstance(value, dict) and value:
        if len(path) > 1:
            yield (*path, "."), True
        for field, part in value.items():
            yield from _leaves((*path, f"f:{field}"), field, part)
    elif isinstance(value, list) and name in _SETS:
        for item in value:
            yield (*path, f"v:{json.dumps(item)}"), item
    elif keys and isinstance(value, list) and all(set(keys) <= set(item) for item in value):
        for item in value:
            at = json.dumps({key: item[key] for key in keys}, separators=(",", ":"))
            yield (*path, f"k:{at}", "."), True
            for field, part in item.items():
                yield from _leaves((*path, f"k:{at}", f"f:{field}"), field, part)
    else:
        yield path, value


def _written(paths: set[FieldPath]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        node = tree
        for step in path:
            node = node.setdefault(step, {})
    return tree


def _read(tree: Mapping[str, Any], path: FieldPath = ()) -> Iterator[FieldPath]:
    if not tree and path:
        yield path
    for step, below in tree.items():
        yield from _read(below, (*path, step))
