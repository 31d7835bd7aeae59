"""Which items of a list are the same ones in another."""

from difflib import SequenceMatcher
from typing import Any

#: By which fields items of lists are taken to be the same, in this order.
_NAMES = ("name", "key", "id", "port", "containerPort", "mountPath", "path", "host", "ip")


def aligned(
    before: list[Any], wanted: list[Any]
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Says which items are the same ones, which go, and which are new."""
    name = _name(before, wanted)
    keys = [_named(each, name) for each in before], [_named(each, name) for each in wanted]
    pairs: list[tuple[int, int]] = []
    matcher = SequenceMatcher(None, *keys, autojunk=False)
    for tag, left, left_end, right, right_end in matcher.get_opcodes():
        same_length = left_end - left == right_end - right
        if tag == "equal" or (tag == "replace" and same_length):
            pairs += zip(range(left, left_end), range(right, right_end), strict=True)
    lefts, rights = {left for left, _ in pairs}, {right for _, right in pairs}
    gone = [at for at in range(len(before)) if at not in lefts]
    new = [at for at in range(len(wanted)) if at not in rights]
    return pairs, gone, new


def _name(before: list[Any], wanted: list[Any]) -> str:
    """Gives the field that tells the items of both lists apart; empty where none does."""
    if not all(isinstance(item, dict) for item in (*before, *wanted)):
        return ""
    for name in _NAMES:
        if all(len({repr(i.get(name)) for i in items if name in i}) == len(items)
               for items in (before, wanted)):  # fmt: skip
            return name
    return ""


def _named(item: Any, name: str) -> str:
    return repr(item[name]) if name else repr(item)
