"""What the tests ask: local reasoning of a manifest, and the server of one for a moment."""

import json

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.core.diff import differences
from reconciler.core.errors import Rejected
from reconciler.core.expected import Expected
from reconciler.core.live import comparable
from reconciler.core.normalize import expect
from reconciler.core.path import format_path
from reconciler.core.resource import Catalog, JsonObject, ResourceKey, split_api_version
from tests.integration.normalize.manifests import FOLDER, node_of
from tests.tools.controlplane import ControlPlane


def ask(body: JsonObject, live: JsonObject) -> Expected:
    return expect(body, live, node_of(body))


def paths(body: JsonObject, live: JsonObject) -> set[str]:
    """Where what is expected differs from what is live; empty where it is in sync."""
    expected = ask(body, live)
    found = differences(expected.body, comparable(live), node_of(body))
    assert bool(found) == (expected.body != comparable(live))
    return {format_path(difference.path) for difference in found}


def fetched(plane: ControlPlane, file: str, namespace: str) -> list[JsonObject]:
    answer = plane.kubectl(
        *("get", "-f", str(FOLDER / f"{file}.yaml"), "-n", namespace),
        *("-o", "json", "--show-managed-fields"),
    )
    items: list[JsonObject] = json.loads(answer.stdout)["items"]
    return items


def without_managed_fields(live: JsonObject) -> JsonObject:
    """The object as `kubectl get -o yaml` shows it."""
    metadata = {k: v for k, v in live["metadata"].items() if k != "managedFields"}
    return {**live, "metadata": metadata}


class Trial:
    """Makes objects for a moment, and counts how many the server accepted."""

    def __init__(self, cluster: KubeCluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.catalog: Catalog = cluster.catalog()
        self.made = 0
        self.in_sync = 0

    def as_made(self, body: JsonObject) -> tuple[JsonObject, JsonObject] | None:
        """Creates, reads and deletes an object; None where the server refuses it."""
        kind = self.catalog.find(body["apiVersion"], body["kind"])
        assert kind is not None, body["kind"]
        self.made += 1
        metadata = {k: v for k, v in body["metadata"].items() if k != "finalizers"}
        metadata["name"] = f"by-chance-{self.made}"
        if kind.namespaced:
            metadata["namespace"] = self.namespace
        body = {**body, "metadata": metadata}
        try:
            answer = self.cluster.writes.create(kind, body)
        except Rejected:
            return None
        group, _ = split_api_version(body["apiVersion"])
        key = ResourceKey(group, kind.kind, metadata.get("namespace", ""), metadata["name"])
        found = self.cluster.get(kind, key)
        uid, version = answer["metadata"]["uid"], answer["metadata"]["resourceVersion"]
        try:
            self.cluster.writes.delete(kind, key, uid=uid, version=version)
        except Rejected as rejected:
            assert rejected.code in (404, 409)
        return None if found is None else (body, found)
