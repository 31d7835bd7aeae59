import json

from reconciler.core.quarantine import (
    LABELS_BEFORE,
    QUARANTINE,
    in_quarantine,
    is_in_quarantine,
    isolation,
    serves,
)
from reconciler.core.resource import JsonObject


def pod(**metadata: object) -> JsonObject:
    return {"metadata": {"name": "web", "uid": "u1", **metadata}, "spec": {"nodeName": "n"}}


def test_a_pod_in_quarantine_has_nothing_that_selects_it_and_tells_what_it_had() -> None:
    before = pod(labels={"app": "web", "tier": "front"}, annotations={"note": "kept"})
    after = in_quarantine(before)
    assert after["metadata"]["labels"] == {QUARANTINE: "true"}
    assert after["metadata"]["annotations"]["note"] == "kept"
    said = json.loads(after["metadata"]["annotations"][LABELS_BEFORE])
    assert said == {"app": "web", "tier": "front"}
    assert after["spec"] == before["spec"]
    assert before["metadata"]["labels"] == {"app": "web", "tier": "front"}
    assert (is_in_quarantine(before), is_in_quarantine(after)) == (False, True)
    assert is_in_quarantine(in_quarantine(pod()))


def test_a_pod_serves_until_it_goes_or_is_another_or_is_in_quarantine() -> None:
    assert serves(pod(), "u1")
    assert not serves(pod(), "u2")
    assert not serves(pod(deletionTimestamp="2026-11-24T12:00:00Z"), "u1")
    assert not serves(in_quarantine(pod()), "u1")


def test_the_network_policy_selects_quarantine_and_allows_nothing() -> None:
    policy = isolation("shop")
    assert policy["metadata"]["namespace"] == "shop"
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & policy["spec"].keys()
    assert policy["spec"]["podSelector"]["matchExpressions"][0]["key"] == QUARANTINE
