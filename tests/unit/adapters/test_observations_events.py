"""What is read out of audit events and admission reviews, and what never is."""

from typing import Any

import pytest

from reconciler.adapters.observations.audited import event_of, events_of_list
from reconciler.adapters.observations.fields import differing, patched
from reconciler.adapters.observations.reviewed import event_of_review
from reconciler.core.actors import Deed, ObjectRef, Witness

SECRET = "s3same-0pen-desk-8861"
NOW = "2026-11-24T12:00:00.250000Z"


def audited(**more: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": "6b1c9a3e",
        "stage": "ResponseComplete",
        "requestURI": "/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=kubectl-edit",
        "verb": "patch",
        "user": {"username": "jane", "groups": ["team", "system:authenticated"]},
        "sourceIPs": ["203.0.113.9", "10.0.0.1"],
        "userAgent": "kubectl/v1.37.2 (linux/amd64) kubernetes/abcdef0",
        "objectRef": {
            "resource": "deployments",
            "namespace": "shop",
            "name": "web",
            "apiGroup": "apps",
            "apiVersion": "v1",
        },
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": "2026-11-24T12:00:00.100000Z",
        "stageTimestamp": "2026-11-24T12:00:00.120000Z",
        "annotations": {"authorization.k8s.io/decision": "allow"},
    }
    return {**document, **more}


EXEC: dict[str, Any] = {
    "objectRef": {"resource": "pods", "subresource": "exec", "namespace": "shop", "name": "web"},
    "requestURI": "/api/v1/namespaces/shop/pods/web/exec?command=sh&container=web",
    "verb": "get",
    "stage": "ResponseStarted",
    "responseStatus": {"code": 101},
}


@pytest.mark.parametrize("stage", ["ResponseStarted", "ResponseComplete"])
@pytest.mark.parametrize("verb", ["get", "create"])
@pytest.mark.parametrize("subresource", ["exec", "attach", "portforward"])
def test_who_comes_into_a_pod_is_kept_as_the_session_begins(
    subresource: str, verb: str, stage: str
) -> None:
    ref = {**EXEC["objectRef"], "subresource": subresource}
    event = event_of(audited(**{**EXEC, "objectRef": ref, "verb": verb, "stage": stage}))
    assert event is not None
    assert (event.deed, event.subresource, event.user) == (Deed.ENTERED, subresource, "jane")
    assert event.ref == ObjectRef("", "pods", "shop", "web")


def test_what_is_kept_of_an_audit_event() -> None:
    event = event_of(audited(impersonatedUser={"username": "deployer"}))
    assert event is not None
    assert event.ref == ObjectRef("apps", "deployments", "shop", "web")
    assert (event.user, event.impersonated, event.acted_as) == ("jane", "deployer", "deployer")
    assert event.groups == ("team", "system:authenticated")
    assert event.addresses == ("203.0.113.9", "10.0.0.1")
    assert (event.witness, event.deed, event.verb) == (Witness.AUDIT, Deed.WROTE, "patch")
    assert (event.request_id, event.manager) == ("6b1c9a3e", "kubectl-edit")
    assert event.received < event.time == "2026-11-24T12:00:00.120000Z"


@pytest.mark.parametrize(
    "more",
    [
        {"stage": "RequestReceived"},
        {"stage": "Panic"},
        {"verb": "get"},
        {"verb": "watch"},
        {"responseStatus": {"code": 403}},
        {"responseStatus": {"code": 101}},
        {"responseStatus": {}},
        {"responseStatus": None},
        {"objectRef": None},
        {"objectRef": {"resource": "pods", "subresource": "status", "name": "web"}},
        {"objectRef": {"resource": "pods", "subresource": "log", "name": "web"}, "verb": "create"},
        {"stage": "ResponseStarted"},
        {**EXEC, "responseStatus": {"code": 403}},
        {**EXEC, "verb": "delete"},
        {**EXEC, "stage": "RequestReceived"},
        {"objectRef": {"resource": "serviceaccounts", "subresource": "token", "name": "web"}},
        {"requestURI": "/api/v1/x?dryRun=All&fieldManager=a"},
        {"verb": "delete", "requestObject": {"kind": "DeleteOptions", "dryRun": ["All"]}},
    ],
)
def test_what_changed_no_object_is_of_no_interest(more: dict[str, Any]) -> None:
    assert event_of(audited(**more)) is None


