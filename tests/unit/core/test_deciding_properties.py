"""What holds of every decision, whatever the policy and the circumstances are."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.deciding import (
    Circumstances,
    Mode,
    Policy,
    PolicyRule,
    SeverityOverride,
    decisions,
)
from reconciler.core.drift import DecisionAction, Drift, DriftType, Severity
from reconciler.core.fights import FightLimits, Restored, fight_over
from reconciler.core.inventory import Inventory
from reconciler.core.resource import ResourceKey
from reconciler.core.selection import Selector
from reconciler.core.suspension import ANNOTATION, Suspension, suspended
from reconciler.core.windows import closed, parse_window
from tests.unit.core.build import desired_of, live_of, made, sides_of
from tests.unit.core.test_deciding import EDIT, FLUX, KEY, NOW, WAIT, around, change, drift

NAMES = st.sampled_from(["a", "b", "c"])
CHANGES = st.builds(
    change,
    st.sampled_from(["data.a", "data.b", "spec", "metadata.labels.a"]),
    st.sampled_from(["x", {"a": 1, "b": {"c": 2}}, [{"name": "a"}]]),
    st.sampled_from([EDIT, FLUX]),
)


@st.composite
def drifts(draw: st.DrawFn) -> Drift:
    how = draw(st.sampled_from(DriftType))
    has = how in (DriftType.MODIFIED, DriftType.PENDING, DriftType.POD_SPEC)
    changes = draw(st.lists(CHANGES, min_size=1, max_size=3)) if has else []
    found = drift(how, *changes, age=draw(st.integers(0, 3000)))
    kind = draw(st.sampled_from(["ConfigMap", "Service", "Secret"]))
    return replace(found, key=ResourceKey("", kind, "shop", draw(NAMES)))


SELECTORS = st.builds(
    Selector,
    kind=st.sampled_from(["*", "ConfigMap", "S*"]),
    object_name=st.sampled_from(["*", "a"]),
    labels=st.sampled_from([(), (("tier", "x"),)]),
    path=st.sampled_from(["", "", "data", "spec.a", "spec.b.c", "metadata.*"]),
    types=st.lists(st.sampled_from(DriftType), max_size=2).map(tuple),
    severity=st.sampled_from(Severity),
    managers=st.sampled_from([(), ("flux",)]),
)
RULES = st.lists(
    st.builds(
        PolicyRule, st.sampled_from(["r1", "r2"]), SELECTORS, st.sampled_from(Mode), st.just("x")
    ),
    max_size=3,
).map(tuple)
POLICIES = st.builds(
    Policy,
    mode=st.sampled_from([Mode.RESTORE, *Mode]),
    rules=RULES,
    severities=st.lists(
        st.builds(SeverityOverride, SELECTORS, st.sampled_from(Severity)), max_size=2
    ).map(tuple),
    prune=st.booleans(),
    windows=st.lists(
        st.sampled_from(
            [
                parse_window("daily 10:00-13:00"),
                parse_window("Mon 10:00-13:00"),
                parse_window("daily 11:00-12:30", allows=False),
            ]
        ),
        max_size=1,
    ).map(tuple),
    grace=st.sampled_from([timedelta(0), timedelta(minutes=10)]),
    pending_grace=st.sampled_from([timedelta(0), timedelta(minutes=10)]),
    fights=st.builds(FightLimits, st.integers(0, 3), st.just(timedelta(hours=1))),
    on_fight=st.sampled_from([Mode.OBSERVE, Mode.PROPOSE, Mode.APPROVE]),
    annotations=st.booleans(),
)
KEYS = st.builds(
    ResourceKey,
    st.just(""),
    st.sampled_from(["ConfigMap", "Service", "Secret"]),
    st.just("shop"),
    NAMES,
)
ANNOTATIONS = st.sampled_from(
    [
        {},
        {},
        {ANNOTATION: "until=2026-12-01T00:00Z x"},
        {ANNOTATION: "until=2026-11-01T00:00Z x"},
        {ANNOTATION: "nonsense"},
    ]
)
LIVE = st.lists(
    st.builds(
        lambda key, annotations, labels: made(
            key.kind, key.name, metadata={"annotations": annotations, "labels": labels}
        ),
        KEYS,
        ANNOTATIONS,
        st.sampled_from([{}, {"tier": "x"}]),
    ),
    max_size=4,
)
CIRCUMSTANCES = st.builds(
    lambda live, keys, suspensions, restores: Circumstances(
        NOW,
        sides_of(desired_of(), live_of(*live)),
        Inventory(frozenset(keys)),
        tuple(suspensions),
        tuple(restores),
    ),
    LIVE,
    st.lists(KEYS, max_size=3),
    st.lists(
        st.builds(
            Suspension,
            KEYS | st.none(),
            st.sampled_from([None, NOW, NOW + timedelta(hours=1), NOW - timedelta(hours=1)]),
        ),
        max_size=1,
    ),
    st.lists(
        st.builds(
            lambda key, age: Restored(key, NOW - timedelta(minutes=age)), KEYS, st.integers(0, 90)
        ),
        max_size=4,
    ),
)
CAUTION = [mode.action for mode in Mode]


@given(st.lists(drifts(), max_size=4), POLICIES, CIRCUMSTANCES)
def test_nothing_that_must_be_left_is_ever_restored(
    found: Sequence[Drift], policy: Policy, circumstances: Circumstances
) -> None:
    given_ = decisions(found, policy, circumstances)
    assert len(given_) == len(found)
    for each in given_:
        if each.decision is None or each.decision.action is not DecisionAction.RESTORE:
            continue
        live = circumstances.sides.live.find(each.api_version, each.key)
        annotated = live if policy.annotations else None
        suspensions = circumstances.suspensions
        assert suspended(each.key, annotated, suspensions, NOW).suspension is None
        # To roll out what Git says now is no restore, and so no fight.
        if each.type is not DriftType.PENDING:
            assert fight_over(each, circumstances.restores, NOW, policy.fights) is None
        assert closed(policy.windows, NOW) is None
        assert each.type is not DriftType.UNREADABLE
        if each.type is DriftType.UNMANAGED:
            assert policy.prune
            assert circumstances.inventory.holds(each.key)
        if each.type is not DriftType.PENDING:
            assert datetime.fromisoformat(each.first_seen) + policy.grace <= NOW


@given(st.lists(drifts(), max_size=4), POLICIES, CIRCUMSTANCES)
def test_nothing_is_done_that_neither_the_mode_nor_a_rule_asks_for(
    found: Sequence[Drift], policy: Policy, circumstances: Circumstances
) -> None:
    modes = [policy.mode, *(each.action for each in policy.rules)]
    most = max(CAUTION.index(mode.action) for mode in modes)
    for each in decisions(found, policy, circumstances):
        assert each.decision is not None
        action, name = each.decision.action, each.decision.rule
        assert action is WAIT or CAUTION.index(action) <= most
        if name in ("r1", "r2"):
            assert action in {rule.action.action for rule in policy.rules if rule.name == name}
        assert each.decision.reason


@given(drifts(), POLICIES, CIRCUMSTANCES, st.sampled_from(Mode))
def test_a_rule_in_front_never_makes_more_of_a_drift_than_it_says(
    found: Drift, policy: Policy, circumstances: Circumstances, mode: Mode
) -> None:
    first = PolicyRule("first", Selector(), mode, "x")
    policy = replace(policy, rules=(first, *policy.rules), on_fight=Mode.OBSERVE)
    (given_,) = decisions([found], policy, circumstances)
    assert given_.decision is not None
    action = given_.decision.action
    assert action is WAIT or CAUTION.index(action) <= CAUTION.index(mode.action)


@given(st.permutations([drift(DriftType.MISSING, age=age) for age in (1, 100, 5000)]), POLICIES)
def test_decisions_do_not_depend_on_the_order(found: list[Drift], policy: Policy) -> None:
    named = [replace(each, key=KEY._replace(name=each.first_seen)) for each in found]
    given_ = decisions(named, policy, around())
    assert [each.key.name for each in given_] == sorted(each.key.name for each in named)
    assert set(given_) == set(decisions(named[::-1], policy, around()))
