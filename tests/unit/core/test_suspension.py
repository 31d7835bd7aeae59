from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.history import Event, EventType
from reconciler.core.moments import moment_of, rfc3339
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.core.suspension import (
    ANNOTATION,
    BREAK_GLASS,
    BREAK_GLASS_UNTIL,
    Suspension,
    parse_annotation,
    suspended,
    suspended_since,
    suspension_event,
    suspensions_of,
)
from tests.unit.core.build import made

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 24, 13, tzinfo=UTC)
LATEST = datetime(2026, 12, 1, tzinfo=UTC)
KEY = ResourceKey("", "ConfigMap", "shop", "web")
OTHER = KEY._replace(name="other")


def annotated(text: Any) -> JsonObject:
    return made(metadata={"annotations": {ANNOTATION: text}})


def test_a_command_suspends_the_target_or_an_object_until_its_end() -> None:
    for suspension in (Suspension(), Suspension(KEY), Suspension(KEY, LATER)):
        assert suspended(KEY, None, [suspension], NOW).suspension == suspension
    assert suspended(OTHER, None, [Suspension(KEY)], NOW).suspension is None
    assert suspended(KEY, None, [Suspension(until=NOW)], NOW).suspension is None


def broken(until: str = "2026-11-24T13:00:00Z", **more: str) -> JsonObject:
    named = {BREAK_GLASS: " outage 4711 ", BREAK_GLASS_UNTIL: until, **more}
    return made(metadata={"annotations": {k: v for k, v in named.items() if v}})


def test_what_was_edited_in_an_emergency_is_left_until_its_end() -> None:
    found = suspended(KEY, broken(), [], NOW).suspension
    by = "its annotation plumbline.dev/break-glass"
    assert found == Suspension(KEY, LATER, by, "outage 4711")
    assert suspended(KEY, broken(), [], LATER).suspension is None
    for until in ("", "soon", "2026-11-24T13:00:00"):
        assert suspended(KEY, broken(until), [], NOW).suspension is None
    assert suspended(KEY, broken(**{BREAK_GLASS: ""}), [], NOW).suspension is None


def test_of_several_the_longest_is_told() -> None:
    short, long, ever = Suspension(until=LATER), Suspension(KEY, LATEST), Suspension()
    assert suspended(KEY, made(), [short, long], NOW).suspension == long
    assert suspended(KEY, made(), [short, ever, long], NOW).suspension == ever


def test_an_annotation_suspends_its_object() -> None:
    found = suspended(KEY, annotated("until=2026-12-01T00:00Z  the load test"), [], NOW)
    assert found.note == ""
    assert str(found.suspension) == (
        "the object is suspended by its annotation plumbline.dev/suspend "
        "until 2026-12-01T00:00:00Z: the load test"
    )
    assert str(Suspension()) == "the target is suspended"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "must begin with until="),
        ("forever", "must begin with until="),
        ("2026-12-01T00:00Z", "must begin with until="),
        ("until=tomorrow x", "its time can't be read"),
        ("until= 2026-12-01T00:00Z", "its time can't be read"),
        ("until=2026-12-01T00:00", "its time has no zone"),
        ("until=2026-11-24T12:00Z", "any more: it expired at 2026-11-24T12:00:00Z"),
        (7, "must begin with until="),
    ],
)
def test_one_that_expired_or_cannot_be_read_suspends_nothing_and_is_noted(
    text: Any, why: str
) -> None:
    found = suspended(KEY, annotated(text), [], NOW)
    assert found.suspension is None
    assert why in found.note


def test_how_much_of_its_text_is_shown_is_bounded() -> None:
    found = parse_annotation(KEY, "until=2026-12-01T00:00Z " + "x" * 5000)
    assert isinstance(found, Suspension)
    assert len(found.reason) == 200


@given(st.text())
def test_no_text_breaks_it_and_only_a_time_suspends(text: str) -> None:
    found = suspended(KEY, annotated(f"until={text}"), [], NOW)
    assert (found.suspension is None) is (found.note != "")


def test_moments_are_read_as_they_are_written() -> None:
    assert rfc3339(NOW) == "2026-11-24T12:00:00Z"
    assert moment_of("2026-11-24T12:00:00Z") == NOW
    assert moment_of("2026-11-24T12:00:00") is None
    assert moment_of("") is None


def word(type_: EventType, key: ResourceKey | None = None, **more: Any) -> Event:
    return Event(**{"time": "2026-11-24T11:00:00Z", "target": "shop", "type": type_, "key": key,
                    **more})  # fmt: skip


def test_a_suspension_comes_back_from_its_event() -> None:
    for each in (Suspension(by="jane", reason="fair"), Suspension(KEY, LATER, "jane", "load")):
        event = suspension_event("shop", each, "2026-11-24T11:00:00Z")
        assert (event.type, event.target, event.key) == (EventType.SUSPENDED, "shop", each.key)
        assert suspensions_of([event], "shop") == (each,)
        assert suspensions_of([event], "other") == ()


def test_the_last_word_about_each_is_the_one() -> None:
    first = suspension_event("shop", Suspension(KEY, LATER, "jane"), "2026-11-24T11:00:00Z")
    longer = suspension_event("shop", Suspension(KEY, LATEST, "john"), "2026-11-24T11:00:00Z")
    whole = suspension_event("shop", Suspension(by="jane"), "2026-11-24T11:00:00Z")
    said = [first, whole, longer]
    assert suspensions_of(said, "shop") == (
        Suspension(KEY, LATEST, "john"),
        Suspension(by="jane"),
    )
    said.append(word(EventType.SEEN, KEY))
    said.append(word(EventType.RESUMED, OTHER))
    said.append(word(EventType.RESUMED, target="other"))
    assert len(suspensions_of(said, "shop")) == 2
    said.append(word(EventType.RESUMED))
    assert suspensions_of(said, "shop") == (Suspension(KEY, LATEST, "john"),)
    said.append(word(EventType.RESUMED, KEY))
    assert suspensions_of(said, "shop") == ()


def test_one_whose_end_cannot_be_read_has_none() -> None:
    for after in ({"until": "soon"}, {"until": None}, {}, None):
        (found,) = suspensions_of([word(EventType.SUSPENDED, after=after)], "shop")
        assert found.until is None


def test_the_oldest_that_holds_is_told() -> None:
    ended = suspension_event("shop", Suspension(until=NOW), "2026-11-01T00:00:00Z")
    assert suspended_since([ended], NOW) == ""
    held = suspension_event("other", Suspension(OTHER), "2026-11-03T00:00:00Z")
    older = suspension_event("shop", Suspension(KEY, LATER), "2026-11-02T00:00:00Z")
    assert suspended_since([ended, held, older], NOW) == "2026-11-02T00:00:00Z"
    assert suspended_since([ended, held, older], LATER) == "2026-11-03T00:00:00Z"
    resumed = word(EventType.RESUMED, OTHER, target="other")
    assert suspended_since([held, resumed], NOW) == ""
