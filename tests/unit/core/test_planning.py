from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.drift import IN_PODS, Drift, DriftType, Severity
from reconciler.core.expected import Answer, Expected, InSync
from reconciler.core.ignore import IgnoreRule
from reconciler.core.inventory import Inventory
from reconciler.core.plan import (
    Action,
    Create,
    Delete,
    Evict,
    Plan,
    Quarantine,
    Recreate,
    Replace,
    subject_of,
)
from reconciler.core.planning import Permissions, content_digest, live_digest, make_plan
from reconciler.core.redact import Redaction
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.core.terms import PodAnswer
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


POD = ResourceKey("", "Pod", "shop", "web-1")
OWNER = ResourceKey("apps", "Deployment", "shop", "web")
IN_POD = Drift("d-p", DriftType.FILE, Severity.HIGH, POD, "v1", owner=OWNER)


def pod(uid: str = "u1", **status: object) -> JsonObject:
    controller = {"kind": "ReplicaSet", "uid": "rs", "controller": True}
    metadata = {"name": "web-1", "namespace": "shop", "uid": uid, "ownerReferences": [controller]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status}


@pytest.mark.parametrize(
    ("answer", "action"), [(PodAnswer.EVICT, Evict), (PodAnswer.QUARANTINE, Quarantine)]
)
def test_a_pod_is_replaced_once_what_makes_it_is_put_right_and_before_anything_goes(
    answer: PodAnswer, action: type[Evict | Quarantine]
) -> None:
    live = live_of(EDITED, lived(made(name="old")), pod())
    gone = Drift("d-o", DriftType.UNMANAGED, Severity.LOW, key_of(made(name="old")), "v1")
    edited = Drift("d-w", DriftType.MODIFIED, Severity.LOW, KEY, "v1")
    plan = planned(
        WEB,
        live=live,
        answers={KEY: Expected(WEB)},
        inventory=Inventory(frozenset({gone.key})),
        drifts=(gone, IN_POD, edited),
        prune=True,
        answer=answer,
    )
    assert [type(each) for each in plan.actions] == [Replace, action, Delete]
    assert plan.held == ()


def test_what_is_found_in_a_pod_meanwhile_moves_no_plan_and_another_pod_does() -> None:
    one = planned(live=live_of(pod()), drifts=(IN_POD,))
    more = planned(live=live_of(pod(phase="Running")), drifts=(IN_POD, replace(IN_POD, id="d-q")))
    assert one.digest == more.digest
    redaction = Redaction(b"key")
    assert content_digest(one, redaction) == content_digest(more, redaction)
    other = planned(live=live_of(pod("u2")), drifts=(IN_POD,))
    assert one.digest != other.digest
    assert content_digest(one, redaction) != content_digest(other, redaction)
    kept = planned(live=live_of(pod()), drifts=(IN_POD,), answer=PodAnswer.QUARANTINE)
    assert one.digest != kept.digest


def test_a_pod_that_nothing_makes_anew_is_held() -> None:
    plan = planned(live=live_of(pod()), drifts=(replace(IN_POD, owner=None),))
    assert held(plan).startswith("nothing would make it anew")


def test_an_action_is_about_a_pod_as_declared_or_about_what_is_in_it() -> None:
    declared = Drift("d-d", DriftType.MODIFIED, Severity.HIGH, POD, "v1")
    evict: Action = Evict(POD, "v1", "u1", OWNER)
    assert subject_of(evict) == IN_POD.subject != declared.subject
    create = Create(POD, "v1", pod())
    assert subject_of(create) == declared.subject != IN_POD.subject
    assert subject_of(create) != replace(declared, key=OWNER).subject


def test_a_stale_image_is_put_right_by_a_commit() -> None:
    plan = planned(live=live_of(pod()), drifts=(replace(IN_POD, type=DriftType.IMAGE),))
    assert held(plan) == "a commit puts this right: `plumbline images --update`"


@pytest.mark.parametrize("how", sorted(IN_PODS - {DriftType.IMAGE}))
def test_all_else_of_a_pod_is_put_right_by_another(how: DriftType) -> None:
    plan = planned(live=live_of(pod()), drifts=(replace(IN_POD, type=how),))
    assert [type(each) for each in plan.actions] == [Evict]
