"""Pods as controllers make them, with who set which field."""

from typing import Any

from reconciler.core.pods import TargetPod, pods_of
from reconciler.core.resource import JsonObject
from reconciler.core.sides import Sides
from tests.unit.core.build import desired_of, live_of, sides_of

SHOP = frozenset({"shop"})
CONTROLLER = "kube-controller-manager"
BEGAN, LATER = "2026-11-24T11:00:00Z", "2026-11-24T11:30:00Z"


def body_of(api_version: str, kind: str, name: str, **fields: Any) -> JsonObject:
    metadata = {"name": name, "namespace": "shop", "uid": f"uid-{name}"}
    metadata |= fields.pop("metadata", {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def owned(owner: JsonObject, controller: bool = True) -> list[JsonObject]:
    return [
        {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "controller": controller,
        }
    ]


def template(image: str = "shop/web:1", **metadata: Any) -> JsonObject:
    return {
        "metadata": {"labels": {"app": "web"}, **metadata},
        "spec": {"restartPolicy": "Always", "containers": [{"name": "web", "image": image}]},
    }


WEB = body_of("apps/v1", "Deployment", "web", spec={"replicas": 2, "template": template()})
REPLICAS = body_of(
    "apps/v1",
    "ReplicaSet",
    "web-1",
    metadata={
        "ownerReferences": owned(WEB),
        "managedFields": [
            {"manager": "another-controller", "subresource": "status", "fieldsV1": {}},
        ],
    },
    spec={"template": template()},
)


def pod(
    name: str = "web-1-a",
    maker: JsonObject | None = REPLICAS,
    image: str = "shop/web:1",
    by: str = CONTROLLER,
    edits: tuple[tuple[str, JsonObject], ...] = (),
    **fields: Any,
) -> JsonObject:
    """Makes a pod.

    Args:
        name: Its name.
        maker: What controls it; None for nothing.
        image: What its container is to run.
        by: Who made it; nobody is recorded where that is empty.
        edits: Who else owns which fields.
        fields: `metadata`, `spec` and `status`, over what the template says.
    """
    managed: JsonObject = {
        "f:spec": {"f:containers": {'k:{"name":"web"}': {".": {}, "f:image": {}}}}
    }
    managed |= {"f:metadata": {"f:labels": {"f:app": {}}, "f:annotations": {"f:made": {}}}}
    entries = [(by, BEGAN, managed), *((who, LATER, owns) for who, owns in edits)] if by else []
    metadata = {
        "generateName": "web-",
        "labels": {"app": "web"},
        "managedFields": [
            {"manager": who, "operation": "Update", "time": time, "fieldsV1": owns}
            for who, time, owns in entries
        ],
        **({"ownerReferences": owned(maker)} if maker else {}),
        **fields.get("metadata", {}),
    }
    spec = {
        "restartPolicy": "Always",
        "nodeName": "node-1",
        "containers": [{"name": "web", "image": image}],
        **fields.get("spec", {}),
    }
    return body_of("v1", "Pod", name, metadata=metadata, spec=spec, status=fields.get("status", {}))


def running(digest: str = "a", began: str = BEGAN, **more: Any) -> JsonObject:
    """Makes a pod's status as its kubelet says it."""
    return {
        "phase": "Running",
        "containerStatuses": [
            {
                "name": "web",
                "imageID": f"shop/web@sha256:{digest}",
                "containerID": "containerd://c-1",
                "state": {"running": {"startedAt": began}},
                **more,
            }
        ],
    }


def read(*live: JsonObject, declared: tuple[JsonObject, ...] = (WEB,)) -> Sides:
    return sides_of(desired_of(*declared), live_of(*declared, *live))


def found(*live: JsonObject, declared: tuple[JsonObject, ...] = (WEB,)) -> tuple[TargetPod, ...]:
    return pods_of(read(*live, declared=declared), SHOP)
