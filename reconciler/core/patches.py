"""Patches that have a declaration say what is live, where a kustomization needs one."""

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.core.adoption import declaring, located
from reconciler.core.diff import same
from reconciler.core.drift import Change
from reconciler.core.path import Item, Path, value_at
from reconciler.core.resource import JsonObject


def patch_of(declared: JsonObject, changes: Iterable[Change], live: JsonObject) -> JsonObject:
    """Gives a strategic merge patch that has a declaration say what is live, without its name.

    Args:
        declared: What Git says now.
        changes: Which fields.
        live: The live object.
    """
    patch: JsonObject = {
        "apiVersion": declared["apiVersion"],
        "kind": declared["kind"],
        "metadata": {},
    }
    wanted = declaring(declared, changes, live)
    for change in changes:
        path = located(change.path, declared)
        # A list whose items have no names is given as a whole.
        end = next((at for at, step in enumerate(path) if isinstance(step, int)), len(path))
        _set(patch, path[:end], value_at(wanted, path[:end]))
    return patch


def _set(into: Any, path: Path, value: Any) -> None:
    """Sets a value of a patch in place; None says that the field goes."""
    for at, step in enumerate(path):
        rest = path[at + 1 :]
        if isinstance(step, Item):
            found = next((each for each in into if step.matches(each)), None)
            if found is None:
                found = dict(step.keys)
                into.append(found)
            if not rest:
                found.update({"$patch": "delete"} if value is None else value)
            into = found
        elif not rest:
            into[step] = value
        else:
            into = into.setdefault(step, [] if isinstance(rest[0], Item) else {})


def operations_of(
    declared: JsonObject, changes: Iterable[Change], live: JsonObject
) -> list[JsonObject]:
    """Gives a JSON patch (RFC 6902) that has a declaration say what is live.

    Unlike a strategic merge it keeps the order of lists.
    """
    operations = []
    body = declared
    for change in changes:
        after = declaring(body, [change], live)
        if not same(body, after):
            operations.append(_operation(body, after, ""))
        body = after
    return operations


def _operation(before: Any, after: Any, place: str) -> JsonObject:
    """Gives the one operation that makes a value another."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        names = [*before, *(name for name in after if name not in before)]
        moved = [
            name
            for name in names
            if name not in before or name not in after or not same(before[name], after[name])
        ]
        if len(moved) == 1:
            inside = f"{place}/{moved[0].replace('~', '~0').replace('/', '~1')}"
            return _member(before, after, moved[0], inside)
    if isinstance(before, list) and isinstance(after, list):
        start = 0
        while start < min(len(before), len(after)) and same(before[start], after[start]):
            start += 1
        more = len(after) - len(before)
        if same(before[start + max(-more, 0) :], after[start + max(more, 0) :]):
            if more == 1:
                return {"op": "add", "path": f"{place}/{start}", "value": after[start]}
            if more == -1:
                return {"op": "remove", "path": f"{place}/{start}"}
        if more == 0 and same(before[start + 1 :], after[start + 1 :]):
            return _operation(before[start], after[start], f"{place}/{start}")
    return {"op": "replace", "path": place, "value": after}


def _member(
    before: Mapping[str, Any], after: Mapping[str, Any], name: str, place: str
) -> JsonObject:
    if name not in after:
        return {"op": "remove", "path": place}
    if name not in before:
        return {"op": "add", "path": place, "value": after[name]}
    return _operation(before[name], after[name], place)
