"""Both comparers, on a cluster in memory that counts what it was asked."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from reconciler.adapters.comparers.offline import OfflineComparer
from reconciler.adapters.comparers.server import ServerComparer
from reconciler.core.desired import DesiredState, Manifest, Rendered, SourceLocation, desired_state
from reconciler.core.errors import ClusterError
from reconciler.core.expected import Answer, Expected, InSync
from reconciler.core.live import Listing, LiveState
from reconciler.core.redact import Redaction
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.core.scope import bind_generated
from reconciler.ports import KeptAnswer
from tests.fakes.cluster import FakeCluster

REDACTION = Redaction(b"a key")


def body(kind: str = "ConfigMap", name: str = "web", **fields: Any) -> JsonObject:
    version = {"Deployment": "apps/v1", "CustomResourceDefinition": "apiextensions.k8s.io/v1"}
    metadata = {"name": name, **fields.pop("metadata", {})}
    if kind != "CustomResourceDefinition":
        metadata["namespace"] = "default"
    return {"apiVersion": version.get(kind, "v1"), "kind": kind, "metadata": metadata, **fields}


class Kept:
    """Keeps answers in memory, and counts how often it was told to."""

    def __init__(self) -> None:
        self.answers: Mapping[ResourceKey, KeptAnswer] = {}
        self.saved = 0

    def load(self) -> Mapping[ResourceKey, KeptAnswer]:
        return self.answers

    def save(self, answers: Mapping[ResourceKey, KeptAnswer]) -> None:
        self.answers, self.saved = dict(answers), self.saved + 1


def sides(cluster: FakeCluster, *declared: JsonObject) -> tuple[DesiredState, LiveState]:
    manifests = tuple(Manifest(each, SourceLocation("x")) for each in declared)
    catalog = cluster.catalog()
    desired = desired_state(Rendered("4f0c", manifests), catalog, "default")
    live = cluster.read([Listing(kind) for kind in catalog.kinds.values()])
    return bind_generated(desired, live.objects), live


def compared(
    cluster: FakeCluster, store: Kept, *declared: JsonObject
) -> tuple[dict[str, Answer], int]:
    """Compares as a run does; gives the answers by name, and how many dry runs they cost."""
    desired, live = sides(cluster, *declared)
    before = cluster.requests.dry_run
    comparer = ServerComparer(cluster, store, REDACTION)
    answers = comparer.compare(desired, live, cluster.catalog())
    return {key.name: each for key, each in answers.items()}, cluster.requests.dry_run - before


def defaulting(made: JsonObject) -> None:
    """What this cluster's server fills in, of which local reasoning knows nothing."""
    if made["kind"] == "ConfigMap":
        made["data"] = {"defaulted": "x", **made.get("data", {})}


def edit(cluster: FakeCluster, name: str, change: Callable[[JsonObject], object]) -> None:
    (key,) = [key for key in cluster.objects() if key.name == name]
    cluster.edit("kubectl-edit", key, lambda made: void(change(made)))


def void(_: object) -> None:
    return None


def expected(answer: Answer) -> Expected:
    assert isinstance(answer, Expected)
    return answer


def test_what_local_reasoning_proves_costs_no_request() -> None:
    cluster, store = FakeCluster(), Kept()
    cluster.add(body(data={"a": "b"}))
    assert compared(cluster, store, body(data={"a": "b"})) == ({"web": InSync()}, 0)
    assert compared(cluster, store, body(data={"a": "b"})) == ({"web": InSync()}, 0)
    assert store.saved == 1


def test_what_it_cannot_prove_is_asked_once_and_remembered() -> None:
    cluster, store = FakeCluster(defaults=defaulting), Kept()
    cluster.add(body(data={"a": "b"}))
    assert compared(cluster, store, body(data={"a": "b"})) == ({"web": InSync()}, 1)
    assert compared(cluster, store, body(data={"a": "b"})) == ({"web": InSync()}, 0)
    # Also after it moved and came back, and while it is away.
    edit(cluster, "web", lambda made: made["data"].update(a="c"))
    answers, asked = compared(cluster, store, body(data={"a": "b"}))
    assert expected(answers["web"]).body["data"] == {"a": "b", "defaulted": "x"}
    assert asked == 0
    edit(cluster, "web", lambda made: made["data"].update(a="b"))
    assert compared(cluster, store, body(data={"a": "b"})) == ({"web": InSync()}, 0)


