from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.errors import ClusterError, LeaseLostError, Rejected
from reconciler.core.outcome import Outcome, OutcomeType
from reconciler.core.plan import (
    Action,
    Create,
    Delete,
    Evict,
    Plan,
    Quarantine,
    Recreate,
    Replace,
)
from reconciler.core.planning import live_digest
from reconciler.core.quarantine import QUARANTINE, isolation
from reconciler.core.resource import JsonObject, ResourceKey, ResourceKind
from reconciler.execution import carry_out
from tests.fakes.cluster import FakeCluster, FakeWriter
from tests.fakes.kinds import BUILTIN

KEY = ResourceKey("", "ConfigMap", "default", "web")
RESTORED, CONFLICT, REFUSED = OutcomeType.RESTORED, OutcomeType.CONFLICT, OutcomeType.REFUSED
SKIPPED, UNVERIFIED = OutcomeType.SKIPPED, OutcomeType.UNVERIFIED


def config(name: str = "web", namespace: str = "default", **fields: Any) -> JsonObject:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **fields}


def done(cluster: FakeCluster, *actions: Action) -> tuple[Outcome, ...]:
    return carry_out(Plan("shop", "4f0c", actions, (), "p-1"), cluster, cluster.catalog())


def replacing(live: JsonObject, **fields: Any) -> Replace:
    return Replace(KEY, "v1", config(**fields), (), live_digest(live))


def recreating(live: JsonObject, **fields: Any) -> Recreate:
    uid = live["metadata"]["uid"]
    return Recreate(KEY, "v1", config(**fields), (), live_digest(live), uid)


def deleting(live: JsonObject) -> Delete:
    return Delete(KEY, "v1", live_digest(live), live["metadata"]["uid"])


def edit(key: str) -> Callable[[JsonObject], None]:
    def change(body: JsonObject) -> None:
        body.setdefault("data", {})[key] = "edited"

    return change


def test_what_is_missing_is_made() -> None:
    cluster = FakeCluster()
    assert done(cluster, Create(KEY, "v1", config(data={"a": "b"}))) == (Outcome(KEY, RESTORED),)
    assert cluster.objects()[KEY]["data"] == {"a": "b"}


def test_what_was_edited_is_replaced_and_stays_the_same_object() -> None:
    cluster = FakeCluster()
    live = cluster.add(config(data={"a": "hand"}))
    assert done(cluster, replacing(live, data={"a": "git"})) == (Outcome(KEY, RESTORED),)
    after = cluster.objects()[KEY]
    assert after["data"] == {"a": "git"}
    assert after["metadata"]["uid"] == live["metadata"]["uid"]


def test_a_status_that_moved_meanwhile_is_kept() -> None:
    cluster = FakeCluster()
    live = cluster.add(config(data={"a": "hand"}))
    cluster.store.objects[KEY]["status"] = {"seen": 2}
    cluster.store.objects[KEY]["metadata"]["resourceVersion"] = "99"
    done(cluster, replacing(live, data={"a": "git"}, status={"seen": 1}))
    assert cluster.objects()[KEY]["status"] == {"seen": 2}


@pytest.mark.parametrize("make", [replacing, recreating, deleting])
def test_nothing_is_written_onto_what_moved_since_the_plan(
    make: Callable[[JsonObject], Action],
) -> None:
    cluster = FakeCluster()
    live = cluster.add(config())
    cluster.edit("kubectl-edit", KEY, edit("x"))
    before = cluster.objects()
    (outcome,) = done(cluster, make(live))
    assert outcome == Outcome(
        KEY, CONFLICT, "it was edited since the plan was made; nothing was written"
    )
    assert cluster.objects() == before
    cluster.remove(KEY)
    (outcome,) = done(cluster, make(live))
    assert outcome == Outcome(KEY, CONFLICT, "it is gone; nothing was written")
    assert cluster.requests.write == 0


def test_what_appeared_since_the_plan_is_not_overwritten() -> None:
    cluster = FakeCluster()
    cluster.add(config(data={"a": "hand"}))
    (outcome,) = done(cluster, Create(KEY, "v1", config(data={"a": "git"})))
    assert outcome.outcome is CONFLICT
    assert cluster.objects()[KEY]["data"] == {"a": "hand"}


def test_what_was_declared_once_is_deleted() -> None:
    cluster = FakeCluster()
    live = cluster.add(config())
    assert done(cluster, deleting(live)) == (Outcome(KEY, RESTORED),)
    assert cluster.objects() == {}


def test_what_cannot_be_changed_is_deleted_and_made_anew() -> None:
    cluster = FakeCluster()
    live = cluster.add(config(data={"a": "hand"}))
    assert done(cluster, recreating(live, data={"a": "git"})) == (Outcome(KEY, RESTORED),)
    after = cluster.objects()[KEY]
    assert after["data"] == {"a": "git"}
    assert after["metadata"]["uid"] != live["metadata"]["uid"]


