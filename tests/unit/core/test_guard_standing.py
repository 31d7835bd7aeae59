"""How the guard is: live policies against what they are to be, trials, and who wrote lately."""

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime

from reconciler.core.actors import AuditEvent, Deed, ObjectRef, Witness
from reconciler.core.guard.breaking import broken
from reconciler.core.guard.objects import GuardObject
from reconciler.core.guard.policies import guard_objects
from reconciler.core.guard.rules import Mode
from reconciler.core.guard.standing import State, label_value, standings
from reconciler.core.guard.trials import Tried, trial_objects
from reconciler.core.guard.writers import programs, refused
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.render.guard import (
    broken_text,
    plan_text,
    standings_document,
    standings_text,
    writers_text,
)
from reconciler.render.terminal import Style
from tests.unit.core.build import made
from tests.unit.core.test_guard_policies import rules, target

PLAIN = Style(colour=False, width=0)
OBJECTS = guard_objects(rules(), [target(made("ConfigMap", "one"))])
LABELS = {"t-shop"}


def live(objects: tuple[GuardObject, ...] = OBJECTS) -> dict[ResourceKey, JsonObject]:
    return {each.key: deepcopy(each.body) for each in objects}


def test_what_is_as_it_is_to_be_is_the_same() -> None:
    found = standings(OBJECTS, live(), LABELS)
    assert [each.state for each in found] == [State.SAME, State.SAME]
    assert all(each.is_sound for each in found)
    assert [each.actions for each in found] == [(), ("Deny", "Audit")]
    assert standings_text(found, PLAIN).splitlines() == [
        "✓ ValidatingAdmissionPolicy plumbline-shop  as it is to be",
        "✓ ValidatingAdmissionPolicyBinding plumbline-shop  Deny and Audit  as it is to be",
    ]


def test_what_is_not_there_is_absent() -> None:
    found = standings(OBJECTS, {}, LABELS)
    assert {each.state for each in found} == {State.ABSENT}
    assert not any(each.is_sound for each in found)
    text = plan_text(found, Mode.DENY, PLAIN)
    assert "create  ValidatingAdmissionPolicyBinding plumbline-shop  (deny)" in text
    assert text.endswith("2 objects to write, mode deny\n")


def test_what_was_changed_differs_in_what_was_changed() -> None:
    bodies = live()
    policy, binding = bodies.values()
    binding["spec"]["validationActions"] = ["Audit"]
    policy["spec"]["paramKind"] = {"kind": "ConfigMap"}
    found = standings(OBJECTS, bodies, LABELS)
    assert [each.state for each in found] == [State.DIFFERS, State.DIFFERS]
    assert [each.fields for each in found] == [("paramKind",), ("validationActions",)]
    assert "    in validationActions\n" in standings_text(found, PLAIN)
    assert "replace ValidatingAdmissionPolicy plumbline-shop  in paramKind" in plan_text(
        found, None, PLAIN
    )


def test_what_has_no_specification_differs() -> None:
    bodies = {key: {**body, "spec": None} for key, body in live().items()}
    assert {each.state for each in standings(OBJECTS, bodies, LABELS)} == {State.DIFFERS}
    odd = {key: {**body, "spec": {"variables": "x"}} for key, body in live().items()}
    assert {each.state for each in standings(OBJECTS, odd, LABELS)} == {State.DIFFERS}


def test_a_label_that_is_gone_differs_too() -> None:
    bodies = live()
    for body in bodies.values():
        body["metadata"]["labels"] = None
    found = standings(OBJECTS, bodies, LABELS)
    assert {each.state for each in found} == {State.DIFFERS}
    assert found[0].fields == ("labels",)


def test_other_files_in_a_message_are_no_matter() -> None:
    later = guard_objects(rules(), [target(made("ConfigMap", "one"), made("ConfigMap", "two"))])
    found = standings(later, live(), LABELS)
    assert found[0].state is State.FILES
    assert found[0].is_sound
    other = guard_objects(rules(deployers={}), [target(made("ConfigMap", "one"))])
    assert standings(other, live(), LABELS)[0].state is State.DIFFERS


