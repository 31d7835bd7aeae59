"""What is known of the built-in kinds' fields: the bundled table."""

import pytest

from reconciler.core.schema import Node, Schema, Shape, from_definition
from tests.unit.core.normalizing import BUILTIN, TABLE, definition


def at(api_version: str, kind: str, *names: str) -> Node:
    """Finds a place; `*` steps into a list or a map."""
    node = BUILTIN.node(api_version, kind)
    for name in names:
        assert node is not None, names
        node = node.item if name == "*" else node.field(name)
    assert node is not None, names
    return node


def test_the_table_is_small_and_knows_the_kinds_that_people_use() -> None:
    assert TABLE.stat().st_size < 400_000
    kinds = set(BUILTIN.kinds())
    assert {("v1", "Pod"), ("apps/v1", "Deployment"), ("batch/v1", "Job")} <= kinds
    assert ("apiextensions.k8s.io/v1", "CustomResourceDefinition") in kinds
    assert len(kinds) > 60


def test_every_kind_in_the_table_can_be_walked_to_its_end() -> None:
    seen: set[int] = set()

    def walk(node: Node, depth: int) -> None:
        if node.item is not None:
            walk(node.item, depth)
        struct = node.struct
        if struct is None or id(struct) in seen:
            return
        seen.add(id(struct))
        assert set(struct.defaults) <= set(struct.fields), struct.type
        for field in struct.fields.values():
            walk(field.node, depth + 1)

    for key in BUILTIN.kinds():
        node = BUILTIN.node(*key)
        assert node is not None
        assert node.field("metadata") is not None, key
        walk(node, 0)
    assert len(seen) > 300


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (("spec", "template", "spec", "containers"), ("name",)),
        (("spec", "template", "spec", "containers", "*", "env"), ("name",)),
        (
            ("spec", "template", "spec", "containers", "*", "ports"),
            ("containerPort", "protocol"),
        ),
        (("spec", "template", "spec", "volumes"), ("name",)),
        (("spec", "template", "spec", "tolerations"), ()),
        (("spec", "template", "spec", "containers", "*", "args"), ()),
    ],
)
def test_lists_have_the_servers_merge_keys(names: tuple[str, ...], keys: tuple[str, ...]) -> None:
    assert at("apps/v1", "Deployment", *names).merge_keys == keys


def test_only_lists_whose_order_counts_are_ordered() -> None:
    pod = ("spec", "template", "spec")
    assert at("apps/v1", "Deployment", *pod, "containers").ordered
    assert at("apps/v1", "Deployment", *pod, "containers", "*", "env").ordered
    assert not at("apps/v1", "Deployment", *pod, "volumes").ordered


def test_what_managers_own_as_a_whole_is_atomic() -> None:
    assert at("apps/v1", "Deployment", "spec", "selector").atomic
    assert not at("apps/v1", "Deployment", "spec", "template").atomic
    assert at("v1", "Service", "spec", "selector").atomic


def test_a_maps_values_are_fields_of_any_name() -> None:
    labels = at("v1", "ConfigMap", "metadata", "labels", "any.example/name")
    assert labels.shape is Shape.STRING
    assert at("v1", "ConfigMap", "data").field("x") is at("v1", "ConfigMap", "data").item


def test_nothing_is_known_of_strangers() -> None:
    assert BUILTIN.node("shop.example/v1", "Order") is None
    assert BUILTIN.node("v1", "Order") is None
    config_map = BUILTIN.node("v1", "ConfigMap")
    assert config_map is not None
    assert config_map.field("dat") is None


def test_a_schema_can_be_extended() -> None:
    nodes = from_definition(definition())
    extended = BUILTIN.extended(nodes)
    assert extended.node("shop.example/v1", "Gadget") is nodes["shop.example/v1", "Gadget"]
    assert extended.node("v1", "Pod") is BUILTIN.node("v1", "Pod")
    assert extended.node("v1", "Nothing") is None
    assert Schema({}).extended({}).node("v1", "Pod") is None
