"""Lists beside their live counterparts: by merge keys, by place, or as a whole."""

from typing import Any

import pytest

from reconciler.core.normalize import expect
from reconciler.core.resource import JsonObject
from tests.unit.core.normalizing import (
    CONTAINER,
    LABELS,
    ask,
    carried,
    declared,
    gadget,
    gadgets,
    live_of,
    managed,
    template,
)

SPEC: JsonObject = {"selector": {"matchLabels": LABELS}, "template": template()}
BODY = declared("apps/v1", "Deployment", spec=SPEC)
SIDECAR = {
    "name": "proxy",
    "image": "proxy:1",
    "imagePullPolicy": "IfNotPresent",
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}


def live_with(containers: list[JsonObject]) -> JsonObject:
    """The Deployment as the server makes it, but for its containers."""
    made = ask(BODY, live_of(BODY)).body
    pod = {**made["spec"]["template"]["spec"], "containers": containers}
    return {**made, "spec": {**made["spec"], "template": {**template(), "spec": pod}}}


def owner_of(*containers: str, manager: str = "kubectl-create") -> JsonObject:
    """An entry of whoever owns these containers, by name, and nothing in them but their names."""
    names: JsonObject = {f'k:{{"name":"{name}"}}': {".": {}, "f:name": {}} for name in containers}
    entry = managed(declared("apps/v1", "Deployment"), manager)
    pod = {"f:containers": names}
    entry["fieldsV1"] = {"f:spec": {"f:template": {"f:spec": pod}}}
    return entry


def containers_of(live: JsonObject, *entries: JsonObject, body: JsonObject = BODY) -> list[Any]:
    made = ask(body, live_of(live, list(entries) or None)).body
    found: list[Any] = made["spec"]["template"]["spec"]["containers"]
    return found


MADE = ask(BODY, live_of(BODY)).body["spec"]["template"]["spec"]["containers"][0]


@pytest.mark.parametrize("order", [(MADE, SIDECAR), (SIDECAR, MADE)], ids=["after", "before"])
def test_an_injected_container_stands_where_it_was_injected(order: tuple[Any, Any]) -> None:
    live = live_with(list(order))
    assert containers_of(live, owner_of("c")) == list(order)
    assert carried(ask(BODY, live_of(live, [owner_of("c")]))) == [
        "spec.template.spec.containers[name=proxy]"
    ]


def test_a_container_that_somebody_added_shows() -> None:
    live = live_with([MADE, SIDECAR])
    editor = owner_of("proxy", manager="kubectl-edit")
    assert containers_of(live, owner_of("c"), editor) == [MADE]
    assert containers_of(live) == [MADE]


def test_a_container_that_somebody_removed_shows() -> None:
    live = live_with([SIDECAR])
    assert containers_of(live, owner_of("c")) == [MADE, SIDECAR]


def test_containers_in_another_order_show() -> None:
    body = declared(
        "apps/v1",
        "Deployment",
        spec={**SPEC, "template": template(containers=[CONTAINER, {**CONTAINER, "name": "d"}])},
    )
    second = {**MADE, "name": "d"}
    live = live_with([second, SIDECAR, MADE])
    assert containers_of(live, owner_of("c", "d"), body=body) == [MADE, second, SIDECAR]


