"""Hand-written manifests of every built-in kind, and others made from them by chance."""

import copy
from pathlib import Path
from random import Random
from typing import Any

import orjson
import yaml

from reconciler.core.resource import JsonObject
from reconciler.core.schema import Node, Schema, Shape, from_definitions, load

_ROOT = Path(__file__).resolve().parents[3]
FOLDER = _ROOT / "tests" / "testdata" / "normalize"

#: In the order in which they are to be applied: definitions first, quotas last.
FILES = ("cluster", "workloads", "core", "custom")


def documents(file: str) -> list[JsonObject]:
    """Reads one file's manifests."""
    text = (FOLDER / f"{file}.yaml").read_text(encoding="utf-8")
    return [body for body in yaml.safe_load_all(text) if body]


ALL: list[JsonObject] = [body for file in FILES for body in documents(file)]

SCHEMA: Schema = load(
    orjson.loads((_ROOT / "reconciler" / "data" / "schema.json").read_bytes())
).extended(from_definitions(ALL))


def name_of(body: JsonObject) -> str:
    return f"{body['kind']}/{body['metadata']['name']}"


def node_of(body: JsonObject) -> Node:
    node = SCHEMA.node(body["apiVersion"], body["kind"])
    assert node is not None, name_of(body)
    return node


#: Values that some field somewhere allows; which one does is for the server to say.
_WORDS = [
    "Always",
    "Never",
    "OnFailure",
    "IfNotPresent",
    "TCP",
    "UDP",
    "ClientIP",
    "None",
    "Cluster",
    "Local",
    "NodePort",
    "ExternalName",
    "RollingUpdate",
    "Recreate",
    "OnDelete",
    "Retain",
    "Delete",
    "Block",
    "Filesystem",
    "Memory",
    "HTTPS",
    "Exists",
    "In",
    "Equal",
    "NoSchedule",
    "NoExecute",
    "ClusterFirst",
    "Prefix",
    "Ingress",
    "Egress",
    "Ignore",
    "Fail",
    "Equivalent",
    "Parallel",
    "Forbid",
    "Indexed",
    "FallbackToLogsOnError",
    "Immediate",
    "ReadWriteOnce",
    "User",
    "Group",
    "ServiceAccount",
    "SingleStack",
    "IPv4",
    "RuntimeDefault",
    "ALL",
    "a",
    "b",
    "app",
    "/x",
    "10.0.0.1",
    "80%",
    "example.com",
    "http",
    "x:latest",
    "1",
    "",
]
_QUANTITIES = ["0", "1", "0.5", "1024Mi", "1e3", "1.5Gi", "100m", "2.50", "1000m", "+3", "1n", 1]
_LEAVES: dict[Shape, list[Any]] = {
    Shape.STRING: _WORDS,
    Shape.INTEGER: [0, 0, 1, 2, 3, 10, 30, 80, 420],
    Shape.BOOLEAN: [True, False],
    Shape.FLOAT: [0, 1, 1.5],
    Shape.QUANTITY: _QUANTITIES,
    Shape.RESOURCE: _QUANTITIES,
    Shape.INT_OR_STRING: [0, 1, 80, "25%", "http", ""],
    Shape.TIME: ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05+01:00"],
    Shape.MICRO_TIME: ["2026-01-02T03:04:05.123456+02:00"],
    Shape.BYTES: ["", "YQ==", "YR==", "aGVs\nbG8="],
    Shape.ANY: [1, "a", {"a": 1}, [1], True],
    Shape.METADATA: [{}, {"name": "a", "labels": {}, "unknown": 1}],
    Shape.SCHEMA_OR_OTHER: [True, {"type": "string"}],
}
_KEYS = ["a", "b", "cpu", "memory", "storage", "example.com/x"]
_APART = ("apiVersion", "kind", "metadata", "status")


def mutated(body: JsonObject, chance: Random) -> JsonObject:
    """Gives a copy with some fields set, emptied or taken away by chance."""
    made = copy.deepcopy(body)
    root = node_of(body)
    for _ in range(chance.choice([1, 1, 2, 3])):
        value, node = chance.choice(_places(made, root))
        assert node.struct is not None
        names = [n for n in node.struct.fields if node is not root or n not in _APART]
        if not names:
            continue
        name = chance.choice(names)
        what = chance.random()
        if what < 0.15:
            value.pop(name, None)
        elif what < 0.2:
            value[name] = None
        else:
            value[name] = _value(node.struct.fields[name].node, chance, 0)
    return made


def _places(value: Any, node: Node | None) -> list[tuple[dict[str, Any], Node]]:
    """Finds every object with named fields, with what is known of it."""
    found: list[tuple[dict[str, Any], Node]] = []
    if node is None:
        return found
    if isinstance(value, list):
        for item in value:
            found += _places(item, node.item)
    elif isinstance(value, dict):
        if node.struct is not None:
            found.append((value, node))
        for name, inner in value.items():
            if not (node.root and name in _APART):
                found += _places(inner, node.field(name))
    return found


def _value(node: Node, chance: Random, depth: int) -> Any:
    if chance.random() < 0.05:
        return None
    if node.struct is not None:
        return {
            name: _value(field.node, chance, depth + 1)
            for name, field in node.struct.fields.items()
            if depth < 6 and chance.random() < (0.8 if field.always or name == "name" else 0.1)
        }
    if node.item is not None and node.shape in (Shape.LIST, Shape.MAP):
        items = [_value(node.item, chance, depth + 1) for _ in range(chance.choice([0, 1, 1, 2]))]
        return items if node.shape is Shape.LIST else dict(zip(_KEYS, items, strict=False))
    return chance.choice(_LEAVES[node.shape])
