from typing import Any

import pytest

from reconciler.core.desired import Manifest, SourceLocation
from reconciler.core.drift import Change, ChangeType, Hidden
from reconciler.core.explain import FieldOrigin, Origin, explain
from reconciler.core.ignore import IgnoreRule
from reconciler.core.ownership import FieldManager
from reconciler.core.path import Item, Path, format_path
from reconciler.core.resource import JsonObject
from reconciler.core.schema import Node, Shape, Struct
from reconciler.core.schema.node import Field
from tests.unit.core.build import key_of, lived, made, managed

SOURCE = SourceLocation("apps/web.yaml", 3)
EDIT = FieldManager("2026-11-24T12:00:00Z", "kubectl-edit", "Update")
ADDED, REMOVED, CHANGED = ChangeType.ADDED, ChangeType.REMOVED, ChangeType.CHANGED


def fields(
    live: JsonObject,
    declared: JsonObject | None,
    changes: tuple[Change, ...] = (),
    hidden: tuple[Hidden, ...] = (),
    node: Node | None = None,
) -> dict[str, FieldOrigin]:
    manifest = Manifest(declared, SOURCE) if declared is not None else None
    user = frozenset({"ignore[1]"})
    found = explain(key_of(live), manifest, live, changes, hidden, user, node)
    assert len({field.path for field in found}) == len(found)
    return {format_path(field.path): field for field in found}


def origins(*args: Any, **more: Any) -> dict[str, Origin]:
    return {path: field.origin for path, field in fields(*args, **more).items()}


def test_every_field_of_a_live_object_is_accounted_for() -> None:
    declared = made(data={"declared": "a", "changed": "b"}, empty={})
    live = lived(
        {**declared, "data": {"declared": "a", "changed": "c", "more": "d"}, "immutable": False},
        managedFields=[managed("kubectl-edit", EDIT.time, {"f:data": {"f:more": {}}})],
    )
    live["status"] = {"ready": True}
    changed = Change(("data", "changed"), CHANGED, "b", "c", by=EDIT)
    added = Change(("data", "more"), ADDED, None, "d")
    found = fields(live, declared, (changed, added))
    assert {path: field.origin.value for path, field in found.items()} == {
        "apiVersion": "declared",
        "kind": "declared",
        "metadata.name": "declared",
        "metadata.namespace": "declared",
        "metadata.uid": "server",
        "metadata.resourceVersion": "server",
        "metadata.creationTimestamp": "server",
        "metadata.managedFields": "server",
        "data.declared": "declared",
        "data.changed": "drift",
        "data.more": "drift",
        "empty": "declared",
        "immutable": "defaulted",
        "status.ready": "status",
    }
    assert found["data.declared"].source == SOURCE
    assert found["data.changed"].change == changed
    # Who set it is what the change says, else what managedFields say.
    assert found["data.changed"].by == found["data.more"].by == EDIT


def test_nothing_of_an_object_that_nobody_declared_is_accounted_for() -> None:
    found = origins({**lived(made(data={"a": "b"})), "status": {"x": 1}}, None)
    assert found["data.a"] is found["kind"] is Origin.DRIFT
    assert (found["metadata.uid"], found["status.x"]) == (Origin.SERVER, Origin.STATUS)


def test_what_is_gone_is_told_too() -> None:
    gone = Change(("data", "gone"), REMOVED, "x", None)
    hidden = Hidden(Change(("data", "hid"), REMOVED, "y", None), "ignore[1]", "not ours")
    found = fields(lived(made()), made(), (gone,), (hidden,))
    assert found["data.gone"].origin is Origin.DRIFT
    assert found["data.gone"].change == gone
    assert found["data.hid"].origin is Origin.IGNORED
    assert found["data.hid"].reason == "ignore[1]: not ours"
    assert found["data.gone"].value is None


@pytest.mark.parametrize(
    ("rule", "origin"), [("ignore[1]", Origin.IGNORED), ("autoscaled", Origin.CONTROLLER)]
)
def test_a_rule_that_hides_a_field_is_named_with_its_reason(rule: str, origin: Origin) -> None:
    hidden = Hidden(Change(("spec",), ADDED, None, {"replicas": 3}), rule, "by the on-call team")
    found = fields(lived(made(spec={"replicas": 3})), made(), (), (hidden,))
    assert found["spec.replicas"].origin is origin
    assert found["spec.replicas"].reason == f"{rule}: by the on-call team"


