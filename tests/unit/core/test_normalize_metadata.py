"""What the server keeps of declared metadata, an object's own and one's inside another."""

from typing import Any

import pytest

from reconciler.core.live import comparable
from reconciler.core.resource import JsonObject
from tests.unit.core.normalizing import ask, declared, live_of, made_of

IDENTITY = {"name": "web", "namespace": "shop"}
OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "b", "uid": "c"}


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, {}),
        ({"labels": {"a": "b"}}, {"labels": {"a": "b"}}),
        ({"labels": {"a": None}}, {"labels": {"a": ""}}),
        ({"labels": {}, "annotations": None}, {}),
        ({"annotations": {"a": "b", "c": None}}, {"annotations": {"a": "b", "c": ""}}),
        ({"finalizers": ["a.example/x"]}, {"finalizers": ["a.example/x"]}),
        ({"finalizers": []}, {}),
        ({"generateName": "web-"}, {"generateName": "web-"}),
        ({"creationTimestamp": None, "selfLink": "/x", "unknown": 1}, {}),
        ({"ownerReferences": []}, {}),
        ({"ownerReferences": [OWNER | {"x": 1}]}, {"ownerReferences": [OWNER]}),
        (
            {"ownerReferences": [OWNER | {"controller": False, "blockOwnerDeletion": None}]},
            {"ownerReferences": [OWNER | {"controller": False}]},
        ),
    ],
)
def test_metadata_is_what_git_decides(given: Any, made: JsonObject) -> None:
    assert made_of("v1", "ConfigMap", metadata=given)["metadata"] == IDENTITY | made


@pytest.mark.parametrize(
    "given",
    [
        {"labels": ["a"]},
        {"annotations": "a"},
        {"ownerReferences": 5},
        {"ownerReferences": ["a"]},
        {"finalizers": "a"},
    ],
)
def test_what_the_server_would_refuse_stays_and_shows(given: Any) -> None:
    body = declared("v1", "ConfigMap", metadata=given)
    assert ask(body, live_of(declared("v1", "ConfigMap"))).body["metadata"] == IDENTITY | given


def test_an_owner_without_all_it_needs_has_it_empty() -> None:
    """As Go prints it; the server refuses to store it so."""
    body = declared("v1", "ConfigMap", metadata={"ownerReferences": [{"kind": "ConfigMap"}]})
    made = ask(body, live_of(declared("v1", "ConfigMap"))).body
    assert made["metadata"]["ownerReferences"] == [
        {"apiVersion": "", "kind": "ConfigMap", "name": "", "uid": ""}
    ]


def test_a_generated_name_is_the_live_ones() -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "web-"}}
    live = live_of({**body, "metadata": {"name": "web-x7", "generateName": "web-"}})
    assert ask(body, live).body == comparable(live)


def test_a_template_holds_all_the_metadata_that_it_declares() -> None:
    metadata = {"name": "x", "namespace": "y", "labels": {"app": "web", "n": None}, "uid": ""}
    spec = {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": metadata, "spec": {"containers": [{"name": "c", "image": "a"}]}},
    }
    template = made_of("apps/v1", "Deployment", spec=spec)["spec"]["template"]
    assert template["metadata"] == {
        "name": "x",
        "namespace": "y",
        "labels": {"app": "web", "n": ""},
    }


def test_nothing_declared_or_live_is_changed() -> None:
    body = declared("v1", "Secret", data={"a": "YQ=="}, stringData={"b": "c"})
    live = live_of(declared("v1", "Secret", data={"a": "YQ==", "b": "Yw=="}, type="Opaque"))
    before = repr((body, live))
    assert ask(body, live).body == comparable(live)
    assert repr((body, live)) == before
