"""Policy reports on the real API server, in both formats."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import yaml

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.notifiers.policy_reports import PolicyReports
from reconciler.core.drift import DriftType, Severity
from reconciler.core.errors import NotifierError
from reconciler.core.notices import Episode, Notice, Standing, notice_of
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.core.schema import Schema, from_openapi
from tests.fakes.policy_reports import open_reports, working_group
from tests.tools.controlplane import ControlPlane


def connected(plane: ControlPlane) -> KubeCluster:
    return KubeCluster.connect(
        str(plane.kubeconfig),
        None,
        search=[],
        bundled=lambda: Schema({}),
        from_openapi=from_openapi,
    )


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Iterator[KubeCluster]:
    made = connected(control_plane)
    yield made
    made.close()


def define(plane: ControlPlane, definitions: list[JsonObject]) -> None:
    plane.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(definitions))
    names = [f"crd/{each['metadata']['name']}" for each in definitions]
    plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", *names)


def undefine(plane: ControlPlane, definitions: list[JsonObject]) -> None:
    names = [f"crd/{each['metadata']['name']}" for each in definitions]
    plane.kubectl("delete", "--ignore-not-found", "--timeout=60s", *names)


@pytest.fixture
def formats(control_plane: ControlPlane) -> Iterator[None]:
    """The working group's definitions."""
    define(control_plane, working_group())
    yield
    undefine(control_plane, [*working_group(), *open_reports()])


def episode(namespace: str, name: str = "web", drift: str = "d-1", **more: Any) -> Episode:
    key = ResourceKey("apps", "Deployment", namespace, name)
    made = Episode(
        "shop",
        drift,
        "2026-11-24T12:00:00Z",
        key,
        DriftType.MODIFIED,
        Severity.HIGH,
        actor="jane",
        before={"spec.replicas": 2},
        after={"spec.replicas": 5},
    )
    return replace(made, **more)


def over(notice: Notice) -> Notice:
    ended = [replace(each, standing=Standing.GONE) for each in notice.episodes]
    return replace(notice, episodes=tuple(ended))


def report(plane: ControlPlane, namespace: str, plural: str = "policyreports") -> Any:
    where = ("-n", namespace) if namespace else ()
    found = plane.kubectl("get", plural, "plumbline", *where, "-o", "json", "--ignore-not-found")
    return json.loads(found.stdout) if found.stdout else None


@pytest.mark.usefixtures("formats")
def test_what_drifts_is_in_the_report_until_it_is_over(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster
) -> None:
    teller = PolicyReports("reports", cluster)
    one = notice_of([episode(namespace)])
    two = notice_of([episode(namespace, "db", "d-2", type=DriftType.UNREADABLE)])
    shown = [teller.show(notice, "") for notice in (one, two)]
    made = report(control_plane, namespace)
    assert made["summary"] == {"pass": 0, "fail": 1, "warn": 0, "error": 1, "skip": 0}
    first, second = made["results"]
    assert first["resources"] == [
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "namespace": namespace}
    ]
    assert first["severity"] == "high"
    assert first["timestamp"] == {"seconds": 1795521600, "nanos": 0}
    assert "spec.replicas: 2 → 5" in first["message"]
    assert second["result"] == "error"
    listed = control_plane.kubectl("get", "policyreports", "-n", namespace).stdout
    assert "plumbline" in listed
    teller.show(over(one), shown[0])
    assert len(report(control_plane, namespace)["results"]) == 1
    teller.show(over(two), shown[1])
    assert report(control_plane, namespace) is None


