"""What the server makes of the core group's other kinds; every row is a real server's answer."""

from typing import Any

import pytest

from reconciler.core.resource import JsonObject
from tests.unit.core.normalizing import LABELS, made_of, spec_of, template

PORTS = [{"port": 80}]


def service_of(**spec: Any) -> Any:
    return spec_of("v1", "Service", **{"ports": PORTS} | spec)


@pytest.mark.parametrize(
    ("given", "inside", "outside"),
    [
        ({}, "Cluster", None),
        ({"type": "ClusterIP", "externalIPs": ["192.0.2.1"]}, "Cluster", "Cluster"),
        ({"type": "NodePort"}, "Cluster", "Cluster"),
        ({"type": "NodePort", "externalTrafficPolicy": "Local"}, "Cluster", "Local"),
        ({"type": "LoadBalancer", "internalTrafficPolicy": "Local"}, "Local", "Cluster"),
        ({"type": "ExternalName", "externalName": "a.example"}, None, None),
    ],
)
def test_a_services_traffic_policies_depend_on_its_type(
    given: Any, inside: str | None, outside: str | None
) -> None:
    spec = service_of(**given)
    assert spec.get("internalTrafficPolicy") == inside
    assert spec.get("externalTrafficPolicy") == outside


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"type": "NodePort"}, None),
        ({"type": "LoadBalancer"}, True),
        ({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False}, False),
    ],
)
def test_a_load_balancer_takes_ports_of_the_nodes(given: Any, made: bool | None) -> None:
    assert service_of(**given).get("allocateLoadBalancerNodePorts") is made


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, None),
        ({"sessionAffinity": "None", "sessionAffinityConfig": {"clientIP": {}}}, None),
        ({"sessionAffinity": "ClientIP"}, {"clientIP": {"timeoutSeconds": 10800}}),
        (
            {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {}},
            {"clientIP": {"timeoutSeconds": 10800}},
        ),
        (
            {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {}}},
            {"clientIP": {"timeoutSeconds": 10800}},
        ),
        (
            {
                "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 5}},
            },
            {"clientIP": {"timeoutSeconds": 5}},
        ),
    ],
)
def test_a_services_affinity(given: Any, made: Any) -> None:
    assert service_of(**given).get("sessionAffinityConfig") == made


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, 80),
        ({"targetPort": 0}, 80),
        ({"targetPort": ""}, 80),
        ({"targetPort": None}, 80),
        ({"targetPort": 8080}, 8080),
        ({"targetPort": "http"}, "http"),
    ],
)
def test_a_services_port_leads_to_the_same_one(given: Any, made: Any) -> None:
    assert service_of(ports=[{"port": 80, **given}])["ports"][0]["targetPort"] == made


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"clusterIP": "None"}, ["None"]),
        ({"clusterIP": "None", "clusterIPs": ["None"]}, ["None"]),
    ],
)
def test_a_services_address_stands_under_two_names(given: Any, made: Any) -> None:
    assert service_of(**given)["clusterIPs"] == made


@pytest.mark.parametrize(
    ("given", "data"),
    [
        ({"data": {"a": "YR==", "b": "YQ\n=="}}, {"a": "YQ==", "b": "YQ=="}),
        ({"data": {"a": "YQ=="}, "stringData": {"a": "é", "b": ""}}, {"a": "w6k=", "b": ""}),
        ({"stringData": {"a": None}}, {"a": ""}),
        ({"data": {"a": None}}, {"a": ""}),
        ({"stringData": {}}, None),
    ],
)
def test_a_secrets_texts_are_folded_into_canonical_data(given: Any, data: Any) -> None:
    body = made_of("v1", "Secret", **given)
    assert body.get("data") == data
    assert "stringData" not in body
    assert body["type"] == "Opaque"


@pytest.mark.parametrize(
    ("labels", "made"),
    [
        (None, {"kubernetes.io/metadata.name": "web"}),
        ({"a": "b"}, {"a": "b", "kubernetes.io/metadata.name": "web"}),
        ({"kubernetes.io/metadata.name": "x"}, {"kubernetes.io/metadata.name": "web"}),
    ],
)
def test_a_namespace_is_labelled_with_its_name(labels: Any, made: Any) -> None:
    body = made_of("v1", "Namespace", metadata={"labels": labels})
    assert body["metadata"]["labels"] == made


@pytest.mark.parametrize(
    ("spec", "labels", "selector", "labelled"),
    [
        ({"template": template()}, None, LABELS, LABELS),
        ({"template": template(), "selector": LABELS}, {"a": "b"}, LABELS, {"a": "b"}),
    ],
)
def test_a_replication_controller_is_labelled_as_its_template(
    spec: Any, labels: Any, selector: Any, labelled: Any
) -> None:
    body = made_of("v1", "ReplicationController", spec=spec, metadata={"labels": labels})
    assert body["spec"]["selector"] == selector
    assert body["metadata"]["labels"] == labelled


