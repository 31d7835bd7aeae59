"""Values that are written and read back by their types."""

import json
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import StrEnum
from types import UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.containers import NodeLook
from reconciler.core.records import record_of, value_of
from tests.unit.render.test_containers import EVIL, LOOK

#: With halves of surrogate pairs: names that aren't UTF-8 have them.
TEXTS = st.text(st.characters(codec=None, exclude_categories=()), max_size=4)


def _any(kind: Any) -> st.SearchStrategy[Any]:
    """Makes values of a type, as `records` knows types."""
    if get_origin(kind) is tuple:
        return st.lists(_any(get_args(kind)[0]), max_size=2).map(tuple)
    if isinstance(kind, UnionType) or get_origin(kind) is Union:
        return st.one_of(*map(_any, get_args(kind)))
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        parts = {each.name: _any(hints[each.name]) for each in fields(kind)}
        return st.builds(cast("type[Any]", kind), **parts)
    if kind is type(None):
        return st.none()
    if issubclass(kind, StrEnum):
        return st.sampled_from(kind)
    return {str: TEXTS, int: st.integers(-(2**63), 2**63 - 1), bool: st.booleans()}[kind]


@settings(max_examples=50)
@given(_any(NodeLook))
def test_every_look_comes_back_as_it_was(look: NodeLook) -> None:
    assert value_of(NodeLook, json.loads(json.dumps(record_of(look))), "") == look


def test_what_is_as_by_default_is_not_written() -> None:
    record = record_of(LOOK)
    assert EVIL in json.loads(json.dumps(record))["looks"][0]["drifts"][0]["command"]
    quiet = record["looks"][2]
    assert quiet.keys() == {"is", "container"}


@dataclass(frozen=True, slots=True)
class Thing:
    """Something to read."""

    name: str
    flag: bool = False
    inner: "Thing | None" = None
    more: tuple[int, ...] = ()
    made: tuple[str, ...] = field(default=())


def test_what_a_class_does_not_have_is_left_out() -> None:
    record = {"name": "a", "later": {"b": 1}, "inner": {"is": "Thing", "name": "b", "flag": True}}
    assert value_of(Thing, record, "") == Thing("a", inner=Thing("b", flag=True))
    assert value_of(Thing, {"name": "a", "inner": None}, "") == Thing("a")


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ([], "the document: an object is wanted"),
        ({}, "x.name: it is missing"),
        ({"name": 1}, "x.name: a text is wanted"),
        ({"name": "a", "flag": 1}, "x.flag: true or false is wanted"),
        ({"name": "a", "more": {}}, "x.more: a list is wanted"),
        ({"name": "a", "more": [1, True]}, "x.more[1]: a whole number is wanted"),
        ({"name": "a", "more": [1.0]}, "x.more[0]: a whole number is wanted"),
        ({"name": "a", "more": [2**63]}, "x.more[0]: a number of at most 64 bits is wanted"),
        ({"name": "a", "inner": {"name": "b"}}, "x.inner: Thing is wanted"),
        ({"name": "a", "inner": {"is": ["Thing"]}}, "x.inner: Thing is wanted"),
        ({"name": "a", "inner": 7}, "x.inner: Thing is wanted"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(record: object, why: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        value_of(Thing, record, "" if record == [] else "x")
    assert str(caught.value) == why


def test_a_closed_choice_takes_no_other_word() -> None:
    record = json.loads(json.dumps(record_of(LOOK)))
    record["looks"][0]["drifts"][0]["severity"] = "dire"
    with pytest.raises(ValueError, match=r"looks\[0\]\.drifts\[0\]\.severity: one of high, "):
        value_of(NodeLook, record, "")
    record["looks"][0]["drifts"][0]["severity"] = {}
    with pytest.raises(ValueError, match="severity: one of"):
        value_of(NodeLook, record, "")
    assert value_of(NodeLook, record_of(replace(LOOK, looks=())), "") == replace(LOOK, looks=())
