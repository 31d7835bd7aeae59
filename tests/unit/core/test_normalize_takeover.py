"""What is taken over from the live object, by what managedFields tell of whoever set it."""

from typing import Any

import pytest

from reconciler.core.live import comparable
from reconciler.core.resource import JsonObject
from tests.unit.core.normalizing import (
    ask,
    carried,
    declared,
    fields_of,
    live_of,
    managed,
    unproven,
)

CONFIG = declared("v1", "ConfigMap", data={"a": "1"})


def config(**fields: Any) -> JsonObject:
    return declared("v1", "ConfigMap", **{"data": {"a": "1"}, **fields})


def test_what_a_webhook_added_is_nobodys_and_taken_over() -> None:
    live = config(metadata={"labels": {"injected": "yes"}})
    expected = ask(CONFIG, live_of(live, [managed(CONFIG)]))
    assert expected.body == comparable(live)
    assert (carried(expected), expected.unproven) == (["metadata.labels"], ())


def test_what_an_editor_added_shows() -> None:
    live = config(data={"a": "1", "b": "2"}, metadata={"labels": {"x": "y"}})
    entries = [managed(CONFIG), managed(live, "kubectl-edit")]
    expected = ask(CONFIG, live_of(live, entries))
    assert expected.body == comparable(CONFIG)
    assert (expected.carried, expected.unproven) == ((), ())


def test_what_an_editor_changed_shows() -> None:
    live = config(data={"a": "2"})
    assert ask(CONFIG, live_of(live, [managed(live)])).body == CONFIG


def test_beside_what_an_editor_added_a_webhooks_part_is_still_told_apart() -> None:
    live = config(metadata={"labels": {"x": "y", "z": "w"}})
    edited = declared("v1", "ConfigMap", metadata={"labels": {"x": "y"}})
    expected = ask(CONFIG, live_of(live, [managed(CONFIG), managed(edited, "kubectl-edit")]))
    assert expected.body["metadata"]["labels"] == {"z": "w"}


def test_records_that_were_thrown_away_prove_nothing() -> None:
    live = config(metadata={"labels": {"x": "y"}})
    entry = managed(declared("v1", "ConfigMap", metadata={"annotations": {"later": "1"}}))
    expected = ask(CONFIG, live_of(live, [entry]))
    assert expected.body == comparable(live)
    assert unproven(expected) == ["metadata.labels"]


def test_another_versions_records_prove_nothing() -> None:
    live = config(metadata={"labels": {"x": "y"}})
    entry = managed(CONFIG) | {"apiVersion": "v2"}
    assert unproven(ask(CONFIG, live_of(live, [managed(CONFIG), entry]))) == ["metadata.labels"]


def test_without_records_nothing_is_anybodys() -> None:
    live = config(metadata={"labels": {"x": "y"}}, immutable=True)
    expected = ask(CONFIG, live_of(live))
    assert expected.body == CONFIG
    assert (expected.carried, expected.unproven) == ((), ())


def test_kubectls_record_and_controllers_annotations_are_taken_over() -> None:
    body = declared("apps/v1", "Deployment", spec={"selector": {"matchLabels": {"a": "b"}}})
    record = "kubectl.kubernetes.io/last-applied-configuration"
    revision = "deployment.kubernetes.io/revision"
    made = ask(body, live_of(body)).body
    live = {**made, "metadata": {**made["metadata"], "annotations": {record: "{}", revision: "3"}}}
    entries = [
        managed(made | {"metadata": {"annotations": {record: ""}}}, "kubectl"),
        managed(
            {"apiVersion": "apps/v1", "metadata": {"annotations": {revision: ""}}},
            "kube-controller-manager",
            subresource="status",
        ),
    ]
    expected = ask(body, live_of(live, entries))
    assert (expected.body, expected.hidden) == (live, 2)
    entries[1]["manager"] = "kubectl-annotate"
    edited = ask(body, live_of(live, entries)).body["metadata"]["annotations"]
    assert revision not in edited and record in edited


