"""What was intended and never told of again."""

from dataclasses import replace

import pytest

from reconciler.core.drift import Drift, DriftType, Severity
from reconciler.core.history import OWNER, Event, EventType
from reconciler.core.intents import INTENT_TYPES, open_intents, settled
from reconciler.core.live import Unread
from reconciler.core.resource import ResourceKey
from tests.unit.core.build import key_of, made
from tests.unit.core.test_events import EDITED, LATER, NOON, WEB, looked

KEY = key_of(WEB)
INTENT = Event(NOON, "shop", EventType.INTENDED, key=KEY, plan="p-1", reason="replace")
OUTCOMES = sorted(INTENT_TYPES - {EventType.INTENDED})


def test_what_no_outcome_followed_is_open() -> None:
    other = replace(INTENT, key=key_of(made(name="other")))
    assert open_intents([INTENT, other, replace(INTENT, type=EventType.RESTORED)]) == (other,)


@pytest.mark.parametrize("type_", OUTCOMES)
def test_any_outcome_closes_an_intent(type_: EventType) -> None:
    assert open_intents([INTENT, replace(INTENT, type=type_)]) == ()


def test_a_plan_that_is_carried_out_again_may_be_open_again() -> None:
    done = replace(INTENT, type=EventType.UNVERIFIED)
    assert open_intents([INTENT, done, INTENT]) == (INTENT,)


def test_what_is_no_part_of_a_write_matters_not() -> None:
    assert open_intents([replace(INTENT, key=None), replace(INTENT, type=EventType.SEEN)]) == ()


def test_what_is_as_declared_now_was_restored() -> None:
    report, sides = looked(WEB)
    (event,) = settled([INTENT], report, sides, LATER)
    assert (event.type, event.time, event.plan) == (EventType.RESTORED, LATER, "p-1")
    assert event.reason.startswith("replace: the process ended before")


def test_what_still_drifts_is_unverified() -> None:
    report, sides = looked(EDITED)
    (event,) = settled([INTENT], report, sides, LATER)
    assert event.type is EventType.UNVERIFIED


@pytest.mark.parametrize("key", [KEY, None])
def test_what_cannot_be_read_is_unverified(key: ResourceKey | None) -> None:
    report, sides = looked(WEB)
    unread = Unread(KEY.group, KEY.kind, KEY.namespace, "forbidden")
    blind = replace(sides, live=replace(sides.live, unread=(unread,)))
    (event,) = settled([replace(INTENT, key=key)], report, blind, LATER)
    assert event.type is EventType.UNVERIFIED


def test_a_pod_that_was_to_be_replaced_is_judged_by_what_is_found_in_pods() -> None:
    report, sides = looked(WEB)
    pod = ResourceKey("", "Pod", "shop", "web-1")
    intent = replace(INTENT, key=pod, reason="evict", after={OWNER: "Deployment shop/web"})
    (event,) = settled([intent], report, sides, LATER)
    assert event.type is EventType.RESTORED
    drift = Drift("d-p", DriftType.FILE, Severity.HIGH, pod, "v1")
    (event,) = settled([intent], replace(report, drifts=(drift,)), sides, LATER)
    assert event.type is EventType.UNVERIFIED
    # As declared, an object of the same name is another matter.
    declared = replace(drift, type=DriftType.MODIFIED)
    (event,) = settled([intent], replace(report, drifts=(declared,)), sides, LATER)
    assert event.type is EventType.RESTORED
