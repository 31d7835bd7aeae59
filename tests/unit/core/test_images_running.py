"""Which containers run which images, by workload."""

from typing import Any

from reconciler.core.images.running import (
    Container,
    ContainerKind,
    Use,
    listings,
    pod_spec,
    pull_secrets,
    uses,
)
from reconciler.core.live import LiveState
from reconciler.core.resource import JsonObject, ResourceKey
from tests.unit.core.build import desired_of, live_of

SHOP = frozenset({"shop"})
NOWHERE: frozenset[str] = frozenset()
A = f"sha256:{'a' * 64}"
TEMPLATE = {
    "initContainers": [{"name": "prepare", "image": "tools:1"}],
    "containers": [{"name": "web", "image": "web:1"}],
}


def workload(kind: str = "Deployment", name: str = "web", **more: Any) -> JsonObject:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"template": {"spec": TEMPLATE}},
        **more,
    }


def owned(kind: str, name: str, uid: str, api_version: str = "apps/v1") -> JsonObject:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
    }


def pod(
    name: str = "web-1",
    owner: JsonObject | None = None,
    phase: str = "Running",
    labels: Any = None,
    **status: Any,
) -> JsonObject:
    metadata: JsonObject = {"name": name, "namespace": "shop", "uid": f"uid-{name}"}
    if owner is not None:
        metadata["ownerReferences"] = [{"kind": "Stranger", "controller": False}, owner]
    if labels is not None:
        metadata["labels"] = labels
    spec: JsonObject = {"nodeName": "n1", **TEMPLATE}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": spec,
        "status": {"phase": phase, **status},
    }


def running(image_id: str = f"registry.example/web@{A}") -> JsonObject:
    return {
        "name": "web",
        "imageID": image_id,
        "containerID": "containerd://4f0c",
        "state": {"running": {"startedAt": "2026-11-20T10:00:00Z"}},
    }


def replica_set(name: str, uid: str, owner: JsonObject) -> JsonObject:
    metadata = {"name": name, "namespace": "shop", "uid": uid, "ownerReferences": [owner]}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata}


def owners(found: tuple[Use, ...]) -> list[str]:
    return [f"{use.owner} {use.kind} {use.container} {use.image}" for use in found]


def test_what_is_declared_and_runs_of_it() -> None:
    live = live_of(
        replica_set("web-5d4f", "rs", owned("Deployment", "web", "d")),
        pod(owner=owned("ReplicaSet", "web-5d4f", "rs"), containerStatuses=[running()]),
    )
    use, other = uses(desired_of(workload()), live, NOWHERE)
    assert (use.container, use.kind) == ("web", ContainerKind.CONTAINER)
    assert (other.container, other.kind) == ("prepare", ContainerKind.INIT)
    assert use.owner == ResourceKey("apps", "Deployment", "shop", "web")
    assert (use.uid, use.declared, str(use.source)) == ("d", "web:1", "apps/web.yaml:3")
    (container,) = use.containers
    assert container == Container(
        pod="web-1",
        pod_uid="uid-web-1",
        node="n1",
        image="web:1",
        running=container.running,
        container_id="containerd://4f0c",
        started_at="2026-11-20T10:00:00Z",
    )
    assert container.running.digest == A
    assert [each.waiting for each in other.containers] == ["not started"]


def test_what_is_declared_and_runs_nowhere() -> None:
    found = uses(desired_of(workload()), live_of(), NOWHERE)
    assert owners(found) == [
        "Deployment shop/web container web web:1",
        "Deployment shop/web init prepare tools:1",
    ]
    assert all(not use.containers and not use.uid for use in found)


def test_undeclared_workloads_count_in_scope_alone() -> None:
    live = live_of(pod("stray"), pod("other", owned("StatefulSet", "other", "s")))
    assert uses(desired_of(workload("Deployment")), live, NOWHERE)[0].containers == ()
    found = uses(desired_of(workload("Deployment", "x")), live, SHOP)
    assert {str(use.owner) for use in found} == {
        "Deployment shop/x",
        "Pod shop/stray",
        "StatefulSet shop/other",
    }
    stray = next(use for use in found if use.owner.kind == "Pod" and use.container == "web")
    assert (stray.declared, stray.source, stray.image) == ("", None, "web:1")
    assert stray.name is not None


def test_without_replica_sets_the_pods_label_tells_the_deployment() -> None:
    made_by = owned("ReplicaSet", "web-5d4f", "rs")
    live = live_of(pod(owner=made_by, labels={"pod-template-hash": "5d4f"}))
    assert owners(uses(desired_of(workload()), live, NOWHERE))[0].startswith("Deployment shop/web")
    for labels in (None, {}, {"pod-template-hash": "beef"}, "no map"):
        found = uses(desired_of(workload()), live_of(pod(owner=made_by, labels=labels)), SHOP)
        assert {use.owner.kind for use in found} == {"Deployment", "ReplicaSet"}


