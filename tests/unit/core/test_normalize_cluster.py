"""What the server makes of a cluster's configuration; every row is a real server's answer."""

from typing import Any

import pytest

from reconciler.core.resource import JsonObject
from tests.unit.core.normalizing import made_of, spec_of

ALL_PODS: JsonObject = {"podSelector": {}}


@pytest.mark.parametrize(
    ("given", "types"),
    [
        ({}, ["Ingress"]),
        ({"policyTypes": []}, ["Ingress"]),
        ({"egress": []}, ["Ingress"]),
        ({"egress": [{}]}, ["Ingress", "Egress"]),
        ({"egress": [{}], "policyTypes": ["Egress"]}, ["Egress"]),
    ],
)
def test_a_network_policy_is_for_what_comes_in_and_for_what_it_speaks_of(
    given: Any, types: Any
) -> None:
    spec = spec_of("networking.k8s.io/v1", "NetworkPolicy", **ALL_PODS, **given)
    assert spec["policyTypes"] == types


RBAC = "rbac.authorization.k8s.io"


@pytest.mark.parametrize(
    ("subject", "made"),
    [
        ({"kind": "User", "name": "a"}, {"apiGroup": RBAC, "kind": "User", "name": "a"}),
        (
            {"kind": "Group", "name": "a", "apiGroup": ""},
            {"apiGroup": RBAC, "kind": "Group", "name": "a"},
        ),
        (
            {"kind": "User", "name": "a", "apiGroup": RBAC},
            {"apiGroup": RBAC, "kind": "User", "name": "a"},
        ),
        (
            {"kind": "ServiceAccount", "name": "a", "namespace": "shop"},
            {"kind": "ServiceAccount", "name": "a", "namespace": "shop"},
        ),
    ],
)
@pytest.mark.parametrize("kind", ["RoleBinding", "ClusterRoleBinding"])
def test_people_are_of_the_group_that_knows_them(kind: str, subject: Any, made: Any) -> None:
    role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"}
    body = made_of(f"{RBAC}/v1", kind, roleRef=role, subjects=[subject])
    assert body["subjects"] == [made]


@pytest.mark.parametrize(
    ("names", "singular", "listed"),
    [
        ({"kind": "Toy"}, "toy", "ToyList"),
        ({"kind": "Toy", "singular": "", "listKind": ""}, "toy", "ToyList"),
        ({"kind": "Toy", "singular": "plaything", "listKind": "Toys"}, "plaything", "Toys"),
    ],
)
def test_a_definitions_names_follow_from_its_kind(
    names: JsonObject, singular: str, listed: str
) -> None:
    schema = {"openAPIV3Schema": {"type": "object"}}
    spec = {
        "group": "shop.example",
        "scope": "Namespaced",
        "names": {"plural": "toys", **names},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
    }
    body = made_of(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        metadata={"name": "toys.shop.example"},
        spec=spec,
    )
    assert body["spec"]["names"] == {
        "plural": "toys",
        "kind": "Toy",
        "singular": singular,
        "listKind": listed,
    }
    assert body["spec"]["conversion"] == {"strategy": "None"}


@pytest.mark.parametrize(
    ("given", "mode", "count"),
    [
        ({}, "ExactCount", 1),
        ({"count": 2}, "ExactCount", 2),
        ({"allocationMode": "ExactCount"}, "ExactCount", 1),
        ({"allocationMode": "All"}, "All", None),
    ],
)
@pytest.mark.parametrize("form", ["exactly", "firstAvailable"])
def test_one_device_is_asked_for_unless_told_otherwise(
    form: str, given: Any, mode: str, count: int | None
) -> None:
    wanted = {"deviceClassName": "a.example", **given}
    request = {"exactly": wanted} if form == "exactly" else {form: [{"name": "one", **wanted}]}
    spec = spec_of(
        "resource.k8s.io/v1", "ResourceClaim", devices={"requests": [{"name": "r", **request}]}
    )
    made = spec["devices"]["requests"][0][form]
    made = made if form == "exactly" else made[0]
    assert (made["allocationMode"], made.get("count")) == (mode, count)


def test_endpoints_lose_what_an_older_version_had() -> None:
    endpoint = {"addresses": ["10.0.0.1"], "deprecatedTopology": {"a": "b"}}
    body = made_of(
        "discovery.k8s.io/v1", "EndpointSlice", addressType="IPv4", endpoints=[endpoint], ports=[]
    )
    assert body["endpoints"] == [{"addresses": ["10.0.0.1"], "conditions": {}}]
