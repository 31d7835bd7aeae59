import copy
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.core.diff import Difference, differences, is_reordering, merge_keys, same
from reconciler.core.drift import Change, ChangeType
from reconciler.core.path import Path, format_path, value_at
from reconciler.core.schema import Node, Shape, Struct
from reconciler.core.schema.node import Field
from tests.unit.core.json_values import NAMES, OBJECTS, SCALARS, VALUES, applied, places

ADDED, REMOVED, CHANGED = ChangeType.ADDED, ChangeType.REMOVED, ChangeType.CHANGED


def struct(**fields: Node) -> Node:
    held = Struct("", {name: Field(node) for name, node in fields.items()})
    return Node(Shape.STRUCT, struct=lambda: held)


def keyed(*keys: str, ordered: bool = False, item: Node | None = None) -> Node:
    return Node(Shape.LIST, item=item, merge_keys=keys, ordered=ordered)


def named(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"name": name, **more} for name in names]


def found(desired: object, live: object, node: Node | None = None) -> list[tuple[Any, ...]]:
    return [
        (format_path(d.path), d.change, d.desired, d.live) for d in differences(desired, live, node)
    ]


@pytest.mark.parametrize(
    ("desired", "live", "expected"),
    [
        # Numbers and booleans, as JSON has them.
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": True}, [("a", CHANGED, 1, True)]),
        ({"a": [False]}, {"a": [0]}, [("a[0]", CHANGED, False, 0)]),
        ({"a": {"b": [{"c": 0}]}}, {"a": {"b": [{"c": False}]}}, [("a.b[0].c", CHANGED, 0, False)]),
        ({"a": 1}, {"a": "1"}, [("a", CHANGED, 1, "1")]),
        ({"a": 0.1}, {"a": 0.10000001}, [("a", CHANGED, 0.1, 0.10000001)]),
        ({"a": 10**20}, {"a": 10**20 + 1}, [("a", CHANGED, 10**20, 10**20 + 1)]),
        # null is a value of its own.
        ({"a": None}, {"a": 1}, [("a", CHANGED, None, 1)]),
        ({"a": 1}, {"a": None}, [("a", CHANGED, 1, None)]),
        ({}, {"a": None}, [("a", ADDED, None, None)]),
        # Names that a library might take for its own.
        ({"__x": 1}, {"__x": 2}, [("__x", CHANGED, 1, 2)]),
        ({"_p": {"__y": 1}}, {"_p": {}}, [("_p.__y", REMOVED, 1, None)]),
        ({"a.b": 1}, {"a.b": 2}, [('["a.b"]', CHANGED, 1, 2)]),
        ({"a'b\"c": 1}, {"a'b\"c": 2}, [('["a\'b\\"c"]', CHANGED, 1, 2)]),
        ({"": {"x": 1}}, {"": {"x": 2}}, [('[""].x', CHANGED, 1, 2)]),
        # Subtrees come whole.
        ({"a": {}}, {"a": {"b": {"c": 1}}}, [("a.b", ADDED, None, {"c": 1})]),
        ({"a": {"b": {}}}, {"a": {}}, [("a.b", REMOVED, {}, None)]),
        ({"a": {"b": 1}}, {"a": [1]}, [("a", CHANGED, {"b": 1}, [1])]),
        ({"a": named("x")}, {"a": "text"}, [("a", CHANGED, named("x"), "text")]),
    ],
)
def test_values(desired: object, live: object, expected: list[tuple[Any, ...]]) -> None:
    assert found(desired, live) == expected


@pytest.mark.parametrize(
    ("desired", "live", "expected"),
    [
        # Members that came or went while the others stayed: each at its index.
        (["a", "c"], ["a", "b", "c"], [("l[1]", ADDED, None, "b")]),
        (["a", "b", "c"], ["c"], [("l[0]", REMOVED, "a", None), ("l[1]", REMOVED, "b", None)]),
        ([], ["a", "b"], [("l[0]", ADDED, None, "a"), ("l[1]", ADDED, None, "b")]),
        (["a"], ["a", "a"], [("l[1]", ADDED, None, "a")]),
        # Members that changed in their place.
        (["a", "b"], ["a", "c"], [("l[1]", CHANGED, "b", "c")]),
        ([["a"], ["b"]], [["a"], ["b", "c"]], [("l[1][1]", ADDED, None, "c")]),
        ([[1], ["x", "y"]], [[1], ["y", "x"]], [("l[1]", CHANGED, ["x", "y"], ["y", "x"])]),
        # Anything else is one change of the whole.
        (["a", "b"], ["b", "a"], [("l", CHANGED, ["a", "b"], ["b", "a"])]),
        (["a", "b", "c"], ["c", "x"], [("l", CHANGED, ["a", "b", "c"], ["c", "x"])]),
        (["a", {"x": 1}], [{"x": 2}], [("l", CHANGED, ["a", {"x": 1}], [{"x": 2}])]),
        # Maps without keys: equal ends tell which is which.
        (
            [{"v": ["get"]}],
            [{"v": ["*"]}, {"v": ["get"]}],
            [("l[0]", ADDED, None, {"v": ["*"]})],
        ),
        (
            [{"v": ["get"]}, {"v": ["list"]}],
            [{"v": ["get", "delete"]}, {"v": ["watch"]}, {"v": ["list"]}],
            [("l[0].v[1]", ADDED, None, "delete"), ("l[1]", ADDED, None, {"v": ["watch"]})],
        ),
        (
            [{"v": 1}, {"v": 2}, {"v": 3}],
            [{"v": 9}, {"v": 3}],
            [("l[0].v", CHANGED, 1, 9), ("l[1]", REMOVED, {"v": 2}, None)],
        ),
    ],
)
def test_lists_without_merge_keys(
    desired: list[Any], live: list[Any], expected: list[tuple[Any, ...]]
) -> None:
    assert found({"l": desired}, {"l": live}) == expected


