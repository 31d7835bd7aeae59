"""Events on drifted objects of the real API server, as `kubectl describe` shows them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.notifiers.kubernetes_events import KubernetesEvents
from reconciler.core.drift import DriftType, Severity
from reconciler.core.errors import NotifierError
from reconciler.core.history import Event, EventType
from reconciler.core.notices import Episode, Standing, notice_of
from reconciler.core.resource import ResourceKey
from reconciler.core.schema import Schema, from_openapi
from tests.tools.controlplane import ControlPlane

HOSTILE = "\x1b[31m\u202e<script>@everyone\n" * 200


def connected(plane: ControlPlane, user: str = "") -> KubeCluster:
    kubeconfig = plane.user_kubeconfig(user) if user else plane.kubeconfig
    return KubeCluster.connect(
        str(kubeconfig), None, search=[], bundled=lambda: Schema({}), from_openapi=from_openapi
    )


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Iterator[KubeCluster]:
    made = connected(control_plane)
    yield made
    made.close()


def notifier(cluster: KubeCluster) -> KubernetesEvents:
    moment = datetime(2026, 11, 24, 12, 0, 0, 123456, UTC)
    return KubernetesEvents("events", cluster, "plumbline-0", lambda: moment)


def episode(namespace: str, name: str = "web", **more: Any) -> Episode:
    key = ResourceKey("", "ConfigMap", namespace, name)
    seen = Event("2026-11-24T12:00:00Z", "shop", EventType.SEEN, "d-1", key)
    made = Episode(
        "shop",
        "d-1",
        "2026-11-24T12:00:00Z",
        key,
        DriftType.MODIFIED,
        Severity.HIGH,
        actor="jane with kubectl-edit",
        before={"data.colour": "blue"},
        after={"data.colour": "red"},
        standing=Standing.ASKED,
        reason="a person looks first",
        plan="p-35cdb6e3ef8aee1a",
        life=(seen,),
    )
    return replace(made, **more)


def events(plane: ControlPlane, namespace: str, name: str = "web") -> list[dict[str, Any]]:
    where = ("get", "events.events.k8s.io", "-n", namespace, "-o", "json")
    items = json.loads(plane.kubectl(*where).stdout)["items"]
    mine = [each for each in items if each["regarding"]["name"] == name]
    return sorted(mine, key=lambda each: int(each["metadata"]["resourceVersion"]))


def test_describe_shows_how_a_drift_stands_and_ends(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster
) -> None:
    control_plane.kubectl(
        "create", "configmap", "web", "-n", namespace, "--from-literal=colour=red"
    )
    teller = notifier(cluster)
    asked = episode(namespace)
    shown = teller.show(notice_of([asked]), "")
    described = control_plane.kubectl("describe", "configmap", "web", "-n", namespace).stdout
    assert "DriftWaitsForApproval" in described
    assert "data.colour: blue → red" in described
    assert "by jane with kubectl-edit" in described
    assert "Warning" in described
    restored = replace(asked, standing=Standing.RESTORED, reason="restored by jane", plan="")
    teller.show(notice_of([restored]), shown)
    first, last = events(control_plane, namespace)
    assert (first["reason"], last["reason"]) == ("DriftWaitsForApproval", "DriftRestored")
    assert (last["type"], last["action"]) == ("Normal", "Restore")
    assert last["reportingController"] == "plumbline.dev/plumbline"


def test_what_is_told_again_is_counted_and_what_is_told_twice_is_not(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster
) -> None:
    teller = notifier(cluster)
    notice = notice_of([episode(namespace)])
    shown = teller.show(notice, "")
    # The answer was lost, and another process goes on.
    assert notifier(cluster).show(notice, "") == shown
    (once,) = events(control_plane, namespace)
    assert "series" not in once
    reminded = teller.show(replace(notice, reminder=1), shown)
    assert reminded != shown
    assert teller.show(replace(notice, reminder=1), reminded) == reminded
    (twice,) = events(control_plane, namespace)
    assert twice["series"]["count"] == 2
    teller.show(replace(notice, reminder=2), reminded)
    (thrice,) = events(control_plane, namespace)
    assert thrice["series"]["count"] == 3


def test_every_standing_and_type_is_taken_by_the_server(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster
) -> None:
    teller = notifier(cluster)
    for standing in Standing:
        teller.show(notice_of([episode(namespace, standing=standing)]), "")
    for type_ in DriftType:
        teller.show(notice_of([episode(namespace, type=type_)]), "")
    assert len(events(control_plane, namespace)) == len(Standing) + len(DriftType) - 1


def test_cluster_scoped_objects_and_unknown_kinds_are_told_of_too(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster
) -> None:
    teller = notifier(cluster)
    role = ResourceKey("rbac.authorization.k8s.io", "ClusterRole", "", f"system:{namespace}")
    teller.show(notice_of([episode("", key=role)]), "")
    (told,) = events(control_plane, "default", role.name)
    assert told["regarding"]["apiVersion"] == "rbac.authorization.k8s.io/v1"
    widget = ResourceKey("example.com", "Widget", namespace, "spinner")
    teller.show(notice_of([episode("", key=widget)]), "")
    assert len(events(control_plane, namespace, "spinner")) == 1


def test_huge_and_hostile_values_are_cut_and_harmless(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster
) -> None:
    hostile = {HOSTILE: HOSTILE}
    worst = episode(namespace, note=HOSTILE, actor=HOSTILE, reason=HOSTILE, after=hostile)
    notifier(cluster).show(notice_of([worst]), "")
    (told,) = events(control_plane, namespace)
    assert len(told["note"].encode()) <= 1024
    assert not set("\x1b\u202e\n") & set(told["note"])


def test_a_missing_right_is_named_and_a_missing_namespace_is_no_trouble(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster
) -> None:
    nobody = connected(control_plane, f"nobody-{namespace}")
    with pytest.raises(NotifierError) as caught:
        notifier(nobody).show(notice_of([episode(namespace)]), "")
    nobody.close()
    assert caught.value.lasting
    assert f"grant get on events.events.k8s.io in namespace {namespace}" in caught.value.fix
    assert notifier(cluster).show(notice_of([episode(f"no-{namespace}")]), "")
    control_plane.delete_namespace(namespace)
    assert notifier(cluster).show(notice_of([episode(namespace)]), "")
    assert events(control_plane, namespace) == []
