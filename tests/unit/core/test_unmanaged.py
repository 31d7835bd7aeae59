from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.drift import DriftType
from reconciler.core.ignore import IgnoreRule
from reconciler.core.live import LiveState, Unread
from reconciler.core.resource import Catalog, JsonObject
from reconciler.core.unmanaged import unmanaged
from tests.unit.core.build import CATALOG, desired_of, live_of, lived, made, managed

WEB = made("Deployment")
SCOPE = frozenset({"shop"})


def owned(body: JsonObject, owner: JsonObject, **reference: Any) -> JsonObject:
    known = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
    }
    return lived(body, ownerReferences=[{**known, **reference}])


def found(live: LiveState, *rules: IgnoreRule, catalog: Catalog = CATALOG) -> list[str]:
    drifts, _ = unmanaged(desired_of(WEB), live, SCOPE, rules, catalog)
    assert all(drift.type is DriftType.UNMANAGED for drift in drifts)
    return [str(drift.key) for drift in drifts]


def test_what_nobody_declared_is_told_in_the_scope_alone() -> None:
    live = live_of(
        lived(WEB),
        lived(made(name="stray")),
        lived(made(name="stray", metadata={"namespace": "other"})),
        lived(made("Namespace", "stray")),
    )
    assert found(live) == ["ConfigMap shop/stray"]
    assert unmanaged(desired_of(WEB), live, frozenset(), (), CATALOG) == ([], 0)


def test_what_a_live_owner_made_is_told_of_by_its_owner() -> None:
    replicas = owned(made("ReplicaSet", "web-1"), lived(WEB))
    assert found(live_of(lived(WEB), replicas)) == []
    stray = lived(made("Deployment", "stray"))
    theirs = owned(made("ReplicaSet", "stray-1"), stray)
    assert found(live_of(lived(WEB), stray, theirs)) == ["Deployment shop/stray"]


def test_an_owner_that_is_gone_owns_nothing() -> None:
    orphan = owned(made("ReplicaSet", "x-1"), lived(made("Deployment", "x")))
    drifts, _ = unmanaged(desired_of(WEB), live_of(orphan), SCOPE, (), CATALOG)
    assert [drift.note for drift in drifts] == ["its owner Deployment x was not found"]


@pytest.mark.parametrize(
    ("live", "catalog"),
    [
        ((Unread("apps", "Deployment", "shop", "forbidden"),), CATALOG),
        ((), replace(CATALOG, unreadable={"apps/v1": "down"})),
    ],
)
def test_an_owner_that_could_not_be_read_may_be_declared(
    live: tuple[Unread, ...], catalog: Catalog
) -> None:
    dependent = owned(made("ReplicaSet", "x-1"), lived(made("Deployment", "x")))
    assert found(live_of(dependent, unread=live), catalog=catalog) == []


def test_one_object_that_two_groups_serve_is_told_once() -> None:
    stray = lived(made("Deployment", "stray"))
    older = {**stray, "apiVersion": "extensions/v1beta1"}
    assert found(live_of(stray, older)) == ["Deployment shop/stray"]
    declared = {**lived(WEB), "apiVersion": "extensions/v1beta1"}
    assert found(live_of(lived(WEB), declared)) == []


def test_objects_without_a_uid_are_all_told() -> None:
    assert len(found(live_of(made(name="a"), made(name="b")))) == 2


def test_who_made_it_is_the_first_writer_and_no_status_writer() -> None:
    stray = lived(
        made(name="stray"),
        managedFields=[
            managed("later", "2026-11-24T12:00:03Z", {}),
            managed("maker", "2026-11-24T12:00:02Z", {}),
            managed("controller", "2026-11-24T12:00:01Z", {}, subresource="status"),
        ],
    )
    (drift,), _ = unmanaged(desired_of(WEB), live_of(stray), SCOPE, (), CATALOG)
    assert drift.by is not None
    assert (drift.by.manager, drift.uid, drift.note) == ("maker", stray["metadata"]["uid"], "")


def test_what_a_rule_explains_is_counted() -> None:
    rule = IgnoreRule("root-ca", "every namespace has one", kind="ConfigMap", object_name="kube-*")
    live = live_of(lived(made(name="kube-root-ca.crt")), lived(made(name="stray")))
    drifts, hidden = unmanaged(desired_of(WEB), live, SCOPE, [rule], CATALOG)
    assert ([drift.key.name for drift in drifts], hidden) == (["stray"], 1)


def test_what_goes_by_itself_is_not_told() -> None:
    leaving = lived(made(name="leaving"), deletionTimestamp="2026-11-24T12:00:00Z")
    # What the garbage collector has yet to take: its owner was deleted, and made anew.
    left = owned(made("ReplicaSet", "web-1"), lived(WEB), uid="that-of-the-one-before")
    assert found(live_of(lived(WEB), leaving, left)) == []
