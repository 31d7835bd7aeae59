from dataclasses import replace

import pytest

from reconciler.core.desired import DesiredState, Manifest, SourceLocation
from reconciler.core.live import Listing, LiveState, Unread
from reconciler.core.resource import ResourceKey, ResourceKind
from reconciler.core.scope import TransientKind, bind_generated, listings, unseen, with_pods
from tests.unit.core.build import (
    CATALOG,
    VERBS,
    desired_of,
    key_of,
    kind_of,
    live_of,
    lived,
    made,
)

CONFIG, SECRET = kind_of("v1", "ConfigMap"), kind_of("v1", "Secret")
SHOP = frozenset({"shop"})
EVENTS = TransientKind("*", "Event", "a record")


def asked(
    *bodies: dict[str, object], scope: tuple[str, ...] = (), **catalog: ResourceKind
) -> dict[str, frozenset[str]]:
    kinds = {**CATALOG.kinds, **{(k.api_version, k.kind): k for k in catalog.values()}}
    preferred = {(kind.group, kind.kind): version for (version, _), kind in kinds.items()}
    served = replace(CATALOG, kinds=kinds, preferred=preferred)
    found = listings(desired_of(*bodies), served, frozenset(scope), [EVENTS])
    return {listing.kind.kind: listing.namespaces for listing in found}


def test_without_a_scope_only_declared_kinds_are_read_where_they_are_declared() -> None:
    other = made(metadata={"namespace": "other"})
    assert asked(made(), other, made("Namespace", "shop")) == {
        "ConfigMap": frozenset({"shop", "other"}),
        "Namespace": frozenset(),
    }


def test_a_scope_adds_every_kind_that_can_be_listed_and_deleted_there() -> None:
    found = asked(
        made(metadata={"namespace": "other"}),
        scope=("shop",),
        event=ResourceKind("", "v1", "Event", "events", namespaced=True, verbs=VERBS),
        binding=ResourceKind("", "v1", "Binding", "bindings", True, frozenset({"create"})),
        node=ResourceKind("", "v1", "Node", "nodes", namespaced=False, verbs=VERBS),
    )
    assert next(iter(found.items())) == ("ConfigMap", frozenset({"shop", "other"}))
    assert found["Deployment"] == found["Secret"] == frozenset({"shop"})
    assert not {"Event", "Binding", "Node", "Namespace"} & found.keys()


def test_a_declared_kind_is_read_in_the_version_that_its_manifest_names() -> None:
    older = ResourceKind("apps", "v1beta1", "Deployment", "deployments", namespaced=True)
    kinds = {**CATALOG.kinds, ("apps/v1beta1", "Deployment"): older}
    body = {**made("Deployment"), "apiVersion": "apps/v1beta1"}
    found = listings(desired_of(body), replace(CATALOG, kinds=kinds), frozenset({"shop"}), [])
    assert [each for each in found if each.kind.kind == "Deployment"] == [
        Listing(older, frozenset({"shop"}))
    ]


def test_what_is_not_served_is_not_asked_for() -> None:
    body = {**made(), "apiVersion": "example.com/v1", "kind": "Thing"}
    assert asked(body) == {}
    gone = replace(CATALOG, preferred={("gone", "Thing"): "gone/v1"})
    assert listings(desired_of(made()), gone, frozenset({"shop"}), []) == (
        Listing(CONFIG, frozenset({"shop"})),
    )


def generated(live: LiveState, *beside: dict[str, object]) -> set[str]:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "run-"}}
    desired = desired_of(*beside)
    key = ResourceKey("", "ConfigMap", "shop", "run-*")
    manifest = Manifest(body, SourceLocation("x"))
    bound = bind_generated(DesiredState("4f0c", {key: manifest, **desired.resources}), live.objects)
    return {key.name for key in bound.resources}


def run(name: str, created: str, **metadata: str) -> dict[str, object]:
    own = {"generateName": "run-", "creationTimestamp": created, **metadata}
    return lived(made("ConfigMap", name), **own)


def test_a_generated_name_is_bound_to_the_newest_live_object() -> None:
    live = live_of(
        run("run-old", "2026-11-24T11:00:00Z"),
        run("run-new", "2026-11-24T12:00:00Z"),
        run("walk-newer", "2026-11-24T13:00:00Z", generateName="walk-"),
        {**run("run-newest", "2026-11-24T14:00:00Z"), "kind": "Secret"},
        run("run-there", "2026-11-24T15:00:00Z", namespace="other"),
    )
    assert generated(live) == {"run-new"}
    assert generated(live_of()) == {"run-*"}


