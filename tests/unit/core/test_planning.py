from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.drift import IN_PODS, Drift, DriftType, Severity
from reconciler.core.expected import Answer, Expected, InSync
from reconciler.core.ignore import IgnoreRule
from reconciler.core.inventory import Inventory
from reconciler.core.plan import Create, Delete, Plan, Recreate, Replace
from reconciler.core.planning import Permissions, live_digest, make_plan
from reconciler.core.resource import JsonObject, ResourceKey
from tests.unit.core.build import (
    CATALOG,
    desired_of,
    key_of,
    kind_of,
    live_of,
    lived,
    made,
    planned,
)

WEB = made(data={"colour": "blue"})
KEY = key_of(WEB)
EDITED = lived(made(data={"colour": "red"}))


def held(plan: Plan) -> str:
    (each,) = plan.held
    assert plan.actions == ()
    return each.reason


def test_nothing_to_do_is_an_empty_plan() -> None:
    plan = planned(WEB, live=live_of(lived(WEB)))
    assert (plan.actions, plan.held, plan.target, plan.revision) == ((), (), "shop", "4f0c")


def test_what_is_missing_is_made() -> None:
    assert planned(WEB).actions == (Create(KEY, "v1", WEB),)


def test_what_was_modified_is_replaced_and_its_status_kept() -> None:
    live = {**EDITED, "status": {"ready": True}}
    (action,) = planned(WEB, live=live_of(live)).actions
    assert isinstance(action, Replace)
    assert action.body == {**WEB, "status": {"ready": True}}
    assert [change.path for change in action.changes] == [("data", "colour")]
    assert action.live_digest == live_digest(live)


def test_what_is_being_deleted_waits() -> None:
    live = lived(EDITED, deletionTimestamp="2026-11-24T12:00:00Z")
    assert held(planned(WEB, live=live_of(live))).startswith("it is being deleted")


def test_an_immutable_field_is_changed_only_by_leave() -> None:
    answers: dict[ResourceKey, Answer] = {KEY: Expected(WEB, immutable=True)}
    live = live_of(EDITED)
    assert "--recreate" in held(planned(WEB, live=live, answers=answers))
    (action,) = planned(WEB, live=live, answers=answers, recreate=True).actions
    assert isinstance(action, Recreate)
    assert (action.body, action.uid) == (WEB, EDITED["metadata"]["uid"])
    assert action.live_digest == live_digest(EDITED)


def drift(how: DriftType, key: ResourceKey = KEY, note: str = "") -> Drift:
    return Drift("", how, Severity.HIGH, key, "v1", note=note)


def test_what_is_pending_is_planned_as_what_is_modified() -> None:
    answers: dict[ResourceKey, Answer] = {KEY: Expected(WEB)}
    plans = [
        planned(WEB, drifts=(drift(how),), live=live_of(EDITED), answers=answers)
        for how in (DriftType.MODIFIED, DriftType.PENDING)
    ]
    assert plans[0] == plans[1]
    assert isinstance(plans[0].actions[0], Replace)


def test_what_is_unknown_is_never_written() -> None:
    unreadable = drift(DriftType.UNREADABLE, note="forbidden")
    assert held(planned(WEB, drifts=(unreadable,))) == "its state is unknown: forbidden"
    modified = drift(DriftType.MODIFIED)
    for live, answers in ((live_of(), {KEY: Expected(WEB)}), (live_of(EDITED), {KEY: InSync()})):
        plan = planned(WEB, drifts=(modified,), live=live, answers=dict(answers))
        assert held(plan) == "what it should be is not known"


