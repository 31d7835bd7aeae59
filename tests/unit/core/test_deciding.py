"""What is decided, and what must never be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.core.deciding import (
    Circumstances,
    Mode,
    Policy,
    PolicyRule,
    SeverityOverride,
    decisions,
)
from reconciler.core.drift import (
    IN_PODS,
    Change,
    ChangeType,
    Decision,
    DecisionAction,
    Drift,
    DriftType,
    Severity,
)
from reconciler.core.fights import Restored
from reconciler.core.inventory import Inventory
from reconciler.core.moments import rfc3339
from reconciler.core.ownership import FieldManager
from reconciler.core.policy import severity_of
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.core.selection import Selector
from reconciler.core.suspension import ANNOTATION, Suspension
from reconciler.core.windows import parse_window
from tests.unit.core.build import desired_of, live_of, made, sides_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEY = ResourceKey("", "ConfigMap", "shop", "web")
EDIT = FieldManager("2026-11-24T11:56:00Z", "kubectl-edit", "Update")
FLUX = FieldManager("2026-11-24T11:00:00Z", "flux", "Apply")
RESTORE = Policy(Mode.RESTORE)
WAIT = DecisionAction.WAIT


def change(path: str, live: Any = "x", by: FieldManager = EDIT) -> Change:
    return Change(tuple(path.split(".")), ChangeType.ADDED, None, live, by)


def drift(
    how: DriftType = DriftType.MODIFIED, *changes: Change, age: int = 0, **fields: Any
) -> Drift:
    if how in (DriftType.MODIFIED, DriftType.PENDING) and not changes:
        changes = (change("data.a"),)
    found = Drift("d-1", how, Severity.LOW, KEY, "v1", changes=changes)
    first_seen = rfc3339(NOW - timedelta(seconds=age))
    return replace(found, severity=severity_of(found), first_seen=first_seen, **fields)


def around(
    live: JsonObject | None = None, declared: JsonObject | None = None, **fields: Any
) -> Circumstances:
    sides = sides_of(
        desired_of(*([declared] if declared else [])), live_of(*([live] if live else []))
    )
    return Circumstances(NOW, sides, **{"inventory": Inventory(), **fields})


def decided(found: Drift, policy: Policy, circumstances: Circumstances | None = None) -> Decision:
    (given_,) = decisions([found], policy, circumstances or around())
    assert given_.decision is not None
    return given_.decision


def rule(action: Mode, name: str = "r", **fields: Any) -> PolicyRule:
    return PolicyRule(name, Selector(**fields), action, f"because of {name}")


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("how", [DriftType.MODIFIED, DriftType.MISSING])
def test_without_rules_the_mode_decides(mode: Mode, how: DriftType) -> None:
    decision = decided(drift(how), Policy(mode))
    assert decision == Decision(DecisionAction(mode), "default", f"the target's mode is {mode}")


def test_the_first_rule_that_speaks_of_a_change_decides() -> None:
    rules = (
        rule(Mode.PROPOSE, "other", kind="Service"),
        rule(Mode.APPROVE, "first", managers=("kubectl-*",)),
        rule(Mode.RESTORE, "second"),
    )
    policy = Policy(Mode.OBSERVE, rules)
    assert decided(drift(), policy) == Decision(DecisionAction.APPROVE, "first", "because of first")
    by_flux = drift(DriftType.MODIFIED, change("data.a", by=FLUX))
    assert decided(by_flux, policy).rule == "second"


def test_of_several_changes_the_most_cautious_action_wins() -> None:
    rules = (rule(Mode.PROPOSE, "b", path="data.b"), rule(Mode.APPROVE, "c", path="data.c"))
    policy = Policy(Mode.RESTORE, rules)

    def of(*fields: str) -> str:
        changes = (change(f"data.{name}") for name in fields)
        return decided(drift(DriftType.MODIFIED, *changes), policy).rule

    assert (of("a"), of("a", "c"), of("a", "c", "b")) == ("default", "c", "b")


def test_a_rule_for_a_field_holds_back_the_change_of_all_that_it_is_in() -> None:
    policy = Policy(Mode.RESTORE, (rule(Mode.OBSERVE, path="spec.a.b"),))
    both = drift(DriftType.MODIFIED, change("spec.a", {"b": 1, "c": 2}))
    assert decided(both, policy).action is DecisionAction.OBSERVE
    other = drift(DriftType.MODIFIED, change("spec.a", {"c": 2, "d": 2}))
    assert decided(other, policy).action is DecisionAction.RESTORE
    # Nor does a rule for one field carry the others with it.
    daring = Policy(Mode.OBSERVE, (rule(Mode.RESTORE, path="spec.a.b"),))
    assert decided(both, daring).action is DecisionAction.OBSERVE


def test_rules_go_by_live_labels_and_for_what_is_missing_by_declared_ones() -> None:
    policy = Policy(Mode.OBSERVE, (rule(Mode.RESTORE, labels=(("a", "b"),)),))
    labelled = made(metadata={"labels": {"a": "b"}})
    plain = made(metadata={"labels": None})
    assert decided(drift(), policy, around(labelled, plain)).rule == "r"
    assert decided(drift(), policy, around(plain, labelled)).rule == "default"
    assert decided(drift(DriftType.MISSING), policy, around(None, labelled)).rule == "r"
    assert decided(drift(DriftType.MISSING), policy, around()).rule == "default"


def test_severity_follows_policy_and_so_do_rules_that_ask_for_it() -> None:
    raised = SeverityOverride(Selector(path="metadata.labels.tier"), Severity.HIGH)
    lowered = SeverityOverride(Selector(kind="ConfigMap", path="data"), Severity.LOW)
    policy = Policy(Mode.RESTORE, (rule(Mode.APPROVE, severity=Severity.HIGH),), (raised, lowered))

    def of(*paths: str, how: DriftType = DriftType.MODIFIED) -> tuple[Severity, DecisionAction]:
        (found,) = decisions([drift(how, *map(change, paths))], policy, around())
        assert found.decision is not None
        return found.severity, found.decision.action

    restore, approve = DecisionAction.RESTORE, DecisionAction.APPROVE
    assert of("metadata.labels.tier") == (Severity.HIGH, approve)
    assert of("metadata.labels.team") == (Severity.LOW, restore)
    assert of("data.a") == (Severity.LOW, restore)
    assert of("data.a", "spec.x") == (Severity.MEDIUM, restore)
    assert of("data.a", "metadata.labels.tier") == (Severity.HIGH, approve)
    assert of(how=DriftType.MISSING) == (Severity.MEDIUM, restore)


def test_the_worst_comes_first_by_policys_severities() -> None:
    raised = SeverityOverride(Selector(object_name="b"), Severity.HIGH)
    found = [drift(), replace(drift(), key=KEY._replace(name="b"))]
    given_ = decisions(found, Policy(severities=(raised,)), around())
    assert [each.key.name for each in given_] == ["b", "web"]


def test_what_is_unreadable_is_only_observed() -> None:
    decision = decided(drift(DriftType.UNREADABLE), Policy(Mode.RESTORE, (rule(Mode.RESTORE),)))
    assert (decision.action, decision.rule) == (DecisionAction.OBSERVE, "default")


def test_what_is_unmanaged_is_only_pruned_where_it_was_declared_and_policy_prunes() -> None:
    stranger, ours = drift(DriftType.UNMANAGED), Inventory(frozenset({KEY}))
    prune = Policy(Mode.RESTORE, prune=True)
    assert decided(stranger, prune, around(inventory=ours)).action is DecisionAction.RESTORE
    never = decided(stranger, prune)
    assert never == Decision(
        DecisionAction.OBSERVE, "default", "what Git never declared is left alone"
    )
    off = decided(stranger, RESTORE, around(inventory=ours))
    assert off.reason == "it was declared once, and pruning is off"
    assert decided(stranger, Policy(Mode.APPROVE)).action is DecisionAction.OBSERVE
    # A pull request may still propose to declare it.
    assert decided(stranger, Policy(Mode.PROPOSE)).action is DecisionAction.PROPOSE


@pytest.mark.parametrize("mode", [Mode.PROPOSE, Mode.APPROVE, Mode.RESTORE])
def test_nothing_is_done_before_its_grace_is_over(mode: Mode) -> None:
    policy = Policy(mode, grace=timedelta(seconds=60))
    waiting = decided(drift(age=59), policy)
    assert (waiting.action, waiting.rule, waiting.until) == (WAIT, "grace", "2026-11-24T12:00:01Z")
    assert decided(drift(age=60), policy).action == mode.action
    unknown = replace(drift(age=90), first_seen="")
    assert decided(unknown, policy).until == "2026-11-24T12:01:00Z"
    assert decided(drift(), replace(policy, mode=Mode.OBSERVE)).action is DecisionAction.OBSERVE


@pytest.mark.parametrize("mode", Mode)
def test_a_commit_is_rolled_out_in_mode_restore_and_left_for_a_grace_in_others(mode: Mode) -> None:
    policy = Policy(mode, grace=timedelta(days=1), pending_grace=timedelta(minutes=10))
    fresh = decided(drift(DriftType.PENDING, age=1), policy)
    if mode is Mode.RESTORE:
        assert fresh.action is DecisionAction.RESTORE
    else:
        assert (fresh.action, fresh.rule) == (WAIT, "pending")
        assert fresh.until == "2026-11-24T12:09:59Z"
    assert decided(drift(DriftType.PENDING, age=600), policy).action == mode.action


@pytest.mark.parametrize("mode", Mode)
def test_while_it_is_suspended_nothing_is_done(mode: Mode) -> None:
    command = around(suspensions=(Suspension(KEY, by="jane"),))
    decision = decided(drift(), Policy(mode), command)
    if mode is Mode.OBSERVE:
        assert decision.action is DecisionAction.OBSERVE
    else:
        assert decision == Decision(WAIT, "suspended", "the object is suspended by jane")
    assert decided(drift(DriftType.PENDING), Policy(mode), command).rule == "suspended"


def test_an_annotation_suspends_unless_policy_says_that_it_may_not() -> None:
    live = made(metadata={"annotations": {ANNOTATION: "until=2026-12-01T00:00Z test"}})
    decision = decided(drift(), RESTORE, around(live))
    assert (decision.action, decision.until) == (WAIT, "2026-12-01T00:00:00Z")
    assert decision.reason.endswith("until 2026-12-01T00:00:00Z: test")
    strict = replace(RESTORE, annotations=False)
    assert decided(drift(), strict, around(live)).action is DecisionAction.RESTORE


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.RESTORE])
def test_an_annotation_that_suspends_nothing_is_noted(mode: Mode) -> None:
    live = made(metadata={"annotations": {ANNOTATION: "forever"}})
    decision = decided(drift(), Policy(mode), around(live))
    assert decision.action == mode.action
    assert decision.reason.startswith(f"the target's mode is {mode}; its annotation")


def test_outside_of_its_windows_nothing_is_restored() -> None:
    windows = (parse_window("daily 22:00-04:00"),)
    decision = decided(drift(), replace(RESTORE, windows=windows))
    assert (decision.action, decision.rule) == (WAIT, "window")
    assert decision.until == "2026-11-24T22:00:00Z"
    # People may be asked at any time.
    assert decided(drift(), Policy(Mode.APPROVE, windows=windows)).action is DecisionAction.APPROVE
    never = (parse_window("daily 00:00-24:00", allows=False),)
    assert decided(drift(), replace(RESTORE, windows=never)).until == ""


def test_a_commit_is_rolled_out_however_often_git_moves_on() -> None:
    past = tuple(Restored(KEY, NOW - timedelta(minutes=minute)) for minute in (1, 2, 3))
    pending = replace(drift(), type=DriftType.PENDING)
    assert decided(pending, RESTORE, around(restores=past)).action is DecisionAction.RESTORE


def test_what_is_fought_over_is_named_and_left() -> None:
    past = tuple(Restored(KEY, NOW - timedelta(minutes=minute)) for minute in (1, 2, 3))
    decision = decided(drift(), RESTORE, around(restores=past))
    assert (decision.action, decision.rule) == (DecisionAction.OBSERVE, "fight")
    assert "kubectl-edit" in decision.reason
    asking = replace(RESTORE, on_fight=Mode.APPROVE)
    assert decided(drift(), asking, around(restores=past)).action is DecisionAction.APPROVE
    assert decided(drift(), RESTORE, around(restores=past[:2])).action is DecisionAction.RESTORE
    with pytest.raises(ValueError, match="on_fight can't be restore"):
        Policy(on_fight=Mode.RESTORE)


# --- running pods

_OWNER = ResourceKey("apps", "Deployment", "shop", "web")
_PODS = sorted(IN_PODS)


def in_pod(how: DriftType = DriftType.FILE, **fields: Any) -> Drift:
    pod = ResourceKey("", "Pod", "shop", "web-1")
    changes = (change("spec.a"),) if how is DriftType.POD_SPEC else ()
    return drift(how, *changes, **{"key": pod, "owner": _OWNER, **fields})


@pytest.mark.parametrize("how", _PODS)
@pytest.mark.parametrize("mode", Mode)
def test_no_targets_mode_decides_about_pods(mode: Mode, how: DriftType) -> None:
    old = Policy(mode, (rule(mode, namespace="shop"), rule(mode, kind="Pod")), prune=True)
    assert decided(in_pod(how), old) == Decision(
        DecisionAction.OBSERVE, "default", "agents.mode is observe"
    )


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.APPROVE, Mode.RESTORE])
def test_the_agents_mode_does(mode: Mode) -> None:
    decision = decided(in_pod(), Policy(containers=mode))
    assert decision == Decision(DecisionAction(mode), "default", f"agents.mode is {mode}")


def test_a_rule_that_names_the_type_does_too() -> None:
    rules = (
        rule(Mode.APPROVE, "of-owner", kind="Deployment", types=(DriftType.FILE,)),
        rule(Mode.RESTORE, "of-pod", kind="Pod", types=(DriftType.SESSION, DriftType.PORT)),
    )
    policy = Policy(Mode.RESTORE, rules)
    assert decided(in_pod(), policy).rule == "of-owner"
    assert decided(in_pod(owner=None), policy).rule == "default"
    assert decided(in_pod(DriftType.PORT), policy).action is DecisionAction.RESTORE
    assert decided(in_pod(DriftType.PROCESS), policy).rule == "default"


def test_no_pull_request_puts_a_pod_right() -> None:
    with pytest.raises(ValueError, match="no pull request"):
        Policy(containers=Mode.PROPOSE)


def test_who_suspends_the_owner_suspends_its_pods_and_the_pod_itself_does_not() -> None:
    policy = Policy(containers=Mode.RESTORE)
    until = {ANNOTATION: "until=2027-01-01T00:00Z why"}
    metadata = {"name": "web-1", "namespace": "shop", "annotations": until}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
    owner = made("Deployment")
    assert decided(in_pod(), policy, around(pod, owner)).action is DecisionAction.RESTORE
    stopped = made("Deployment", metadata={"annotations": until})
    assert decided(in_pod(), policy, around(stopped, owner)).action is WAIT
    assert decided(in_pod(), replace(policy, annotations=False), around(stopped, owner)) == (
        Decision(DecisionAction.RESTORE, "default", "agents.mode is restore")
    )
    of_owner = (Suspension(_OWNER, None, "jane", "why"),)
    assert decided(in_pod(), policy, around(suspensions=of_owner)).action is WAIT
    bare = in_pod(owner=None)
    assert decided(bare, policy, around(suspensions=of_owner)).action is DecisionAction.RESTORE


@pytest.mark.parametrize("how", [DriftType.SESSION, DriftType.PORT, DriftType.IMAGE])
def test_on_what_is_only_to_be_known_no_mode_acts(how: DriftType) -> None:
    decision = decided(in_pod(how), Policy(containers=Mode.RESTORE))
    assert decision.action is DecisionAction.OBSERVE
    assert decision.reason == f"a {how} is told: only a rule that names this type acts on it"
    rule = PolicyRule("r", Selector(types=(how,)), Mode.APPROVE, "so we want it")
    acted = decided(in_pod(how), Policy(containers=Mode.RESTORE, rules=(rule,)))
    assert (acted.action, acted.rule) == (DecisionAction.APPROVE, "r")
