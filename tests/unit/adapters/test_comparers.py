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


# A commit that isn't rolled out yet is no edit


def pending(cluster: FakeCluster, store: Kept, *declared: JsonObject) -> tuple[bool, int]:
    """Compares `web`, which differs; says whether it waits for its roll-out, and the cost."""
    answers, asked = compared(cluster, store, *declared)
    return expected(answers["web"]).pending, asked


def git(value: str, kind: str = "ConfigMap") -> JsonObject:
    return body(kind, data={"a": value})


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_what_an_earlier_declaration_asked_for_is_pending(kind: str) -> None:
    cluster, store = FakeCluster(), Kept()
    cluster.add(git("one=", kind))
    compared(cluster, store, git("one=", kind))
    assert pending(cluster, store, git("two=", kind))[0]
    # And stays so, also when Git moves on once more.
    assert pending(cluster, store, git("two=", kind))[0]
    assert pending(cluster, store, git("three=", kind))[0]
    assert "two=" not in repr(store.answers) or kind == "ConfigMap"


def test_what_is_pending_is_asked_about_once() -> None:
    cluster, store = FakeCluster(defaults=defaulting), Kept()
    cluster.add(git("one"))
    compared(cluster, store, git("one"))
    assert pending(cluster, store, git("two")) == (True, 1)
    saved = store.saved
    assert pending(cluster, store, git("two")) == (True, 0)
    assert store.saved == saved


def test_once_it_is_rolled_out_or_git_goes_back_it_is_in_sync() -> None:
    cluster, store = FakeCluster(), Kept()
    cluster.add(git("one"))
    compared(cluster, store, git("one"))
    assert pending(cluster, store, git("two"))[0]
    assert compared(cluster, store, git("one"))[0] == {"web": InSync()}
    edit(cluster, "web", lambda made: made["data"].update(a="two"))
    assert compared(cluster, store, git("two"))[0] == {"web": InSync()}
    # From there it is the next earlier one.
    assert pending(cluster, store, git("one"))[0]
    edit(cluster, "web", lambda made: made["data"].update(a="one"))
    assert compared(cluster, store, git("one"))[0] == {"web": InSync()}
    # What is in sync has no earlier declaration that it could be waiting for.
    edit(cluster, "web", lambda made: made["data"].update(a="two"))
    assert not pending(cluster, store, git("one"))[0]


def test_an_edit_is_no_pending_commit_before_it_or_after_it() -> None:
    cluster, store = FakeCluster(), Kept()
    cluster.add(git("one"))
    compared(cluster, store, git("one"))
    edit(cluster, "web", lambda made: made["data"].update(a="hand"))
    assert not pending(cluster, store, git("one"))[0]
    assert not pending(cluster, store, git("two"))[0]
    # Taken back by hand, it is what the earlier one asked for: the server had been asked.
    edit(cluster, "web", lambda made: made["data"].update(a="one"))
    assert pending(cluster, store, git("three"))[0]
    edit(cluster, "web", lambda made: made["data"].update(a="hand"))
    assert not pending(cluster, store, git("three"))[0]
    edit(cluster, "web", lambda made: made["data"].update(a="one"))
    assert pending(cluster, store, git("three"))[0]


def test_what_was_never_in_sync_is_not_pending() -> None:
    cluster, store = FakeCluster(), Kept()
    cluster.add(git("hand"))
    assert not pending(cluster, store, git("one"))[0]
    assert not pending(cluster, store, git("two"))[0]
    # Without a kept answer nothing is known of earlier declarations.
    assert not pending(cluster, Kept(), git("one"))[0]


def test_a_status_that_moved_in_between_is_no_edit() -> None:
    cluster, store = FakeCluster(), Kept()
    one, two = body("Deployment", spec={"replicas": 1}), body("Deployment", spec={"replicas": 2})
    cluster.add({**one, "status": {"ready": 0}})
    compared(cluster, store, one)
    before = store.answers
    edit(cluster, "web", lambda made: made.update(status={"ready": 1}))
    assert pending(cluster, store, two)[0]
    edit(cluster, "web", lambda made: made.update(status={"ready": 0}))
    assert pending(cluster, store, two)[0]
    # But a label that was set in between is.
    edit(cluster, "web", lambda made: made["metadata"].update(labels={"by": "hand"}))
    store.answers = before
    assert not pending(cluster, store, two)[0]


