from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.plan import Action, Create, Delete, Held, Plan, Recreate, Replace
from reconciler.core.rails import BlastLimits, railed
from reconciler.core.resource import JsonObject, ResourceKey
from tests.unit.core.build import desired_of, made

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HELD = ResourceKey("", "ConfigMap", "shop", "held")


def key(kind: str, name: object) -> ResourceKey:
    return ResourceKey("", kind, "shop", str(name))


def write(name: object, kind: str = "ConfigMap") -> Action:
    return Replace(key(kind, name), "v1", {}, (), "1")


def delete(name: object, kind: str = "ConfigMap") -> Action:
    return Delete(key(kind, name), "v1", "1", "u")


def plan_of(*actions: Action) -> Plan:
    return Plan("shop", "4f0c", actions, (), "p-1")


def declared(count: int) -> list[JsonObject]:
    return [made(name=f"d{number}") for number in range(count)]


def railed_of(objects: int, *actions: Action, approved: bool = False) -> Plan:
    return railed(plan_of(*actions), desired_of(*declared(objects)), approved=approved)


def why(plan: Plan) -> str:
    (reason,) = {held.reason for held in plan.held}
    assert plan.actions == ()
    return reason


@pytest.mark.parametrize(("objects", "most"), [(1, 5), (16, 5), (20, 6), (100, 30)])
def test_a_plan_that_writes_too_much_stops_for_a_person(objects: int, most: int) -> None:
    within = [write(number) for number in range(most)]
    assert railed_of(objects, *within).actions == tuple(within)
    stopped = railed_of(objects, *within, write("more"))
    assert why(stopped) == (
        f"the plan writes {most + 1} of {objects} objects, more than 30 %; "
        "approve the plan to have it carried out"
    )
    assert [held.key for held in stopped.held] == [each.key for each in (*within, write("more"))]
    assert (stopped.digest, stopped.revision, stopped.target) == ("p-1", "4f0c", "shop")


@pytest.mark.parametrize(("objects", "most"), [(1, 1), (18, 2), (90, 10)])
def test_a_plan_that_prunes_too_much_stops_for_a_person(objects: int, most: int) -> None:
    within = [delete(number) for number in range(most)]
    assert railed_of(objects, *within).actions == tuple(within)
    total = objects + most + 1
    assert why(railed_of(objects, *within, delete("more"))).startswith(
        f"the plan deletes {most + 1} of {total} objects, more than 10 %"
    )


@pytest.mark.parametrize(
    "action",
    [
        delete("shop", "Namespace"),
        delete("widgets", "CustomResourceDefinition"),
        Recreate(key("CustomResourceDefinition", "widgets"), "v1", {}, (), "1", "u"),
    ],
)
def test_to_delete_what_holds_others_stops_for_a_person(action: Action) -> None:
    assert "with it all that it holds" in why(railed_of(100, write(1), action))
    assert railed_of(100, action, approved=True).actions == (action,)


def test_what_holds_others_may_be_made_and_written() -> None:
    actions = (Create(key("Namespace", "a"), "v1", {}), write("b", "Namespace"))
    assert railed_of(100, *actions).actions == actions


def test_a_yes_carries_out_what_stopped() -> None:
    actions = tuple(write(number) for number in range(50))
    assert railed_of(60, *actions, approved=True).actions == actions


def test_where_nothing_is_declared_nothing_is_written_whoever_says_yes() -> None:
    for approved in (False, True):
        assert "nothing at all is declared" in why(railed_of(0, delete(1), approved=approved))


def test_a_plan_without_writes_stays_as_it_is() -> None:
    plan = plan_of()
    assert railed(plan, desired_of(), approved=False) is plan


@given(
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 30),
    st.builds(BlastLimits, st.floats(0, 1), st.integers(0, 9), st.floats(0, 1), st.integers(0, 9)),
)
def test_never_more_is_written_than_the_limits_say(
    objects: int, writes: int, deletes: int, limits: BlastLimits
) -> None:
    actions = (*map(write, range(writes)), *(delete(f"x{number}") for number in range(deletes)))
    plan = plan_of(*actions)
    found = railed(plan, desired_of(*declared(objects)), limits, approved=False)
    assert found.actions in ((), actions)
    assert len(found.actions) + len(found.held) == len(actions)
    total = objects + deletes
    assert len(found.actions) <= max(limits.least_writes, limits.writes * total)
    pruned = sum(isinstance(action, Delete) for action in found.actions)
    assert pruned <= max(limits.least_prunes, limits.prunes * total)


def test_what_is_held_already_stays_held() -> None:
    plan = replace(plan_of(delete("shop", "Namespace")), held=(Held(HELD, "x"),))
    found = railed(plan, desired_of(*declared(9)), approved=False)
    assert [held.key.name for held in found.held] == ["held", "shop"]
