"""What the server makes of pods and their templates; every row is a real server's answer."""

from typing import Any

import pytest

from reconciler.core.resource import JsonObject
from tests.unit.core.normalizing import CONTAINER, container_of, pod_of, spec_of


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("registry.example:5000/team/nginx", "Always"),
        ("registry.example:5000/team/nginx:1", "IfNotPresent"),
        (f"nginx@sha256:{'0' * 64}", "IfNotPresent"),
        (f"nginx:latest@sha256:{'0' * 64}", "Always"),
        ("localhost/nginx", "Always"),
        ("Nginx", "IfNotPresent"),
        ("Example/nginx", "Always"),
        ("a" * 64, "IfNotPresent"),
        ("a:b:c", "IfNotPresent"),
    ],
)
def test_the_pull_policy_depends_on_the_tag(image: str, policy: str) -> None:
    assert container_of(image=image)["imagePullPolicy"] == policy


def test_a_pull_policy_that_is_given_stays() -> None:
    assert container_of(image="nginx", imagePullPolicy="Never")["imagePullPolicy"] == "Never"


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, None),
        ({"serviceAccount": "a"}, "a"),
        ({"serviceAccountName": "b"}, "b"),
        ({"serviceAccountName": "b", "serviceAccount": "a"}, "b"),
    ],
)
def test_both_names_of_a_service_account_are_kept_alike(given: Any, made: Any) -> None:
    pod = pod_of(**given)
    assert pod.get("serviceAccountName") == pod.get("serviceAccount") == made


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, {"emptyDir": {}}),
        ({"emptyDir": {"medium": "Memory"}}, {"emptyDir": {"medium": "Memory"}}),
        ({"secret": {"secretName": "x"}}, {"secret": {"secretName": "x", "defaultMode": 420}}),
        ({"hostPath": {"path": "/x"}}, {"hostPath": {"path": "/x", "type": ""}}),
        (
            {"image": {"reference": "web"}},
            {"image": {"reference": "web", "pullPolicy": "Always"}},
        ),
        (
            {"image": {"reference": "web:1"}},
            {"image": {"reference": "web:1", "pullPolicy": "IfNotPresent"}},
        ),
        (
            {"image": {"reference": "web:1", "pullPolicy": "Never"}},
            {"image": {"reference": "web:1", "pullPolicy": "Never"}},
        ),
    ],
)
def test_a_volume_without_a_source_is_an_empty_directory(given: Any, made: JsonObject) -> None:
    assert pod_of(volumes=[{"name": "v", **given}])["volumes"] == [{"name": "v", **made}]


LIMITS = {"cpu": "0.5", "memory": "1024Mi"}


@pytest.mark.parametrize(
    ("given", "in_pod", "in_template"),
    [
        ({}, {}, {}),
        (
            {"requests": {"cpu": "0.1"}},
            {"requests": {"cpu": "100m"}},
            {"requests": {"cpu": "100m"}},
        ),
        (
            {"limits": LIMITS},
            {
                "limits": {"cpu": "500m", "memory": "1Gi"},
                "requests": {"cpu": "500m", "memory": "1Gi"},
            },
            {"limits": {"cpu": "500m", "memory": "1Gi"}},
        ),
        (
            {"limits": LIMITS, "requests": {"cpu": "100m"}},
            {
                "limits": {"cpu": "500m", "memory": "1Gi"},
                "requests": {"cpu": "100m", "memory": "1Gi"},
            },
            {"limits": {"cpu": "500m", "memory": "1Gi"}, "requests": {"cpu": "100m"}},
        ),
    ],
)
@pytest.mark.parametrize("containers", ["containers", "initContainers"])
def test_requests_follow_limits_in_a_pod_and_not_in_a_template(
    containers: str, given: Any, in_pod: Any, in_template: Any
) -> None:
    both = {"containers": [CONTAINER], containers: [{**CONTAINER, "name": "x", "resources": given}]}
    assert spec_of("v1", "Pod", **both)[containers][0]["resources"] == in_pod
    assert pod_of(**both)[containers][0]["resources"] == in_template


PORTS = [{"containerPort": 80}, {"containerPort": 81, "hostPort": 81}]


@pytest.mark.parametrize(
    ("given", "host_ports"),
    [({}, [None, 81]), ({"hostNetwork": False}, [None, 81]), ({"hostNetwork": True}, [80, 81])],
)
def test_on_the_hosts_network_a_pods_ports_are_the_hosts(given: Any, host_ports: Any) -> None:
    container = {**CONTAINER, "ports": PORTS}
    ports = spec_of("v1", "Pod", containers=[container], **given)["containers"][0]["ports"]
    assert [port.get("hostPort") for port in ports] == host_ports
    assert {port["protocol"] for port in ports} == {"TCP"}


def test_on_the_hosts_network_a_container_without_ports_has_none() -> None:
    spec = spec_of("v1", "Pod", containers=[CONTAINER], hostNetwork=True)
    assert "ports" not in spec["containers"][0]


def test_a_template_leaves_the_hosts_ports_to_its_pods() -> None:
    container = container_of(ports=[{"containerPort": 80}])
    assert container["ports"] == [{"containerPort": 80, "protocol": "TCP"}]


@pytest.mark.parametrize(("given", "made"), [(0, 0), (5, 5), (-1, 1)])
def test_a_pods_grace_period_is_not_negative(given: int, made: int) -> None:
    spec = spec_of("v1", "Pod", containers=[CONTAINER], terminationGracePeriodSeconds=given)
    assert spec["terminationGracePeriodSeconds"] == made


@pytest.mark.parametrize(("given", "made"), [({}, True), ({"enableServiceLinks": False}, False)])
def test_a_pod_learns_of_services(given: Any, made: bool) -> None:
    assert spec_of("v1", "Pod", containers=[CONTAINER], **given)["enableServiceLinks"] is made
    assert pod_of(**given).get("enableServiceLinks") is (False if given else None)
