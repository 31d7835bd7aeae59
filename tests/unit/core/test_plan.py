"""What a replacement keeps: exactly what rules explain."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.drift import Change, ChangeType, Drift, DriftType, Hidden, Severity
from reconciler.core.expected import Answer, Expected
from reconciler.core.ignore import IgnoreRule
from reconciler.core.live import comparable
from reconciler.core.path import Item, Path
from reconciler.core.plan import Replace
from reconciler.core.resource import JsonObject, ResourceKey
from tests.unit.core.build import key_of, live_of, lived, made, planned

WEB = made(data={"colour": "blue"})
KEY = key_of(WEB)


def drift(how: DriftType) -> Drift:
    return Drift("", how, Severity.HIGH, KEY, "v1")


def kept(expected: JsonObject, live: JsonObject, *rules: str | IgnoreRule) -> JsonObject:
    """Gives the replacing body's data, with drift beside it, so that there is one."""
    speaking = tuple(IgnoreRule(r, "x", r) if isinstance(r, str) else r for r in rules)
    declared = made(data=expected, drift=1)
    (action,) = planned(
        declared, live=live_of(lived(made(data=live, drift=2))), rules=speaking
    ).actions
    assert isinstance(action, Replace)
    assert action.body["drift"] == 1
    after = lived(comparable(action.body))
    assert planned(declared, live=live_of(after), rules=speaking).actions == ()
    body: JsonObject = action.body.get("data", {})
    return body


def named(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"name": name, **more} for name in names]


MINE = IgnoreRule("mine", "x", "data.l", value="k/*")


@pytest.mark.parametrize(
    ("expected", "live", "rules", "body"),
    [
        # Fields.
        ({"a": 1, "b": 1}, {"a": 2, "b": 2}, ["data.a"], {"a": 2, "b": 1}),
        ({"b": 1}, {"a": 2, "b": 2}, ["data.a"], {"a": 2, "b": 1}),
        ({"a": 1, "b": 1}, {"b": 2}, ["data.a"], {"b": 1}),
        ({}, {"m": {"x/a": 1, "b": 2}}, ['data.m["x/*"]'], {"m": {"x/a": 1}}),
        ({"m": {"x/a": 1}}, {}, ['data.m["x/*"]'], {}),
        ({"m": {"x/a": 1, "b": 2}}, {}, ['data.m["x/*"]'], {"m": {"b": 2}}),
        ({"m": {"n": {"x": 1}}}, {"m": {}}, ["data.m.n.x"], {"m": {}}),
        # Members of a list: nothing that is expected is pushed out.
        ({"l": ["a"]}, {"l": ["k/1", "a", "evil"]}, [MINE], {"l": ["k/1", "a"]}),
        ({"l": ["a"]}, {"l": ["a", "evil", "k/1"]}, [MINE], {"l": ["a", "k/1"]}),
        ({}, {"l": ["evil", "k/1"]}, [MINE], {"l": ["k/1"]}),
        ({"l": ["a"]}, {"l": ["k/1"]}, [MINE], {"l": ["k/1", "a"]}),
        ({"l": ["k/1", "k/2", "a"]}, {"l": ["a"]}, [MINE], {"l": ["a"]}),
        ({"l": ["a", "k/1", "b"]}, {"l": ["b"]}, [MINE], {"l": ["a", "b"]}),
        ({"l": ["k/1", "a"]}, {"l": ["k/1", "k/1", "a"]}, [MINE], {"l": ["k/1", "k/1", "a"]}),
        # Another order, with and without members that came.
        ({"l": ["a", "b"]}, {"l": ["b", "a"]}, ["data.l"], {"l": ["b", "a"]}),
        (
            {"l": ["k/1", "k/2", "a"]},
            {"l": ["k/2", "evil", "k/1", "a"]},
            [IgnoreRule("order", "x", "data.l", value="[[]*"), MINE],
            {"l": ["k/2", "k/1", "a"]},
        ),
        # Items of a keyed list keep the place that they have.
        (
            {"l": named("a", "b")},
            {"l": named("side", "a", "car", "b", "evil")},
            ["data.l[name=side]", "data.l[name=car]"],
            {"l": named("side", "a", "car", "b")},
        ),
        ({}, {"l": named("side", "evil")}, ["data.l[name=side]"], {"l": named("side")}),
        ({"l": named("a")}, {"l": named("b")}, ["data.l[name=a]"], {"l": []}),
        (
            {"l": named("a", x=1, y=1)},
            {"l": named("a", x=2, y=2)},
            ["data.l[name=a].x"],
            {"l": [{"name": "a", "x": 2, "y": 1}]},
        ),
        # Their order alone, while what is in them is put right.
        (
            {"l": named("a", "b", "c", x=1)},
            {"l": named("c", "b", "a", x=2)},
            [IgnoreRule("order", "x", "data.l", value="[[]*")],
            {"l": named("c", "b", "a", x=1)},
        ),
        # Maps without keys, by position.
        (
            {"l": [{"v": 1}]},
            {"l": [{"v": 1}, {"v": 2}, {"v": 3}]},
            ["data.l[1]"],
            {"l": [{"v": 1}, {"v": 2}]},
        ),
    ],
)
def test_a_replacement_keeps_what_rules_explain_and_nothing_else(
    expected: JsonObject, live: JsonObject, rules: list[str | IgnoreRule], body: JsonObject
) -> None:
    assert kept(expected, live, *rules) == body