def test_what_is_ours_and_no_longer_to_be_is_stale_and_what_is_not_ours_is_left() -> None:
    bodies = live()
    foreign = ResourceKey("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", "", "x")
    bodies[foreign] = {"metadata": {"name": "x"}}
    assert label_value(bodies[foreign]) == ""
    found = standings((), bodies, LABELS)
    assert [each.state for each in found] == [State.STALE, State.STALE]
    assert standings((), bodies, {"t-other"}) == ()
    assert "delete  ValidatingAdmissionPolicy" in plan_text(found, None, PLAIN)
    assert plan_text((), None, PLAIN) == "nothing to write: the guard is as it is to be\n"
    assert plan_text(found[:1], None, PLAIN).endswith("1 object to write\n")


def test_what_the_server_warns_of_is_told_harmlessly() -> None:
    bodies = live()
    warnings = [
        {"fieldRef": "spec.validations[0]", "warning": "undefined field 'x'\x1b[2J\nat 1:2"},
        {"fieldRef": "spec.validations[1]"},
        "odd",
    ]
    next(iter(bodies.values()))["status"] = {"typeChecking": {"expressionWarnings": warnings}}
    found = standings(OBJECTS, bodies, LABELS)
    assert found[0].state is State.SAME
    assert not found[0].is_sound
    assert found[0].problems[0].startswith("spec.validations[0]: undefined field 'x'")
    assert "\x1b" not in standings_text(found, PLAIN)
    document = standings_document(found)
    assert document["objects"][0]["problems"] == list(found[0].problems)
    assert document["objects"][1]["actions"] == ["Deny", "Audit"]


def test_a_trial_is_the_same_under_another_name_and_only_warns() -> None:
    policy, binding = trial_objects(OBJECTS)
    assert policy.body["metadata"]["name"] == "plumbline-shop.trial"
    assert policy.body["spec"]["failurePolicy"] == "Ignore"
    assert policy.body["spec"]["matchConditions"] == []
    assert len(OBJECTS[0].body["spec"]["matchConditions"]) == 1
    assert policy.body["spec"]["variables"] == OBJECTS[0].body["spec"]["variables"]
    assert binding.body["spec"]["policyName"] == "plumbline-shop.trial"
    assert binding.body["spec"]["validationActions"] == ["Warn", "Audit"]
    assert label_value(binding.body) == "trial"
    assert OBJECTS[1].body["spec"]["policyName"] == "plumbline-shop"


def test_what_a_trial_came_to_is_read_by_its_policy_alone() -> None:
    warning = "Validation failed for ValidatingAdmissionPolicy 'a.trial' with binding 'a': no"
    assert Tried(200, (warning,)).refused_by(["a.trial"])
    assert not Tried(200, (warning,)).refused_by(["b.trial"])
    assert not Tried(403, message='User "x" cannot update resource "pods"').has_rights
    assert Tried(403, message="ValidatingAdmissionPolicy 'a' denied").has_rights


def _wrote(body: JsonObject, *managers: tuple[str, str, str]) -> JsonObject:
    fields = [
        {"manager": manager, "time": time, "operation": "Update", "subresource": sub}
        for manager, time, sub in managers
    ]
    return {**body, "metadata": {**body["metadata"], "managedFields": fields}}


def test_programs_that_wrote_lately_are_told_without_kubernetes_own() -> None:
    one = ResourceKey("", "ConfigMap", "shop", "one")
    two = ResourceKey("", "ConfigMap", "shop", "two")
    bodies = {
        one: _wrote(
            made("ConfigMap", "one"),
            ("kubectl-edit", "2026-11-02T00:00:00Z", ""),
            ("kubectl-edit", "2026-11-03T00:00:00Z", "scale"),
            ("kubelet", "2026-11-03T00:00:00Z", ""),
            ("operator", "2026-11-03T00:00:00Z", "status"),
            ("old", "2026-01-01T00:00:00Z", ""),
        ),
        two: _wrote(
            made("ConfigMap", "two"),
            ("kubectl-edit", "2026-11-01T00:00:00Z", ""),
            ("helm", "2026-11-05T00:00:00Z", ""),
        ),
    }
    found = programs(bodies, "2026-10-25T00:00:00Z")
    assert [(each.manager, each.count, each.example.name) for each in found] == [
        ("helm", 1, "two"),
        ("kubectl-edit", 2, "one"),
    ]
    text = writers_text(found, (), PLAIN)
    assert "  kubectl-edit  2 objects, last ConfigMap shop/one at 2026-11-03T00:00:00Z" in text
    assert "  helm  1 object, last" in text
    assert writers_text((), (), PLAIN) == ""


