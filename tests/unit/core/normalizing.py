"""Short ways to ask what the server would make of a declaration."""

from pathlib import Path
from typing import Any

import orjson

from reconciler.core.desired import CLUSTER_SCOPED
from reconciler.core.expected import Expected
from reconciler.core.normalize import expect
from reconciler.core.path import format_path
from reconciler.core.resource import JsonObject, split_api_version
from reconciler.core.schema import Node, from_definition, load

TABLE = Path(__file__).resolve().parents[3] / "reconciler" / "data" / "schema.json"
BUILTIN = load(orjson.loads(TABLE.read_bytes()))
UID = "11111111-2222-3333-4444-555555555555"

CONTAINER = {"name": "c", "image": "web:1"}
LABELS = {"app": "web"}


def declared(api_version: str, kind: str, **fields: Any) -> JsonObject:
    """Makes an object named `web`, in the namespace `shop` where its kind has one."""
    group, _ = split_api_version(api_version)
    place = {} if (group, kind) in CLUSTER_SCOPED else {"namespace": "shop"}
    metadata = {"name": "web", **place, **fields.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def live_of(body: JsonObject, managed: Any = None, **metadata: Any) -> JsonObject:
    """Makes an object as the server shows it; `managed` are managedFields."""
    server = {"uid": UID, "resourceVersion": "7", "creationTimestamp": "2026-01-02T03:04:05Z"}
    made = {**body, "metadata": {**body["metadata"], **server, **metadata}}
    if managed is not None:
        made["metadata"]["managedFields"] = managed
    return made


def fields_of(value: Any) -> dict[str, Any]:
    """Gives the fieldsV1 of whoever owns every leaf of a value; lists are owned as one."""
    if not isinstance(value, dict):
        return {}
    return {f"f:{name}": fields_of(inner) for name, inner in value.items()}


def managed(body: JsonObject, manager: str = "kubectl-create", **options: Any) -> JsonObject:
    """Makes one manager's entry, which owns every leaf of a body but its identity."""
    owned = fields_of({k: v for k, v in body.items() if k not in ("apiVersion", "kind")})
    for name in ("f:name", "f:namespace"):
        owned.get("f:metadata", {}).pop(name, None)
    return {
        "manager": manager,
        "operation": "Update",
        "apiVersion": body["apiVersion"],
        "fieldsV1": owned,
        **options,
    }


def ask(body: JsonObject, live: JsonObject) -> Expected:
    """Asks about an object of a built-in kind."""
    return expect(body, live, BUILTIN.node(body["apiVersion"], body["kind"]))


def made_of(api_version: str, kind: str, **fields: Any) -> JsonObject:
    """What the server would make of a declaration of which nothing is live but its identity."""
    body = declared(api_version, kind, **fields)
    place = {k: v for k, v in body["metadata"].items() if k in ("name", "namespace")}
    return ask(body, live_of({"apiVersion": api_version, "kind": kind, "metadata": place})).body


def spec_of(api_version: str, kind: str, **spec: Any) -> Any:
    """What the server would make of a `spec`."""
    return made_of(api_version, kind, spec=spec)["spec"]


def deployment_of(**spec: Any) -> Any:
    """What the server would make of a Deployment's `spec`, given more than it needs."""
    return spec_of(
        "apps/v1",
        "Deployment",
        **{"selector": {"matchLabels": LABELS}, "template": template()} | spec,
    )


def template(**pod: Any) -> JsonObject:
    """Makes a pod template that the server accepts."""
    return {"metadata": {"labels": LABELS}, "spec": {"containers": [CONTAINER]} | pod}


def pod_of(**pod: Any) -> Any:
    """What the server would make of the pod in a Deployment's template."""
    return deployment_of(template=template(**pod))["template"]["spec"]


def container_of(**fields: Any) -> Any:
    """What the server would make of a container in a Deployment's template."""
    return pod_of(containers=[CONTAINER | fields])["containers"][0]


def carried(expected: Expected) -> list[str]:
    return [format_path(path) for path in expected.carried]


def unproven(expected: Expected) -> list[str]:
    return [format_path(path) for path, _ in expected.unproven]


def definition(**schema: Any) -> JsonObject:
    """Makes the definition of Gadget, with a schema at `v1` and none at `v2`."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "gadgets.shop.example"},
        "spec": {
            "group": "shop.example",
            "scope": "Namespaced",
            "names": {"kind": "Gadget", "plural": "gadgets"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", **schema}},
                },
                {"name": "v2", "served": False, "storage": False},
            ],
        },
    }


def gadgets(**properties: Any) -> Node:
    """Gives the root of Gadget with these properties of its `spec`."""
    spec = {"type": "object", "properties": properties}
    return from_definition(definition(properties={"spec": spec}))["shop.example/v1", "Gadget"]


def gadget(**spec: Any) -> JsonObject:
    return declared("shop.example/v1", "Gadget", spec=spec)