@pytest.mark.usefixtures("formats")
def test_the_same_is_written_once_and_a_reminder_brings_back_what_was_deleted(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster
) -> None:
    notice = notice_of([episode(namespace), episode("", "all", "d-2")])
    shown = PolicyReports("reports", cluster).show(notice, "")
    version = report(control_plane, namespace)["metadata"]["resourceVersion"]
    assert report(control_plane, "", "clusterpolicyreports")["summary"]["fail"] == 1
    # The answer was lost, and another process goes on.
    teller = PolicyReports("reports", cluster)
    assert teller.show(notice, "") == shown
    assert report(control_plane, namespace)["metadata"]["resourceVersion"] == version
    control_plane.kubectl("delete", "policyreport", "plumbline", "-n", namespace)
    shown = teller.show(replace(notice, reminder=1), shown)
    assert len(report(control_plane, namespace)["results"]) == 1
    teller.show(over(notice), shown)
    assert report(control_plane, "", "clusterpolicyreports") is None


@pytest.mark.usefixtures("formats")
def test_a_report_of_somebody_else_is_left_alone(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster
) -> None:
    theirs = {
        "apiVersion": "wgpolicyk8s.io/v1alpha2",
        "kind": "PolicyReport",
        "metadata": {"name": "plumbline", "namespace": namespace},
        "summary": {"fail": 7},
    }
    control_plane.kubectl("create", "-f", "-", input=yaml.safe_dump(theirs))
    with pytest.raises(NotifierError, match="isn't ours") as caught:
        PolicyReports("reports", cluster).show(notice_of([episode(namespace)]), "")
    assert caught.value.lasting
    assert report(control_plane, namespace)["summary"] == {"fail": 7}


def test_the_other_format_serves_alone_and_is_emptied_once_both_are_there(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster
) -> None:
    teller = PolicyReports("reports", cluster)
    notice = notice_of([episode(namespace)])
    undefine(control_plane, working_group())
    with pytest.raises(NotifierError, match="doesn't serve wgpolicyk8s") as caught:
        teller.show(notice, "")
    assert caught.value.lasting
    try:
        define(control_plane, open_reports())
        shown = teller.show(notice, "")
        assert len(report(control_plane, namespace, "reports.openreports.io")["results"]) == 1
        define(control_plane, working_group())
        teller.show(replace(notice, reminder=1), shown)
        assert len(report(control_plane, namespace)["results"]) == 1
        assert report(control_plane, namespace, "reports.openreports.io") is None
    finally:
        undefine(control_plane, [*working_group(), *open_reports()])


@pytest.mark.usefixtures("formats")
def test_a_namespace_that_is_gone_or_going_is_no_trouble(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster
) -> None:
    teller = PolicyReports("reports", cluster)
    assert teller.show(notice_of([episode(f"no-{namespace}")]), "")
    # Without a kube-controller-manager it never comes to an end.
    control_plane.delete_namespace(namespace)
    assert teller.show(notice_of([episode(namespace)]), "")
    assert report(control_plane, namespace) is None


@pytest.mark.usefixtures("formats")
def test_what_drifted_in_one_pod_is_one_result(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster
) -> None:
    pod = ResourceKey("", "Pod", namespace, "web-1")
    of_pod = [
        episode(namespace, drift=f"d-{number}", key=pod, type=type_, severity=severity)
        for number, type_, severity in (
            (1, DriftType.PROCESS, Severity.HIGH),
            (2, DriftType.FILE, Severity.LOW),
            (3, DriftType.POD_SPEC, Severity.MEDIUM),
        )
    ]
    teller = PolicyReports("reports", cluster)
    teller.show(notice_of(of_pod), "")
    (result,) = report(control_plane, namespace)["results"]
    assert (result["rule"], result["severity"]) == ("Process", "high")
    assert result["message"].startswith("3 drifts in the pod; the worst: runs what")
    ended = replace(of_pod[0], standing=Standing.GONE)
    teller.show(notice_of([ended, *of_pod[1:]]), "")
    (result,) = report(control_plane, namespace)["results"]
    assert (result["rule"], result["severity"]) == ("PodSpec", "medium")
    teller.show(over(notice_of(of_pod)), "")
    assert not report(control_plane, namespace)