EVENT = AuditEvent(
    request_id="1",
    witness=Witness.AUDIT,
    ref=ObjectRef("", "configmaps", "shop", "one"),
    deed=Deed.WROTE,
    verb="patch",
    received="2026-11-03T00:00:00Z",
    time="2026-11-03T00:00:00Z",
    user="jane",
    groups=("people",),
)


def test_witnessed_requests_say_who_would_be_refused() -> None:
    guarded = target(
        made("ConfigMap", "one"),
        made("Namespace", "shop"),
        made("Role", "far", metadata={"namespace": "far"}),
    )
    namespace = ObjectRef("", "namespaces", "", "shop")
    events = [
        EVENT,
        replace(EVENT, verb="delete"),
        replace(EVENT, user="bot"),
        replace(EVENT, user="joe", groups=("deployers",)),
        replace(EVENT, ref=ObjectRef("", "secrets", "shop", "one")),
        replace(EVENT, ref=ObjectRef("", "configmaps", "other", "one")),
        replace(EVENT, ref=namespace, user="system:serviceaccount:kube-system:odd"),
        replace(EVENT, ref=namespace._replace(name="other"), user="ann"),
        replace(EVENT, user="admin", groups=("system:masters",), impersonated="zoe"),
    ]
    found = refused(rules(), guarded, events)
    assert [(each.user, each.count, each.is_own) for each in found] == [
        ("jane", 2, False),
        ("system:serviceaccount:kube-system:odd", 1, True),
        ("zoe, by admin", 1, False),
    ]
    text = writers_text((), found, PLAIN)
    assert (
        "! jane would be refused: 2 requests in the audit log, such as delete configmaps one"
        in text
    )
    assert "1 request in the audit log, such as patch namespaces shop\n" in text


def test_whose_glass_is_broken_is_told_with_reason_and_end() -> None:
    def marked(name: str, **notes: str) -> tuple[ResourceKey, JsonObject]:
        annotations = {
            f"plumbline.dev/{key.replace('_', '-')}": text for key, text in notes.items()
        }
        owned: JsonObject = {"f:metadata": {"f:annotations": {"f:plumbline.dev/break-glass": {}}}}
        fields = [{"manager": "kubectl-annotate", "operation": "Update", "fieldsV1": owned}]
        metadata = {"annotations": annotations, "managedFields": fields if name == "one" else []}
        return ResourceKey("", "ConfigMap", "shop", name), made(
            "ConfigMap", name, metadata=metadata
        )

    now = datetime(2026, 11, 25, 12, tzinfo=UTC)
    plain = (ResourceKey("", "ConfigMap", "shop", "plain"), made("ConfigMap", "plain"))
    found = broken(
        [
            marked("two", break_glass="old", break_glass_until="2026-11-25T11:00:00Z"),
            marked("one", break_glass="outage\x1b[2J", break_glass_until="2026-11-25T13:00:00Z"),
            marked("three", break_glass="never ends"),
            marked("other", other="x"),
            plain,
        ],
        now,
    )
    assert [(each.key.name, each.is_over, each.manager) for each in found] == [
        ("one", False, "kubectl-annotate"),
        ("three", True, ""),
        ("two", True, ""),
    ]
    lines = broken_text(found, PLAIN).splitlines()
    assert lines[0].startswith(
        "! ConfigMap shop/one  break-glass until 2026-11-25T13:00:00Z, by kubectl-annotate: outage"
    )
    assert "\x1b" not in lines[0]
    assert lines[1].endswith("break-glass over since no time at all: never ends")
    assert standings_document((), found)["breakGlass"][2]["over"] is True