def test_a_declared_annotation_that_a_controller_keeps_is_the_controllers() -> None:
    revision = "deployment.kubernetes.io/revision"
    body = declared("apps/v1", "Deployment", metadata={"annotations": {revision: "1"}})
    live = declared("apps/v1", "Deployment", metadata={"annotations": {revision: "3"}})
    entry = managed(live, "kube-controller-manager")
    made = ask(body, live_of(live, [entry])).body
    assert made["metadata"]["annotations"] == {revision: "3"}
    edited = ask(body, live_of(live, [entry | {"manager": "kubectl-annotate"}])).body
    assert edited["metadata"]["annotations"] == {revision: "1"}


def test_an_older_servers_printed_nulls_are_no_difference() -> None:
    body = declared(
        "apps/v1", "Deployment", spec={"template": {"metadata": {"labels": {"a": "b"}}}}
    )
    live = ask(body, live_of(body)).body
    live["spec"]["template"]["metadata"] = {"labels": {"a": "b"}, "creationTimestamp": None}
    assert ask(body, live_of(live, [managed(live)])).body == live


OWN, PROTECTED, THEIRS = "mine.example/x", "kubernetes.io/pvc-protection", "theirs.example/y"


@pytest.mark.parametrize(
    ("mine", "live", "made"),
    [
        ([OWN], [PROTECTED, OWN, THEIRS], [PROTECTED, OWN]),
        ([OWN], [OWN], [OWN]),
        ([], [PROTECTED], [PROTECTED]),
        ([], [THEIRS], None),
        ([OWN], [THEIRS], [OWN]),
        (
            [OWN, "mine.example/z"],
            ["mine.example/z", PROTECTED, OWN],
            [OWN, "mine.example/z", PROTECTED],
        ),
        ([OWN, "mine.example/z"], [OWN, PROTECTED], [OWN, "mine.example/z", PROTECTED]),
    ],
)
def test_finalizers_of_kubernetes_are_taken_over_and_others_arent(
    mine: list[str], live: list[str], made: list[str] | None
) -> None:
    body = declared("v1", "PersistentVolumeClaim", metadata={"finalizers": mine})
    there = declared("v1", "PersistentVolumeClaim", metadata={"finalizers": live})
    assert ask(body, live_of(there)).body["metadata"].get("finalizers") == made


def test_a_finalizer_that_nobody_set_is_a_webhooks() -> None:
    live = config(metadata={"finalizers": [THEIRS]})
    assert ask(CONFIG, live_of(live, [managed(CONFIG)])).body == live
    entry = managed(declared("v1", "ConfigMap"), "operator")
    entry["fieldsV1"]["f:metadata"] = {"f:finalizers": {".": {}, f'v:"{THEIRS}"': {}}}
    assert ask(CONFIG, live_of(live, [managed(CONFIG), entry])).body == CONFIG
    protected = config(metadata={"finalizers": [PROTECTED]})
    entry["fieldsV1"]["f:metadata"] = {"f:finalizers": {".": {}, f'v:"{PROTECTED}"': {}}}
    expected = ask(CONFIG, live_of(protected, [managed(CONFIG), entry]))
    assert (expected.body, expected.hidden) == (protected, 1)


def test_what_an_object_owns_as_a_whole_isnt_taken_over_in_parts() -> None:
    body = declared("v1", "Service", spec={"ports": [{"port": 80}], "selector": {"a": "b"}})
    made = ask(body, live_of(body)).body
    live = {**made, "spec": {**made["spec"], "selector": {"a": "b", "c": "d"}}}
    entry = managed(made)
    assert entry["fieldsV1"]["f:spec"]["f:selector"] == fields_of({"a": ""})
    entry["fieldsV1"]["f:spec"]["f:selector"] = {}
    assert ask(body, live_of(live, [entry])).body["spec"]["selector"] == {"a": "b"}