@pytest.mark.parametrize("document", [None, [], "x", 1, {}])
def test_what_is_no_event_is_none(document: Any) -> None:
    assert event_of(document) is None
    assert list(events_of_list(document)) == []
    assert list(events_of_list({"items": [document]})) == []
    assert event_of_review(document, NOW) is None
    assert event_of_review({"request": document}, NOW) is None


def test_fields_of_a_wrong_type_are_read_as_none() -> None:
    odd = audited(user=[], sourceIPs="x", userAgent=1, requestURI=None, auditID={}, verb="update")
    event = event_of(odd)
    assert event is not None
    assert (event.user, event.addresses, event.manager, event.request_id) == ("", (), "", "")


@pytest.mark.parametrize(
    ("verb", "query", "operation", "manager"),
    [
        ("create", "", "Update", "kubectl"),
        ("update", "?fieldManager=a%2Fb", "Update", "a/b"),
        ("patch", "", "Update", "kubectl"),
        ("patch", "?fieldManager=tool", "", "tool"),
        ("patch", "?fieldManager=tool&force=false", "Apply", "tool"),
        ("apply", "?fieldManager=tool", "Apply", "tool"),
    ],
)
def test_manager_and_operation_come_from_the_address(
    verb: str, query: str, operation: str, manager: str
) -> None:
    event = event_of(audited(verb=verb, requestURI=f"/apis/apps/v1/x{query}"))
    assert event is not None
    assert (event.operation, event.manager) == (operation, manager)


@pytest.mark.parametrize(
    ("verb", "code", "subresource", "deed"),
    [
        ("create", 201, "", Deed.CREATED),
        ("patch", 201, "", Deed.CREATED),
        ("patch", 200, "", Deed.WROTE),
        ("update", 200, "scale", Deed.WROTE),
        ("create", 201, "binding", Deed.WROTE),
        ("create", 201, "eviction", Deed.DELETED),
        ("delete", 202, "", Deed.DELETED),
    ],
)
def test_what_a_request_did(verb: str, code: int, subresource: str, deed: Deed) -> None:
    ref = {"resource": "pods", "namespace": "shop", "name": "web", "subresource": subresource}
    event = event_of(audited(verb=verb, responseStatus={"code": code}, objectRef=ref))
    assert event is not None
    assert (event.deed, event.subresource) == (deed, subresource)


def test_a_namespace_does_not_lie_in_itself() -> None:
    ref = {"resource": "namespaces", "namespace": "shop", "name": "shop", "apiVersion": "v1"}
    event = event_of(audited(objectRef=ref))
    assert event is not None
    assert event.ref == ObjectRef("", "namespaces", "", "shop")


@pytest.mark.parametrize(("query", "selective"), [("", False), ("?labelSelector=a%3Db", True)])
def test_a_collections_deletion_has_no_name(query: str, selective: bool) -> None:
    ref = {"resource": "configmaps", "namespace": "shop", "apiVersion": "v1"}
    uri = f"/api/v1/namespaces/shop/configmaps{query}"
    event = event_of(audited(verb="deletecollection", objectRef=ref, requestURI=uri))
    assert event is not None
    assert event.ref == ObjectRef("", "configmaps", "shop", "")
    assert (event.deed, event.selective) == (Deed.DELETED, selective)