def thing(**more: Any) -> JsonObject:
    metadata = {"name": "x", "namespace": "shop"}
    return {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": metadata, **more}


@pytest.mark.parametrize("spec", [{"group": "example.com", "names": {"kind": "Thing"}}])
def test_what_a_declared_definition_defines_is_made_after_it(spec: JsonObject) -> None:
    crd = made("CustomResourceDefinition", "things.example.com", spec=spec)
    assert [action.key.kind for action in planned(thing(), crd).actions] == [
        "CustomResourceDefinition",
        "Thing",
    ]


@pytest.mark.parametrize("spec", [None, {}, {"names": None}])
def test_what_nothing_defines_is_held(spec: Any) -> None:
    crd = made("CustomResourceDefinition", "others.example.com", spec=spec)
    (each,) = planned(thing(), crd).held
    assert each.reason.endswith("install what defines it first")


STRAY = lived(made("Deployment", "stray"))


def test_nothing_is_pruned_that_was_never_declared() -> None:
    plan = planned(WEB, live=live_of(lived(WEB), STRAY), prune=True)
    assert "it was never declared here" in held(plan)


def test_pruning_is_off_unless_asked_for() -> None:
    inventory = Inventory(frozenset({key_of(STRAY)}))
    live = live_of(lived(WEB), STRAY)
    assert "--prune deletes it" in held(planned(WEB, live=live, inventory=inventory))
    plan = planned(WEB, live=live, inventory=inventory, prune=True)
    uid = STRAY["metadata"]["uid"]
    assert plan.actions == (Delete(key_of(STRAY), "apps/v1", live_digest(STRAY), uid),)


def test_what_is_gone_already_is_not_deleted() -> None:
    cluster_wide = ResourceKey("", "Namespace", "", "old")
    gone = drift(DriftType.UNMANAGED, cluster_wide)
    assert "it was never declared here" in held(planned(WEB, drifts=(gone,), prune=True))
    known = Inventory(frozenset({cluster_wide}))
    assert held(planned(WEB, drifts=(gone,), prune=True, inventory=known)) == "it is gone already"


def test_what_others_need_is_written_first_and_deleted_last() -> None:
    kinds = ["Role", "Deployment", "Service", "Secret", "Namespace", "PersistentVolumeClaim"]
    bodies = [made(kind, f"new-{kind.lower()}") for kind in kinds]
    old = [lived(made(kind, f"old-{kind.lower()}")) for kind in ("Secret", "Deployment", "Service")]
    plan = planned(
        *bodies,
        live=live_of(*old),
        inventory=Inventory(frozenset(map(key_of, old))),
        prune=True,
    )
    assert [(type(a).__name__, a.key.kind) for a in plan.actions] == [
        ("Create", "Namespace"),
        ("Create", "Secret"),
        ("Create", "PersistentVolumeClaim"),
        ("Create", "Role"),
        ("Create", "Service"),
        ("Create", "Deployment"),
        ("Delete", "Deployment"),
        ("Delete", "Service"),
        ("Delete", "Secret"),
    ]


def test_webhooks_come_last_since_they_may_refuse_the_rest() -> None:
    kinds = ["ValidatingWebhookConfiguration", "Thing", "Ingress", "Deployment"]
    drifts = tuple(drift(DriftType.MISSING, ResourceKey("", kind, "", "x")) for kind in kinds)
    bodies = [{"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}} for kind in kinds]
    served = {("v1", kind): kind_of("v1", "Secret") for kind in kinds}
    plan = make_plan(
        "shop",
        drifts,
        desired_of(*bodies),
        live_of(),
        {},
        replace(CATALOG, kinds=served),
        Inventory(),
        Permissions(),
    )
    assert [action.key.kind for action in plan.actions] == [
        "Deployment",
        "Thing",
        "Ingress",
        "ValidatingWebhookConfiguration",
    ]


# The digest: what an approval is for.

MORE = {"inventory": Inventory(frozenset({key_of(STRAY)})), "prune": True}
RECREATED: dict[str, Any] = {"answers": {KEY: Expected(WEB, immutable=True)}}


def digest(*declared: JsonObject, **more: Any) -> str:
    return planned(*(declared or (WEB,)), **{"live": live_of(EDITED, STRAY), **more}).digest


@pytest.mark.parametrize(
    "moved",
    [
        {"live": live_of(lived(made(data={"colour": "green"})), STRAY)},
        {"live": live_of(lived(made(data={"colour": "red"}), uid="another"), STRAY)},
        {"live": live_of(lived(made(data={"colour": "red"}), labels={"a": "b"}), STRAY)},
        {"revision": "another"},
        MORE,
        {**RECREATED, "recreate": True},
        {**RECREATED, **MORE, "recreate": True},
        {"rules": (IgnoreRule("r", "x", 'data["colour"]'),)},
    ],
)
def test_a_plans_digest_moves_with_what_was_approved(moved: dict[str, Any]) -> None:
    assert digest(**moved) != digest()
    assert digest(**moved) == digest(**moved)


def test_a_plans_digest_moves_with_what_git_says() -> None:
    assert digest(made(data={"colour": "pink"})) != digest()


@pytest.mark.parametrize(
    "now",
    [
        {**EDITED, "status": {"seen": True}},
        lived(EDITED, resourceVersion="8"),
        lived(EDITED, managedFields=[{"manager": "x"}], generation=2),
    ],
)
def test_a_plans_digest_stays_when_a_status_moves(now: JsonObject) -> None:
    assert digest(live=live_of(now, STRAY)) == digest()


def test_a_secrets_plan_is_void_when_anything_moves_and_tells_nothing_of_its_values() -> None:
    secret = made("Secret", data={"a": "b25l"})
    live = lived(made("Secret", data={"a": "dHdv"}))
    plan = planned(secret, live=live_of(live))
    assert plan.digest != planned(secret, live=live_of(lived(live, resourceVersion="8"))).digest
    # Values are pinned by the revision and the resourceVersion: the digest can't be tried out.
    other = planned(made("Secret", data={"a": "dHJlcw=="}), live=live_of(live))
    assert plan.digest == other.digest


@pytest.mark.parametrize("how", sorted(IN_PODS))
def test_what_drifted_in_a_pod_is_held(how: DriftType) -> None:
    pod = Drift("d-1", how, Severity.HIGH, ResourceKey("", "Pod", "shop", "web-1"), "v1")
    plan = planned(drifts=(pod,))
    assert plan.actions == ()
    assert [each.key for each in plan.held] == [pod.key]