def test_another_server_or_another_object_of_the_name_tells_nothing_new() -> None:
    cluster, store = FakeCluster(), Kept()
    cluster.add(git("one"))
    compared(cluster, store, git("one"))
    assert pending(cluster, store, git("two"))[0]
    cluster.version = "v1.38.0"
    assert pending(cluster, store, git("two")) == (True, 1)
    cluster.remove(ResourceKey("", "ConfigMap", "default", "web"))
    cluster.add(git("one"))
    assert not pending(cluster, store, git("two"))[0]


def test_what_is_pending_is_remembered_also_without_the_right_to_ask() -> None:
    cluster, store = FakeCluster(), Kept()
    cluster.forbid("update", "ConfigMap")
    cluster.forbid("create", "ConfigMap")
    cluster.add(git("one"))
    compared(cluster, store, git("one"))
    assert pending(cluster, store, git("two"))[0]
    assert pending(cluster, store, git("two"))[0]
    edit(cluster, "web", lambda made: made["data"].update(a="hand"))
    assert not pending(cluster, store, git("two"))[0]


def test_offline_nothing_is_known_of_earlier_declarations() -> None:
    cluster = FakeCluster()
    cluster.add(git("one"))
    desired, live = sides(cluster, git("two"))
    (answer,) = OfflineComparer(cluster).compare(desired, live, cluster.catalog()).values()
    assert not expected(answer).pending


def scaled(value: str, scale: str = "3") -> JsonObject:
    """What is live of a declaration, with a field that a rule explains."""
    return body(data={"a": value, "scale": scale})


def earlier(cluster: FakeCluster, store: Kept, value: str) -> str | None:
    """Compares, and gives what an earlier answer had where the declaration has its value."""
    found = expected(compared(cluster, store, git(value))[0]["web"])
    assert not found.pending
    return None if found.earlier is None else str(found.earlier["data"]["a"])


def test_the_earlier_answer_is_given_while_it_may_be_what_is_live() -> None:
    """Where rules explain a part of what is live, no comparer can prove it in sync."""
    cluster, store = FakeCluster(), Kept()
    cluster.add(scaled("one"))
    assert earlier(cluster, store, "one") is None
    assert earlier(cluster, store, "two") == "one"
    edit(cluster, "web", lambda made: made["data"].update(scale="9"))
    assert earlier(cluster, store, "two") == "one"
    # Git moves on once more before the first commit is rolled out, or only the server does.
    assert earlier(cluster, store, "three") == "one"
    cluster.version = "v1.38.0"
    assert earlier(cluster, store, "three") == "one"
    # Rolled out: from now on, who sets the old value edits it.
    edit(cluster, "web", lambda made: made["data"].update(a="three"))
    assert earlier(cluster, store, "three") is None
    edit(cluster, "web", lambda made: made["data"].update(a="one"))
    assert earlier(cluster, store, "three") is None


def test_what_was_rolled_out_between_two_looks_is_the_earlier_answer() -> None:
    cluster, store = FakeCluster(), Kept()
    cluster.add(scaled("one"))
    assert earlier(cluster, store, "one") is None
    assert earlier(cluster, store, "two") == "one"
    edit(cluster, "web", lambda made: made["data"].update(a="two"))
    assert earlier(cluster, store, "three") == "two"
    cluster.remove(ResourceKey("", "ConfigMap", "default", "web"))
    cluster.add(scaled("two"))
    assert earlier(cluster, store, "three") is None


def test_no_earlier_answer_of_a_secret_is_kept() -> None:
    cluster, store = FakeCluster(), Kept()
    cluster.add(body("Secret", data={"a": "one=", "more": "two="}))
    compared(cluster, store, git("one=", "Secret"))
    answers, _ = compared(cluster, store, git("xyz=", "Secret"))
    assert expected(answers["web"]).earlier is None
    assert "one=" not in repr(store.answers)
