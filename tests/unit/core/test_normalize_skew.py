"""What a server of another version, or with other feature gates, makes of a declaration."""

from typing import Any

import pytest

from reconciler.core.normalize import expect
from reconciler.core.normalize.skew import is_gated, is_newer_default
from reconciler.core.resource import JsonObject
from tests.unit.core.normalizing import (
    BUILTIN,
    ask,
    declared,
    gadget,
    gadgets,
    live_of,
    managed,
    template,
    unproven,
)


def test_a_field_behind_a_gate_that_the_server_dropped_is_unproven() -> None:
    kind = ("coordination.k8s.io/v1", "Lease")
    body = declared(*kind, spec={"holderIdentity": "a", "strategy": "x"})
    live = declared(*kind, spec={"holderIdentity": "a"})
    expected = ask(body, live_of(live, [managed(live)]))
    assert expected.body == live
    assert unproven(expected) == ["spec.strategy"]


def test_a_source_that_names_a_namespace_is_behind_a_gate() -> None:
    spec: JsonObject = {"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem"}
    source = {"kind": "PersistentVolumeClaim", "name": "x", "namespace": "other"}
    body = declared("v1", "PersistentVolumeClaim", spec={**spec, "dataSourceRef": source})
    made = ask(body, live_of(body)).body
    assert made["spec"]["dataSourceRef"] == source | {"apiGroup": None}
    live = {**made, "spec": {k: v for k, v in made["spec"].items() if k != "dataSourceRef"}}
    expected = ask(body, live_of(live, [managed(live)]))
    assert (expected.body, unproven(expected)) == (live, ["spec.dataSourceRef"])


def test_a_default_that_an_older_server_lacks_is_no_difference() -> None:
    body = declared("batch/v1", "Job", spec={"template": template(restartPolicy="Never")})
    made = ask(body, live_of(body)).body
    newer = ("manualSelector", "podReplacementPolicy")
    live = {**made, "spec": {k: v for k, v in made["spec"].items() if k not in newer}}
    expected = ask(body, live_of(live, [managed(live)]))
    assert (expected.body, expected.unproven) == (live, ())


@pytest.mark.parametrize(("given", "missing"), [({}, True), ({"suspend": True}, False)])
def test_what_git_declares_may_not_be_missing(given: Any, missing: bool) -> None:
    body = declared("batch/v1", "Job", spec={"template": template(restartPolicy="Never"), **given})
    made = ask(body, live_of(body)).body
    name = "manualSelector" if missing else "suspend"
    live = {**made, "spec": {k: v for k, v in made["spec"].items() if k != name}}
    assert (ask(body, live_of(live)).body == live) is missing


def test_of_places_that_arent_a_go_types_nothing_is_known() -> None:
    config = BUILTIN.node("v1", "ConfigMap")
    assert config is not None
    for node in (None, config.field("data")):
        assert not is_newer_default(node, "maxUnavailable", 1)
        assert not is_gated(node, "strategy")


def test_what_a_custom_resource_lost_shows() -> None:
    node = gadgets(a={"type": "integer", "default": 3}, b={"type": "integer"})
    live = gadget(b=1)
    assert expect(gadget(b=1), live_of(live, [managed(live)]), node).body == gadget(a=3, b=1)
