"""The documents that an API server gives about itself, and about what it refuses."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from reconciler.core.resource import JsonObject
from tests.fakes.cluster import FakeCluster


def status(code: int, reason: str, message: str, fields: Sequence[str] = ()) -> JsonObject:
    """Gives a Status object; its causes quote what was sent, as the real server's do."""
    causes = [
        {
            "reason": "FieldValueInvalid",
            "message": f'Invalid value: "what was sent": {message}',
            "field": field,
        }
        for field in fields
    ]
    return {
        "apiVersion": "v1",
        "kind": "Status",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
        "details": {"causes": causes} if causes else {},
    }


def discovery(cluster: FakeCluster, *, core: bool) -> JsonObject:
    """Gives the aggregated discovery of the core group, or of all others."""
    groups: dict[str, dict[str, list[JsonObject]]] = {}
    for kind in cluster.store.kinds.values():
        if (kind.group == "") == core:
            resource = {
                "resource": kind.plural,
                "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
                "scope": "Namespaced" if kind.namespaced else "Cluster",
                "verbs": sorted(kind.verbs),
                "shortNames": list(kind.short_names),
            }
            groups.setdefault(kind.group, {}).setdefault(kind.version, []).append(resource)
    for api_version in cluster.catalog_faults:
        group, _, version = api_version.rpartition("/")
        if (group == "") == core:
            groups.setdefault(group, {})[version] = []
    items = [
        {
            "metadata": {"name": group} if group else {},
            "versions": [
                {
                    "version": version,
                    "resources": resources,
                    "freshness": "Current" if resources else "Stale",
                }
                for version, resources in versions.items()
            ],
        }
        for group, versions in groups.items()
    ]
    return {
        "apiVersion": "apidiscovery.k8s.io/v2",
        "kind": "APIGroupDiscoveryList",
        "items": items,
    }


def resource_list(cluster: FakeCluster, api_version: str) -> JsonObject | None:
    """Gives one group version's kinds in the classic way; None where it isn't served."""
    resources = [
        {
            "name": kind.plural,
            "kind": kind.kind,
            "namespaced": kind.namespaced,
            "verbs": sorted(kind.verbs),
            "shortNames": list(kind.short_names),
        }
        for kind in cluster.store.kinds.values()
        if kind.api_version == api_version
    ]
    return {"kind": "APIResourceList", "resources": resources} if resources else None


def openapi_index(cluster: FakeCluster) -> JsonObject:
    """Gives the addresses of the schemas of custom kinds, each with its content's hash."""
    paths = {}
    for api_version in _custom(cluster):
        content = json.dumps(openapi_document(cluster, api_version), sort_keys=True)
        digest = hashlib.sha256(content.encode()).hexdigest()
        url = f"/openapi/v3/apis/{api_version}?hash={digest}"
        paths[f"apis/{api_version}"] = {"serverRelativeURL": url}
    return {"paths": paths}


def openapi_document(cluster: FakeCluster, api_version: str) -> JsonObject:
    """Gives the schemas of the custom kinds of one group version."""
    schemas = _custom(cluster).get(api_version, {})
    return {"openapi": "3.0.0", "components": {"schemas": schemas}}


def _custom(cluster: FakeCluster) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for body in cluster.store.objects.values():
        if body["kind"] != "CustomResourceDefinition":
            continue
        group, kind = body["spec"]["group"], body["spec"]["names"]["kind"]
        for version in body["spec"]["versions"]:
            schema = (version.get("schema") or {}).get("openAPIV3Schema") or {"type": "object"}
            named = {"group": group, "version": version["name"], "kind": kind}
            found.setdefault(f"{group}/{version['name']}", {})[f"{group}.{kind}"] = {
                **schema,
                "x-kubernetes-group-version-kind": [named],
            }
    return found