def struct(**nodes: Node) -> Node:
    held = Struct("", {name: Field(node) for name, node in nodes.items()})
    return Node(Shape.STRUCT, struct=lambda: held)


PORTS = struct(
    ports=Node(Shape.LIST, item=struct(), merge_keys=("containerPort", "protocol")),
)


def test_a_declared_item_may_lack_a_key_that_has_a_default() -> None:
    declared = made(ports=[{"containerPort": 80}, "no map"])
    live = lived(made(ports=[{"containerPort": 80, "protocol": "TCP"}]))
    found = origins(live, declared, node=PORTS)
    assert found["ports[containerPort=80,protocol=TCP].containerPort"] is Origin.DECLARED
    assert found["ports[containerPort=80,protocol=TCP].protocol"] is Origin.DEFAULTED


@pytest.mark.parametrize(
    ("declared", "live", "path", "origin"),
    [
        # Members of a list, wherever they stand now.
        ({"args": ["a", "b"]}, {"args": ["x", "a", "b"]}, "args[2]", Origin.DECLARED),
        ({"args": ["a", "b"]}, {"args": ["x", "a", "b"]}, "args[0]", Origin.DEFAULTED),
        ({"args": "text"}, {"args": ["text"]}, "args[0]", Origin.DEFAULTED),
        ({"l": [{"x": 1}]}, {"l": [{"x": 1, "y": 2}]}, "l[0].x", Origin.DECLARED),
        ({"l": [{"x": 1}]}, {"l": [{"x": 1, "y": 2}]}, "l[0].y", Origin.DEFAULTED),
        ({"l": [{"x": 1}]}, {"l": [{"x": 1}, {"x": 2}]}, "l[1].x", Origin.DEFAULTED),
        ({"a": None}, {"a": 1}, "a", Origin.DEFAULTED),
        ({"a": "text"}, {"a": {"b": 1}}, "a.b", Origin.DEFAULTED),
        ({"a": False}, {"a": False}, "a", Origin.DECLARED),
    ],
)
def test_what_a_declaration_names_is_declared(
    declared: dict[str, Any], live: dict[str, Any], path: str, origin: Origin
) -> None:
    assert origins(lived(made(**live)), made(**declared))[path] is origin


def test_a_secrets_plain_values_are_declared_and_none_is_shown() -> None:
    declared = made("Secret", stringData={"a": "x"}, data={"b": "eQ=="})
    live = lived(made("Secret", data={"a": "eA==", "b": "eQ==", "c": "eg=="}))
    found = fields(live, declared)
    assert [found[f"data.{name}"].origin.value for name in "abc"] == [
        "declared",
        "declared",
        "defaulted",
    ]
    assert {found[f"data.{name}"].value for name in "abc"} == {"***"}


def test_a_variable_that_shares_its_name_is_masked_by_that_name() -> None:
    env = [{"name": "PASSWORD", "value": "hunter2"}, {"name": "PASSWORD", "value": "hunter3"}]
    found = fields(lived(made(env=env)), made(env=env))
    assert {found["env[0].value"].value, found["env[1].value"].value} == {"***"}


def test_another_order_makes_nothing_of_what_is_in_the_list_drift() -> None:
    items = [{"name": "b"}, {"name": "a"}]
    order = Change(("l",), CHANGED, ["a", "b"], ["b", "a"])
    found = origins(lived(made(l=items)), made(l=items[::-1]), (order,))
    path: Path = ("l", Item((("name", "a"),)), "name")
    assert found[format_path(path)] is Origin.DECLARED


def test_a_field_of_an_object_in_sync_is_explained_by_the_rule_that_speaks_of_it() -> None:
    path = 'metadata.annotations["example.com/*"]'
    rules = (
        IgnoreRule("of-others", "not this kind", path=path, kind="Secret"),
        IgnoreRule("of-ours", "a controller counts there", path=path, builtin=True),
    )
    live = lived(made(metadata={"annotations": {"example.com/count": "3", "other": "x"}}))
    manifest = Manifest(made(), SOURCE)
    found = explain(key_of(live), manifest, live, (), (), frozenset(), None, rules)
    told = {format_path(field.path): (field.origin, field.reason) for field in found}
    assert told['metadata.annotations["example.com/count"]'] == (
        Origin.CONTROLLER,
        "of-ours: a controller counts there",
    )
    assert told["metadata.annotations.other"] == (Origin.DEFAULTED, "")
