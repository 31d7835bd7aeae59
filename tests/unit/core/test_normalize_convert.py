"""How values of each shape are read into Go's types and printed; rows are a real server's answers.

But for those that it refuses: they stay as they are declared, and so show as differences.
"""

from typing import Any

import pytest

from reconciler.core.resource import JsonObject
from tests.unit.core.normalizing import (
    ask,
    container_of,
    declared,
    deployment_of,
    live_of,
    made_of,
    pod_of,
    spec_of,
)


def test_empty_values_go_where_go_leaves_them_out_and_stay_behind_pointers() -> None:
    spec = deployment_of(replicas=0, paused=False, minReadySeconds=0, strategy={})
    assert spec["replicas"] == 0
    assert "paused" not in spec
    assert "minReadySeconds" not in spec


def test_nulls_and_unknown_fields_are_dropped() -> None:
    spec = deployment_of(replicas=None, replica=3)
    assert spec["replicas"] == 1
    assert "replica" not in spec


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"args": ["a", None]}, {"args": ["a", ""]}),
        ({"args": []}, {}),
        ({"args": None}, {}),
        ({"env": [{"name": "a", "value": ""}]}, {"env": [{"name": "a"}]}),
        ({"securityContext": {}}, {"securityContext": {}}),
        (
            {"securityContext": {"privileged": False}},
            {"securityContext": {"privileged": False}},
        ),
        (
            {"resources": {"limits": {"cpu": None}}},
            {"resources": {"limits": {"cpu": "0"}}},
        ),
        (
            {"livenessProbe": {"tcpSocket": {"port": "http"}}},
            {
                "livenessProbe": {
                    "tcpSocket": {"port": "http"},
                    "failureThreshold": 3,
                    "periodSeconds": 10,
                    "successThreshold": 1,
                    "timeoutSeconds": 1,
                }
            },
        ),
    ],
)
def test_a_containers_fields(given: Any, made: JsonObject) -> None:
    plain = container_of()
    assert container_of(**given) == plain | made


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"data": {"a": None, "b": "c"}}, {"data": {"a": "", "b": "c"}}),
        ({"data": {}, "immutable": False}, {"immutable": False}),
        ({"binaryData": {"a": "YR=="}}, {"binaryData": {"a": "YQ=="}}),
        ({"binaryData": {"a": None}}, {"binaryData": {"a": ""}}),
    ],
)
def test_a_config_maps_data(given: Any, made: JsonObject) -> None:
    body = made_of("v1", "ConfigMap", **given)
    assert {k: v for k, v in body.items() if k not in ("apiVersion", "kind", "metadata")} == made


def test_of_what_a_role_needs_nothing_is_left_out() -> None:
    kind = ("rbac.authorization.k8s.io/v1", "Role")
    assert made_of(*kind)["rules"] is None
    assert made_of(*kind, rules=[])["rules"] is None
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}
    assert made_of(*kind, rules=[rule])["rules"] == [rule]


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05Z"),
        ("2026-01-02T03:04:05.987Z", "2026-01-02T03:04:05Z"),
        ("0999-01-02T03:04:05Z", "0999-01-02T03:04:05Z"),
    ],
)
def test_a_time_is_printed_in_seconds(given: str, made: str) -> None:
    taint = {"key": "a", "effect": "NoExecute", "timeAdded": given}
    assert spec_of("v1", "Node", taints=[taint])["taints"][0]["timeAdded"] == made


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("2026-01-02T03:04:05.000000Z", "2026-01-02T03:04:05.000000Z"),
        ("2026-01-02T03:04:05.123456+02:00", "2026-01-02T01:04:05.123456Z"),
        ("0999-01-02T03:04:05.000000Z", "0999-01-02T03:04:05.000000Z"),
    ],
)
def test_a_lease_holds_microseconds(given: str, made: str) -> None:
    assert spec_of("coordination.k8s.io/v1", "Lease", renewTime=given)["renewTime"] == made


@pytest.mark.parametrize(
    "given",
    [
        "yesterday",
        "2026-01-02",
        "2026-01-02T03:04:05",
        "0001-01-01T00:00:00+01:00",
        5,
    ],
)
def test_what_is_no_time_stays(given: Any) -> None:
    body = declared("coordination.k8s.io/v1", "Lease", spec={"renewTime": given})
    assert ask(body, live_of(declared(body["apiVersion"], "Lease"))).body["spec"] == body["spec"]
    taint = {"key": "a", "effect": "NoExecute", "timeAdded": given}
    body = declared("v1", "Node", spec={"taints": [taint]})
    assert ask(body, live_of(declared("v1", "Node"))).body["spec"] == body["spec"]


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("1.50", "1500m"),
        (0.5, "500m"),
        ("0.0001", "1m"),
    ],
)
def test_quantities_of_resources_are_printed_anew(given: Any, made: str) -> None:
    requests = container_of(resources={"requests": {"cpu": given}})["resources"]["requests"]
    assert requests == {"cpu": made}


@pytest.mark.parametrize(("given", "made"), [("1024Mi", "1Gi"), (1000, "1k"), ("0.1", "100m")])
def test_other_quantities_are_printed_anew(given: Any, made: str) -> None:
    volume = {"name": "v", "emptyDir": {"sizeLimit": given}}
    assert pod_of(volumes=[volume])["volumes"][0]["emptyDir"] == {"sizeLimit": made}


def schema_of(**schema: Any) -> Any:
    """Converts one property of a definition's schema."""
    version = {"name": "v1", "served": True, "storage": True}
    properties = {"spec": {"type": "object", **schema}}
    version["schema"] = {"openAPIV3Schema": {"type": "object", "properties": properties}}
    body = made_of(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        metadata={"name": "toys.shop.example"},
        spec={
            "group": "shop.example",
            "scope": "Namespaced",
            "names": {"plural": "toys", "kind": "Toy"},
            "versions": [version],
        },
    )
    return body["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"description": ""}, {}),
        ({"additionalProperties": True}, {"additionalProperties": True}),
        (
            {"additionalProperties": {"type": "string", "title": "", "unknown": 1}},
            {"additionalProperties": {"type": "string"}},
        ),
        (
            {"properties": {"a": {"type": "array", "items": {"type": "string", "format": ""}}}},
            {"properties": {"a": {"type": "array", "items": {"type": "string"}}}},
        ),
        (
            {"properties": {"a": {"type": "integer", "default": 0, "enum": [0, 1]}}},
            {"properties": {"a": {"type": "integer", "default": 0, "enum": [0, 1]}}},
        ),
    ],
)
def test_a_schema_inside_a_definition(given: Any, made: JsonObject) -> None:
    assert schema_of(**given) == {"type": "object"} | made
