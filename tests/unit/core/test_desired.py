from typing import Any

import pytest

from reconciler.core.desired import (
    CLUSTER_SCOPED,
    DesiredState,
    Manifest,
    Rendered,
    SourceLocation,
    desired_state,
)
from reconciler.core.errors import ManifestError
from reconciler.core.resource import Catalog, JsonObject, ResourceKey
from tests.unit.core.build import CATALOG

NOTHING_SERVED = Catalog("", {}, {}, {})


def state(*bodies: JsonObject, catalog: Catalog = CATALOG, namespace: str = "shop") -> DesiredState:
    manifests = [
        Manifest(body, SourceLocation("all.yaml", line)) for line, body in enumerate(bodies, 1)
    ]
    return desired_state(Rendered("4f0c", tuple(manifests), ("a note",)), catalog, namespace)


def body(api_version: str, kind: str, **metadata: Any) -> JsonObject:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "web", **metadata}}


def crd(scope: str) -> JsonObject:
    spec = {"group": "example.com", "scope": scope, "names": {"kind": "Thing"}}
    made = body("apiextensions.k8s.io/v1", "CustomResourceDefinition", name="things.example.com")
    return {**made, "spec": spec}


@pytest.mark.parametrize(
    ("written", "catalog", "namespace"),
    [
        (body("v1", "ConfigMap"), CATALOG, "shop"),
        (body("v1", "ConfigMap", namespace="own"), CATALOG, "own"),
        (body("v1", "Namespace"), CATALOG, ""),
        # A namespace on what has none is what the server drops, too.
        (body("v1", "Namespace", namespace="own"), CATALOG, ""),
        # Without a server, what Kubernetes itself has is known, and all else has a namespace.
        (body("rbac.authorization.k8s.io/v1", "ClusterRole"), NOTHING_SERVED, ""),
        (body("rbac.authorization.k8s.io/v1", "Role"), NOTHING_SERVED, "shop"),
        (body("example.com/v1", "Thing"), NOTHING_SERVED, "shop"),
    ],
)
def test_namespaces_are_filled_in_where_a_kind_has_them(
    written: JsonObject, catalog: Catalog, namespace: str
) -> None:
    desired = state(written, catalog=catalog)
    ((key, manifest),) = desired.resources.items()
    assert key.namespace == manifest.namespace == namespace
    assert ("namespace" in manifest.body["metadata"]) is bool(namespace)
    assert (desired.revision, desired.notes) == ("4f0c", ("a note",))


@pytest.mark.parametrize(("scope", "namespace"), [("Namespaced", "shop"), ("Cluster", "")])
def test_a_declared_definition_says_whether_its_kind_has_namespaces(
    scope: str, namespace: str
) -> None:
    desired = state(crd(scope), body("example.com/v1", "Thing"), catalog=NOTHING_SERVED)
    assert ResourceKey("example.com", "Thing", namespace, "web") in desired.resources


@pytest.mark.parametrize("spec", [None, {}, {"names": None}])
def test_a_definition_that_says_nothing_decides_nothing(spec: Any) -> None:
    desired = state({**crd("Cluster"), "spec": spec}, body("example.com/v1", "Thing"))
    assert ResourceKey("example.com", "Thing", "shop", "web") in desired.resources


def test_everything_declared_twice_is_named_with_both_places() -> None:
    twice = body("v1", "ConfigMap"), body("v1", "ConfigMap", namespace="shop")
    with pytest.raises(ManifestError) as caught:
        state(*twice, body("v1", "Secret"), body("v1", "Secret"))
    first, second = caught.value.problems
    assert str(first) == (
        "all.yaml:2: ConfigMap shop/web is declared twice; the other one is at all.yaml:1\n"
        "  fix: delete one of the two, or give them different names or namespaces"
    )
    assert second.line == 4


def test_the_same_name_in_two_groups_or_namespaces_is_two_objects() -> None:
    desired = state(
        body("v1", "ConfigMap"),
        body("v1", "ConfigMap", namespace="other"),
        body("example.com/v1", "ConfigMap"),
    )
    assert len(desired.resources) == 3


def test_an_empty_desired_state_is_refused() -> None:
    with pytest.raises(ManifestError, match="no object is declared here"):
        state()


@pytest.mark.parametrize(
    ("metadata", "name", "generated"),
    [
        ({"name": "web"}, "web", False),
        ({"generateName": "web-"}, "web-*", True),
        ({"name": "", "generateName": "web-"}, "web-*", True),
        ({}, "*", True),
        (None, "*", True),
    ],
)
def test_a_manifests_name(metadata: Any, name: str, *, generated: bool) -> None:
    manifest = Manifest(
        {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}, SourceLocation("x")
    )
    assert (manifest.name, manifest.is_generated) == (name, generated)
    assert (manifest.api_version, manifest.kind, manifest.namespace) == ("v1", "Pod", "")


def test_a_place_is_a_file_and_a_line_if_that_is_known() -> None:
    assert str(SourceLocation("a/b.yaml", 3)) == "a/b.yaml:3"
    assert str(SourceLocation("templates/x.yaml")) == "templates/x.yaml"


def test_the_kinds_without_namespaces_are_those_of_the_group_that_has_them() -> None:
    assert ("", "Namespace") in CLUSTER_SCOPED
    assert ("apps", "Namespace") not in CLUSTER_SCOPED
