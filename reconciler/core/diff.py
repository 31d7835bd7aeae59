"""The difference between two objects, as changes of fields. The only place that knows DeepDiff.

Lists that have merge keys are compared by those keys, not by position: both sides are turned
into maps from `Item` to item first, so that DeepDiff's paths come out as people write them.
Equal values never reach it: DeepDiff is a thousand times slower than `==`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from reconciler.core.drift import Change, ChangeType
from reconciler.core.path import Item, Path
from reconciler.core.schema import Node

#: Tried in this order where no schema gives a list's merge keys; each is how Kubernetes' own
#: kinds key such lists (k8s.io/api, +listMapKey and +patchMergeKey markers).
_GUESSED_KEYS = ("name", "key", "type", "id")

_StepT = TypeVar("_StepT", int, Item)


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two objects differ, before anybody asked who did it.

    Attributes:
        path: Where.
        change: Seen from the first to the second object.
        desired: The first object's value, None where it has none.
        live: The second object's value, None where it has none.
    """

    path: Path
    change: ChangeType
    desired: Any
    live: Any

    def as_change(self) -> Change:
        """Gives it as a change of which nobody is yet known to be the author."""
        return Change(self.path, self.change, self.desired, self.live)


def same(left: object, right: object) -> bool:
    """Whether two JSON values are the same: as `==` says, but no boolean equals a number."""
    return left == right and _same_booleans(left, right)


def _same_booleans(left: Any, right: Any) -> bool:
    """Tells, of two values that are equal to Python, whether they are booleans in like places."""
    if left is right:
        return True
    # Most values are strings: a call for each would be slow, and so would a generator.
    if isinstance(left, dict):
        for name, value in left.items():
            if value.__class__ is not str and not _same_booleans(value, right[name]):
                return False
    elif isinstance(left, list):
        for member, other in zip(left, right, strict=True):
            if member.__class__ is not str and not _same_booleans(member, other):
                return False
    else:
        return isinstance(left, bool) == isinstance(right, bool)
    return True


def differences(desired: object, live: object, node: Node | None) -> tuple[Difference, ...]:
    """Finds every place where two objects differ, in the order of their paths.

    A list without merge keys is told of member by member where that reads well: as members that
    were added or removed while the others stayed, or as members that changed in their place (at
    the index that they have in both lists). A list of scalars that was changed otherwise is one
    change of the whole list.

    Args:
        desired: What is wanted.
        live: What is there.
        node: What is known of the objects' fields, for lists' merge keys; None if nothing.

    Returns:
        Empty where the objects are equal, or differ only in the order of a keyed list whose order
        has no meaning. An added member's index is that in the live list, a removed one's that in
        the desired list.
    """
    if same(desired, live):
        return ()
    found: list[Difference] = []
    left, right = _comparable_pair(desired, live, node, (), found)
    found.extend(_deep_differences(left, right))
    return tuple(sorted(found, key=_reading_order))


def _reading_order(difference: Difference) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (-1, str(step)) for step in difference.path]


def _deep_differences(left: object, right: object) -> Iterator[Difference]:
    from deepdiff import DeepDiff  # 150 ms to import, and needed only where something differs

    tree = DeepDiff(
        left, right, view="tree", ignore_private_variables=False, threshold_to_diff_deeper=0
    )
    for report_type, levels in tree.items():
        change = _CHANGES[report_type]
        for level in levels:
            path = tuple(level.path(output_format="list", force="fake"))
            desired = None if change is ChangeType.ADDED else level.t1
            live = None if change is ChangeType.REMOVED else level.t2
            yield Difference(path, change, desired, live)


#: Lists never reach DeepDiff side by side: they are maps by then, or told of as a whole.
_CHANGES: Mapping[str, ChangeType] = {
    "dictionary_item_added": ChangeType.ADDED,
    "dictionary_item_removed": ChangeType.REMOVED,
    "values_changed": ChangeType.CHANGED,
    "type_changes": ChangeType.CHANGED,
}


def _comparable_pair(
    left: Any, right: Any, node: Node | None, path: Path, found: list[Difference]
) -> tuple[Any, Any]:
    """Makes two values ready for DeepDiff.

    Equal fields are left out, which DeepDiff would walk for nothing. Lists become maps, by their
    items' merge keys or by index, that hold only the items which differ. What no such map can
    show goes to `found`.
    """
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        lefts, rights = dict(left), dict(right)
        for name in left:
            if name not in right:
                continue
            if same(left[name], right[name]):
                del lefts[name], rights[name]
            else:
                child = node.field(name) if node else None
                lefts[name], rights[name] = _comparable_pair(
                    left[name], right[name], child, (*path, name), found
                )
        return lefts, rights
    if isinstance(left, list) and isinstance(right, list):
        keys = merge_keys(left, right, node)
        if not keys:
            return _members(left, right, node, path, found)
        items = dict(_items(left, keys)), dict(_items(right, keys))
        # Of a list whose keys are only guessed, nobody said that its order means nothing.
        if node is None or node.ordered:
            found.extend(_reordering(*items, path))
        return _paired(*items, node, path, found)
    return left, right


