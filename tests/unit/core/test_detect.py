from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.detect import Detection, drift_id
from reconciler.core.drift import Change, ChangeType, Drift, DriftType, Severity
from reconciler.core.expected import Answer, Expected, InSync, Untold
from reconciler.core.ignore import IgnoreRule
from reconciler.core.live import Unread
from reconciler.core.ownership import FieldManager
from reconciler.core.report import Unproven
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.core.sides import Sides
from tests.unit.core.build import (
    CATALOG,
    desired_of,
    detected,
    key_of,
    live_of,
    lived,
    made,
    managed,
    sides_of,
)

WEB = made(data={"colour": "blue"})
KEY = key_of(WEB)
IMMUTABLE = "a field that drifted can't be changed in place; the object must be recreated"
OLD, NEW = "2026-11-24T12:00:00Z", "2026-11-24T12:00:09Z"


def compared(live: JsonObject, *rules: IgnoreRule, declared: JsonObject = WEB) -> Detection:
    return detected(sides_of(desired_of(declared), live_of(live)), *rules)


def only(detection: Detection) -> Drift:
    (drift,) = detection.drifts
    return drift


def test_what_is_as_declared_is_no_drift() -> None:
    assert compared(lived(WEB)) == Detection((), {}, (), 0)


def test_an_object_that_is_not_live_is_missing() -> None:
    drift = only(detected(sides_of(desired_of(WEB), live_of())))
    assert (drift.type, drift.key, drift.api_version, drift.note) == (
        DriftType.MISSING,
        KEY,
        "v1",
        "",
    )
    assert str(drift.source) == "apps/web.yaml:3"
    assert drift.uid == ""


def unserved(**catalog: Any) -> Drift:
    thing = {**WEB, "apiVersion": "example.com/v1", "kind": "Thing"}
    served = replace(CATALOG, **catalog)
    return only(detected(sides_of(desired_of(thing), live_of(), catalog=served)))


def test_what_could_not_be_read_is_never_called_absent() -> None:
    unread = live_of(unread=(Unread("", "ConfigMap", "shop", "may not list it"),))
    drift = only(detected(sides_of(desired_of(WEB), unread)))
    assert (drift.type, drift.note) == (DriftType.UNREADABLE, "may not list it")
    drift = unserved(unreadable={"example.com/v1": "its server is down"})
    assert (drift.type, drift.note) == (DriftType.UNREADABLE, "its server is down")
    drift = unserved(partial="the dump doesn't hold it")
    assert (drift.type, drift.note) == (DriftType.UNREADABLE, "the dump doesn't hold it")


def test_a_kind_that_nothing_serves_is_missing_with_its_definition() -> None:
    drift = unserved()
    assert drift.type is DriftType.MISSING
    assert "its definition is missing too" in drift.note


def test_a_kind_that_is_served_in_another_version_alone_cannot_be_compared() -> None:
    drift = unserved(preferred={("example.com", "Thing"): "example.com/v2"})
    assert drift.type is DriftType.UNREADABLE
    assert drift.note == (
        "the cluster serves Thing as example.com/v2, not as example.com/v1: change the manifest"
    )


@pytest.mark.parametrize(
    ("answers", "note"),
    [
        ({KEY: Untold("the webhook is down")}, "the webhook is down"),
        ({}, "it could not be compared"),
    ],
)
def test_what_no_comparer_could_tell_is_unreadable(
    answers: dict[ResourceKey, Answer], note: str
) -> None:
    drift = only(detected(sides_of(desired_of(WEB), live_of(lived(WEB)), answers=answers)))
    assert (drift.type, drift.note) == (DriftType.UNREADABLE, note)
    assert drift.uid == lived(WEB)["metadata"]["uid"]


def test_a_change_names_who_made_it_and_when_the_object_was_last_written() -> None:
    entries = [
        managed("kubectl", OLD, {"f:data": {"f:colour": {}}}),
        managed("kubectl-edit", NEW, {"f:data": {"f:shape": {}}}),
    ]
    live = lived(made(data={"colour": "red", "shape": "round"}), managedFields=entries)
    drift = only(compared(live))
    edit, apply = (
        FieldManager(NEW, "kubectl-edit", "Update"),
        FieldManager(OLD, "kubectl", "Update"),
    )
    assert drift.changes == (
        Change(("data", "colour"), ChangeType.CHANGED, "blue", "red", apply, (), NEW),
        Change(("data", "shape"), ChangeType.ADDED, None, "round", edit, (), NEW),
    )


