from typing import Any

import pytest

from reconciler.core.history import (
    Event,
    EventType,
    HistoryQuery,
    KnownDrift,
    Verification,
    remembered,
)
from reconciler.core.resource import ResourceKey

WEB = ResourceKey("apps", "Deployment", "shop", "web")
NOON = "2026-11-24T12:00:00Z"
LATER = "2026-11-24T13:00:00Z"
EVENT = Event(
    NOON, "shop", EventType.RESTORED, "d-1", WEB, actor="Jane with kubectl-edit", plan="p-1"
)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"target": "shop"},
        {"since": NOON, "until": NOON},
        {"kinds": frozenset({"deployment", "pod"})},
        {"name": "web", "namespace": "shop"},
        {"actor": "jane"},
        {"types": frozenset({EventType.RESTORED, EventType.SEEN})},
        {"drift": "d-1", "plan": "p-1", "limit": 1},
    ],
)
def test_a_query_matches(fields: dict[str, Any]) -> None:
    assert HistoryQuery(**fields).matches(EVENT)


@pytest.mark.parametrize(
    "fields",
    [
        {"target": "sho"},
        {"since": LATER},
        {"until": "2026-11-24T11:59:59Z"},
        {"kinds": frozenset({"pod"})},
        {"name": "we"},
        {"namespace": "default"},
        {"actor": "john"},
        {"types": frozenset({EventType.SEEN})},
        {"drift": "d-2"},
        {"plan": "p-2"},
    ],
)
def test_a_query_does_not_match(fields: dict[str, Any]) -> None:
    assert not HistoryQuery(**fields).matches(EVENT)


def test_an_event_of_a_whole_target_is_of_no_object() -> None:
    event = Event(NOON, "shop", EventType.SUSPENDED)
    assert HistoryQuery(target="shop").matches(event)
    assert not HistoryQuery(name="web").matches(event)


def seen(type_: EventType = EventType.SEEN, time: str = NOON, digest: str = "x") -> Event:
    return Event(time, "shop", type_, "d-1", WEB, digest=digest, after={"a": digest})


KNOWN = KnownDrift(WEB, NOON, "x", "", {"a": "x"})


def test_what_was_seen_is_known_until_it_is_gone() -> None:
    assert remembered({}, [seen()]) == {"d-1": KNOWN}
    assert remembered({"d-1": KNOWN}, [seen(EventType.GONE)]) == {}
    assert remembered({}, [seen(EventType.GONE)]) == {}


def test_a_change_keeps_the_first_time_and_the_decision() -> None:
    decided = remembered({"d-1": KNOWN}, [seen(EventType.DECIDED, digest="wait")])
    assert decided == {"d-1": KnownDrift(WEB, NOON, "x", "wait", {"a": "x"})}
    changed = remembered(decided, [seen(EventType.CHANGED, LATER, "y")])
    assert changed == {"d-1": KnownDrift(WEB, NOON, "y", "wait", {"a": "y"})}


@pytest.mark.parametrize(
    "event",
    [
        seen(EventType.RESTORED),
        Event(NOON, "shop", EventType.SEEN, "", WEB),
        Event(NOON, "shop", EventType.SEEN, "d-9"),
        Event(NOON, "shop", EventType.DECIDED, "d-9", WEB, digest="wait"),
    ],
)
def test_other_events_leave_what_is_known(event: Event) -> None:
    assert remembered({"d-1": KNOWN}, [event]) == {"d-1": KNOWN}


def test_a_history_is_sound_where_there_is_no_problem() -> None:
    assert Verification(3, 1, 3, "abc").sound
    assert not Verification(2, 1, 3, "abc", 3, "event 3 is missing").sound
