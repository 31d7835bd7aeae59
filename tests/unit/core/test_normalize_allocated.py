"""What Kubernetes itself fills in; live objects are as a real server and its controllers made."""

from typing import Any

import pytest

from reconciler.core.live import comparable
from reconciler.core.resource import JsonObject
from tests.unit.core.normalizing import (
    CONTAINER,
    UID,
    ask,
    carried,
    declared,
    live_of,
    managed,
    template,
    unproven,
)

SERVICE = declared("v1", "Service", spec={"type": "NodePort", "ports": [{"port": 80}]})
SERVICE_PORT = {"port": 80, "protocol": "TCP", "targetPort": 80}
SERVICE_SPEC = {
    "type": "NodePort",
    "sessionAffinity": "None",
    "internalTrafficPolicy": "Cluster",
    "externalTrafficPolicy": "Cluster",
}
ALLOCATED = {
    "clusterIP": "10.0.0.7",
    "clusterIPs": ["10.0.0.7"],
    "ipFamilies": ["IPv4"],
    "ipFamilyPolicy": "SingleStack",
}


def live_service(port: dict[str, Any], **spec: Any) -> JsonObject:
    ports = [SERVICE_PORT | port]
    return declared("v1", "Service", spec={**SERVICE_SPEC, "ports": ports, **spec})


def owner_of_service(node_port: bool, **spec: Any) -> dict[str, Any]:
    entry = managed(declared("v1", "Service", spec={**SERVICE_SPEC, **spec}))
    item: dict[str, Any] = {".": {}, "f:port": {}} | ({"f:nodePort": {}} if node_port else {})
    entry["fieldsV1"]["f:spec"]["f:ports"] = {'k:{"port":80,"protocol":"TCP"}': item}
    return entry


def test_a_services_addresses_and_ports_are_taken_over() -> None:
    live = live_of(live_service({"nodePort": 30123}, **ALLOCATED), [owner_of_service(False)])
    expected = ask(SERVICE, live)
    assert expected.body == comparable(live)
    assert expected.unproven == ()
    assert set(carried(expected)) == {
        "spec.clusterIP",
        "spec.clusterIPs",
        "spec.ipFamilies",
        "spec.ipFamilyPolicy",
        "spec.ports[port=80,protocol=TCP].nodePort",
    }


def test_what_somebody_set_by_hand_is_not() -> None:
    live = live_of(live_service({"nodePort": 30123}, **ALLOCATED), [owner_of_service(True)])
    assert "nodePort" not in ask(SERVICE, live).body["spec"]["ports"][0]
    owner = owner_of_service(False, externalIPs=["192.0.2.1"])
    live = live_of(live_service({"nodePort": 1}, **ALLOCATED, externalIPs=["192.0.2.1"]), [owner])
    assert "externalIPs" not in ask(SERVICE, live).body["spec"]


def test_without_managed_fields_it_is_said_what_cant_be_told() -> None:
    live = live_of(live_service({"nodePort": 30123}, **ALLOCATED, externalIPs=["192.0.2.1"]))
    expected = ask(SERVICE, live)
    assert unproven(expected) == ["spec.ports[port=80,protocol=TCP].nodePort"]
    assert "externalIPs" not in expected.body["spec"]
    assert expected.body["spec"]["clusterIP"] == "10.0.0.7"


def test_a_port_of_the_nodes_is_nobodys_where_the_type_takes_none() -> None:
    body = declared("v1", "Service", spec={"ports": [{"port": 80}]})
    live = live_service({"nodePort": 30123}, type="ClusterIP")
    del live["spec"]["externalTrafficPolicy"]
    assert "nodePort" not in ask(body, live_of(live)).body["spec"]["ports"][0]


JOB = declared("batch/v1", "Job", spec={"template": template(restartPolicy="Never")})
LABELLED = {
    "batch.kubernetes.io/controller-uid": UID,
    "batch.kubernetes.io/job-name": "web",
    "controller-uid": UID,
    "job-name": "web",
}
SELECTS = {"matchLabels": {"batch.kubernetes.io/controller-uid": UID}}


