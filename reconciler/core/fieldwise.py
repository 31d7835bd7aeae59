"""Turns a change of a whole map into changes of its fields, as people name what they changed.

Who adds the first label of an object has added a label, not a map of labels; who sets
`securityContext.privileged` has set that, not made a security context.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconciler.core.drift import Change, ChangeType
from reconciler.core.schema import Node

#: Maps of names that people choose, by the field that holds them; for places of which no schema
#: is known, and in `metadata`, which schemas leave out.
_MAPS = frozenset(
    {"annotations", "binaryData", "data", "labels", "matchLabels", "nodeSelector", "stringData"}
)


def fieldwise(change: Change, root: Node | None) -> Iterator[Change]:
    """Splits a map that was added or removed into its fields; a map of one field into that one.

    A list's item stays whole, and so does a struct of several fields: it was added as one. What
    was removed with everything in it stays whole too, unless people choose its fields' names.

    Args:
        change: What differs.
        root: What is known of the object's kind, None if nothing.
    """
    whole = change.live if change.change is ChangeType.ADDED else change.desired
    if not _splits(change, whole, root):
        yield change
        return
    added = change.change is ChangeType.ADDED
    for name, child in whole.items():
        part = replace(change, path=(*change.path, name))
        part = replace(part, live=child) if added else replace(part, desired=child)
        yield from fieldwise(part, root)


def _splits(change: Change, whole: object, root: Node | None) -> bool:
    if not (isinstance(whole, Mapping) and whole and change.path):
        return False
    last = change.path[-1]
    if change.change is ChangeType.CHANGED or not isinstance(last, str):
        return False
    if last in _MAPS:
        return True
    added = change.change is ChangeType.ADDED
    return added and (len(whole) == 1 or _is_map(change, root))


def _is_map(change: Change, root: Node | None) -> bool:
    node = root
    for step in change.path:
        if node is None:
            return False
        node = node.field(step) if isinstance(step, str) else node.item
    return node is not None and node.struct is None and node.item is not None
