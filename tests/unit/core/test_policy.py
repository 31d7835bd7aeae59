from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.drift import IN_PODS, Change, ChangeType, Drift, DriftType, Severity
from reconciler.core.path import Item, Path
from reconciler.core.policy import SeverityRule, decide, severity_of, worst_first
from reconciler.core.resource import ResourceKey
from tests.unit.render.pods import CONF, EVIL, PORT, PROCESS, SESSION, SPEC, seen

HIGH, MEDIUM, LOW = Severity.HIGH, Severity.MEDIUM, Severity.LOW
ADDED, CHANGED = ChangeType.ADDED, ChangeType.CHANGED
POD: Path = ("spec", "template", "spec")
WEB = Item((("name", "web"),))


def drift(kind: str, *changes: Change, how: DriftType = DriftType.MODIFIED) -> Drift:
    return Drift("", how, MEDIUM, ResourceKey("", kind, "shop", "web"), "v1", changes=changes)


@pytest.mark.parametrize(
    ("kind", "path", "live", "severity"),
    [
        ("Deployment", (*POD, "containers", WEB, "image"), "evil", HIGH),
        ("Deployment", (*POD, "containers", WEB), {"image": "evil"}, HIGH),
        ("Deployment", (*POD, "containers", 1), {"image": "evil"}, HIGH),
        ("Deployment", (*POD, "initContainers"), [], HIGH),
        ("Deployment", (*POD, "containers", WEB, "env", WEB), {"value": "x"}, MEDIUM),
        ("Deployment", ("spec", "replicas"), 3, MEDIUM),
        ("Deployment", ("metadata", "labels", "a"), "b", LOW),
        ("CronJob", ("spec", "jobTemplate", *POD, "hostNetwork"), True, HIGH),
        # What makes a pod powerful counts wherever it is, and whatever it came with.
        ("Thing", ("spec", "pods"), [{"x": [{"privileged": True}]}], HIGH),
        ("Thing", ("spec", "pods"), [{"x": [{"privileged": False}]}], MEDIUM),
        ("Role", ("rules", 0, "verbs", 1), "*", HIGH),
        ("Service", ("spec", "externalIPs", 0), "1.2.3.4", HIGH),
        ("Namespace", ("metadata", "labels", "pod-security.kubernetes.io/enforce"), "x", HIGH),
        ("Namespace", ("metadata", "labels", "team"), "x", LOW),
        ("Secret", ("data", "a"), "***", HIGH),
        ("NetworkPolicy", ("spec", "ingress", 0), {}, HIGH),
        ("ValidatingWebhookConfiguration", ("webhooks", WEB, "rules", 0), {}, HIGH),
        ("Thing", (), "x", MEDIUM),
    ],
)
def test_a_change_matters_by_where_it_is(
    kind: str, path: Path, live: Any, severity: Severity
) -> None:
    assert severity_of(drift(kind, Change(path, ADDED, None, live))) is severity


def test_a_drift_matters_as_much_as_the_worst_of_its_changes() -> None:
    label = Change(("metadata", "labels", "a"), CHANGED, "b", "c")
    replicas = Change(("spec", "replicas"), CHANGED, 1, 2)
    assert severity_of(drift("Deployment", label)) is LOW
    assert severity_of(drift("Deployment", label, replicas)) is MEDIUM
    assert severity_of(drift("Deployment")) is LOW


@pytest.mark.parametrize(
    ("how", "kind", "severity"),
    [
        (DriftType.MISSING, "ConfigMap", MEDIUM),
        (DriftType.UNREADABLE, "ConfigMap", MEDIUM),
        (DriftType.UNMANAGED, "ConfigMap", MEDIUM),
        (DriftType.UNMANAGED, "ClusterRoleBinding", HIGH),
        (DriftType.UNMANAGED, "ValidatingAdmissionPolicyBinding", HIGH),
    ],
)
def test_whole_objects_matter_by_their_kind(how: DriftType, kind: str, severity: Severity) -> None:
    assert severity_of(drift(kind, how=how)) is severity


def test_rules_are_tried_in_order() -> None:
    rules = (SeverityRule(LOW, ("spec.a",), ("Th*",)), SeverityRule(HIGH))
    assert severity_of(drift("Thing", Change(("spec", "a"), ADDED, None, 1)), rules) is LOW
    assert severity_of(drift("Thing", Change(("spec", "b"), ADDED, None, 1)), rules) is HIGH
    assert severity_of(drift("Other", Change(("spec", "a"), ADDED, None, 1)), rules) is HIGH


def test_the_worst_comes_first_then_names() -> None:
    low = replace(drift("A"), severity=LOW)
    high = replace(drift("Z"), severity=HIGH)
    other = replace(drift("Y"), severity=HIGH)
    assert worst_first([low, high, other]) == (other, high, low)


@pytest.mark.parametrize(
    ("how", "prune", "action", "rule"),
    [
        (DriftType.MISSING, False, "restore", "default"),
        (DriftType.MODIFIED, False, "restore", "default"),
        (DriftType.PENDING, False, "restore", "default"),
        (DriftType.UNMANAGED, False, "observe", "default"),
        (DriftType.UNMANAGED, True, "restore", "prune"),
        (DriftType.UNREADABLE, True, "observe", "default"),
    ],
)
def test_what_is_to_be_done(how: DriftType, action: str, rule: str, *, prune: bool) -> None:
    decision = decide(drift("ConfigMap", how=how), prune=prune)
    assert (decision.action, decision.rule) == (action, rule)
    assert decision.reason


def test_what_was_seen_in_a_container_matters_as_the_agent_says() -> None:
    for what in (EVIL, CONF, PROCESS, SESSION, PORT):
        assert severity_of(replace(seen(what), severity=LOW)) is what.severity
        assert severity_of(replace(seen(what), seen=None, severity=LOW)) is LOW
    assert severity_of(drift("Pod", how=DriftType.IMAGE)) is MEDIUM
    assert severity_of(SPEC) is HIGH


@pytest.mark.parametrize("how", sorted(IN_PODS))
@pytest.mark.parametrize("prune", [False, True])
def test_a_restore_that_is_asked_for_leaves_pods_alone(how: DriftType, *, prune: bool) -> None:
    assert decide(drift("Pod", how=how), prune=prune).action == "observe"