def live_job(selector: Any, labels: dict[str, Any]) -> JsonObject:
    made = ask(JOB, live_of(JOB)).body
    spec = made["spec"]
    metadata = {"labels": {**spec["template"]["metadata"]["labels"], **labels}}
    pods = {**spec["template"], "metadata": metadata}
    made["metadata"] = {**made["metadata"], **metadata}
    return {**made, "spec": {**spec, "selector": selector, "template": pods}}


@pytest.mark.parametrize("owned", [False, True], ids=["dumped", "live"])
def test_a_job_selects_itself(owned: bool) -> None:
    live = live_job(SELECTS, LABELLED)
    expected = ask(JOB, live_of(live, [managed(JOB)] if owned else None))
    assert expected.body == live
    assert expected.unproven == ()


@pytest.mark.parametrize(
    ("selector", "labels"),
    [
        ("text", {}),
        ({"matchLabels": {"a": "b"}}, {}),
        ({**SELECTS, "matchExpressions": []}, {}),
        ({"matchLabels": {"controller-uid": "another"}}, {}),
        (SELECTS, {"controller-uid": "another"}),
        (SELECTS, {"job-name": "another"}),
        (SELECTS, {"job-name": ""}),
    ],
)
def test_a_job_that_selects_others_was_edited(selector: Any, labels: dict[str, str]) -> None:
    live = live_job(selector, {**LABELLED, **labels})
    assert ask(JOB, live_of(live)).body != live


def test_a_job_of_old_selects_itself_by_the_old_label() -> None:
    live = live_job({"matchLabels": {"controller-uid": UID}}, {"controller-uid": UID})
    assert ask(JOB, live_of(live)).body == live


def test_a_declared_selector_without_labels_gets_the_jobs() -> None:
    body = declared("batch/v1", "Job", spec={**JOB["spec"], "selector": {}})
    live = live_job(SELECTS, LABELLED)
    assert ask(body, live_of(live)).body == live


CLAIM_SPEC = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
CLAIM = declared("v1", "PersistentVolumeClaim", spec=CLAIM_SPEC)


@pytest.mark.parametrize(("phase", "doubted"), [("Bound", []), ("Pending", ["spec.volumeName"])])
def test_a_claims_volume_and_class_are_taken_over(phase: str, doubted: list[str]) -> None:
    spec = {**CLAIM_SPEC, "volumeMode": "Filesystem", "volumeName": "v", "storageClassName": "fast"}
    live = declared("v1", "PersistentVolumeClaim", spec=spec, status={"phase": phase})
    expected = ask(CLAIM, live_of(live))
    assert expected.body == comparable(live)
    assert unproven(expected) == doubted


REFERENCE = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "namespace": "shop",
    "name": "web",
    "uid": UID,
    "resourceVersion": "3",
}


@pytest.mark.parametrize(
    ("reference", "taken"),
    [(REFERENCE, True), ({"namespace": "shop", "name": "web"}, False), ("text", False)],
)
def test_a_volume_is_bound_by_a_whole_reference(reference: Any, taken: bool) -> None:
    body = declared(
        "v1",
        "PersistentVolume",
        spec={"accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}},
    )
    made = ask(body, live_of(body)).body
    live = {**made, "spec": {**made["spec"], "claimRef": reference}}
    expected = ask(body, live_of(live))
    assert expected.body == (live if taken else made)
    assert unproven(expected) == (["spec.claimRef"] if taken else [])


AGGREGATED = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}
RULE = {"verbs": ["get"], "nonResourceURLs": ["/x"]}
ROLE = ("rbac.authorization.k8s.io/v1", "ClusterRole")


def test_an_aggregated_roles_rules_are_the_controllers() -> None:
    body = declared(*ROLE, aggregationRule=AGGREGATED, rules=[])
    live = declared(*ROLE, aggregationRule=AGGREGATED, rules=[RULE])
    mine = managed({**live, "rules": None}, "kubectl-create")
    del mine["fieldsV1"]["f:rules"]
    theirs = {"apiVersion": ROLE[0], "kind": ROLE[1], "rules": []}
    entries = [mine, managed(theirs, "clusterrole-aggregation-controller")]
    assert ask(body, live_of(live, entries)).body == live
    entries[1]["manager"] = "kubectl-edit"
    assert ask(body, live_of(live, entries)).body["rules"] is None


