"""What Git would have to say, and what it can't be made to say."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.builtin import bundled_schema
from reconciler.core.adoption import (
    declaration_of,
    declaring,
    leaned,
    located,
    parts,
    refusal,
    secrets_in,
)
from reconciler.core.drift import Change, ChangeType, Drift, DriftType, MaskedDigest, Severity
from reconciler.core.path import Item, Path
from reconciler.core.resource import JsonObject, ResourceKey
from tests.unit.core.build import lived, made, managed

ADDED, REMOVED, CHANGED = ChangeType.ADDED, ChangeType.REMOVED, ChangeType.CHANGED
WEB = Item((("name", "web"),))
SIDE = Item((("name", "side"),))
CONTAINERS = ("spec", "template", "spec", "containers")


def change(path: Path, how: ChangeType = CHANGED, **more: Any) -> Change:
    return Change(path, how, None, None, **more)


def drift(type_: DriftType, name: str = "web", **more: Any) -> Drift:
    key = ResourceKey("", more.pop("kind", "ConfigMap"), "shop", name)
    return Drift("d-1", type_, Severity.LOW, key, "v1", **more)


def deployment(*containers: JsonObject, **spec: Any) -> JsonObject:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [*containers]}}
    selector = {"matchLabels": {"app": "web"}}
    return made("Deployment", spec={"selector": selector, "template": template, **spec})


@pytest.mark.parametrize(
    ("found", "live", "reason"),
    [
        (drift(DriftType.UNREADABLE, note="forbidden"), None, "its state is unknown: forbidden"),
        (drift(DriftType.PENDING), made(), "Git has moved on"),
        (drift(DriftType.FILE), made(), "Git declares no running pod"),
        (drift(DriftType.POD_SPEC), made(), "Git declares no running pod"),
        (drift(DriftType.UNMANAGED), None, "it is gone"),
        (drift(DriftType.UNMANAGED), made(data={"password": "x"}), "it holds a secret"),
        (drift(DriftType.MODIFIED, "web-*"), made(), "the server makes up its name"),
        (drift(DriftType.MISSING), None, ""),
        (drift(DriftType.MODIFIED), made(), ""),
        (drift(DriftType.UNMANAGED), made(data={"a": "b"}), ""),
    ],
)
def test_why_not(found: Drift, live: JsonObject | None, reason: str) -> None:
    told = refusal(found, live)
    assert told.startswith(reason)
    assert bool(told) is bool(reason)


def test_what_is_owned_comes_and_goes_with_its_owner() -> None:
    owned = made(metadata={"ownerReferences": [{"kind": "Shop", "name": "x"}]})
    assert "owns it" in refusal(drift(DriftType.UNMANAGED), owned)


def test_masked_changes_are_left() -> None:
    secret = change(("data", "password"), masked=MaskedDigest("", "a1"))
    plain = change(("data", "colour"))
    wanted, left = parts(drift(DriftType.MODIFIED, changes=(secret, plain)))
    assert wanted == (plain,)
    assert [(each.path, "secret" in each.reason) for each in left] == [("data.password", True)]


def port(number: int, **more: Any) -> JsonObject:
    return {"port": number, **more}


KEYED = Item((("port", 80), ("protocol", "TCP")))


@pytest.mark.parametrize(
    ("ports", "step"),
    [
        ([port(80, protocol="TCP")], KEYED),
        ([port(80)], Item((("port", 80),))),
        ([port(80), port(80)], KEYED),
        ([port(81)], KEYED),
        ([{}], KEYED),
        (["x"], KEYED),
        ("x", KEYED),
    ],
)
def test_items_may_lack_defaulted_keys(ports: Any, step: Item) -> None:
    assert located(("ports", KEYED, "x"), {"ports": ports}) == ("ports", step, "x")


def test_only_what_is_asked_for_is_declared() -> None:
    declared = made(data={"a": "1", "b": "2", "c": "3"})
    live = made(data={"a": "9", "c": "7", "d": "8"})
    changes = [change(("data", "a")), change(("data", "b"), REMOVED), change(("data", "d"), ADDED)]
    assert declaring(declared, changes, live)["data"] == {"a": "9", "c": "3", "d": "8"}


def test_an_item_is_declared_where_the_declaration_lacks_a_key() -> None:
    declared = made("Service", spec={"ports": [port(80)]})
    live = made("Service", spec={"ports": [port(80, protocol="TCP", targetPort=8080)]})
    asked = change(("spec", "ports", KEYED, "targetPort"), ADDED)
    assert declaring(declared, [asked], live)["spec"] == {"ports": [port(80, targetPort=8080)]}


def test_added_values_come_without_what_the_server_fills_in() -> None:
    declared = deployment({"name": "web", "image": "a:1"}, replicas=2)
    side = {
        "name": "side",
        "image": "b:1",
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"containerPort": 80, "protocol": "TCP"}],
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }
    live = lived(deployment({"name": "web", "image": "a:1"}, side, replicas=3))
    changes = (
        change((*CONTAINERS, SIDE), ADDED),
        change(("spec", "replicas")),
        change(("spec", "paused"), REMOVED),
    )
    node = bundled_schema().node("apps/v1", "Deployment")
    lean = leaned(declared, changes, live, node)
    wanted = declaring(declared, changes, lean)["spec"]
    assert wanted["replicas"] == 3
    assert wanted["template"]["spec"]["containers"] == [
        {"name": "web", "image": "a:1"},
        {"name": "side", "image": "b:1", "ports": [{"containerPort": 80}]},
    ]
    # Of an unknown kind nothing is known to be filled in.
    assert leaned(declared, changes, live, None) is live


def test_an_added_port_keeps_what_names_it() -> None:
    declared = made("Service", spec={"selector": {"a": "b"}, "ports": [port(80)]})
    new = port(81, protocol="TCP", targetPort=81, name="more")
    old = port(80, protocol="TCP", targetPort=80, name="old")
    live = lived(made("Service", spec={"selector": {"a": "b"}, "ports": [new, old]}))
    asked = (change(("spec", "ports", Item((("port", 81), ("protocol", "TCP")))), ADDED),)
    lean = leaned(declared, asked, live, bundled_schema().node("v1", "Service"))
    wanted = declaring(declared, asked, lean)["spec"]["ports"]
    assert wanted == [port(81, name="more"), port(80)]


def test_a_manifest_of_what_nobody_declared() -> None:
    spec: JsonObject = {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "type": "ClusterIP"}
    spec |= {"ports": [port(80, protocol="TCP", targetPort=80)], "selector": {"app": "web"}}
    record = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
    owns: JsonObject = {
        "f:metadata": {"f:labels": {"f:a": {}}},
        "f:spec": {"f:selector": {}, "f:ports": {}},
    }
    live = lived(
        made("Service", spec=spec, status={"loadBalancer": {}}),
        annotations=record,
        labels={"a": "b"},
        generateName="web-",
        managedFields=[managed("kubectl-create", "2026-11-24T12:00:00Z", owns)],
    )
    body = declaration_of(live, bundled_schema().node("v1", "Service"))
    assert [*body] == ["apiVersion", "kind", "metadata", "spec"]
    assert body["metadata"] == {"name": "web", "namespace": "shop", "labels": {"a": "b"}}
    assert body["spec"] == {"ports": [port(80)], "selector": {"app": "web"}}
    whole = declaration_of(live, None)
    assert whole["spec"] == spec
    assert "uid" not in whole["metadata"]


def test_an_annotation_of_ones_own_stays() -> None:
    live = lived(made(data={"a": "b"}), annotations={"note": "x"})
    assert declaration_of(live, None)["metadata"]["annotations"] == {"note": "x"}


def test_secrets_are_found_wherever_they_are_masked() -> None:
    key = ResourceKey("", "Secret", "shop", "db")
    assert secrets_in(key, made("Secret", data={"a": "aGk=", "b": None})) >= {"aGk="}
    plain = made(data={"password": "hunter2", "a": "b"}, list=[{"name": "token", "value": "t0k"}])
    assert secrets_in(replace_kind(key), plain) == {"hunter2", "t0k"}


def replace_kind(key: ResourceKey) -> ResourceKey:
    return key._replace(kind="ConfigMap")


def test_a_change_that_is_a_list_of_atoms_is_taken_as_it_is() -> None:
    declared = deployment({"name": "web", "args": ["a"]})
    live = deployment({"name": "web", "args": ["a", {"x": 1}]})
    asked = (replace(change((*CONTAINERS, WEB, "args", 1), ADDED)),)
    node = bundled_schema().node("apps/v1", "Deployment")
    assert leaned(declared, asked, live, node) is live
