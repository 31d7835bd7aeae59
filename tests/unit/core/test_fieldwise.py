from typing import Any

import pytest

from reconciler.core.drift import Change, ChangeType
from reconciler.core.fieldwise import fieldwise
from reconciler.core.path import Item, Path, format_path
from reconciler.core.schema import Node, Shape, Struct
from reconciler.core.schema.node import Field

ADDED, REMOVED, CHANGED = ChangeType.ADDED, ChangeType.REMOVED, ChangeType.CHANGED
WEB = Item((("name", "web"),))


def struct(**nodes: Node) -> Node:
    held = Struct("", {name: Field(node) for name, node in nodes.items()})
    return Node(Shape.STRUCT, struct=lambda: held)


TEXT = Node(Shape.STRING)
KNOWN = struct(
    limits=Node(Shape.MAP, item=TEXT),
    probe=struct(port=TEXT, path=TEXT),
    containers=Node(Shape.LIST, item=struct(limits=Node(Shape.MAP, item=TEXT))),
)
TWO = {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("path", "change", "value", "parts"),
    [
        # Maps of names that people choose, known by their name or by the schema.
        (("metadata", "labels"), ADDED, TWO, ["metadata.labels.a", "metadata.labels.b"]),
        (("metadata", "labels"), REMOVED, TWO, ["metadata.labels.a", "metadata.labels.b"]),
        (("limits",), ADDED, TWO, ["limits.a", "limits.b"]),
        (
            ("containers", WEB, "limits"),
            ADDED,
            TWO,
            ["containers[name=web].limits.a", "containers[name=web].limits.b"],
        ),
        # One field is that field, however deep it is.
        (("probe",), ADDED, {"port": {"number": 80}}, ["probe.port.number"]),
        # What was added, or removed, as one stays one.
        (("limits",), REMOVED, TWO, ["limits"]),
        (("probe",), REMOVED, {"port": {"number": 80}}, ["probe"]),
        (("probe",), ADDED, TWO, ["probe"]),
        (("unknown", "place"), ADDED, TWO, ["unknown.place"]),
        (("containers", WEB), ADDED, {"name": "web"}, ["containers[name=web]"]),
        (("rules", 0), ADDED, {"verbs": ["*"]}, ["rules[0]"]),
        (("limits",), ADDED, {}, ["limits"]),
        (("limits",), CHANGED, TWO, ["limits"]),
        (("limits",), ADDED, ["x"], ["limits"]),
        ((), ADDED, TWO, [""]),
    ],
)
def test_a_map_is_told_of_by_its_fields(
    path: Path, change: ChangeType, value: Any, parts: list[str]
) -> None:
    desired = None if change is ADDED else value
    live = None if change is REMOVED else value
    found = list(fieldwise(Change(path, change, desired, live), KNOWN))
    assert [format_path(part.path) for part in found] == parts
    assert {part.change for part in found} == {change}
    if len(parts) > 1:
        side = "live" if change is ADDED else "desired"
        assert [getattr(part, side) for part in found] == ["1", "2"]