def test_a_plain_roles_rules_are_gits() -> None:
    body = declared(*ROLE, rules=[RULE])
    live = declared(*ROLE, rules=[RULE, RULE])
    assert ask(body, live_of(live)).body == body


POD = declared("v1", "Pod", spec={"containers": [CONTAINER]})
VOLUME = {
    "name": "kube-api-access-xgdx7",
    "projected": {"defaultMode": 420, "sources": [{"serviceAccountToken": {"path": "token"}}]},
}
MOUNT = {
    "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
    "name": "kube-api-access-xgdx7",
    "readOnly": True,
}
ADMITTED = {
    "nodeName": "node-1",
    "serviceAccountName": "default",
    "serviceAccount": "default",
    "priority": 0,
    "preemptionPolicy": "PreemptLowerPriority",
}
NOT_READY, UNREACHABLE = (
    {
        "key": f"node.kubernetes.io/{taint}",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 300,
    }
    for taint in ("not-ready", "unreachable")
)


def live_pod(body: JsonObject = POD, mount: Any = MOUNT, volume: Any = VOLUME, **spec: Any) -> Any:
    made = ask(body, live_of(body)).body
    containers = [{**c, "volumeMounts": [mount]} for c in made["spec"]["containers"]]
    admitted = {**ADMITTED, "containers": containers, "volumes": [volume], **spec}
    return {**made, "spec": {**made["spec"], **admitted}}


@pytest.mark.parametrize("owned", [False, True], ids=["dumped", "live"])
def test_what_a_pod_is_admitted_with_is_taken_over(owned: bool) -> None:
    live = live_pod(tolerations=[NOT_READY, UNREACHABLE])
    expected = ask(POD, live_of(live, [managed(POD)] if owned else None))
    assert expected.body == live
    assert expected.unproven == ()


@pytest.mark.parametrize(
    "edited",
    [
        {"volume": {"name": "stolen", "hostPath": {"path": "/", "type": ""}}},
        {"mount": {**MOUNT, "mountPath": "/x"}},
        {"mount": {**MOUNT, "name": "stolen"}},
        {"serviceAccountName": "admin", "serviceAccount": "admin"},
        {"preemptionPolicy": "Sometimes"},
        {"tolerations": [{"operator": "Exists"}]},
        {"tolerations": [{**NOT_READY, "tolerationSeconds": 5}]},
        {"tolerations": ["text"]},
    ],
)
def test_what_isnt_as_kubernetes_makes_it_shows(edited: dict[str, Any]) -> None:
    live = live_pod(**edited)
    assert ask(POD, live_of(live)).body != live


@pytest.mark.parametrize(
    ("mine", "live", "taken"),
    [
        ([{"key": "a"}], [{"key": "a"}, NOT_READY, UNREACHABLE], True),
        ([{"key": "a"}], [{"key": "a"}, UNREACHABLE], True),
        ([NOT_READY], [NOT_READY, UNREACHABLE], True),
        ([{"key": "a"}], [{"key": "b"}, NOT_READY, UNREACHABLE], False),
        ([{"key": "a"}], [{"key": "a"}, NOT_READY, {"key": "b"}], False),
        ([{"key": "a"}, {"key": "b"}], [{"key": "a"}], False),
    ],
)
def test_tolerations_are_appended_to_declared_ones(mine: Any, live: Any, taken: bool) -> None:
    body = declared("v1", "Pod", spec={"containers": [CONTAINER], "tolerations": mine})
    expected = ask(body, live_of(live_pod(body, tolerations=live)))
    assert expected.body["spec"]["tolerations"] == (live if taken else mine)
    where = [f"spec.tolerations[{at}]" for at in range(len(mine), len(live))] if taken else []
    assert [path for path in carried(expected) if "tolerations" in path] == where