def test_an_object_that_is_declared_by_its_own_name_is_not_taken() -> None:
    live = live_of(run("run-new", "2026-11-24T12:00:00Z"), run("run-old", "2026-11-24T11:00:00Z"))
    assert generated(live, made("ConfigMap", "run-new")) == {"run-new", "run-old"}
    assert key_of(made()) not in bind_generated(desired_of(), {}).resources


@pytest.mark.parametrize(
    ("unread", "text"),
    [
        (Unread("", "Secret", "shop", "forbidden"), " in shop among Secret (forbidden)"),
        (Unread("apps", "", "", "down"), " among the group apps (down)"),
        (Unread("", "", "", "down"), " among the group core (down)"),
    ],
)
def test_where_nothing_unmanaged_could_be_found_is_said(unread: Unread, text: str) -> None:
    assert unseen(LiveState({}, (unread,)), CATALOG, SHOP, []) == (
        f"nothing unmanaged could be found{text}",
    )


def test_a_group_that_could_not_be_discovered_is_said_unless_nothing_in_it_matters() -> None:
    down = {"example.com/v1": "down", "metrics.k8s.io/v1": "down", "events.k8s.io/v1": "down"}
    transient = [TransientKind("metrics.k8s.io", "*", "measurements"), EVENTS]
    assert unseen(LiveState({}), replace(CATALOG, unreadable=down), SHOP, transient) == (
        "nothing unmanaged could be found among example.com/v1 (down), events.k8s.io/v1 (down)",
    )


def test_what_could_not_be_read_outside_of_the_scope_is_not_told_of() -> None:
    unread = Unread("", "Secret", "elsewhere", "forbidden")
    assert unseen(LiveState({}, (unread,)), CATALOG, SHOP, []) == ()


def test_of_many_kinds_that_could_not_be_read_one_reason_is_told() -> None:
    unread = tuple(Unread("", kind, "shop", f"no {kind}") for kind in ("A", "B", "C"))
    assert unseen(LiveState({}, unread), CATALOG, SHOP, []) == (
        "nothing unmanaged could be found in shop among A, B, C; the first of these: no A",
    )


def test_a_transient_kind_is_named_with_wildcards() -> None:
    assert TransientKind("", "Conf*", "x").matches(CONFIG)
    assert not TransientKind("", "Conf*", "x").matches(SECRET)
    assert not TransientKind("apps", "*", "x").matches(CONFIG)


# --- pods

PODS = ResourceKind("", "v1", "Pod", "pods", namespaced=True, verbs=VERBS)
RECORDS = ResourceKind(
    "apps", "v1", "ControllerRevision", "controllerrevisions", namespaced=True, verbs=VERBS
)
STORES = ResourceKind("apps", "v1", "StatefulSet", "statefulsets", namespaced=True, verbs=VERBS)


def with_pods_asked(
    *bodies: dict[str, object], scope: tuple[str, ...] = (), serves: tuple[ResourceKind, ...] = ()
) -> dict[str, frozenset[str]]:
    kinds = {**CATALOG.kinds, **{(k.api_version, k.kind): k for k in serves}}
    preferred = {(kind.group, kind.kind): version for (version, _), kind in kinds.items()}
    served = replace(CATALOG, kinds=kinds, preferred=preferred)
    desired = desired_of(*bodies)
    before = listings(desired, served, frozenset(scope), [EVENTS])
    found = with_pods(before, desired, served, frozenset(scope))
    assert len({each.kind for each in found}) == len(found)
    return {listing.kind.kind: listing.namespaces for listing in found}


def test_pods_are_read_where_something_declared_makes_them() -> None:
    other = made("Deployment", metadata={"namespace": "other"})
    assert with_pods_asked(made(), other, serves=(PODS,)) == {
        "ConfigMap": SHOP,
        "Deployment": frozenset({"other"}),
        "Pod": frozenset({"other"}),
        "ReplicaSet": frozenset({"other"}),
    }
    assert with_pods_asked(made(), serves=(PODS,)) == {"ConfigMap": SHOP}


def test_what_a_controller_keeps_of_its_templates_is_read_with_them() -> None:
    store = {**made("Deployment"), "kind": "StatefulSet"}
    found = with_pods_asked(store, serves=(PODS, RECORDS, STORES))
    assert found == {"StatefulSet": SHOP, "Pod": SHOP, "ControllerRevision": SHOP}


def test_of_a_scope_pods_are_read_anyway_and_once() -> None:
    other = made("Deployment", metadata={"namespace": "other"})
    both = frozenset({"shop", "other"})
    found = with_pods_asked(other, scope=("shop",), serves=(PODS,))
    assert found["Pod"] == found["ReplicaSet"] == both


def test_what_the_server_does_not_serve_is_not_asked_for() -> None:
    assert "Pod" not in with_pods_asked(made("Deployment"))