def test_the_answer_names_what_the_server_named() -> None:
    answer = {"metadata": {"name": "made-x7", "uid": "1"}, "data": {"a": SECRET}}
    ref = {"resource": "configmaps", "namespace": "shop", "apiVersion": "v1"}
    event = event_of(audited(verb="create", objectRef=ref, responseObject=answer))
    assert event is not None
    assert (event.ref.name, event.uid) == ("made-x7", "1")
    assert SECRET not in repr(event)


def test_bodies_are_never_kept() -> None:
    body = {"stringData": {"password": SECRET}, "metadata": {"annotations": {"a": SECRET}}}
    event = event_of(audited(requestObject=body, responseObject=body))
    assert event is not None
    assert SECRET not in repr(event)
    names = {("stringData", "password"), ("metadata", "annotations", "a")}
    assert event.touched == frozenset(names)


# --- which fields


@pytest.mark.parametrize(
    ("body", "touched"),
    [
        ({"spec": {"replicas": 3}}, {("spec", "replicas")}),
        ({"spec": {"a": None}, "data": {}}, {("spec", "a"), ("data",)}),
        ({"spec": {"containers": [{"name": "a"}]}}, {("spec", "containers")}),
        ({"spec": {"$retainKeys": ["a"]}}, {("spec",)}),
        ([{"op": "remove", "path": "/data/a~1b~0"}], {("data", "a/b~")}),
        ([{"op": "add", "path": "/spec/list/-"}], {("spec", "list")}),
        ([{"op": "move", "from": "/spec/list/0/a", "path": "/b"}], {("spec", "list"), ("b",)}),
        ([{"op": "replace", "path": ""}, 1], {()}),
        ({"kind": "Deployment", "spec": {}}, None),
        ({"apiVersion": "v1"}, None),
        ({"data": {f"k{n}": 1 for n in range(65)}}, None),
        (None, None),
        ("x", None),
    ],
)
def test_which_fields_a_patch_touches(body: Any, touched: Any) -> None:
    assert patched(body) == touched


def test_which_fields_differ() -> None:
    old = {
        "metadata": {"labels": {"a": "1"}, "resourceVersion": "1", "managedFields": [1]},
        "spec": {"x": 1, "gone": {"y": 2}, "list": [{"n": 1}], "same": {"z": 1}, "null": None},
        "status": {"a": 1},
    }
    new = {
        "metadata": {"labels": {"a": "2"}, "resourceVersion": "2", "managedFields": [2]},
        "spec": {"x": 2, "list": [{"n": 2}], "same": {"z": 1}},
        "status": {"a": 2},
    }
    names = [("spec", name) for name in ("x", "gone", "list", "null")]
    assert differing(old, new) == frozenset({("metadata", "labels", "a"), *names})
    assert differing(old, old) == frozenset()
    assert differing(old, None) is None


def test_no_depth_is_too_deep() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    assert patched(deep) == frozenset({("a",) * 25})
    assert differing({"spec": deep}, {"spec": {"a": 1}}) == frozenset({("spec", "a")})


# --- admission reviews


def entry(manager: str, time: str, operation: str = "Update") -> dict[str, str]:
    return {"manager": manager, "operation": operation, "time": time}


def body(*entries: dict[str, str], **data: str) -> dict[str, Any]:
    return {"metadata": {"name": "web", "uid": "1", "managedFields": [*entries]}, "data": data}


def review(**more: Any) -> dict[str, Any]:
    old = entry("kubectl-create", "2026-11-24T11:00:00Z")
    request: dict[str, Any] = {
        "uid": "705ab4f5",
        "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
        "resource": {"group": "", "version": "v1", "resource": "configmaps"},
        "requestResource": {"group": "", "version": "v1", "resource": "configmaps"},
        "name": "web",
        "namespace": "shop",
        "operation": "UPDATE",
        "userInfo": {"username": "jane", "groups": ["team"]},
        "oldObject": body(old, a=SECRET),
        "object": body(old, entry("kubectl-edit", "2026-11-24T11:59:59Z"), a=f"{SECRET}2"),
        "dryRun": False,
        "options": {"kind": "UpdateOptions", "fieldManager": "kubectl-edit"},
    }
    return {"kind": "AdmissionReview", "request": {**request, **more}}


