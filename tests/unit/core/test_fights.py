from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.actors import Actor
from reconciler.core.drift import Change, ChangeType, Drift, DriftType, Severity
from reconciler.core.fights import FightLimits, Restored, fight_over, restores_of
from reconciler.core.history import OWNER, ROLL_OUT, Event, EventType
from reconciler.core.moments import rfc3339
from reconciler.core.ownership import FieldManager
from reconciler.core.resource import ResourceKey

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEY = ResourceKey("apps", "Deployment", "shop", "web")
OTHER = KEY._replace(name="other")
SCALER = FieldManager("2026-11-24T11:59:00Z", "my-autoscaler", "Update", "scale")
JANE = Actor("jane")
REPLICAS = Change(("spec", "replicas"), ChangeType.CHANGED, 1, 3, SCALER)
DRIFT = Drift("d-1", DriftType.MODIFIED, Severity.MEDIUM, KEY, "apps/v1", changes=(REPLICAS,))
LIMITS = FightLimits()


def ago(minutes: int, key: ResourceKey = KEY) -> Restored:
    return Restored(key, NOW - timedelta(minutes=minutes))


def test_what_is_restored_again_and_again_is_a_fight_with_who_changed_it() -> None:
    fight = fight_over(DRIFT, [ago(5), ago(50), ago(20)], NOW, LIMITS)
    assert fight is not None
    assert str(fight) == (
        "it was restored 3 times since 2026-11-24T11:10:00Z, and my-autoscaler changed it again"
    )


def test_what_was_restored_less_often_or_long_ago_or_was_another_object_is_none() -> None:
    assert fight_over(DRIFT, [ago(5), ago(6)], NOW, LIMITS) is None
    assert fight_over(DRIFT, [ago(5), ago(6), ago(60)], NOW, LIMITS) is None
    assert fight_over(DRIFT, [ago(5), ago(6), ago(7, OTHER)], NOW, LIMITS) is None
    assert fight_over(DRIFT, [ago(5)], NOW, FightLimits(times=1)) is not None
    assert fight_over(DRIFT, [ago(5)], NOW, FightLimits(times=0)) is None


def others(drift: Drift) -> tuple[str, ...]:
    fight = fight_over(drift, [ago(1)] * 3, NOW, LIMITS)
    assert fight is not None
    return fight.others


def test_people_are_named_where_they_were_witnessed() -> None:
    by_jane = replace(REPLICAS, actor=JANE)
    unsure = replace(REPLICAS, actor=replace(JANE, certain=False, others=("bob",)))
    removal = replace(REPLICAS, by=None)
    assert others(replace(DRIFT, changes=(by_jane, by_jane, REPLICAS))) == ("jane", "my-autoscaler")
    assert others(replace(DRIFT, changes=(unsure,))) == ("jane or bob",)
    assert others(replace(DRIFT, changes=(removal,))) == ()
    as_deployer = replace(REPLICAS, actor=replace(JANE, impersonated="deployer"))
    assert others(replace(DRIFT, changes=(as_deployer,))) == ("jane as deployer",)
    gone = replace(DRIFT, type=DriftType.MISSING, changes=())
    assert others(replace(gone, actor=JANE)) == ("jane",)
    fight = fight_over(gone, [ago(1)] * 3, NOW, LIMITS)
    assert "somebody who left no name changed it again" in str(fight)


def event(kind: EventType, minute: int, plan: str = "p-1", key: ResourceKey | None = KEY) -> Event:
    time = rfc3339(NOW + timedelta(minutes=minute))
    return Event(time, "shop", kind, key=key, plan=plan)


def test_a_write_counts_once_however_often_it_is_remembered() -> None:
    events = [
        event(EventType.WRITTEN, 0),
        event(EventType.RESTORED, 1),
        # The same edit again is the same plan again.
        event(EventType.WRITTEN, 2),
        event(EventType.UNVERIFIED, 3),
        # Verified at once; killed before it was verified.
        event(EventType.RESTORED, 4),
        event(EventType.WRITTEN, 5),
        event(EventType.RESTORED, 6, "p-2"),
        # Nothing was written.
        event(EventType.CONFLICT, 7),
        event(EventType.SEEN, 8),
        event(EventType.RESTORED, 9, key=None),
    ]
    minutes = [(each.at - NOW) // timedelta(minutes=1) for each in restores_of(events)]
    assert minutes == [0, 2, 4, 5, 6]


@given(st.lists(st.tuples(st.integers(0, 120), st.sampled_from([KEY, OTHER]))))
def test_it_is_a_fight_if_and_only_if_there_were_enough(
    past: list[tuple[int, ResourceKey]],
) -> None:
    restores = [ago(minutes, key) for minutes, key in past]
    enough = sum(minutes < 60 and key == KEY for minutes, key in past) >= LIMITS.times
    assert (fight_over(DRIFT, restores, NOW, LIMITS) is not None) is enough


def test_rolling_out_a_commit_is_no_restore() -> None:
    restored = Event("2026-11-24T11:00:00Z", "shop", EventType.RESTORED, key=KEY, plan="p-1")
    rolled = replace(restored, reason=f"{ROLL_OUT}: the process ended before")
    assert restores_of([rolled, replace(rolled, type=EventType.WRITTEN)]) == ()
    assert len(restores_of([rolled, replace(restored, reason="replace")])) == 1


def test_a_workload_whose_new_pods_drift_again_is_a_fight_whatever_their_names() -> None:
    events = [
        replace(
            event(EventType.RESTORED, minute, key=ResourceKey("", "Pod", "shop", f"web-{minute}")),
            after={OWNER: str(KEY)},
        )
        for minute in (-3, -2, -1)
    ]
    replaced = restores_of(events)
    assert {each.owner for each in replaced} == {str(KEY)}
    pod = replace(DRIFT, key=ResourceKey("", "Pod", "shop", "web-new"), owner=KEY)
    assert fight_over(pod, replaced, NOW, LIMITS) is not None
    assert fight_over(replace(pod, owner=OTHER), replaced, NOW, LIMITS) is None
    # What was done about the workload itself is another matter, and the other way round.
    assert fight_over(pod, [ago(1)] * 3, NOW, LIMITS) is None
    assert fight_over(DRIFT, replaced, NOW, LIMITS) is None