@pytest.mark.parametrize(
    ("given", "default", "requested"),
    [
        ({"type": "Pod", "max": {"cpu": 2}}, None, None),
        ({"type": "Container", "max": {"cpu": 2}}, {"cpu": "2"}, {"cpu": "2"}),
        ({"type": "Container", "min": {"cpu": "0.5"}}, None, {"cpu": "500m"}),
        (
            {"type": "Container", "max": {"cpu": 2}, "default": {"cpu": 1}, "min": {"cpu": "0.5"}},
            {"cpu": "1"},
            {"cpu": "1"},
        ),
        (
            {"type": "Container", "default": {"cpu": 1}, "defaultRequest": {"cpu": "250m"}},
            {"cpu": "1"},
            {"cpu": "250m"},
        ),
        (
            {"type": "Container", "max": {"cpu": 2}, "min": {"memory": "1Gi"}},
            {"cpu": "2"},
            {"cpu": "2", "memory": "1Gi"},
        ),
    ],
)
def test_a_limit_ranges_defaults_follow_from_each_other(
    given: Any, default: Any, requested: Any
) -> None:
    (item,) = spec_of("v1", "LimitRange", limits=[given])["limits"]
    assert (item.get("default"), item.get("defaultRequest")) == (default, requested)


def test_of_a_service_accounts_secrets_only_the_names_are_kept() -> None:
    body = made_of("v1", "ServiceAccount", secrets=[{"name": "a", "namespace": "x"}, {"uid": "y"}])
    assert body["secrets"] == [{"name": "a"}, {}]
    assert "secrets" not in made_of("v1", "ServiceAccount", secrets=[])


@pytest.mark.parametrize(
    ("given", "first", "ranges"),
    [
        ({}, None, None),
        ({"podCIDR": "10.0.0.0/24"}, "10.0.0.0/24", ["10.0.0.0/24"]),
        ({"podCIDRs": ["10.0.0.0/24"]}, "10.0.0.0/24", ["10.0.0.0/24"]),
        (
            {"podCIDR": "10.0.1.0/24", "podCIDRs": ["10.0.0.0/24"]},
            "10.0.1.0/24",
            ["10.0.1.0/24"],
        ),
        (
            {"podCIDR": "10.0.0.0/24", "podCIDRs": ["10.0.0.0/24", "fd00::/64"]},
            "10.0.0.0/24",
            ["10.0.0.0/24", "fd00::/64"],
        ),
    ],
)
def test_a_nodes_range_stands_under_two_names(given: Any, first: Any, ranges: Any) -> None:
    spec = spec_of("v1", "Node", **given)
    assert (spec.get("podCIDR"), spec.get("podCIDRs")) == (first, ranges)


def test_a_volume_is_kept_and_holds_files() -> None:
    given: JsonObject = {
        "capacity": {"storage": "1024Mi"},
        "accessModes": ["ReadWriteOnce"],
        "hostPath": {"path": "/x"},
    }
    assert spec_of("v1", "PersistentVolume", **given) == {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "hostPath": {"path": "/x", "type": ""},
        "persistentVolumeReclaimPolicy": "Retain",
        "volumeMode": "Filesystem",
    }


CLAIM: JsonObject = {
    "accessModes": ["ReadWriteOnce"],
    "resources": {"requests": {"storage": "1Gi"}},
}
OTHER_CLAIM = {"kind": "PersistentVolumeClaim", "name": "x"}
SNAPSHOT = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "x"}
THING = {"apiGroup": "a.example", "kind": "Thing", "name": "x"}
ELSEWHERE = {"kind": "PersistentVolumeClaim", "name": "x", "namespace": "elsewhere"}


@pytest.mark.parametrize(
    ("given", "source", "reference"),
    [
        ({}, None, None),
        ({"dataSource": OTHER_CLAIM}, OTHER_CLAIM, OTHER_CLAIM),
        ({"dataSource": OTHER_CLAIM | {"apiGroup": None}}, OTHER_CLAIM, OTHER_CLAIM),
        ({"dataSource": SNAPSHOT}, SNAPSHOT, SNAPSHOT),
        ({"dataSource": THING}, None, None),
        ({"dataSourceRef": THING}, THING, THING),
        ({"dataSourceRef": SNAPSHOT}, SNAPSHOT, SNAPSHOT),
        ({"dataSource": SNAPSHOT, "dataSourceRef": SNAPSHOT}, SNAPSHOT, SNAPSHOT),
        ({"dataSource": SNAPSHOT, "dataSourceRef": ELSEWHERE}, SNAPSHOT, SNAPSHOT),
        ({"dataSource": THING, "dataSourceRef": ELSEWHERE}, None, None),
    ],
)
def test_a_claims_source_stands_under_two_names(given: Any, source: Any, reference: Any) -> None:
    def named(found: Any) -> Any:
        return found and {k: v for k, v in found.items() if v is not None}

    spec = spec_of("v1", "PersistentVolumeClaim", **CLAIM, **given)
    assert (named(spec.get("dataSource")), named(spec.get("dataSourceRef"))) == (source, reference)
    assert spec["volumeMode"] == "Filesystem"