def test_a_mirror_of_what_a_node_runs_is_a_workload_of_its_own() -> None:
    live = live_of(pod("etcd-n1", owned("Node", "n1", "n", "v1")))
    found = uses(desired_of(workload(name="x")), live, SHOP)
    assert "Pod shop/etcd-n1" in {str(use.owner) for use in found}


def test_a_circle_of_owners_ends() -> None:
    live = live_of(
        replica_set("a", "ua", owned("ReplicaSet", "b", "ub")),
        replica_set("b", "ub", owned("ReplicaSet", "a", "ua")),
        pod(owner=owned("ReplicaSet", "a", "ua")),
    )
    assert {use.owner.kind for use in uses(desired_of(workload()), live, SHOP)} >= {"ReplicaSet"}


def test_a_job_s_pods_belong_to_its_cron_job() -> None:
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": "night-1",
            "namespace": "shop",
            "uid": "j",
            "ownerReferences": [owned("CronJob", "night", "c", "batch/v1")],
        },
    }
    live = live_of(job, pod(owner=owned("Job", "night-1", "j", "batch/v1")))
    spec = {"jobTemplate": {"spec": {"template": {"spec": TEMPLATE}}}}
    desired = desired_of(workload("CronJob", "night", apiVersion="batch/v1", spec=spec))
    found = uses(desired, live, NOWHERE)
    assert {str(use.owner) for use in found} == {"CronJob shop/night"}
    assert all(len(use.containers) == 1 for use in found)


def test_what_has_ended_runs_nothing() -> None:
    live = live_of(pod("a", phase="Succeeded"), pod("b", phase="Failed"))
    assert all(not use.containers for use in uses(desired_of(workload()), live, SHOP))


def test_containers_that_wait_say_why() -> None:
    waiting = {"name": "web", "imageID": "", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    mute = {"name": "prepare", "imageID": "", "state": {"waiting": {}}}
    live = live_of(pod(containerStatuses=[waiting], initContainerStatuses=[mute]))
    found = uses(desired_of(workload(name="x")), live, SHOP)
    told = {use.container: use.containers[0].waiting for use in found if use.containers}
    assert told == {"web": "ImagePullBackOff", "prepare": "waiting"}


def test_ephemeral_containers_are_seen() -> None:
    body = pod()
    body["spec"]["ephemeralContainers"] = [{"name": "debug", "image": "busybox"}]
    body["status"]["ephemeralContainerStatuses"] = [{**running(), "name": "debug"}]
    found = uses(desired_of(workload(name="x")), live_of(body), SHOP)
    (debug,) = [use for use in found if use.kind is ContainerKind.EPHEMERAL]
    assert (debug.container, debug.declared, debug.image) == ("debug", "", "busybox")
    assert debug.containers[0].running.digest == A


def test_what_a_cluster_should_never_hold_is_no_trouble() -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "odd", "namespace": "shop", "ownerReferences": "none"},
        "spec": {"containers": [None, {}, {"name": 3}], "imagePullSecrets": {"name": "x"}},
        "status": {"containerStatuses": "none"},
    }
    live = live_of(body)
    found = uses(desired_of(workload(name="x")), live, SHOP)
    assert {use.container for use in found if use.owner.kind == "Pod"} == {"", "3"}
    assert pull_secrets(live) == ()
    bare = {**body, "spec": None, "status": None}
    assert len(uses(desired_of(workload(name="x")), live_of(bare), SHOP)) == 2


def test_pod_specifications_are_found_in_every_workload() -> None:
    assert pod_spec(workload("Rollout", apiVersion="argoproj.io/v1alpha1")) == TEMPLATE
    assert pod_spec({"kind": "Pod", "spec": TEMPLATE}) == TEMPLATE
    assert pod_spec({"kind": "ConfigMap"}) is None
    assert pod_spec({"kind": "Thing", "spec": {"template": {"spec": {"containers": []}}}}) is None


def test_what_is_read() -> None:
    assert listings(desired_of({**workload(), "kind": "ConfigMap", "spec": {}}), NOWHERE) == ()
    wanted = listings(desired_of(workload()), frozenset({"more"}))
    assert [each.kind.kind for each in wanted] == ["Pod", "ReplicaSet", "Job"]
    assert {each.namespaces for each in wanted} == {frozenset({"shop", "more"})}


def test_pull_secrets_are_those_that_pods_name() -> None:
    body = pod()
    body["spec"]["imagePullSecrets"] = [{"name": "b"}, {"name": "a"}, {}, None]
    again = pod("web-2")
    again["spec"]["imagePullSecrets"] = [{"name": "a"}]
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    found = pull_secrets(live_of(body, again, config))
    assert found == tuple(ResourceKey("", "Secret", "shop", name) for name in ("a", "b"))
    assert pull_secrets(LiveState({})) == ()
