"""What came encrypted is masked whatever it is named, in every rendering."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.desired import DesiredState, Manifest, SourceLocation
from reconciler.core.diff import differences
from reconciler.core.path import Item
from reconciler.core.redact import MASK, Redaction, mask
from reconciler.core.resource import ResourceKey
from reconciler.core.sealing import UNKNOWN, Seal, Secrets, covers, leaves, seals_of

KEY = ResourceKey("", "ConfigMap", "shop", "settings")

names = st.text("abcdef", min_size=1, max_size=4)
texts = st.text("ghijk0123", min_size=6, max_size=12)
bodies = st.recursive(
    texts | st.integers(100_000, 999_999) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


def config_map(data: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data}


def test_all_of_a_map_is_sealed_but_what_git_shows() -> None:
    body = config_map({"level": "debug", "word": "staple"})
    (seal,) = seals = seals_of(body, [("data", "word")])
    assert seal == Seal(("data",), frozenset({"level"}))
    assert mask(KEY, (), body, seals)["data"] == {"level": "debug", "word": MASK}
    # What somebody added beside it, what an earlier commit had there, and what replaced the map.
    live = {"level": "info", "word": "other", "added": "x", "deep": {"er": ["y", 1, True]}}
    masked = mask(KEY, ("data",), live, seals)
    assert masked == {
        "level": "info",
        "word": MASK,
        "added": MASK,
        "deep": {"er": [MASK, MASK, MASK]},
    }
    assert mask(KEY, ("data",), "text", seals) == MASK
    assert mask(KEY, ("metadata", "labels", "a"), "b", seals) == "b"


def test_what_names_an_object_and_what_the_server_writes_stay_readable() -> None:
    body = {**config_map({}), "metadata": {"name": "n", "namespace": "s", "finalizers": ["f"]}}
    sealed = [
        ("apiVersion",),
        ("kind",),
        ("metadata", "name"),
        ("metadata", "namespace"),
        ("metadata", "finalizers", 0),
        ("top",),
    ]
    seals = seals_of({**body, "top": "x"}, sealed)
    live = {**body, "top": "y", "status": {"ok": True}}
    live["metadata"] = {**live["metadata"], "uid": "u", "finalizers": ["f", "g"]}
    assert mask(KEY, (), live, seals) == {
        **live,
        "top": MASK,
        "metadata": {**live["metadata"], "finalizers": [MASK, MASK]},
    }


def test_a_list_item_is_told_by_its_name() -> None:
    env = [{"name": "A", "value": "shown"}, {"name": "B", "value": "hidden"}]
    body = {"spec": {"env": env, "args": ["x"]}}
    seals = seals_of(body, [("spec", "env", 1, "value")])
    assert seals == (Seal(("spec", "env", Item((("name", "B"),))), frozenset({"name"})),)
    # In another order, and with another value.
    live = {"spec": {"env": [{"name": "B", "value": "other"}, env[0]], "args": ["x"]}}
    assert mask(KEY, (), live, seals) == {
        "spec": {"env": [{"name": "B", "value": MASK}, env[0]], "args": ["x"]}
    }
    by_port = Item((("containerPort", 80),))
    assert covers(seals, ("spec", "env", by_port, "value"))
    assert covers(seals, ("spec", "env", 0, "value"))
    assert not covers(seals, ("spec", "args", 0))


@pytest.mark.parametrize(
    ("value", "stands"),
    [
        ("staple", True),
        ("a staple in it", True),
        ("dozen", False),
        ("abc", True),
        ("abcd", False),
        (8081, True),
        (True, False),
        (None, False),
        ("c3Rh\ncGxl\n", True),
        ("other\nlines", False),
    ],
)
def test_values_are_found_again_in_what_is_rendered(value: Any, stands: bool) -> None:
    secrets = Secrets.of({"staple", "abc", "8081", "true", "", "c3RhcGxl"})
    assert secrets.stand_in(value) is stands


def test_of_what_isnt_declared_nobody_knows_what_came_encrypted() -> None:
    place = SourceLocation("a.yaml", 1)
    seals = (Seal(("data",)),)
    plain = Manifest(config_map({}), place)
    sealed = Manifest(config_map({"a": "b"}), place, seals=seals)
    other = KEY._replace(name="other")
    assert DesiredState("r", {KEY: plain}).seals(other) == ()
    state = DesiredState("r", {KEY: sealed, other: plain})
    assert state.seals(KEY) == seals
    assert state.seals(other) == ()
    gone = KEY._replace(name="gone")
    assert state.seals(gone) == UNKNOWN
    body = config_map({"a": "staple"})
    assert mask(gone, (), body, state.seals(gone)) == {**body, "data": {"a": MASK}}


@given(st.dictionaries(names, bodies, max_size=4), st.dictionaries(names, bodies, max_size=4))
def test_no_value_that_came_encrypted_is_shown(data: dict[str, Any], other: dict[str, Any]) -> None:
    declared, live = config_map(data), config_map(other)
    sealed = [path for path, _ in leaves(declared) if path[0] == "data"]
    seals = seals_of(declared, sealed)
    hidden = {str(value) for path, value in leaves(declared) if path in sealed and value}
    hidden -= {"True", "False"}
    shown = json.dumps(mask(KEY, (), declared, seals))
    redaction = Redaction(b"k" * 32)
    for each in differences(declared, live, None):
        change = redaction.change(KEY, each.as_change(), declared, live, seals)
        shown += json.dumps([change.desired])
    assert not [each for each in hidden if each in shown]
