"""What is made of a TokenReview, and of what an older API server leaves out of it."""

from contextlib import closing
from typing import Any

import pytest

from reconciler.adapters.cluster.token_reviews import TokenReviews
from reconciler.core.errors import ClusterError
from reconciler.ports import Agent, Stranger
from tests.fakes.wire import ScriptedWire, answer, refusal

REVIEW = "/apis/authentication.k8s.io/v1/tokenreviews"
POD = "/api/v1/namespaces/plumbline/pods/agent-1"
PODS = "/api/v1/pods"
TOKEN = "eyJ.s3same.t0ken"
EXTRA = {
    "authentication.kubernetes.io/pod-name": ["agent-1"],
    "authentication.kubernetes.io/pod-uid": ["u-1"],
}
NODE = {"authentication.kubernetes.io/node-name": ["vm"]}


class _Cluster:
    def __init__(self, wire: ScriptedWire) -> None:
        self.transport = wire.transport()


def register(wire: ScriptedWire) -> TokenReviews:
    cluster: Any = _Cluster(wire)
    return TokenReviews(cluster, ["plumbline:plumbline-agent"])


def review(
    extra: Any, name: str = "system:serviceaccount:plumbline:plumbline-agent", **more: Any
) -> Any:
    user = {"username": name, "extra": extra}
    status = {"authenticated": True, "audiences": ["plumbline"], "user": user, **more}
    return answer({"status": status}, 201)


def test_a_token_s_node_is_told_by_the_server() -> None:
    wire = ScriptedWire({REVIEW: [review(EXTRA | NODE)]})
    assert register(wire).identify(TOKEN) == Agent("vm")
    [asked] = wire.asked
    assert asked.body["spec"] == {"token": TOKEN, "audiences": ["plumbline"]}


@pytest.mark.parametrize(
    ("pod", "found"),
    [
        ({"metadata": {"uid": "u-1"}, "spec": {"nodeName": "vm"}}, Agent("vm")),
        ({"metadata": {"uid": "u-2"}, "spec": {"nodeName": "vm"}}, None),
        ({"metadata": {"uid": "u-1"}, "spec": {}}, None),
        ({}, None),
    ],
)
def test_before_kubernetes_1_30_its_pod_is_looked_up(pod: Any, found: Agent | None) -> None:
    wire = ScriptedWire({REVIEW: [review(EXTRA)], POD: [answer(pod)]})
    assert register(wire).identify(TOKEN) == (found or Stranger("its pod is on no node", True))


def test_a_pod_that_is_gone_has_no_node() -> None:
    wire = ScriptedWire({REVIEW: [review(EXTRA)], POD: [refusal(404, "NotFound")]})
    assert register(wire).identify(TOKEN) == Stranger("its pod is on no node", True)


@pytest.mark.parametrize(
    ("said", "why", "is_known"),
    [
        (answer({"status": {}}), "doesn't know this token for the audience plumbline", False),
        (answer({}), "doesn't know this token", False),
        (review(EXTRA | NODE, authenticated=False), "doesn't know this token", False),
        (review(EXTRA | NODE, audiences=["other"]), "doesn't know this token", False),
        (review(EXTRA | NODE, audiences=None), "doesn't know this token", False),
        (review(EXTRA | NODE, "jane"), "jane is no agent's account", True),
        (review(EXTRA | NODE, "plumbline:plumbline-agent"), "is no agent's account", True),
        (review(EXTRA | NODE, "system:serviceaccount:a:b"), "is no agent's account", True),
        (review({}), "the token isn't bound to a pod", True),
        (review(None), "the token isn't bound to a pod", True),
        (review({**EXTRA, "authentication.kubernetes.io/pod-uid": []}), "isn't bound", True),
        (review(NODE), "the token isn't bound to a pod", True),
    ],
)
def test_who_is_no_agent_is_a_stranger(said: Any, why: str, is_known: bool) -> None:
    found = register(ScriptedWire({REVIEW: [said]})).identify(TOKEN)
    assert isinstance(found, Stranger)
    assert why in found.why
    assert found.is_known is is_known
    assert "s3same" not in found.why


def test_what_cannot_be_asked_is_no_answer() -> None:
    message = 'User "x" cannot create resource "tokenreviews" in API group "y" at cluster scope'
    wire = ScriptedWire({REVIEW: [refusal(403, "Forbidden", message)]})
    with pytest.raises(ClusterError, match="tokens can't be reviewed: User") as caught:
        register(wire).identify(TOKEN)
    assert caught.value.fix.startswith("grant create on tokenreviews.authentication.k8s.io")
    wire = ScriptedWire({REVIEW: [review(EXTRA)], POD: [refusal(403, "Forbidden")]})
    with pytest.raises(ClusterError, match="an agent's pod can't be read"):
        register(wire).identify(TOKEN)
    wire = ScriptedWire({PODS: [refusal(403, "Forbidden")], "/api/v1/nodes/vm": [answer([], 403)]})
    with pytest.raises(ClusterError, match="the pods of a node can't be read"):
        register(wire).pods_on("vm")
    with pytest.raises(ClusterError, match="a node can't be read"):
        register(wire).has_node("vm")


def test_pods_are_known_as_kubelet_knows_them() -> None:
    pods = [
        {"metadata": {"namespace": "shop", "name": "web", "uid": "u-1"}},
        {
            "metadata": {
                "namespace": "kube-system",
                "name": "etcd-vm",
                "uid": "u-2",
                "annotations": {"kubernetes.io/config.hash": "f00"},
            }
        },
    ]
    wire = ScriptedWire({PODS: [answer({"items": pods}), answer({})]})
    known = register(wire)
    assert known.pods_on("vm") == {"u-1": ("shop", "web"), "f00": ("kube-system", "etcd-vm")}
    assert wire.asked[0].query == {"fieldSelector": "spec.nodeName=vm"}
    assert "PartialObjectMetadataList" in wire.asked[0].headers["Accept"]
    assert known.pods_on("vm") == {}


def test_a_node_is_there_or_not() -> None:
    path = "/api/v1/nodes/vm"
    wire = ScriptedWire({path: [answer({}), refusal(404, "NotFound")]})
    known = register(wire)
    assert [known.has_node("vm"), known.has_node("vm")] == [True, False]
    with closing(wire):
        assert wire.asked[0].body is None