def test_what_is_kept_of_a_review() -> None:
    event = event_of_review(review(), NOW)
    assert event is not None
    assert event.ref == ObjectRef("", "configmaps", "shop", "web")
    assert (event.user, event.groups, event.addresses) == ("jane", ("team",), ())
    assert (event.manager, event.operation, event.uid) == ("kubectl-edit", "Update", "1")
    assert event.received == event.time == "2026-11-24T11:59:59Z"
    assert (event.deed, event.touched) == (Deed.WROTE, frozenset({("data", "a")}))
    assert SECRET not in repr(event)


def test_a_manager_that_was_not_given_is_the_new_entrys() -> None:
    event = event_of_review(review(options=None), NOW)
    assert event is not None
    assert (event.manager, event.time) == ("kubectl-edit", "2026-11-24T11:59:59Z")


def test_a_write_without_an_entry_of_its_own_has_the_recorders_time() -> None:
    for more in (
        {"object": review()["request"]["oldObject"]},
        {"options": {"fieldManager": "another"}},
    ):
        event = event_of_review(review(**more), NOW)
        assert event is not None
        assert (event.time, event.operation) == (NOW, "")
        assert event.manager in ("kubectl-edit", "another")


def test_a_review_tells_who_comes_into_a_pod() -> None:
    pods = {"group": "", "version": "v1", "resource": "pods"}
    options = {"kind": "PodExecOptions", "apiVersion": "v1", "command": ["sh", SECRET]}
    asked = review(
        operation="CONNECT",
        subResource="exec",
        requestResource=pods,
        object=options,
        oldObject=None,
        options=None,
    )
    event = event_of_review(asked, NOW)
    assert event is not None
    assert (event.deed, event.verb, event.subresource) == (Deed.ENTERED, "connect", "exec")
    assert (event.ref, event.user) == (ObjectRef("", "pods", "shop", "web"), "jane")
    assert (event.received, event.time) == (NOW, NOW)
    assert SECRET not in repr(event)


@pytest.mark.parametrize(
    "more",
    [
        {"dryRun": True},
        {"operation": "CONNECT"},
        {"subResource": "status"},
        {"operation": None},
        {"operation": "CONNECT", "subResource": "proxy"},
    ],
)
def test_reviews_of_no_interest(more: dict[str, Any]) -> None:
    assert event_of_review(review(**more), NOW) is None


@pytest.mark.parametrize(
    ("more", "deed"),
    [
        ({"operation": "CREATE", "oldObject": None}, Deed.CREATED),
        ({"operation": "DELETE", "object": None}, Deed.DELETED),
        ({"operation": "CREATE", "subResource": "eviction"}, Deed.DELETED),
        ({"operation": "UPDATE", "subResource": "scale"}, Deed.WROTE),
    ],
)
def test_what_a_review_is_of(more: dict[str, Any], deed: Deed) -> None:
    event = event_of_review(review(**more), NOW)
    assert event is not None
    assert (event.deed, event.touched, event.uid) == (deed, None, "1")


def test_a_review_is_kept_under_the_address_that_was_asked_for() -> None:
    other = {"group": "old.example", "version": "v1", "resource": "maps"}
    event = event_of_review(review(requestResource=other, name=""), NOW)
    assert event is not None
    assert event.ref == ObjectRef("old.example", "maps", "shop", "web")
    ours = {"group": "", "version": "v1", "resource": "namespaces"}
    event = event_of_review(review(requestResource=None, resource=ours), NOW)
    assert event is not None
    assert event.ref == ObjectRef("", "namespaces", "", "web")
