"""Custom kinds' own schemas: from definitions, and from a server's OpenAPI document."""

from typing import Any

import pytest

from reconciler.core.resource import JsonObject
from reconciler.core.schema import Node, Shape, from_definition, from_definitions, from_openapi
from tests.unit.core.normalizing import definition, gadgets

KEY = ("shop.example/v1", "Gadget")


def test_a_definition_gives_its_versions_that_have_a_schema() -> None:
    nodes = from_definition(definition(properties={"spec": {"type": "object"}}))
    assert set(nodes) == {KEY}
    assert nodes[KEY].root and nodes[KEY].custom


def test_definitions_are_found_among_other_objects() -> None:
    bodies = [
        {"kind": "ConfigMap", "apiVersion": "v1"},
        {"kind": "CustomResourceDefinition", "apiVersion": "shop.example/v1"},
        definition(),
        {"kind": "List"},
    ]
    assert set(from_definitions(bodies)) == {KEY}


def place(**schema: Any) -> Node:
    """Gives what is known of a property with this schema."""
    spec = gadgets(it=schema).field("spec")
    assert spec is not None
    found = spec.field("it")
    assert found is not None
    return found


ITEM: JsonObject = {"type": "object", "properties": {"name": {"type": "string"}}}
KEYED: JsonObject = {
    "type": "array",
    "items": ITEM,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
}


@pytest.mark.parametrize(
    ("schema", "shape", "keys", "atomic"),
    [
        ({"type": "string"}, Shape.ANY, (), False),
        ({"x-kubernetes-int-or-string": True}, Shape.ANY, (), False),
        ({"x-kubernetes-preserve-unknown-fields": True}, Shape.ANY, (), False),
        (
            {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            Shape.ANY,
            (),
            False,
        ),
        ({"type": "object"}, Shape.STRUCT, (), False),
        (ITEM, Shape.STRUCT, (), False),
        ({**ITEM, "x-kubernetes-map-type": "atomic"}, Shape.STRUCT, (), True),
        (
            {"type": "object", "x-kubernetes-embedded-resource": True},
            Shape.STRUCT,
            (),
            False,
        ),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            Shape.MAP,
            (),
            False,
        ),
        (
            {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "x-kubernetes-map-type": "atomic",
            },
            Shape.MAP,
            (),
            True,
        ),
        ({"type": "object", "additionalProperties": True}, Shape.MAP, (), False),
        ({"type": "array", "items": ITEM}, Shape.LIST, (), True),
        (
            {"type": "array", "items": ITEM, "x-kubernetes-list-type": "set"},
            Shape.LIST,
            (),
            False,
        ),
        (KEYED, Shape.LIST, ("name",), False),
        ({"type": "array"}, Shape.ANY, (), False),
    ],
)
@pytest.mark.parametrize("nullable", [False, True])
def test_a_schema_says_how_its_place_is_kept(
    schema: JsonObject, shape: Shape, keys: tuple[str, ...], atomic: bool, nullable: bool
) -> None:
    node = place(**schema, nullable=nullable)
    assert (node.shape, node.merge_keys, node.atomic) == (shape, keys, atomic)
    assert node.nullable is nullable
    assert node.custom


def test_an_embedded_object_has_an_objects_own_fields() -> None:
    node = place(
        **{
            "type": "object",
            "x-kubernetes-embedded-resource": True,
            "properties": {"kind": {"type": "string"}, "metadata": {"type": "object"}},
        }
    )
    metadata, kind, version = (node.field(n) for n in ("metadata", "kind", "apiVersion"))
    assert metadata is not None and metadata.shape is Shape.METADATA
    assert kind is not None and version is not None


def test_the_schema_of_metadata_counts_for_nothing() -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string", "default": "x"}}}
    node = from_definition(definition(properties={"metadata": schema}))[KEY]
    assert node.field("metadata") is None
    assert node.struct is not None and node.struct.defaults == {}


WRONG = ["text", 5, ["text"], {"a": "text"}, True]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("path", ["spec", "names", "versions", "kind", "version", "schema"])
def test_a_malformed_definition_defines_nothing(path: str, wrong: Any) -> None:
    """It comes from Git, where nobody has checked it."""
    body = definition(properties={"spec": ITEM})
    spec, version = body["spec"], body["spec"]["versions"][0]
    if path == "spec":
        body["spec"] = wrong
    elif path == "kind":
        spec["names"]["kind"] = [wrong]
    elif path == "version":
        spec["versions"] = [wrong]
    elif path == "schema":
        version["schema"] = wrong
    else:
        spec[path] = wrong
    assert from_definition(body) == {}


@pytest.mark.parametrize("wrong", WRONG)
def test_of_a_malformed_schema_nothing_is_known(wrong: Any) -> None:
    spec = from_definition(definition(properties={"spec": wrong}))[KEY].field("spec")
    assert spec is not None
    root = from_definition(definition(properties=wrong))[KEY]
    assert root.struct is not None
    keyed = place(**{**KEYED, "x-kubernetes-list-map-keys": wrong})
    assert all(isinstance(key, str) for key in keyed.merge_keys)


@pytest.mark.parametrize("items", [[ITEM], "text", None])
def test_a_list_without_a_schema_for_its_items_is_kept_as_it_is(items: Any) -> None:
    assert place(type="array", items=items).shape is Shape.ANY


def openapi(group: str, kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    stamp = [{"group": group, "version": "v1", "kind": kind}]
    return {
        "components": {
            "schemas": {
                "x": {"properties": {}},
                "y": {**schema, "x-kubernetes-group-version-kind": stamp},
            }
        }
    }


METADATA = {
    "allOf": [{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}]
}


def test_a_servers_document_gives_a_custom_kind() -> None:
    schema = {
        "properties": {
            "metadata": METADATA,
            "spec": {"type": "object", "properties": {"a": {"default": 1}}},
        }
    }
    node = from_openapi(openapi("shop.example", "Gadget", schema), "shop.example/v1", "Gadget")
    assert node is not None and node.custom
    spec = node.field("spec")
    assert spec is not None and spec.struct is not None
    assert spec.struct.defaults == {"a": 1}


def test_of_a_go_type_openapi_tells_too_little() -> None:
    schema = {"properties": {"spec": {"$ref": "#/components/schemas/io.example.Spec"}}}
    document = openapi("metrics.example", "Thing", schema)
    assert from_openapi(document, "metrics.example/v1", "Thing") is None


@pytest.mark.parametrize(
    ("document", "api_version", "kind"),
    [
        ({}, *KEY),
        ({"components": None}, *KEY),
        (openapi("shop.example", "Gadget", {}), "shop.example/v2", "Gadget"),
        (openapi("shop.example", "Gadget", {}), "shop.example/v1", "Thing"),
        (openapi("other.example", "Gadget", {}), *KEY),
    ],
)
def test_a_kind_that_isnt_in_the_document_is_none(
    document: dict[str, Any], api_version: str, kind: str
) -> None:
    assert from_openapi(document, api_version, kind) is None