def test_what_a_finalizer_holds_is_not_made_anew() -> None:
    cluster = FakeCluster()
    body = config()
    body["metadata"]["finalizers"] = ["example.com/hold"]
    live = cluster.add(body)
    (outcome,) = done(cluster, recreating(live))
    assert outcome.outcome is UNVERIFIED
    assert "example.com/hold" in outcome.reason


def test_what_was_deleted_and_could_not_be_made_anew_is_said() -> None:
    cluster = FakeCluster()
    live = cluster.add(config())
    cluster.forbid("create", "ConfigMap")
    (outcome,) = done(cluster, recreating(live))
    assert outcome.outcome is UNVERIFIED
    assert outcome.reason.startswith("it was deleted, and could not be made anew: ")
    assert cluster.objects() == {}


@pytest.mark.parametrize(
    ("verb", "make"), [("update", replacing), ("delete", deleting), ("get", replacing)]
)
def test_a_refusal_is_an_outcome_and_the_rest_goes_on(
    verb: str, make: Callable[[JsonObject], Action]
) -> None:
    cluster = FakeCluster()
    live = cluster.add(config())
    cluster.forbid(verb, "ConfigMap")
    other = config("other")
    other_key = ResourceKey("", "ConfigMap", "default", "other")
    refused, made = done(cluster, make(live), Create(other_key, "v1", other))
    assert refused.outcome is REFUSED
    assert made == Outcome(other_key, RESTORED)


def test_of_a_write_whose_answer_never_came_nothing_is_known() -> None:
    cluster = FakeCluster()
    catalog = cluster.catalog()
    cluster.unreachable = ClusterError("the connection broke")
    plan = Plan("shop", "4f0c", (Create(KEY, "v1", config()),), (), "p-1")
    assert carry_out(plan, cluster, catalog) == (Outcome(KEY, UNVERIFIED, "the connection broke"),)


class Overtaken(FakeCluster):
    """A cluster whose writer loses its Lease before a certain write."""

    def __init__(self, writes: int) -> None:
        super().__init__()
        self.left = writes

    @property
    def writes(self) -> FakeWriter:
        if not self.left:
            raise LeaseLostError("the Lease isn't held any more, so nothing was written")
        self.left -= 1
        return super().writes


def test_who_has_lost_its_lease_writes_nothing_and_claims_nothing() -> None:
    cluster = Overtaken(0)
    live = cluster.add(config())
    (outcome,) = done(cluster, replacing(live, data={"a": "b"}))
    assert outcome.outcome is OutcomeType.SKIPPED
    assert "nothing was written" in outcome.reason


def test_who_loses_its_lease_between_two_halves_says_so() -> None:
    cluster = Overtaken(1)
    live = cluster.add(config())
    (outcome,) = done(cluster, recreating(live))
    assert outcome.outcome is UNVERIFIED
    assert outcome.reason.startswith("it was deleted, and could not be made anew: the Lease")


