"""Patches by which a declaration says what is live."""

import pytest

from reconciler.core.drift import Change
from reconciler.core.patches import operations_of, patch_of
from reconciler.core.path import Item
from reconciler.core.resource import JsonObject
from tests.unit.core.build import made
from tests.unit.core.test_adoption import (
    ADDED,
    CHANGED,
    CONTAINERS,
    REMOVED,
    SIDE,
    WEB,
    change,
    deployment,
)


def test_a_patch_says_what_is_live_and_what_is_gone() -> None:
    declared = deployment(
        {"name": "web", "image": "a:1", "args": ["a"]}, {"name": "old", "image": "o"}
    )
    live = deployment({"name": "web", "image": "a:2", "args": ["a", "b"]}, {"name": "side"})
    changes = (
        change((*CONTAINERS, WEB, "image")),
        change((*CONTAINERS, WEB, "args", 1), ADDED),
        change((*CONTAINERS, SIDE), ADDED),
        change((*CONTAINERS, Item((("name", "old"),))), REMOVED),
        change(("spec", "template", "metadata", "labels", "app"), REMOVED),
    )
    gone = live | {}
    patch = patch_of(declared, changes, gone)
    inner = patch["spec"]["template"]
    assert patch["metadata"] == {}
    assert inner["spec"]["containers"] == [
        {"name": "web", "image": "a:2", "args": ["a", "b"]},
        {"name": "side"},
        {"name": "old", "$patch": "delete"},
    ]
    assert inner["metadata"] == {"labels": {"app": None}}


@pytest.mark.parametrize(
    ("change_", "operation"),
    [
        (change(("data", "a/b~")), {"op": "replace", "path": "/data/a~1b~0", "value": "2"}),
        (change(("data", "gone"), REMOVED), {"op": "remove", "path": "/data/gone"}),
        (change(("data", "new"), ADDED), {"op": "add", "path": "/data/new", "value": "n"}),
        (change(("list", 1), ADDED), {"op": "add", "path": "/list/1", "value": "x"}),
        (change(("less", 0), REMOVED), {"op": "remove", "path": "/less/0"}),
        (change(("items", WEB, "v")), {"op": "replace", "path": "/items/0/v", "value": 2}),
        (
            Change(("all",), CHANGED, ["a", "b", "c"], ["c", "b"]),
            {"op": "replace", "path": "/all", "value": ["c", "b"]},
        ),
        (
            Change(("two",), CHANGED, ["a"], ["a", "b", "c"]),
            {"op": "replace", "path": "/two", "value": ["a", "b", "c"]},
        ),
        (change(("kept",)), None),
    ],
)
def test_operations_keep_the_order(change_: Change, operation: JsonObject | None) -> None:
    item, other = {"name": "web", "v": 1}, {"name": "z"}
    declared = made(
        data={"a/b~": "1", "gone": "g"},
        list=["a", "b"],
        less=["a", "b"],
        items=[item, other],
        all=["a", "b", "c"],
        kept="k",
        two=["a"],
    )
    live = made(
        data={"a/b~": "2", "new": "n"},
        list=["a", "x", "b"],
        less=["b"],
        items=[item | {"v": 2}, other],
        all=["c", "b"],
        kept="k",
        two=["a", "b", "c"],
    )
    done = operations_of(declared, [change_], live)
    assert done == ([operation] if operation else [])


def test_several_changes_at_once_are_several_operations() -> None:
    declared, live = made(data={"a": "1"}, x="1"), made(data={"b": "2"}, x=["1"])
    changes = [change(("data", "a"), REMOVED), change(("data", "b"), ADDED), change(("x",))]
    assert [each["op"] for each in operations_of(declared, changes, live)] == [
        "remove",
        "add",
        "replace",
    ]


def test_a_value_of_which_two_fields_changed_is_replaced() -> None:
    declared, live = made(data={"a": "1", "b": "1"}), made(data={"a": "2", "b": "2"})
    (only,) = operations_of(declared, [change(("data",))], live)
    assert only == {"op": "replace", "path": "/data", "value": {"a": "2", "b": "2"}}
