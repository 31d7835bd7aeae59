"""Which pods are a target's, who makes them, and of which template."""

from itertools import pairwise
from typing import Any

import pytest

from reconciler.core.live import LiveState
from reconciler.core.pods import pods_of
from reconciler.core.resource import JsonObject, ResourceKey
from tests.unit.core.build import desired_of, live_of, sides_of
from tests.unit.core.running_pods import REPLICAS, SHOP, WEB, body_of, found, owned, pod, template

_WEB = ResourceKey("apps", "Deployment", "shop", "web")


def test_a_declared_objects_pods_are_found_through_what_stands_between() -> None:
    (one,) = found(REPLICAS, pod(), body_of("v1", "Service", "web"))
    assert (one.owner, one.uid, one.node) == (_WEB, "uid-web-1-a", "node-1")
    assert str(one.source) == "apps/web.yaml:3"
    assert one.template is not None
    assert one.template.body == template()
    assert one.template.revision == "uid-web-1"


def test_a_declared_pod_is_its_own() -> None:
    bare = pod("bare", maker=None)
    (one,) = found(bare, declared=(WEB, bare))
    assert one.owner == one.key
    assert one.template is None


@pytest.mark.parametrize(
    ("bare", "is_found"),
    [
        (pod("bare", maker=None), True),
        (pod("bare", maker=None, metadata={"ownerReferences": owned(WEB, controller=False)}), True),
        (pod("bare", maker=None, metadata={"ownerReferences": ["odd"]}), True),
        (pod("bare", maker=None, metadata={"namespace": "other"}), False),
        (pod("static", maker=body_of("v1", "Node", "node-1")), False),
        (pod("theirs", maker=body_of("apps/v1", "ReplicaSet", "theirs")), False),
    ],
)
def test_of_others_only_those_that_nothing_controls_are_in_scope(
    bare: JsonObject, is_found: bool
) -> None:
    assert len(found(bare)) == is_found


def test_what_an_earlier_owner_of_the_same_name_made_is_not_its() -> None:
    anew = {**REPLICAS, "metadata": {**REPLICAS["metadata"], "uid": "another"}}
    assert found(anew, pod()) == ()


def test_a_declared_owner_that_was_not_read_is_still_the_owner() -> None:
    custom = body_of("example.org/v1", "Web", "web")
    sides = sides_of(desired_of(custom), live_of(pod("web-0", maker=custom)), answers={})
    (one,) = pods_of(sides, frozenset())
    assert one.owner == ResourceKey("example.org", "Web", "shop", "web")
    assert one.template is None


def test_an_owner_that_is_declared_in_another_version_is_found_there() -> None:
    older = {**WEB, "apiVersion": "apps/v1beta1"}
    sides = sides_of(desired_of(older), live_of(older, REPLICAS, pod()), answers={})
    (one,) = pods_of(sides, frozenset())
    assert one.owner == _WEB


def test_owners_without_end_are_no_owners() -> None:
    bodies = [body_of("apps/v1", "ReplicaSet", f"r-{number}") for number in range(9)]
    for body, owner in pairwise(bodies):
        body["metadata"]["ownerReferences"] = owned(owner)
    sides = sides_of(desired_of(bodies[-1]), live_of(*bodies, pod(maker=bodies[0])))
    assert pods_of(sides, frozenset()) == ()


@pytest.mark.parametrize(
    ("kind", "label", "record"),
    [("StatefulSet", "web-6d9", "web-6d9"), ("DaemonSet", "6d9", "web-6d9")],
)
def test_the_template_of_a_revision_is_in_its_controllers_records(
    kind: str, label: str, record: str
) -> None:
    maker = body_of("apps/v1", kind, "web", spec={"template": template("shop/web:2")})
    kept: Any = {"spec": {"template": {**template("shop/web:1"), "$patch": "replace"}}}
    metadata = {"ownerReferences": owned(maker)}
    old = body_of("apps/v1", "ControllerRevision", record, metadata=metadata, data=kept)
    of_it = pod("web-0", maker, metadata={"labels": {"controller-revision-hash": label}})
    (one,) = found(of_it, old, declared=(maker,))
    assert one.template is not None
    assert one.template.body == template("shop/web:1")
    assert one.template.revision == f"uid-web/{label}"
    (without,) = found(of_it, declared=(maker,))
    assert without.template is None
    (broken,) = found(of_it, {**old, "data": None}, declared=(maker,))
    assert broken.template is None


@pytest.mark.parametrize("spec", [None, {}, {"template": {}}, {"template": {"spec": {}}}])
def test_what_has_no_template_gives_none(spec: Any) -> None:
    job = body_of("batch/v1", "Job", "web", spec=spec)
    (one,) = found(pod(maker=job), declared=(job,))
    assert one.template is None


@pytest.mark.parametrize(
    ("fields", "over", "ending"),
    [
        ({}, False, False),
        ({"status": {"phase": "Succeeded"}}, True, True),
        ({"status": {"phase": "Failed"}}, True, True),
        ({"metadata": {"deletionTimestamp": "2026-11-24T12:00:00Z"}}, False, True),
    ],
)
def test_a_pod_that_ends_is_told_apart(fields: Any, over: bool, ending: bool) -> None:
    (one,) = found(REPLICAS, pod(**fields))
    assert (one.is_over, one.is_ending) == (over, ending)


def test_where_nothing_was_read_there_are_none() -> None:
    assert pods_of(sides_of(desired_of(WEB), LiveState({})), SHOP) == ()
