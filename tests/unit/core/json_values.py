"""Random JSON, as Kubernetes' objects hold it, and random edits of it."""

from typing import Any

from hypothesis import strategies as st

from reconciler.core.drift import ChangeType
from reconciler.core.path import Item, Path, value_at, with_value

#: Names that programs trip over: dots, quotes, brackets, names that are private to Python.
NAMES = st.one_of(
    st.sampled_from(
        ["a", "b", "name", "value", "spec", "__class__", "_private", "a.b", "a'b", 'a"b', "a[0]"]
    ),
    st.text(min_size=0, max_size=6),
)
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-3, 3),
    st.floats(allow_nan=False, allow_infinity=False, width=16),
    st.text(max_size=5),
)


def _keyed_lists(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    maps = st.dictionaries(NAMES.filter(lambda name: name != "name"), children, max_size=3)
    return st.dictionaries(st.text(max_size=4), maps, max_size=3).map(
        lambda items: [{"name": name, **fields} for name, fields in items.items()]
    )


VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda children: st.one_of(
        st.lists(children, max_size=4),
        st.dictionaries(NAMES, children, max_size=4),
        _keyed_lists(children),
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(NAMES, VALUES, min_size=1, max_size=5)


def places(value: Any, path: Path = ()) -> list[Path]:
    """Gives every path into a value, list items by index."""
    found: list[Path] = [path] if path else []
    steps: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        steps = list(value.items())
    elif isinstance(value, list):
        steps = list(enumerate(value))
    for step, child in steps:
        found += places(child, (*path, step))
    return found


def applied(body: Any, path: Path, change: ChangeType, value: Any) -> Any:
    """Carries out a difference: a member's index is where it is put in or taken from."""
    if isinstance(path[-1], str | Item) or change is ChangeType.CHANGED:
        return with_value(body, path, value)
    members = list(value_at(body, path[:-1]))
    if change is ChangeType.ADDED:
        members.insert(path[-1], value)
    else:
        del members[path[-1]]
    return with_value(body, path[:-1], members)