def test_what_differs_in_a_container_is_found_beside_what_was_injected() -> None:
    edited = {**MADE, "image": "evil:1", "env": [{"name": "A", "value": "1"}]}
    entry = owner_of("c")
    item = entry["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"c"}']
    item["f:image"] = {}
    assert containers_of(live_with([edited]), entry) == [{**MADE, "env": edited["env"]}]


def test_keys_that_tell_nothing_apart_tell_nothing() -> None:
    twice = declared(
        "apps/v1", "Deployment", spec={**SPEC, "template": template(containers=[CONTAINER] * 2)}
    )
    assert containers_of(live_with([MADE]), owner_of("c"), body=twice) == [MADE, MADE]
    assert containers_of(live_with([MADE, MADE]), owner_of("c")) == [MADE]


def test_keys_may_be_of_any_kind() -> None:
    """A key that is no plain value comes from a declaration that the server refuses."""
    odd = {**CONTAINER, "name": ["text"]}
    body = declared("apps/v1", "Deployment", spec={**SPEC, "template": template(containers=[odd])})
    made = containers_of(live_with([MADE]), owner_of("c"), body=body)
    assert [container["name"] for container in made] == [["text"]]


def test_items_that_are_no_objects_have_no_keys() -> None:
    body = declared(
        "apps/v1", "Deployment", spec={**SPEC, "template": template(containers=["text"])}
    )
    assert containers_of(live_with([MADE, SIDECAR]), owner_of("c"), body=body) == ["text"]


KIND = ("discovery.k8s.io/v1", "EndpointSlice")


def slice_of(*endpoints: JsonObject) -> JsonObject:
    return declared(*KIND, addressType="IPv4", endpoints=list(endpoints), ports=None)


def test_in_a_list_without_keys_items_are_paired_by_place() -> None:
    """An older server's printed null is no difference there, and what was edited is one."""
    body = slice_of({"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"]})
    live = slice_of(
        {"addresses": ["10.0.0.1"], "conditions": {}, "hints": None},
        {"addresses": ["10.0.0.3"], "conditions": {}, "hints": None},
    )
    made = ask(body, live_of(live, [managed(live)])).body
    assert made["endpoints"] == [
        {"addresses": ["10.0.0.1"], "conditions": {}, "hints": None},
        {"addresses": ["10.0.0.2"], "conditions": {}, "hints": None},
    ]


@pytest.mark.parametrize(
    ("mine", "live"),
    [
        (["10.0.0.1"], ["10.0.0.1", "10.0.0.2"]),
        (["10.0.0.1", "10.0.0.2"], ["10.0.0.2", "10.0.0.1"]),
        (["10.0.0.1"], ["10.0.0.2"]),
    ],
)
def test_a_list_without_keys_is_declared_as_a_whole(mine: list[str], live: list[str]) -> None:
    body = slice_of({"addresses": mine, "conditions": {}})
    there = slice_of({"addresses": live, "conditions": {}})
    assert ask(body, live_of(there, [managed(there)])).body == body


def test_of_a_list_that_only_the_live_object_has_what_nobody_owns_is_taken_over() -> None:
    live = live_with([MADE])
    pod = live["spec"]["template"]["spec"]
    edited: JsonObject = {"name": "edited", "emptyDir": {}}
    injected: JsonObject = {"name": "injected", "emptyDir": {}}
    pod["volumes"] = [edited, injected]
    entry = owner_of("c")
    owned: JsonObject = {'k:{"name":"edited"}': {".": {}, "f:name": {}}}
    entry["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:volumes"] = owned
    expected = ask(BODY, live_of(live, [entry]))
    assert expected.body["spec"]["template"]["spec"]["volumes"] == [injected]
    assert carried(expected) == ["spec.template.spec.volumes[name=injected]"]
    owned['k:{"name":"injected"}'] = {".": {}, "f:name": {}}
    assert "volumes" not in ask(BODY, live_of(live, [entry])).body["spec"]["template"]["spec"]


def test_of_an_object_that_only_the_live_one_has_what_nobody_owns_is_taken_over() -> None:
    live = declared("v1", "ConfigMap", data={"a": "1", "b": "2"})
    body = declared("v1", "ConfigMap")
    entry = managed(declared("v1", "ConfigMap", data={"a": ""}), "kubectl-edit")
    assert ask(body, live_of(live, [entry])).body == {**body, "data": {"b": "2"}}
    both = managed(live, "kubectl-edit")
    assert ask(body, live_of(live, [both])).body == body


ROWS = {"type": "array", "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}


def test_a_custom_list_that_is_owned_as_a_whole_is_declared_as_a_whole() -> None:
    node = gadgets(rows=ROWS)
    body, live = gadget(rows=[{"a": 1}]), gadget(rows=[{"a": 1, "b": 2}])
    assert expect(body, live_of(live, [managed(live)]), node).body == body


def test_a_custom_list_that_only_the_live_object_has_shows() -> None:
    node = gadgets(rows=ROWS)
    live = gadget(rows=[{"a": 1}])
    assert expect(gadget(), live_of(live, [managed(live)]), node).body == gadget()
    assert expect(gadget(), live_of(live, [managed(gadget())]), node).body == live