def test_of_a_removal_all_who_wrote_are_named() -> None:
    entries = [
        managed("kubectl", OLD, {"f:data": {}}),
        managed("kubectl-edit", NEW, {"f:data": {}}),
    ]
    (change,) = only(compared(lived(made(data={}), managedFields=entries))).changes
    assert change.by is None
    assert [m.manager for m in change.candidates] == ["kubectl-edit", "kubectl"]
    assert change.last_changed == NEW


def test_a_value_that_nobody_owns_has_no_author() -> None:
    (change,) = only(compared(lived(made(data={"colour": "red"})))).changes
    assert (change.by, change.candidates, change.last_changed) == (None, (), "")


@pytest.mark.parametrize(
    ("expected", "metadata", "note"),
    [
        ({}, {}, ""),
        ({"note": "by local reasoning"}, {}, "by local reasoning"),
        (
            {"note": "x", "immutable": True},
            {"deletionTimestamp": OLD},
            f"x; {IMMUTABLE}; the object is being deleted",
        ),
    ],
)
def test_a_drift_says_what_a_reader_must_know(
    expected: dict[str, Any], metadata: dict[str, Any], note: str
) -> None:
    live = live_of(lived(made(data={"colour": "red"}), **metadata))
    answers: dict[ResourceKey, Answer] = {KEY: Expected(WEB, **expected)}
    assert only(detected(sides_of(desired_of(WEB), live, answers=answers))).note == note


def test_what_could_not_be_proven_is_said() -> None:
    path = ("spec", "a.b")
    answers: dict[ResourceKey, Answer] = {KEY: Expected(WEB, unproven=((path, "no schema"),))}
    sides = sides_of(desired_of(WEB), live_of(lived(WEB)), answers=answers)
    assert detected(sides).unproven == (Unproven(KEY, 'spec["a.b"]', "no schema"),)


def test_what_rules_explain_is_no_drift_and_is_counted() -> None:
    rule = IgnoreRule("ours", "set by hand", "data.colour", kind="ConfigMap")
    detection = compared(lived(made(data={"colour": "red"})), rule)
    assert detection.drifts == ()
    ((key, (hidden,)),) = detection.explained.items()
    assert (key, hidden.rule, hidden.reason, detection.hidden) == (KEY, "ours", "set by hand", 1)
    assert hidden.change.live == "red"


def test_beside_what_is_explained_the_rest_stays_drift() -> None:
    rule = IgnoreRule("ours", "x", 'metadata.annotations["x.io/*"]')
    live = lived(made(data={"colour": "blue"}, metadata={"annotations": {"x.io/a": "", "y": ""}}))
    detection = compared(live, rule)
    drift = only(detection)
    assert [change.path[-1] for change in drift.changes] == ["y"]
    assert [hidden.change.path[-1] for hidden in drift.hidden] == ["x.io/a"]
    assert (detection.explained, detection.hidden) == ({}, 1)


def test_a_rule_for_a_manager_hides_only_what_that_one_set() -> None:
    entries = [
        managed("kubectl-edit", OLD, {"f:metadata": {"f:annotations": {".": {}, "f:evil": {}}}}),
        managed("controller", NEW, {"f:metadata": {"f:annotations": {"f:good": {}}}}),
    ]
    annotations = {"annotations": {"evil": "1", "good": "2"}}
    live = lived(made(data={"colour": "blue"}, metadata=annotations), managedFields=entries)
    drift = only(compared(live, IgnoreRule("r", "x", "metadata", managers=("controller",))))
    assert [change.path[-1] for change in drift.changes] == ["evil"]


def test_a_finalizer_that_was_exchanged_is_not_hidden_by_the_one_that_came() -> None:
    rule = IgnoreRule("r", "x", "metadata.finalizers", value="kubernetes.io/*")
    declared = made(metadata={"finalizers": ["mine"]})
    live = lived(made(metadata={"finalizers": ["kubernetes.io/pvc-protection"]}))
    drift = only(compared(live, rule, declared=declared))
    assert [(change.change, change.desired) for change in drift.changes] == [
        (ChangeType.REMOVED, "mine")
    ]


def test_a_change_of_which_no_part_is_explained_stays_whole() -> None:
    rules = IgnoreRule("r", "x", "spec.never"), IgnoreRule("v", "x", "spec", value="never")
    probe = {"port": 80, "path": "/"}
    drift = only(compared(lived(made(spec=probe)), *rules, declared=made()))
    assert [(change.path, change.live) for change in drift.changes] == [(("spec",), probe)]