class Busy(FakeCluster):
    """A cluster where something else writes a status before each of our writes."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    @property
    def writes(self) -> FakeWriter:
        cluster = self

        class Writer(FakeWriter):
            def replace(self, kind: ResourceKind, body: JsonObject) -> JsonObject:
                if cluster.times:
                    cluster.times -= 1
                    raise Rejected("the object has been modified", code=409, reason="Conflict")
                return super().replace(kind, body)

        return Writer(self, dry=False)


@pytest.mark.parametrize(("times", "outcome"), [(0, RESTORED), (4, RESTORED), (5, CONFLICT)])
def test_a_write_is_tried_again_while_only_a_status_moves(times: int, outcome: OutcomeType) -> None:
    cluster = Busy(times)
    live = cluster.add(config())
    assert [each.outcome for each in done(cluster, replacing(live))] == [outcome]


def test_a_kind_is_written_once_its_definition_is_there() -> None:
    cluster = FakeCluster()
    crd_key = ResourceKey(
        "apiextensions.k8s.io", "CustomResourceDefinition", "", "things.example.com"
    )
    spec = {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"kind": "Thing", "plural": "things"},
        "versions": [{"name": "v1"}],
    }
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": spec,
    }
    key = ResourceKey("example.com", "Thing", "default", "x")
    thing = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}}
    actions = (
        Create(crd_key, "apiextensions.k8s.io/v1", crd),
        Create(key, "example.com/v1", thing),
    )
    assert [each.outcome for each in done(cluster, *actions)] == [RESTORED, RESTORED]

    broken = FakeCluster()
    broken.forbid("create", "CustomResourceDefinition")
    before = broken.requests.get
    assert done(broken, *actions)[1] == Outcome(key, SKIPPED, "its definition could not be made")
    # Nobody waits for a kind of which it's known that it won't come.
    assert broken.requests.get == before + 3

    empty = FakeCluster()
    assert done(empty, actions[1]) == (
        Outcome(key, SKIPPED, "the cluster doesn't serve example.com/v1 Thing"),
    )


def test_what_would_be_in_a_namespace_that_was_not_made_is_skipped() -> None:
    cluster = FakeCluster()
    cluster.forbid("create", "Namespace")
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    home = ResourceKey("", "Namespace", "", "shop")
    key = ResourceKey("", "ConfigMap", "shop", "web")
    outcomes = done(
        cluster, Create(home, "v1", namespace), Create(key, "v1", config(namespace="shop"))
    )
    assert [each.outcome for each in outcomes] == [REFUSED, SKIPPED]
    assert outcomes[1].reason == "its namespace could not be made"


POD = ResourceKey("", "Pod", "default", "web-1")
OWNER = ResourceKey("apps", "Deployment", "default", "web")


def pod(cluster: FakeCluster) -> JsonObject:
    metadata = {"name": "web-1", "namespace": "default", "labels": {"app": "web"}}
    spec = {"containers": [{"name": "web", "image": "web:1"}]}
    return cluster.add({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def budget(cluster: FakeCluster) -> None:
    metadata = {"name": "web", "namespace": "default"}
    cluster.add(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": metadata,
            "spec": {"selector": {"matchLabels": {"app": "web"}}},
        }
    )


@pytest.mark.parametrize("make", [Evict, Quarantine])
def test_only_the_pod_that_was_meant_is_replaced(make: type[Evict | Quarantine]) -> None:
    cluster = FakeCluster()
    pod(cluster)
    before = cluster.objects()[POD]
    for gone in ("another", ""):
        (outcome,) = done(cluster, make(POD, "v1", gone, OWNER))
        assert outcome.outcome is CONFLICT
    assert cluster.objects()[POD] == before
    cluster.remove(POD)
    (outcome,) = done(cluster, make(POD, "v1", "u", OWNER))
    assert "it is gone, or out of service already" in outcome.reason


def test_a_pod_is_evicted_if_its_budget_allows() -> None:
    cluster = FakeCluster()
    live = pod(cluster)
    evict = Evict(POD, "v1", live["metadata"]["uid"], OWNER)
    budget(cluster)
    (outcome,) = done(cluster, evict)
    assert outcome.outcome is REFUSED
    assert "disruption budget" in outcome.reason
    assert POD in cluster.objects()
    cluster.remove(ResourceKey("policy", "PodDisruptionBudget", "default", "web"))
    assert done(cluster, evict) == (Outcome(POD, RESTORED),)
    assert POD not in cluster.objects()


def test_a_pod_is_put_into_quarantine_behind_its_network_policy() -> None:
    cluster = FakeCluster()
    live = pod(cluster)
    action = Quarantine(POD, "v1", live["metadata"]["uid"], OWNER)
    cluster.forbid("update", "Pod")
    assert [each.outcome for each in done(cluster, action)] == [REFUSED]
    policy = isolation("default")
    key = ResourceKey("networking.k8s.io", "NetworkPolicy", "default", policy["metadata"]["name"])
    assert cluster.objects()[key]["spec"] == policy["spec"]
    cluster = Busy(2)
    live = pod(cluster)
    assert done(cluster, Quarantine(POD, "v1", live["metadata"]["uid"], OWNER)) == (
        Outcome(POD, RESTORED),
    )
    after = cluster.objects()[POD]["metadata"]
    assert after["labels"] == {QUARANTINE: "true"}
    assert cluster.objects()[key]["spec"] == policy["spec"]
    writes = cluster.requests.write
    assert [e.outcome for e in done(cluster, Quarantine(POD, "v1", after["uid"], OWNER))] == [
        CONFLICT
    ]
    assert cluster.requests.write == writes


def test_no_pod_is_put_behind_a_network_policy_that_is_not_ours() -> None:
    cluster = FakeCluster()
    live = pod(cluster)
    cluster.add({**isolation("default"), "spec": {"podSelector": {}}})
    action = Quarantine(POD, "v1", live["metadata"]["uid"], OWNER)
    (outcome,) = done(cluster, action)
    assert outcome.outcome is CONFLICT
    assert "is not as Plumbline makes it" in outcome.reason
    assert cluster.objects()[POD]["metadata"]["labels"] == {"app": "web"}


def test_a_cluster_without_network_policies_has_no_quarantine() -> None:
    cluster = FakeCluster(kinds=[kind for kind in BUILTIN if kind.kind != "NetworkPolicy"])
    live = pod(cluster)
    (outcome,) = done(cluster, Quarantine(POD, "v1", live["metadata"]["uid"], OWNER))
    assert "serves no NetworkPolicy" in outcome.reason


def test_of_what_came_encrypted_the_server_is_not_quoted() -> None:
    class Quoting(FakeWriter):
        def create(self, kind: ResourceKind, body: JsonObject) -> JsonObject:
            raise Rejected(
                f"a webhook says: {body['data']['a']} is bad",
                code=403,
                reason="Forbidden",
                fields=("data.a",),
            )

    class Refusing(FakeCluster):
        @property
        def writes(self) -> FakeWriter:
            return Quoting(self, dry=False)

    cluster = Refusing()
    action = Create(KEY, "v1", config(data={"a": "hunter2"}))
    (quoted,) = done(cluster, action)
    assert "hunter2" in quoted.reason
    (outcome,) = done(cluster, replace(action, sealed=True))
    assert outcome.reason == "the server refuses it with 403 Forbidden: data.a"
