"""One question to the server, and what is made of each way in which it may refuse."""

from typing import Any

import pytest

from reconciler.adapters.comparers.question import Question, ask
from reconciler.core.desired import Manifest, SourceLocation
from reconciler.core.errors import Rejected
from reconciler.core.expected import Expected
from reconciler.core.live import comparable
from reconciler.core.path import with_value
from reconciler.core.resource import JsonObject, ResourceKind
from tests.fakes.cluster import FakeWriter


def body(kind: str = "ConfigMap", name: str = "web", **fields: Any) -> JsonObject:
    version = {"Deployment": "apps/v1", "CustomResourceDefinition": "apiextensions.k8s.io/v1"}
    metadata = {"name": name, **fields.pop("metadata", {})}
    if kind != "CustomResourceDefinition":
        metadata["namespace"] = "default"
    return {"apiVersion": version.get(kind, "v1"), "kind": kind, "metadata": metadata, **fields}


class Refusing(FakeWriter):
    """Answers replacements and creations as it's told to, and remembers what it was sent."""

    def __init__(self, replace: object, create: object = None) -> None:
        self.plan = {"replace": replace, "create": create}
        self.sent: list[tuple[str, JsonObject]] = []

    def replace(self, kind: ResourceKind, body: JsonObject) -> JsonObject:
        return self._answer("replace", body)

    def create(self, kind: ResourceKind, body: JsonObject) -> JsonObject:
        return self._answer("create", body)

    def _answer(self, verb: str, body: JsonObject) -> JsonObject:
        self.sent.append((verb, body))
        plan = self.plan[verb]
        steps = plan if isinstance(plan, list) else [plan]
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        if isinstance(step, Exception):
            raise step
        return {**body, **(step if isinstance(step, dict) else {})}


def refusal(code: int, text: str = "no") -> Rejected:
    return Rejected(text, code=code, reason="x")


def question(declared: JsonObject, live: JsonObject, **local: Any) -> Question:
    group, _, version = declared["apiVersion"].rpartition("/")
    kind = ResourceKind(group, version, declared["kind"], "x", namespaced=True)
    own = {"resourceVersion": "7", "uid": "u"}
    live = {**live, "metadata": {**live["metadata"], **own}}
    manifest = Manifest(declared, SourceLocation("x"))
    return Question(kind, manifest, live, Expected(comparable(declared), **local))


def test_a_replacement_is_asked_for_at_the_version_that_was_read() -> None:
    writer = Refusing({"defaulted": True})
    answer, is_servers = ask(writer, question(body(data={"a": "git"}), body(data={"a": "hand"})))
    assert is_servers
    assert answer == Expected(body(data={"a": "git"}, defaulted=True))
    ((verb, sent),) = writer.sent
    assert (verb, sent["metadata"]["resourceVersion"]) == ("replace", "7")


def test_what_moved_meanwhile_is_asked_about_at_any_version() -> None:
    writer = Refusing([refusal(409), None])
    answer, is_servers = ask(writer, question(body(data={"a": "git"}), body()))
    assert (answer.body["data"], answer.note, is_servers) == ({"a": "git"}, "", True)
    assert [verb for verb, _ in writer.sent] == ["replace", "replace"]
    assert "resourceVersion" not in writer.sent[1][1]["metadata"]


def test_what_cannot_be_replaced_is_asked_about_as_a_new_object() -> None:
    writer = Refusing(refusal(422), {"status": {}, "more": 1})
    declared = body(data={"a": "git"}, metadata={"generateName": "we"})
    live = body(data={"a": "hand"}, port=30000, metadata={"generateName": "we"})
    answer, is_servers = ask(writer, question(declared, live, carried=(("port",),)))
    assert is_servers
    assert answer.immutable
    assert answer.body == {**declared, "port": 30000, "more": 1}
    sent = writer.sent[1][1]["metadata"]
    assert sent["name"].startswith("plumbline-")
    assert "generateName" not in sent


def test_what_could_be_in_sync_though_it_cannot_be_replaced_is() -> None:
    writer = Refusing(refusal(422), None)
    answer, _ = ask(writer, question(body(data={"a": "b"}), body(data={"a": "b"})))
    assert not answer.immutable
    assert answer.body == body(data={"a": "b"})


@pytest.mark.parametrize(
    ("kind", "replace", "create", "why", "asked"),
    [
        ("ConfigMap", refusal(403), refusal(403), "no right to ask the server by a dry run", 2),
        (
            "ConfigMap",
            refusal(403),
            refusal(422, "bad"),
            "the server refuses what Git declares: bad",
            2,
        ),
        (
            "ConfigMap",
            refusal(422, "bad"),
            refusal(403),
            "the server refuses what Git declares: bad",
            2,
        ),
        (
            "ConfigMap",
            refusal(400),
            None,
            "the server can't dry-run it (an admission webhook with side effects?)",
            1,
        ),
        # Its name says what it is: no other name could be asked about.
        (
            "CustomResourceDefinition",
            refusal(422, "bad"),
            None,
            "the server refuses what Git declares: bad",
            1,
        ),
    ],
)
def test_what_cannot_be_asked_about_is_reasoned_about(
    kind: str, replace: Rejected, create: Rejected | None, why: str, asked: int
) -> None:
    writer = Refusing(replace, create)
    answer, is_servers = ask(writer, question(body(kind), body(kind)))
    assert answer.note == f"compared by local reasoning: {why}"
    assert not is_servers
    assert len(writer.sent) == asked


def test_what_a_service_keeps_is_expected_only_where_nobody_set_it() -> None:
    """A replacement repeats what the server allocated, and what somebody set by hand."""
    spec = {"clusterIP": "10.0.0.1", "externalIPs": ["1.2.3.4", "5.6.7.8"], "selector": {"a": "b"}}
    by_hand: dict[str, Any] = {"f:spec": {"f:externalIPs": {}}}
    live = body("Service", spec=spec)
    live["metadata"]["managedFields"] = [{"manager": "kubectl-edit", "fieldsV1": by_hand}]
    declared = body("Service", spec={"selector": {"a": "b"}, "externalIPs": []})
    asked = question(declared, live)
    answer, _ = ask(Refusing({"spec": spec}), asked)
    assert answer.body["spec"] == {
        "clusterIP": "10.0.0.1",
        "externalIPs": [],
        "selector": {"a": "b"},
    }


def test_a_job_is_asked_about_with_what_the_server_filled_in() -> None:
    """Of what was made once, a replacement must repeat what was filled in then."""
    declared = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x"}, "spec": {}}
    asked = question(declared, declared)
    filled = with_value(declared, ("spec", "selector"), {"a": "b"})
    writer = Refusing(None)
    answer, _ = ask(writer, Question(asked.kind, asked.manifest, asked.live, Expected(filled)))
    assert answer.body["spec"] == {"selector": {"a": "b"}}
