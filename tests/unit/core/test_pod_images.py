"""Containers that run another digest than their siblings."""

from typing import Any

import pytest

from reconciler.core.pod_images import odd_images
from reconciler.core.resource import JsonObject
from tests.unit.core.running_pods import REPLICAS, found, pod, running


def odd(*pods: JsonObject) -> dict[str, list[tuple[Any, Any]]]:
    changes = odd_images(found(REPLICAS, *pods))
    return {key.name: [(c.desired, c.live) for c in each] for key, each in changes.items()}


def runs(of: str, digest: str, began: str = "2026-11-24T11:00:00Z", **more: Any) -> JsonObject:
    return pod(of, status=running(digest, began, **more))


def test_most_decide() -> None:
    pods = [runs("web-1-a", "a"), runs("web-1-b", "b"), runs("web-1-c", "a")]
    assert odd(*pods) == {"web-1-b": [("sha256:a", "sha256:b")]}
    assert odd(pods[0], pods[2]) == {}


def test_of_as_many_those_that_were_started_later_are_odd() -> None:
    later = "2026-11-24T11:30:00Z"
    assert odd(runs("web-1-a", "a", later), runs("web-1-b", "b")) == {
        "web-1-a": [("sha256:b", "sha256:a")]
    }


@pytest.mark.parametrize(
    "other",
    [
        runs("web-1-b", "b", name="unknown"),
        runs("web-1-b", "b", state={"waiting": {}}),
        runs("web-1-b", "b", imageID=""),
        runs("web-1-b", "b")
        | {"status": {"phase": "Failed", **running("b")} | {"phase": "Failed"}},
        runs("web-1-b", "b", imageID="sha256:b"),
        pod("web-1-b", image="shop/web:2", status=running("b")),
        pod("bare", maker=None, status=running("b")),
    ],
)
def test_what_cant_be_compared_is_not(other: JsonObject) -> None:
    assert odd(runs("web-1-a", "a"), other) == {}


def test_digests_of_a_configuration_are_compared_on_one_node_alone() -> None:
    here = runs("web-1-a", "", imageID="docker://sha256:a")
    there = runs("web-1-b", "", imageID="docker://sha256:b")
    assert odd(here, there) == {"web-1-b": [("sha256:a", "sha256:b")]}
    there["spec"]["nodeName"] = "node-2"
    assert odd(here, there) == {}