def _paired(
    left: Mapping[_StepT, Any],
    right: Mapping[_StepT, Any],
    node: Node | None,
    path: Path,
    found: list[Difference],
) -> tuple[dict[_StepT, Any], dict[_StepT, Any]]:
    """Makes the items that two lists have under the same step ready for DeepDiff."""
    item = node.item if node else None
    lefts, rights = dict(left), dict(right)
    for step in left:
        if step not in right:
            continue
        if same(left[step], right[step]):
            del lefts[step], rights[step]
        else:
            lefts[step], rights[step] = _comparable_pair(
                left[step], right[step], item, (*path, step), found
            )
    return lefts, rights


def _members(
    left: list[Any], right: list[Any], node: Node | None, path: Path, found: list[Difference]
) -> tuple[Mapping[int, Any], Mapping[int, Any]]:
    """Makes two lists without merge keys ready for DeepDiff, as maps by index."""
    added, removed = _left_over(left, right), _left_over(right, left)
    if added is not None:
        return {}, added
    if removed is not None:
        return removed, {}
    if all(isinstance(member, Mapping) for member in (*left, *right)):
        # Equal ends aside, members are taken to be the same one where they stand at the same index.
        start = _common_length(left, right)
        end = _common_length(left[start:][::-1], right[start:][::-1])
        lefts = dict(enumerate(left[start : len(left) - end], start))
        rights = dict(enumerate(right[start : len(right) - end], start))
        return _paired(lefts, rights, node, path, found)
    if len(left) == len(right) and sorted(map(_text, left)) != sorted(map(_text, right)):
        return _paired(dict(enumerate(left)), dict(enumerate(right)), node, path, found)
    found.append(Difference(path, ChangeType.CHANGED, left, right))
    return {}, {}


def _left_over(some: Sequence[Any], more: Sequence[Any]) -> dict[int, Any] | None:
    """Gives, by index, what a list has more than another; None where it lacks anything of it."""
    over: dict[int, Any] = {}
    at = 0
    for index, member in enumerate(more):
        if at < len(some) and same(some[at], member):
            at += 1
        else:
            over[index] = member
    return over if at == len(some) else None


def _common_length(left: Sequence[Any], right: Sequence[Any]) -> int:
    length = 0
    while length < min(len(left), len(right)) and same(left[length], right[length]):
        length += 1
    return length


def _text(member: object) -> str:
    return json.dumps(member, sort_keys=True)


def merge_keys(left: Sequence[Any], right: Sequence[Any], node: Node | None) -> tuple[str, ...]:
    """Gives the keys by which the items of two lists can be told apart; empty where they can't.

    The schema's keys come first; where there is no schema, a field that every item has and that
    no two items of a list share.
    """
    both = [*left, *right]
    if not both or not all(isinstance(item, Mapping) for item in both):
        return ()
    candidates = [node.merge_keys] if node is not None else [(key,) for key in _GUESSED_KEYS]
    for keys in candidates:
        if keys and _are_unique(left, keys) and _are_unique(right, keys):
            return keys
    return ()


def _are_unique(items: Sequence[Mapping[str, Any]], keys: tuple[str, ...]) -> bool:
    seen = [key for key, _ in _items(items, keys)]
    if any(not key.keys for key in seen):
        return False
    return len(set(seen)) == len(seen)


def _items(
    items: Sequence[Mapping[str, Any]], keys: tuple[str, ...]
) -> Iterator[tuple[Item, Mapping[str, Any]]]:
    for item in items:
        yield item_of(item, keys), item


def item_of(item: Mapping[str, Any], keys: tuple[str, ...]) -> Item:
    """Gives the step to a list's item by those of the merge keys that it has."""
    return Item(
        tuple((key, item[key]) for key in keys if isinstance(item.get(key), str | int | float))
    )


def _reordering(
    left: Mapping[Item, Any], right: Mapping[Item, Any], path: Path
) -> Iterator[Difference]:
    """Tells whether the items that two lists share stand in another order; by their names."""
    orders = [key for key in left if key in right], [key for key in right if key in left]
    if orders[0] != orders[1]:
        names = [[_name(key) for key in order] for order in orders]
        yield Difference(path, ChangeType.CHANGED, *names)


def _name(item: Item) -> str:
    return ",".join(str(value) for _, value in item.keys)


def is_reordering(change: Change, live: object) -> bool:
    """Whether a change tells of a keyed list's order alone.

    Args:
        change: The change; its values are then the names of the items.
        live: The value at its path.
    """
    return (
        change.change is ChangeType.CHANGED
        and isinstance(change.live, list)
        and isinstance(live, list)
        and any(isinstance(item, Mapping) for item in live)
        and not any(isinstance(name, Mapping) for name in change.live)
    )