@pytest.mark.parametrize(
    ("desired", "live", "expected"),
    [
        # By a key that all items have and that tells them apart.
        (named("a"), named("a", "evil"), [("l[name=evil]", ADDED, None, {"name": "evil"})]),
        (named("a", "b"), named("b"), [("l[name=a]", REMOVED, {"name": "a"}, None)]),
        (named("a", x=1), named("a", x=2), [("l[name=a].x", CHANGED, 1, 2)]),
        ([{"key": "k", "v": 1}], [{"key": "k", "v": 2}], [("l[key=k].v", CHANGED, 1, 2)]),
        # What is added is whole, with its own keyed lists as they are.
        (
            named("a"),
            [*named("a"), {"name": "b", "env": named("X", value="1")}],
            [("l[name=b]", ADDED, None, {"name": "b", "env": named("X", value="1")})],
        ),
        (
            [{"name": "a", "env": named("X", value="1")}],
            [{"name": "a", "env": [*named("X", value="2"), *named("Y", value="1")]}],
            [
                ("l[name=a].env[name=X].value", CHANGED, "1", "2"),
                ("l[name=a].env[name=Y]", ADDED, None, {"name": "Y", "value": "1"}),
            ],
        ),
        # A key that two items share, or that one lacks, tells nothing apart.
        (
            [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}],
            [{"name": "A", "value": "1"}, {"name": "A", "value": "3"}],
            [("l[1].value", CHANGED, "2", "3")],
        ),
        (
            [{"name": "a", "x": 1}, {"y": 1}],
            [{"name": "a", "x": 2}, {"y": 1}],
            [("l[0].x", CHANGED, 1, 2)],
        ),
        # Where nobody knows the list, its order may mean something.
        (named("a", "b"), named("b", "a"), [("l", CHANGED, ["a", "b"], ["b", "a"])]),
    ],
)
def test_keyed_lists_by_a_guessed_key(
    desired: list[Any], live: list[Any], expected: list[tuple[Any, ...]]
) -> None:
    assert found({"l": desired}, {"l": live}) == expected


