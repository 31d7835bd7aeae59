"""Short ways to make what the core works on."""

import hashlib
from collections.abc import Mapping
from typing import Any

from reconciler.core.desired import DesiredState, Manifest, SourceLocation
from reconciler.core.detect import Detection, detect
from reconciler.core.drift import Drift
from reconciler.core.expected import Answer, Expected, InSync
from reconciler.core.ignore import IgnoreRule
from reconciler.core.inventory import Inventory
from reconciler.core.live import LiveState, Unread, comparable
from reconciler.core.plan import Plan
from reconciler.core.planning import Permissions, make_plan
from reconciler.core.redact import Redaction
from reconciler.core.resource import Catalog, JsonObject, ResourceKey, ResourceKind
from reconciler.core.schema import Schema
from reconciler.core.sides import Sides

REDACTION = Redaction(b"a key of these tests' own")
VERBS = frozenset({"list", "get", "create", "update", "delete"})

KINDS = {
    ("v1", "ConfigMap"): ("configmaps", True),
    ("v1", "Secret"): ("secrets", True),
    ("v1", "Service"): ("services", True),
    ("v1", "Namespace"): ("namespaces", False),
    ("v1", "PersistentVolumeClaim"): ("persistentvolumeclaims", True),
    ("apps/v1", "Deployment"): ("deployments", True),
    ("apps/v1", "ReplicaSet"): ("replicasets", True),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): ("customresourcedefinitions", False),
    ("rbac.authorization.k8s.io/v1", "Role"): ("roles", True),
}


def kind_of(api_version: str, kind: str) -> ResourceKind:
    plural, namespaced = KINDS[api_version, kind]
    group, _, version = api_version.rpartition("/")
    return ResourceKind(group, version, kind, plural, namespaced, VERBS)


CATALOG = Catalog(
    "v1.37.2",
    {name: kind_of(*name) for name in KINDS},
    {(kind_of(*name).group, name[1]): name[0] for name in KINDS},
    {},
)


def key_of(body: Mapping[str, Any]) -> ResourceKey:
    group, _, _ = str(body["apiVersion"]).rpartition("/")
    metadata = body["metadata"]
    return ResourceKey(group, body["kind"], metadata.get("namespace", ""), metadata["name"])


def made(kind: str = "ConfigMap", name: str = "web", **fields: Any) -> JsonObject:
    """Makes an object of a kind of KINDS, in the namespace `shop` where it has one."""
    api_version = next(version for version, each in KINDS if each == kind)
    metadata = {"name": name, **fields.pop("metadata", {})}
    if KINDS[api_version, kind][1]:
        metadata.setdefault("namespace", "shop")
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def lived(body: JsonObject, **metadata: Any) -> JsonObject:
    """Makes a live object of a body: the server's own metadata is in it, and a status."""
    uid = hashlib.sha256(str(key_of(body)).encode()).hexdigest()[:8]
    own = {"uid": uid, "resourceVersion": "7", "creationTimestamp": "2026-11-24T12:00:00Z"}
    return {**body, "metadata": {**body["metadata"], **own, **metadata}}


def managed(manager: str, time: str, fields: Mapping[str, Any], **more: str) -> JsonObject:
    """Makes an entry of managedFields."""
    return {"manager": manager, "operation": "Update", "time": time, "fieldsV1": fields, **more}


def desired_of(*bodies: JsonObject, revision: str = "4f0c") -> DesiredState:
    manifests = {
        key_of(body): Manifest(body, SourceLocation(f"apps/{body['metadata']['name']}.yaml", 3))
        for body in bodies
    }
    return DesiredState(revision, manifests)


def live_of(*bodies: JsonObject, unread: tuple[Unread, ...] = ()) -> LiveState:
    objects: dict[str, dict[ResourceKey, JsonObject]] = {}
    for body in bodies:
        objects.setdefault(body["apiVersion"], {})[key_of(body)] = body
    return LiveState(objects, unread)


def answers_of(desired: DesiredState, live: LiveState) -> dict[ResourceKey, Answer]:
    """Answers as a comparer does of a server that has no defaults."""
    answers: dict[ResourceKey, Answer] = {}
    for key, manifest in desired.resources.items():
        body = live.find(manifest.api_version, key)
        if body is not None:
            expected = comparable(manifest.body)
            same = expected == comparable(body)
            answers[key] = InSync() if same else Expected(expected)
    return answers


def sides_of(
    desired: DesiredState,
    live: LiveState,
    catalog: Catalog = CATALOG,
    answers: Mapping[ResourceKey, Answer] | None = None,
    schema: Schema | None = None,
) -> Sides:
    found = answers_of(desired, live) if answers is None else answers
    return Sides(desired, live, catalog, schema or Schema({}), found)


def detected(sides: Sides, *rules: IgnoreRule, namespaces: tuple[str, ...] = ()) -> Detection:
    return detect("shop", sides, rules, frozenset(namespaces), REDACTION)


NOTHING, EMPTY = live_of(), Inventory()


def planned(
    *declared: JsonObject,
    live: LiveState = NOTHING,
    answers: dict[ResourceKey, Answer] | None = None,
    inventory: Inventory = EMPTY,
    revision: str = "4f0c",
    rules: tuple[IgnoreRule, ...] = (),
    drifts: tuple[Drift, ...] | None = None,
    **permissions: Any,
) -> Plan:
    desired = desired_of(*declared, revision=revision)
    found = answers_of(desired, live) if answers is None else answers
    sides = sides_of(desired, live, answers=found)
    if drifts is None:
        drifts = detected(sides, *rules, namespaces=("shop",)).drifts
    may = Permissions(**permissions)
    return make_plan("shop", drifts, desired, live, found, CATALOG, inventory, may)