def test_rules_that_follow_from_what_is_declared_hold() -> None:
    hpa = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}},
    }
    web = made("Deployment", spec={"replicas": 1})
    live = live_of(lived(made("Deployment", spec={"replicas": 5})), lived(hpa))
    assert detected(sides_of(desired_of(web, hpa), live)).drifts == ()
    assert len(detected(sides_of(desired_of(web), live)).drifts) == 1


def test_unmanaged_objects_are_found_in_the_scope() -> None:
    live = live_of(lived(WEB), lived(made(name="stray")), lived(made(name="known")))
    rule = IgnoreRule("known", "x", object_name="known")
    detection = detected(sides_of(desired_of(WEB), live), rule, namespaces=("shop",))
    drift = only(detection)
    assert (drift.type, drift.key.name, detection.hidden) == (DriftType.UNMANAGED, "stray", 1)


def test_an_id_lasts_as_long_as_its_drift() -> None:
    red = only(compared(lived(made(data={"colour": "red"}))))
    pink = only(compared(lived(made(data={"colour": "pink"}), uid="another")))
    assert red.id == pink.id
    assert red.id.startswith("d-")
    assert len(red.id) == 14
    missing = only(detected(sides_of(desired_of(WEB), live_of())))
    assert missing.id != red.id
    assert drift_id("shop", red) == red.id != drift_id("other", red)


def test_the_worst_comes_first_and_has_its_severity() -> None:
    role = made("Role", rules=[{"verbs": ["get"]}])
    label = made(metadata={"labels": {"a": "b"}})
    live = live_of(
        lived(made(metadata={"labels": {"a": "c"}})),
        lived(made("Role", rules=[{"verbs": ["get", "*"]}])),
    )
    drifts = detected(sides_of(desired_of(label, role), live)).drifts
    assert [(d.key.kind, d.severity) for d in drifts] == [
        ("Role", Severity.HIGH),
        ("ConfigMap", Severity.LOW),
    ]


def test_what_an_earlier_declaration_asked_for_is_pending_with_what_moved() -> None:
    sides = sides_of(desired_of(WEB), live_of(lived(made(data={"colour": "red"}))))
    pending = replace(sides, answers={KEY: Expected(WEB, pending=True)})
    drift, edited = only(detected(pending)), only(detected(sides))
    assert drift.type is DriftType.PENDING
    assert (drift.changes, drift.severity) == (edited.changes, edited.severity)
    # It is another drift: its age is that of the commit.
    assert drift.id != edited.id
    # What rules explain isn't waiting for anything.
    rule = IgnoreRule("r", "x", "data")
    assert detected(pending, rule).drifts == ()
    assert list(detected(pending, rule).explained) == [KEY]


def test_it_is_also_pending_where_rules_explain_what_else_is_live() -> None:
    before = made(data={"colour": "red"})
    scaled = made(data={"colour": "red", "scale": "3"})
    sides = sides_of(desired_of(WEB), live_of(lived(scaled)))
    pending = replace(sides, answers={KEY: Expected(WEB, earlier=before)})
    rule = IgnoreRule("scaled", "x", "data.scale")
    drift = only(detected(pending, rule))
    assert (drift.type, len(drift.changes), len(drift.hidden)) == (DriftType.PENDING, 1, 1)
    # Nobody explains it: somebody edited it.
    assert only(detected(pending)).type is DriftType.MODIFIED
    # What is explained altogether is still none.
    explained = replace(sides, answers={KEY: Expected(before, earlier=WEB)})
    assert detected(explained, rule).drifts == ()


def test_a_comparers_proof_is_believed() -> None:
    answers: dict[ResourceKey, Answer] = {KEY: InSync()}
    sides = Sides(
        desired_of(WEB),
        live_of(lived(made(data={"colour": "red"}))),
        CATALOG,
        sides_of(desired_of(), live_of()).schema,
        answers,
    )
    assert detected(sides).drifts == ()


def test_what_controllers_set_on_an_object_in_sync_is_counted() -> None:
    answers: dict[ResourceKey, Answer] = {KEY: InSync(hidden=2)}
    schema = sides_of(desired_of(), live_of()).schema
    sides = Sides(desired_of(WEB), live_of(lived(WEB)), CATALOG, schema, answers)
    assert (detected(sides).drifts, detected(sides).hidden) == ((), 2)
    answers[KEY] = Expected({**WEB, "data": {"a": "c"}}, hidden=3)
    assert detected(sides).hidden == 3