def test_a_schema_gives_the_keys_and_defaulted_ones_may_be_missing() -> None:
    node = struct(ports=keyed("containerPort", "protocol", item=struct()))
    desired = {"ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 81}]}
    live = {"ports": [{"containerPort": 81}, {"containerPort": 80, "name": "web"}]}
    assert found(desired, live, node) == [("ports[containerPort=80].name", CHANGED, "http", "web")]


def test_a_list_of_which_the_schema_says_that_it_is_atomic_is_compared_by_position() -> None:
    node = struct(rules=Node(Shape.LIST, item=struct()))
    assert found({"rules": named("a", "b")}, {"rules": named("b", "a")}, node) == [
        ("rules[0].name", CHANGED, "a", "b"),
        ("rules[1].name", CHANGED, "b", "a"),
    ]


@pytest.mark.parametrize(
    ("ordered", "desired", "live", "expected"),
    [
        (False, named("a", "b"), named("b", "a"), []),
        (True, named("a", "b"), named("b", "a"), [("l", CHANGED, ["a", "b"], ["b", "a"])]),
        (True, named("a", "b"), named("a", "x", "b"), [("l[name=x]", ADDED, None, {"name": "x"})]),
        (
            True,
            named("a", "b", "gone"),
            named("b", "x", "a"),
            [
                ("l", CHANGED, ["a", "b"], ["b", "a"]),
                ("l[name=gone]", REMOVED, {"name": "gone"}, None),
                ("l[name=x]", ADDED, None, {"name": "x"}),
            ],
        ),
    ],
)
def test_the_order_of_a_keyed_list_counts_where_it_means_something(
    *, ordered: bool, desired: list[Any], live: list[Any], expected: list[tuple[Any, ...]]
) -> None:
    node = struct(l=keyed("name", ordered=ordered))
    assert found({"l": desired}, {"l": live}, node) == expected


def test_an_ordered_list_inside_a_keyed_one_is_told_at_its_place() -> None:
    inner = keyed("name", ordered=True)
    node = struct(containers=keyed("name", item=struct(env=inner)))
    desired, live = (
        {"containers": [{"name": "web", "env": named(*order)}]} for order in ("ab", "ba")
    )
    assert found(desired, live, node) == [
        ("containers[name=web].env", CHANGED, ["a", "b"], ["b", "a"])
    ]


@pytest.mark.parametrize(
    ("left", "right", "node", "keys"),
    [
        ([], [], None, ()),
        (named("a"), ["a"], None, ()),
        ([{"id": 1, "type": "t"}], [{"id": 2, "type": "t"}], None, ("type",)),
        ([{"name": {"not": "scalar"}, "id": 7}], [], None, ("id",)),
        (named("a"), [], keyed(), ()),
        (named("a"), [], keyed("other"), ()),
    ],
)
def test_merge_keys(
    left: list[Any], right: list[Any], node: Node | None, keys: tuple[str, ...]
) -> None:
    assert merge_keys(left, right, node) == keys


def test_only_a_change_of_names_where_items_are_is_a_reordering() -> None:
    order = Change(("l",), CHANGED, ["a", "b"], ["b", "a"])
    assert is_reordering(order, named("b", "a"))
    assert not is_reordering(order, ["b", "a"])
    assert not is_reordering(order, None)
    assert not is_reordering(Change(("l",), CHANGED, "x", "y"), "y")
    assert not is_reordering(Change(("l",), CHANGED, ["x", {}], [{}]), [{}])
    assert not is_reordering(Change(("l",), ADDED, None, ["a"]), named("a"))


def test_a_difference_becomes_a_change_that_nobody_is_known_to_have_made() -> None:
    change = Difference(("a",), CHANGED, 1, 2).as_change()
    assert change == Change(("a",), CHANGED, 1, 2)
    assert change.by is None


@given(VALUES)
def test_nothing_differs_from_itself(value: object) -> None:
    assert differences(value, copy.deepcopy(value), None) == ()


def reordered(value: Any) -> Any:
    """Turns the order of every map around."""
    if isinstance(value, dict):
        return {name: reordered(child) for name, child in reversed(value.items())}
    return [reordered(child) for child in value] if isinstance(value, list) else value


@given(OBJECTS, OBJECTS)
def test_the_order_of_fields_means_nothing(left: object, right: object) -> None:
    assert differences(left, reordered(left), None) == ()
    assert found(left, right) == found(reordered(left), reordered(right))


@given(OBJECTS, OBJECTS)
def test_carrying_out_what_differs_makes_the_two_equal(left: object, right: object) -> None:
    """Up to the order of keyed lists, which is told of by itself."""
    body = left
    differing = differences(left, right, None)
    # Removals from the last to the first, so that what is removed moves nothing still to come.
    order = [d for d in reversed(differing) if d.change is REMOVED]
    order += [d for d in differing if d.change is not REMOVED]
    for each in order:
        if not is_reordering(each.as_change(), value_at(right, each.path)):
            body = applied(body, each.path, each.change, each.live)
    rest = differences(body, right, None)
    assert all(is_reordering(d.as_change(), value_at(right, d.path)) for d in rest)
    assert bool(differing) is not same(left, right)


@given(OBJECTS, st.data())
def test_every_edit_of_a_map_is_found_at_its_path(body: Any, data: st.DataObject) -> None:
    """And nowhere else: of the fields beside it nothing is told."""
    maps: list[Path] = [p for p in [(), *places(body)] if isinstance(value_at(body, p), dict)]
    path = data.draw(st.sampled_from([p for p in maps if not any(isinstance(s, int) for s in p)]))
    name, value = data.draw(NAMES), data.draw(SCALARS)
    live = copy.deepcopy(body)
    there = value_at(live, path)
    assume(not (name in there and same(there[name], value)))
    change = CHANGED if name in there else ADDED
    old = there.get(name)
    there[name] = value
    assert differences(body, live, None) == (Difference((*path, name), change, old, value),)


@given(VALUES, VALUES)
def test_sameness_is_that_of_json(left: object, right: object) -> None:
    def text(value: object) -> object:
        if isinstance(value, dict):
            return {"map": {name: text(child) for name, child in value.items()}}
        if isinstance(value, list):
            return [text(child) for child in value]
        return ("boolean", value) if isinstance(value, bool) else value

    assert same(left, right) is (text(left) == text(right))
    assert same(left, left)
