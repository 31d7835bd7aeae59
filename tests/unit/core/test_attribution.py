from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.actors import AuditEvent, Deed, ObjectRef, Witness
from reconciler.core.attribution import who_did, with_actors
from reconciler.core.containers import SessionDrift
from reconciler.core.drift import Change, ChangeType, Drift, DriftType, Severity
from reconciler.core.ownership import FieldManager
from reconciler.core.resource import ResourceKey

KEY = ResourceKey("apps", "Deployment", "shop", "web")
REF = ObjectRef("apps", "deployments", "shop", "web")
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PATH = ("spec", "replicas")


def at(seconds: float) -> str:
    return (NOON + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def event(user: str, seconds: float, took: float = 0.02, **more: Any) -> AuditEvent:
    known: dict[str, Any] = {
        "request_id": f"{user}-{seconds}",
        "witness": Witness.AUDIT,
        "ref": REF,
        "deed": Deed.WROTE,
        "verb": "patch",
        "received": at(seconds),
        "time": at(seconds + took),
        "user": user,
        "addresses": ("10.0.0.7",),
        "manager": "kubectl-edit",
        "operation": "Update",
    }
    return AuditEvent(**{**known, **more})


def review(user: str, seconds: float, **more: Any) -> AuditEvent:
    told = {"witness": Witness.ADMISSION, "addresses": (), "verb": "update"}
    return event(user, seconds, 0, **{**told, **more})


def manager(seconds: int, name: str = "kubectl-edit", **more: Any) -> FieldManager:
    return FieldManager(at(seconds), name, **{"operation": "Update", **more})


def changed(by: FieldManager | None) -> Change:
    return Change(PATH, ChangeType.CHANGED, 1, 5, by)


REMOVED = Change(PATH, ChangeType.REMOVED, 1, None, None, (manager(0),))


def drift(type_: DriftType, **more: Any) -> Drift:
    return Drift("d-1", type_, Severity.LOW, KEY, "apps/v1", **more)


def named(done: Change | Drift, *events: AuditEvent, **more: Any) -> tuple[str, bool] | None:
    actor = who_did(done, events, **more)
    return (actor.user, actor.certain) if actor else None


# --- who set a field


def test_the_request_in_whose_time_the_manager_wrote() -> None:
    actor = who_did(changed(manager(10)), [event("jane", 10.4), event("bob", 90)])
    assert actor is not None
    assert (actor.user, actor.certain, actor.others) == ("jane", True, ())
    assert (actor.addresses, actor.verb, actor.request_id) == (("10.0.0.7",), "patch", "jane-10.4")
    assert (actor.manager, actor.time) == ("kubectl-edit", at(10.42))


def test_whole_seconds_are_cut_and_a_slow_request_spans_several() -> None:
    # The server cuts 10.9 to 10; one that began at 9.9 may have written at 10.
    assert named(changed(manager(10)), event("jane", 10.9)) == ("jane", True)
    assert named(changed(manager(10)), event("jane", 9.9, took=2)) == ("jane", True)
    assert named(changed(manager(10)), event("jane", 11)) is None
    assert named(changed(manager(10)), event("jane", 9.9)) is None


def test_nobody_is_guessed_where_the_last_write_was_not_witnessed() -> None:
    assert named(changed(manager(50)), event("jane", 10)) is None
    assert named(changed(manager(50))) is None


def test_other_managers_operations_and_subresources_are_others() -> None:
    by = manager(10)
    assert named(changed(by), event("jane", 10, manager="kubectl")) is None
    assert named(changed(by), event("jane", 10, operation="Apply")) is None
    assert named(changed(by), event("jane", 10, subresource="scale")) is None
    assert named(changed(by), event("jane", 10, operation="")) == ("jane", True)


def test_several_in_the_same_second_are_all_named() -> None:
    actor = who_did(changed(manager(10)), [event("jane", 10.1), event("bob", 10.6)])
    assert actor is not None
    assert (actor.user, actor.certain, actor.others) == ("bob", False, ("jane",))


def test_two_requests_of_one_person_are_no_doubt() -> None:
    assert named(changed(manager(10)), event("jane", 10.1), event("jane", 10.6)) == ("jane", True)


def test_an_earlier_writer_of_the_same_name_may_have_set_it_unless_it_was_in_sync_since() -> None:
    events = (event("jane", 10), event("bob", 500))
    assert named(changed(manager(500)), *events) == ("bob", False)
    assert named(changed(manager(500)), *events, since=at(100)) == ("bob", True)


def test_what_was_set_before_it_was_last_declared_is_found_all_the_same() -> None:
    # Git moved on: the live value is the one that was in sync then.
    assert named(changed(manager(10)), event("jane", 10), since=at(100)) == ("jane", True)


def test_our_own_restore_proves_that_it_was_in_sync() -> None:
    restore = event("system:serviceaccount:plumbline:it", 100, manager="plumbline")
    events = (event("jane", 10), restore, event("bob", 500))
    assert named(changed(manager(500)), *events) == ("bob", True)


def test_a_later_write_under_the_name_that_the_time_excludes_is_not_asked() -> None:
    assert named(changed(manager(10)), event("jane", 10), event("bob", 500)) == ("jane", True)


def test_what_each_touched_tells_them_apart() -> None:
    jane = event("jane", 10, touched=frozenset({PATH}))
    bob = event("bob", 500, touched=frozenset({("metadata", "labels", "a")}))
    assert named(changed(manager(500)), jane, bob) == ("jane", True)
    around = replace(bob, touched=frozenset({("spec",)}))
    assert named(changed(manager(500)), jane, around) == ("bob", False)
    neither = replace(jane, touched=frozenset())
    assert named(changed(manager(500)), neither, bob) is None


def test_what_was_done_to_an_earlier_object_of_that_name_is_not_asked() -> None:
    earlier = event("jane", 10)
    made = event("bob", 100, deed=Deed.CREATED, verb="create", manager="kubectl-create")
    assert named(changed(manager(500)), earlier, made, event("eve", 500)) == ("eve", True)
    other = event("jane", 500, uid="1")
    assert named(changed(manager(500)), other, event("eve", 500.2), uid="2") == ("eve", True)


def test_a_write_through_scale_has_no_time() -> None:
    by = FieldManager("", "kubectl", "Update", "scale")
    scaled = event("jane", 10, manager="kubectl", subresource="scale")
    assert named(changed(by), scaled) == ("jane", False)
    assert named(changed(by), scaled, since=at(5)) == ("jane", True)


def test_impersonators_are_told_apart() -> None:
    first, second = (event("root", s, impersonated=u) for s, u in ((10.1, "a"), (10.2, "b")))
    actor = who_did(changed(manager(10)), [first, second])
    assert actor is not None
    assert (actor.impersonated, actor.certain, actor.others) == ("b", False, ("root",))


# --- what a webhook adds


def test_a_webhook_and_the_audit_tell_of_one_request_together() -> None:
    seen = review("deployer", 10, touched=frozenset({PATH}), uid="1")
    told = event("jane", 9.98, 0.5, impersonated="deployer", operation="")
    actor = who_did(changed(manager(10)), [seen, told])
    assert actor is not None
    assert (actor.user, actor.impersonated, actor.certain) == ("jane", "deployer", True)
    assert named(changed(manager(10)), seen, told, uid="2") is None


def test_a_webhook_that_saw_no_managed_fields_is_asked_with_patience() -> None:
    unsure = review("jane", 12.3, operation="", manager="")
    assert named(changed(manager(10)), unsure) == ("jane", True)
    assert named(changed(manager(10)), review("jane", 12)) is None
    told = event("jane", 10)
    assert named(changed(manager(10)), unsure, told) == ("jane", True)


def test_what_several_reviews_of_one_request_touched_is_put_together() -> None:
    told = event("jane", 10, 0.9)
    one = review("jane", 10, touched=frozenset({PATH}))
    two = replace(one, request_id="2", touched=frozenset({("a",)}))
    assert named(changed(manager(10)), told, one, two) == ("jane", True)
    assert named(changed(manager(10)), told, replace(one, touched=None), two) == ("jane", True)
    assert named(changed(manager(10)), told, two) is None


# --- who removed a field


def test_a_removal_may_be_of_all_who_wrote() -> None:
    assert named(REMOVED, event("jane", 10)) == ("jane", True)
    both = (event("jane", 10), event("bob", 20, manager="kubectl-label"))
    assert named(REMOVED, *both) == ("bob", False)
    assert named(REMOVED, *both, since=at(15)) == ("bob", True)
    assert named(REMOVED, *both, since=at(100)) is None


def test_people_are_named_before_controllers() -> None:
    controller = event("system:serviceaccount:kube-system:deployment-controller", 11)
    actor = who_did(REMOVED, [event("jane", 10), controller])
    assert actor is not None
    assert (actor.user, actor.certain) == ("jane", False)
    assert actor.others == (controller.user,)


def test_our_own_writes_and_the_making_remove_nothing() -> None:
    ours = event("system:serviceaccount:plumbline:it", 10, manager="plumbline")
    assert named(REMOVED, ours) is None
    made = event("bob", 5, deed=Deed.CREATED)
    assert named(REMOVED, made, event("jane", 10)) == ("jane", True)
    # Unless nobody wrote since: then it never had the field.
    assert named(REMOVED, made) == ("bob", True)


def test_a_value_that_nobody_owns_is_nobodys() -> None:
    assert named(changed(None), event("jane", 10)) is None


# --- missing, unmanaged, and the rest


def deleted(user: str, seconds: float, **more: Any) -> AuditEvent:
    return event(user, seconds, deed=Deed.DELETED, verb="delete", **more)


def test_who_deleted_what_is_missing() -> None:
    missing = drift(DriftType.MISSING)
    assert named(missing, event("bob", 5), deleted("jane", 10)) == ("jane", True)
    assert named(missing, deleted("bob", 5), deleted("jane", 10)) == ("jane", False)
    assert named(missing, event("bob", 5)) is None
    made = event("bob", 7, deed=Deed.CREATED)
    assert named(missing, deleted("bob", 5), made, deleted("jane", 10)) == ("jane", True)
    assert named(missing, deleted("bob", 5), made) is None


def test_a_collections_deletion_is_certain_if_it_took_all() -> None:
    missing = drift(DriftType.MISSING)
    whole = REF._replace(name="")
    everything = deleted("jane", 10, ref=whole)
    assert named(missing, everything) == ("jane", True)
    assert named(missing, replace(everything, selective=True)) == ("jane", False)
    assert named(missing, everything, deleted("bob", 9)) == ("bob", True)


def created(user: str, seconds: float, **more: Any) -> AuditEvent:
    known = {"deed": Deed.CREATED, "verb": "create", "manager": "kubectl-create"}
    return event(user, seconds, **{**known, **more})


def test_who_made_what_is_unmanaged() -> None:
    first = manager(10, "kubectl-create")
    stranger = drift(DriftType.UNMANAGED, uid="1", by=first)
    assert named(stranger, created("jane", 10)) == ("jane", True)
    assert named(stranger, created("jane", 10, uid="1")) == ("jane", True)
    assert named(stranger, created("jane", 10, uid="2")) is None
    assert named(stranger, event("jane", 10)) is None


def test_an_object_that_was_made_again_unseen_is_not_ascribed_for_sure() -> None:
    stranger = drift(DriftType.UNMANAGED, uid="1", by=manager(500, "kubectl-create"))
    assert named(stranger, created("jane", 10)) == ("jane", False)
    later = event("bob", 500, manager="kubectl-create")
    assert named(stranger, created("jane", 10), later) == ("jane", True)


def test_the_last_making_counts_after_a_deletion() -> None:
    stranger = drift(DriftType.UNMANAGED, uid="1", by=manager(30, "kubectl-create"))
    past = (created("bob", 10), deleted("bob", 20))
    assert named(stranger, *past, created("jane", 30)) == ("jane", True)
    assert named(stranger, *past) == ("bob", False)
    held = (created("jane", 30, uid="1"), deleted("bob", 40, uid="1"))
    assert named(stranger, *held) == ("jane", True)


def test_other_drifts_are_nobodys() -> None:
    for type_ in (DriftType.MODIFIED, DriftType.UNREADABLE):
        assert named(drift(type_), event("jane", 10), deleted("jane", 20)) is None


def test_times_that_cannot_be_read_match_nothing() -> None:
    assert named(changed(FieldManager("soon", "kubectl-edit", "Update")), event("jane", 10)) is None
    broken = event("jane", 10, received="?", time="?")
    assert named(changed(manager(10)), broken) is None


def test_times_without_a_zone_are_utc() -> None:
    by = FieldManager("2026-11-24T12:00:10", "kubectl-edit", "Update")
    assert named(changed(by), event("jane", 10)) == ("jane", True)


# --- the whole


def test_reviews_that_may_be_of_the_same_request_and_differ_tell_nothing_of_it() -> None:
    audited = event("bob", 0, 1.5, deed=Deed.CREATED, manager="", operation="")
    reviews = [
        review("bob", second, deed=Deed.CREATED, uid=uid, request_id=uid)
        for second, uid in ((0, "1"), (1, "2"))
    ]
    unmanaged = drift(DriftType.UNMANAGED, uid="1", by=manager(9))
    told = [named(unmanaged, audited, *order) for order in (reviews, reviews[::-1])]
    assert told == [("bob", False)] * 2


def test_drifts_are_completed_where_something_was_witnessed() -> None:
    modified = drift(DriftType.MODIFIED, changes=(changed(manager(10)), REMOVED))
    other = replace(modified, key=KEY._replace(name="other"))
    missing = drift(DriftType.MISSING)
    done = with_actors([modified, other], {KEY: [event("jane", 10)]})
    assert [change.actor.user for change in done[0].changes if change.actor] == ["jane", "jane"]
    assert done[0].actor is None
    assert done[1] == other
    (gone,) = with_actors([missing], {KEY: [deleted("jane", 10)]}, {KEY: at(0)})
    assert gone.actor is not None
    assert gone.actor.user == "jane"
    assert with_actors([modified], {}) == (modified,)


USERS = st.sampled_from(["jane", "bob", "system:node:a"])
EVENTS = st.lists(
    st.builds(
        event,
        USERS,
        st.integers(0, 20),
        st.sampled_from([0.01, 1.5]),
        deed=st.sampled_from(Deed),
        witness=st.sampled_from(Witness),
        manager=st.sampled_from(["kubectl-edit", "plumbline", ""]),
        operation=st.sampled_from(["", "Update", "Apply"]),
        touched=st.sampled_from([None, frozenset({PATH}), frozenset({("metadata",)})]),
        request_id=st.uuids().map(str),
        uid=st.sampled_from(["", "1", "2"]),
    ),
    max_size=6,
)
DONE = st.one_of(
    st.integers(0, 20).map(lambda s: changed(manager(s))),
    st.just(REMOVED),
    st.just(drift(DriftType.MISSING)),
    st.just(drift(DriftType.UNMANAGED, uid="1", by=manager(3))),
)


@given(DONE, EVENTS, st.randoms())
def test_the_order_of_telling_never_matters(
    done: Change | Drift, events: list[AuditEvent], chance: Any
) -> None:
    # Equal times have no order.
    distinct = list({each.time: each for each in events}.values())
    mixed = chance.sample(distinct, len(distinct))
    assert named(done, *distinct) == named(done, *mixed)


@given(DONE, EVENTS)
def test_only_a_witnessed_user_is_named_and_doubt_is_never_silent(
    done: Change | Drift, events: list[AuditEvent]
) -> None:
    actor = who_did(done, events, uid="1")
    if actor is not None:
        users = {each.user for each in events}
        assert {actor.user, *actor.others} <= users
        assert not (actor.certain and actor.others)


@given(DONE, EVENTS)
def test_a_second_person_who_did_exactly_the_same_leaves_a_doubt(
    done: Change | Drift, events: list[AuditEvent]
) -> None:
    actor = who_did(done, events, uid="1")
    if actor is None:
        return
    (same,) = [each for each in events if each.request_id == actor.request_id]
    twin = replace(same, user="mallory", request_id="twin")
    doubted = who_did(done, [*events, twin], uid="1")
    assert doubted is not None
    assert not doubted.certain


# --- sessions

_POD = ObjectRef("", "pods", "shop", "web-1")


def asked(user: str, seconds: float, **more: Any) -> AuditEvent:
    """Makes what is witnessed of an exec, which goes on for long."""
    known = {"deed": Deed.ENTERED, "verb": "create", "subresource": "exec", "ref": _POD}
    return event(user, seconds, **{**known, **more})


def session(seconds: float, verb: str = "exec", **more: Any) -> Drift:
    seen = SessionDrift(verb, 7, 1, "0", ("sh",), at(seconds), Severity.MEDIUM)
    return replace(drift(DriftType.SESSION, seen=seen), **more)


def test_who_asked_for_a_session_just_before_it_began_is_named() -> None:
    events = [asked("bob", -60), asked("jane", 10), asked("eve", 40)]
    (found,) = with_actors([session(11)], {KEY: events})
    assert found.actor is not None
    assert (found.actor.user, found.actor.certain) == ("jane", True)


def test_of_two_who_may_have_come_the_nearest_is_named_first() -> None:
    found = who_did(session(11), [asked("jane", 7), asked("bob", 10.5)])
    assert found is not None
    assert (found.user, found.certain, found.others) == ("bob", False, ("jane",))


@pytest.mark.parametrize(
    ("found", "event"),
    [
        (session(30), asked("jane", 10)),
        (session(11, "enter"), asked("jane", 10)),
        (session(11), asked("jane", 10, subresource="attach")),
        (session(11), asked("jane", 10, deed=Deed.WROTE)),
        (session(11, seen=SessionDrift("exec", 7, 1, "0", (), "", Severity.LOW)), asked("a", 10)),
        (session(11, seen=None), asked("jane", 10)),
    ],
)
def test_who_may_have_done_something_else_is_not_named(found: Drift, event: AuditEvent) -> None:
    assert who_did(found, [event]) is None


def test_who_came_into_a_pod_wrote_nothing_of_it() -> None:
    assert who_did(changed(manager(0)), [asked("jane", 0, subresource="", ref=REF)]) is None
    assert who_did(drift(DriftType.UNMANAGED), [asked("jane", 0)]) is None