def test_a_whole_field_that_a_rule_lets_go_stays_away() -> None:
    declared = made(extra="x", drift=1)
    rule = IgnoreRule("r", "x", "extra")
    (action,) = planned(declared, live=live_of(lived(made(drift=2))), rules=(rule,)).actions
    assert isinstance(action, Replace)
    assert action.body == made(drift=1)


def test_what_is_kept_of_a_secret_is_the_value_and_not_the_mask() -> None:
    declared = made("Secret", data={"a": "b25l", "b": "b25l"})
    live = lived(made("Secret", data={"a": "dHdv", "b": "dHdv", "c": "dHdv"}))
    rules = IgnoreRule("a", "x", "data.a"), IgnoreRule("c", "x", "data.c")
    (action,) = planned(declared, live=live_of(live), rules=rules).actions
    assert isinstance(action, Replace)
    assert action.body["data"] == {"a": "dHdv", "b": "b25l", "c": "dHdv"}
    assert "dHdv" not in repr(action.changes)


@pytest.mark.parametrize(
    ("path", "change", "live"),
    [
        (("l", 0), ChangeType.REMOVED, {"l": ["a"]}),
        (("l",), ChangeType.CHANGED, {"l": [{"x": 1}]}),
    ],
)
def test_lists_of_which_items_cannot_be_told_apart_stay_as_expected(
    path: Path, change: ChangeType, live: dict[str, Any]
) -> None:
    """A member that is gone already, and an order of items that share their names."""
    names = ["a", "b"] if change is ChangeType.CHANGED else None
    hidden = Hidden(Change(path, change, names, names and names[::-1]), "r", "x")
    shared = [{"name": "a"}, {"name": "a"}]
    body = made(l=shared if change is ChangeType.CHANGED else ["b"])
    found = replace(drift(DriftType.MODIFIED), hidden=(hidden,))
    live_body = lived(made(**live))
    plan = planned(WEB, drifts=(found,), live=live_of(live_body), answers={KEY: Expected(body)})
    (action,) = plan.actions
    assert isinstance(action, Replace)
    assert action.body["l"] == (shared if change is ChangeType.CHANGED else [])


def test_an_item_that_comes_back_is_found_by_its_keys() -> None:
    step = Item((("name", "side"),))
    hidden = Hidden(Change(("l", step), ChangeType.ADDED, None, None), "r", "x")
    found = replace(drift(DriftType.MODIFIED), hidden=(hidden,))
    live = live_of(lived(made(l=named("x", "side"))))
    answers: dict[ResourceKey, Answer] = {KEY: Expected(made(l=named("a")))}
    (action,) = planned(WEB, drifts=(found,), live=live, answers=answers).actions
    assert isinstance(action, Replace)
    assert action.body["l"] == named("side", "a")
