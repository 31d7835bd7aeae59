"""What holds of every detection and every plan (DESIGN, section 12)."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.detect import Detection
from reconciler.core.drift import Drift, DriftType
from reconciler.core.explain import explain
from reconciler.core.ignore import IgnoreRule
from reconciler.core.inventory import Inventory
from reconciler.core.live import LiveState, Unread
from reconciler.core.plan import Create, Delete, Plan, Recreate, Replace
from reconciler.core.planning import Permissions, make_plan
from reconciler.core.resource import JsonObject, ResourceKey
from tests.unit.core.build import (
    CATALOG,
    answers_of,
    desired_of,
    detected,
    key_of,
    live_of,
    lived,
    made,
    sides_of,
)

#: Names that come up on both sides, so that random objects meet.
NAMES = st.sampled_from(["a", "b", "x.io/c"])
SCALARS = st.sampled_from(["1", "2", "kubernetes.io/x", 3, True])
FIELDS = st.recursive(
    SCALARS,
    lambda children: st.one_of(
        st.lists(children, max_size=3),
        st.dictionaries(NAMES, children, max_size=3),
        st.dictionaries(NAMES, SCALARS, max_size=3).map(
            lambda items: [{"name": name, "value": value} for name, value in items.items()]
        ),
    ),
    max_leaves=6,
)
BODIES = st.dictionaries(
    st.tuples(
        st.sampled_from(["ConfigMap", "Service", "Deployment", "Role"]), st.sampled_from(["a", "b"])
    ),
    st.dictionaries(st.sampled_from(["data", "spec", "rules"]), FIELDS, max_size=2),
    min_size=1,
    max_size=4,
).map(lambda found: [made(kind, name, **fields) for (kind, name), fields in found.items()])
RULES = st.lists(
    st.builds(
        IgnoreRule,
        name=st.just("r"),
        reason=st.just("x"),
        path=st.sampled_from(
            [
                "data",
                "spec.a",
                "spec[*]",
                "rules[0]",
                'data["x.io/*"]',
                "spec.*.a",
                "data[name=a]",
                "",
            ]
        ),
        kind=st.sampled_from(["*", "ConfigMap", "Role"]),
        value=st.sampled_from(["*", "*", "kubernetes.io/*", "[12]"]),
    ),
    max_size=3,
)
SCOPE = ("shop",)


def look(desired: list[JsonObject], live: LiveState, *rules: IgnoreRule) -> Detection:
    return detected(sides_of(desired_of(*desired), live), *rules, namespaces=SCOPE)


def plan_of(
    desired: list[JsonObject], live: LiveState, drifts: tuple[Drift, ...], inventory: Inventory
) -> Plan:
    declared = desired_of(*desired)
    may = Permissions(recreate=True, prune=True)
    answers = answers_of(declared, live)
    return make_plan("shop", drifts, declared, live, answers, CATALOG, inventory, may)


def carried_out(plan: Plan, live: LiveState) -> LiveState:
    """Does to a model of the cluster what the plan says."""
    objects = {key: body for _, key, body in live.each()}
    for action in plan.actions:
        match action:
            case Create() | Replace() | Recreate():
                objects[action.key] = lived(action.body)
            case Delete():
                del objects[action.key]
    return live_of(*objects.values())


@given(BODIES, BODIES)
def test_after_the_plan_is_carried_out_nothing_is_found(
    desired: list[JsonObject], live: list[JsonObject]
) -> None:
    state = live_of(*map(lived, live))
    everything = Inventory(frozenset(map(key_of, live)))
    plan = plan_of(desired, state, look(desired, state).drifts, everything)
    assert plan.held == ()
    assert look(desired, carried_out(plan, state)).drifts == ()


@given(BODIES, BODIES, RULES)
def test_with_rules_too_restoring_ends_in_sync(
    desired: list[JsonObject], live: list[JsonObject], rules: list[IgnoreRule]
) -> None:
    """A second time where a rule names an item by an index, which a restore may move."""
    state = live_of(*map(lived, live))
    everything = Inventory(frozenset(map(key_of, live)))
    for _ in range(2):
        drifts = look(desired, state, *rules).drifts
        state = carried_out(plan_of(desired, state, drifts, everything), state)
    assert look(desired, state, *rules).drifts == ()


@given(BODIES, BODIES, RULES)
def test_detection_does_not_depend_on_the_order_of_objects(
    desired: list[JsonObject], live: list[JsonObject], rules: list[IgnoreRule]
) -> None:
    forward = look(desired, live_of(*map(lived, live)), *rules)
    backward = look(desired[::-1], live_of(*map(lived, live[::-1])), *rules)
    assert forward == backward


def found(detection: Detection) -> set[ResourceKey]:
    return {drift.key for drift in detection.drifts}


@given(BODIES, BODIES, RULES)
def test_an_ignore_rule_never_adds_drift_and_loses_none(
    desired: list[JsonObject], live: list[JsonObject], rules: list[IgnoreRule]
) -> None:
    state = live_of(*map(lived, live))
    without, with_rules = look(desired, state), look(desired, state, *rules)
    assert found(with_rules) <= found(without)
    by_key = {drift.key: drift for drift in with_rules.drifts}
    for drift in without.drifts:
        kept = by_key.get(drift.key)
        hidden = with_rules.explained.get(drift.key, kept.hidden if kept else ())
        if drift.type is DriftType.MODIFIED:
            # Every change is still told, or explained, or both in parts.
            told = [*(kept.changes if kept else ()), *(each.change for each in hidden)]
            for change in drift.changes:
                assert any(part.path[: len(change.path)] == change.path for part in told)
        elif drift.type is not DriftType.UNMANAGED:
            assert kept is not None


@given(BODIES, BODIES, st.sets(st.sampled_from(["ConfigMap", "Deployment", "Role"])))
def test_nothing_is_pruned_that_is_not_in_the_inventory(
    desired: list[JsonObject], live: list[JsonObject], kinds: set[str]
) -> None:
    state = live_of(*map(lived, live))
    inventory = Inventory(frozenset(key_of(body) for body in live if body["kind"] in kinds))
    plan = plan_of(desired, state, look(desired, state).drifts, inventory)
    deleted = {action.key for action in plan.actions if isinstance(action, Delete)}
    assert deleted <= inventory.keys - {key_of(body) for body in desired}


@given(BODIES, st.sampled_from(["ConfigMap", "Deployment", "Role", ""]))
def test_what_could_not_be_read_is_never_absent_and_never_written(
    desired: list[JsonObject], kind: str
) -> None:
    unread = tuple(
        Unread(group, kind, "", "down") for group in ("", "apps", "rbac.authorization.k8s.io")
    )
    state = LiveState({}, unread)
    detection = look(desired, state)
    for drift in detection.drifts:
        expected = DriftType.UNREADABLE if kind in ("", drift.key.kind) else DriftType.MISSING
        assert drift.type is expected
    written = {a.key for a in plan_of(desired, state, detection.drifts, Inventory()).actions}
    assert not any(kind in ("", key.kind) for key in written)


@given(BODIES, BODIES, RULES)
def test_a_plan_is_the_same_for_the_same_sides_and_no_other(
    desired: list[JsonObject], live: list[JsonObject], rules: list[IgnoreRule]
) -> None:
    state = live_of(*map(lived, live))
    drifts = look(desired, state, *rules).drifts
    plan = plan_of(desired, state, drifts, Inventory())
    assert plan_of(desired[::-1], state, drifts[::-1], Inventory()).digest == plan.digest
    moved = live_of(*({**lived(body, resourceVersion="9"), "status": {"x": 1}} for body in live))
    assert plan_of(desired, moved, look(desired, moved, *rules).drifts, Inventory()).digest == (
        plan.digest
    )
    edited = live_of(*(lived({**body, "edited": "yes"}) for body in live))
    if any(isinstance(action, Replace) for action in plan.actions):
        again = plan_of(desired, edited, look(desired, edited, *rules).drifts, Inventory())
        assert again.digest != plan.digest


SECRETS = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=8, max_size=20)


def holding(secret: str, other: str) -> list[JsonObject]:
    """Makes objects that hold a secret wherever people put one."""
    encoded = base64.b64encode(secret.encode()).decode()
    applied = json.dumps({"data": {"password": secret}}, ensure_ascii=False)
    annotation = {"kubectl.kubernetes.io/last-applied-configuration": applied}
    twice = [{"name": "PASSWORD", "value": secret}, {"name": "PASSWORD", "value": other}]
    once = [{"name": "A", "value": other}, {"name": "DB_PASSWORD", "value": secret}]
    key = f"-----BEGIN RSA PRIVATE KEY-----\n{secret}\n-----END RSA PRIVATE KEY-----"
    return [
        made("Secret", data={"a": encoded}, metadata={"annotations": annotation}),
        made("Secret", "whole", data=encoded, other=[other]),
        made("ConfigMap", data={"id_rsa": key, "kubeconfig": f"users:\n- token: {secret}"}),
        made("Deployment", spec={"containers": [{"name": "web", "env": once}]}),
        made("Deployment", "twice", spec={"env": twice, "args": [f"--token={secret}", other]}),
    ]


@given(SECRETS, st.sampled_from(["", "a", "x"]), RULES, st.booleans(), st.booleans())
def test_no_report_holds_a_secret(
    secret: str, other: str, rules: list[IgnoreRule], is_in_git: bool, is_live: bool
) -> None:
    secret = f"q7{secret}"
    encoded = base64.b64encode(secret.encode()).decode()
    desired = holding(secret if is_in_git else "q7 of Git", other)
    live = holding(secret if is_live else "q7 of the cluster", f"{other}!")
    state = live_of(*map(lived, live))
    choosy = IgnoreRule("v", "x", "spec", value="never"), IgnoreRule("w", "x", "*.a")
    for speaking in (rules, [*rules, *choosy]):
        detection = look(desired, state, *speaking)
        _holds_none(detection, secret, encoded)
        plan = plan_of(desired, state, detection.drifts, Inventory())
        _holds_none([getattr(a, "changes", ()) for a in plan.actions], secret, encoded)
        for drift in detection.drifts:
            manifest = desired_of(*desired).resources[drift.key]
            body = state.objects[drift.api_version][drift.key]
            hidden = drift.hidden
            _holds_none(
                explain(drift.key, manifest, body, drift.changes, hidden, frozenset(), None),
                secret,
                encoded,
            )


def _holds_none(shown: Any, *secrets: str) -> None:
    texts = [repr(shown), str(shown), json.dumps(_plain(shown), ensure_ascii=False)]
    assert not any(secret in text for secret in secrets for text in texts)


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return _plain({name: getattr(value, name) for name in value.__dataclass_fields__})
    if isinstance(value, Mapping):
        return {str(name): _plain(child) for name, child in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(child) for child in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