@pytest.mark.parametrize("moved", ["git", "server", "identity"])
def test_an_answer_is_asked_for_again_when_the_question_is_another(moved: str) -> None:
    cluster, store = FakeCluster(defaults=defaulting), Kept()
    declared = body(data={"a": "b"})
    cluster.add(declared)
    compared(cluster, store, declared)
    if moved == "git":
        declared = body(data={"a": "c"})
    elif moved == "server":
        cluster.version = "v1.38.0"
    else:
        cluster.remove(ResourceKey("", "ConfigMap", "default", "web"))
        cluster.add(declared)
    _, asked = compared(cluster, store, declared)
    assert asked == 1


def test_what_is_not_declared_any_more_is_forgotten() -> None:
    cluster, store = FakeCluster(), Kept()
    cluster.add(body())
    cluster.add(body(name="other"))
    compared(cluster, store, body(), body(name="other"))
    compared(cluster, store, body())
    assert [key.name for key in store.answers] == ["web"]


def test_what_is_not_live_or_not_served_has_no_answer() -> None:
    cluster = FakeCluster()
    thing = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}}
    assert compared(cluster, Kept(), body(), thing) == ({}, 0)


def test_one_is_not_true() -> None:
    """To Python they are equal, and so they would look in sync."""
    cluster = FakeCluster()
    cluster.add(body(data={"a": True}))
    assert compared(cluster, Kept(), body(data={"a": 1}))[1] == 1
    desired, live = sides(cluster, body(data={"a": 1}))
    (answer,) = OfflineComparer(cluster).compare(desired, live, cluster.catalog()).values()
    assert isinstance(answer, Expected)


def test_a_secrets_answer_is_kept_as_a_digest_alone() -> None:
    cluster, store = FakeCluster(), Kept()
    cluster.add(body("Secret", data={"a": "b25l"}))
    declared = body("Secret", data={"a": "dHdv"})
    answers, asked = compared(cluster, store, declared)
    assert (expected(answers["web"]).body["data"], asked) == ({"a": "dHdv"}, 1)
    (kept,) = store.answers.values()
    assert kept.body is None
    assert "dHdv" not in repr(kept)
    # While it drifts it is asked about again; once it's back, the digest tells.
    assert compared(cluster, store, declared)[1] == 1
    edit(cluster, "web", lambda made: made["data"].update(a="dHdv"))
    assert compared(cluster, store, declared) == ({"web": InSync()}, 0)


def test_without_the_right_to_ask_local_reasoning_answers_and_says_so() -> None:
    cluster, store = FakeCluster(), Kept()
    cluster.add(body(data={"a": "hand"}))
    cluster.forbid("update", "ConfigMap")
    cluster.forbid("create", "ConfigMap")
    answers, asked = compared(cluster, store, body(data={"a": "git"}))
    answer = expected(answers["web"])
    assert answer.body["data"] == {"a": "git"}
    assert answer.note == "compared by local reasoning: no right to ask the server by a dry run"
    assert asked == 2
    # It's no answer of the server's: once the right is there, it is asked for.
    assert store.answers == {}


def test_a_server_that_cannot_be_reached_ends_the_comparison() -> None:
    cluster = FakeCluster(defaults=defaulting)
    cluster.add(body())
    desired, live = sides(cluster, body(data={"a": "b"}))
    catalog = cluster.catalog()
    comparer = ServerComparer(cluster, Kept(), REDACTION)
    cluster.unreachable = ClusterError("the connection broke")
    with pytest.raises(ClusterError, match="the connection broke"):
        comparer.compare(desired, live, catalog)


def test_offline_every_live_object_has_an_answer_and_nothing_is_asked() -> None:
    cluster = FakeCluster()
    cluster.add(body(data={"a": "b"}))
    cluster.add(body(name="edited", data={"a": "hand"}))
    declared = body(data={"a": "b"}), body(name="edited", data={"a": "git"}), body(name="gone")
    desired, live = sides(cluster, *declared)
    answers = OfflineComparer(cluster).compare(desired, live, cluster.catalog())
    by_name = {key.name: answer for key, answer in answers.items()}
    assert by_name["web"] == InSync()
    assert expected(by_name["edited"]).body["data"] == {"a": "git"}
    assert set(by_name) == {"web", "edited"}
    assert cluster.requests.dry_run == 0
