"""What the server makes of custom resources: their definition's schema decides alone."""

from typing import Any

import pytest

from reconciler.core.normalize import expect
from reconciler.core.resource import JsonObject
from reconciler.core.schema import from_definition
from tests.unit.core import normalizing
from tests.unit.core.normalizing import carried, declared, gadget, live_of, managed

PARTS = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
    "items": {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "weight": {"type": "number", "default": 1.5}},
    },
}
MODE = {
    "type": "object",
    "properties": {"mode": {"type": "string", "default": "auto"}},
}
PROPERTIES: JsonObject = {
    "size": {"type": "integer", "default": 3},
    "text": {"type": "string", "nullable": True},
    "either": {"type": "string", "nullable": True, "default": "a"},
    "inner": {**MODE, "default": {}},
    "optional": MODE,
    "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "known": {**MODE, "x-kubernetes-preserve-unknown-fields": True},
    "table": {"type": "object", "additionalProperties": {"type": "string"}},
    "nulls": {"type": "object", "additionalProperties": {"type": "string", "nullable": True}},
    "modes": {"type": "object", "additionalProperties": MODE},
    "anything": {"type": "object", "additionalProperties": True},
    "parts": PARTS,
    "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
    "rows": {"type": "array", "items": {"type": "array", "items": MODE}},
    "made": {
        "type": "object",
        "x-kubernetes-embedded-resource": True,
        "properties": {"spec": MODE},
    },
    "kept": {
        "type": "object",
        "x-kubernetes-embedded-resource": True,
        "x-kubernetes-preserve-unknown-fields": True,
    },
}
GADGET = normalizing.gadgets(**PROPERTIES)
DEFAULTS: JsonObject = {"size": 3, "either": "a", "inner": {"mode": "auto"}}


def gadget_of(**spec: Any) -> Any:
    body = gadget(**spec)
    return expect(body, live_of(gadget()), GADGET).body["spec"]


CONFIG: JsonObject = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, {}),
        ({"unknown": 1}, {}),
        ({"size": None, "text": None, "either": None}, {"text": None, "either": None}),
        ({"size": 0, "text": "", "parts": [], "table": {}}, None),
        ({"inner": {"mode": ""}}, None),
        ({"inner": {}}, {}),
        (
            {"kept": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": None}},
            {"kept": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}},
        ),
        ({"inner": None}, {}),
        ({"optional": {}}, {"optional": {"mode": "auto"}}),
        ({"optional": None}, {}),
        ({"open": {"a": None, "b": {"c": []}}}, None),
        ({"known": {"a": None}}, {"known": {"a": None, "mode": "auto"}}),
        ({"table": {"a": "b", "c": None}}, {"table": {"a": "b"}}),
        ({"nulls": {"a": "b", "c": None}}, None),
        (
            {"modes": {"a": {}, "b": {"x": 1}, "c": None}},
            {"modes": {"a": {"mode": "auto"}, "b": {"mode": "auto"}}},
        ),
        (
            {"anything": {"a": None, "b": {"c": 1}, "d": [1, None, {"e": 2}]}},
            {"anything": {"a": None, "b": {}, "d": [1, None, {}]}},
        ),
        (
            {"parts": [{"name": "a", "x": 1}, {"name": "b", "weight": 2}]},
            {"parts": [{"name": "a", "weight": 1.5}, {"name": "b", "weight": 2}]},
        ),
        ({"tags": ["b", "a"]}, None),
        ({"rows": [[{}], []]}, {"rows": [[{"mode": "auto"}], []]}),
        (
            {"made": {**CONFIG, "spec": {}, "data": {"a": "b"}}},
            {"made": {**CONFIG, "spec": {"mode": "auto"}}},
        ),
        (
            {"kept": {**CONFIG, "data": {"a": "b"}}},
            None,
        ),
        (
            {
                "kept": {
                    **CONFIG,
                    "metadata": {
                        "name": "x",
                        "labels": {},
                        "annotations": {"a": "b"},
                        "creationTimestamp": None,
                        "unknown": 1,
                    },
                }
            },
            {"kept": {**CONFIG, "metadata": {"name": "x", "annotations": {"a": "b"}}}},
        ),
    ],
)
def test_a_custom_resource_is_made_by_its_schema(given: Any, made: Any) -> None:
    """`None` is short for what is given."""
    assert gadget_of(**given) == DEFAULTS | (given if made is None else made)


def test_status_isnt_declared_and_metadata_isnt_the_schemas() -> None:
    body = {**gadget(), "status": {"phase": "Ready"}, "unknown": 1}
    body["metadata"] = {**body["metadata"], "labels": {"a": None}, "unknown": 1}
    made = expect(body, live_of(gadget()), GADGET).body
    assert set(made) == {"apiVersion", "kind", "metadata", "spec"}
    assert made["metadata"] == {"name": "web", "namespace": "shop", "labels": {"a": ""}}


@pytest.mark.parametrize(
    "given",
    [
        {"inner": "text"},
        {"table": "text"},
        {"anything": "text"},
        {"parts": {"a": 5}},
        {"rows": [5]},
        {"kept": {**CONFIG, "metadata": "text"}},
    ],
)
def test_what_has_another_shape_stays(given: Any) -> None:
    """The server refuses it."""
    made = gadget_of(**given)
    assert {name: made[name] for name in given} == given


def test_a_value_of_another_type_was_edited() -> None:
    body, live = gadget(open={"a": {"b": 1}}), gadget(open={"a": 5})
    expected = expect(body, live_of(live, [managed(live)]), GADGET)
    assert expected.body["spec"]["open"] == {"a": {"b": 1}}


def test_of_an_unknown_kind_nobodys_fields_are_taken_over() -> None:
    body, live = gadget(a={"b": 1}), gadget(a={"b": 1}, size=3)
    expected = expect(body, live_of(live, [managed(body)]), None)
    assert expected.body == live
    assert carried(expected) == ["spec.size"]
    entries = [managed(body), managed(live, "kubectl-edit")]
    assert expect(body, live_of(live, entries), None).body == body
    assert expect(body, live_of(live), None).body == body


def test_of_an_unknown_kind_what_is_owned_as_a_whole_is_owned_in_its_parts() -> None:
    body, live = gadget(a={}), gadget(a={"b": 1})
    assert expect(body, live_of(live, [managed(body)]), None).body == body


def test_of_an_unknown_kind_null_is_a_value() -> None:
    body, live = gadget(a=1), gadget(a=1, b=None)
    assert expect(body, live_of(live, [managed(body)]), None).body == body


def test_a_definition_of_old_keeps_unknown_fields() -> None:
    old = normalizing.definition(properties={"spec": {"type": "object"}})
    old["spec"]["preserveUnknownFields"] = True
    node = from_definition(old)["shop.example/v1", "Gadget"]
    body = {**declared("shop.example/v1", "Gadget", spec={"a": 1}), "extra": {"b": None}}
    assert expect(body, live_of(gadget()), node).body["extra"] == {"b": None}
