from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.moments import moment_of, rfc3339
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.core.suspension import ANNOTATION, Suspension, parse_annotation, suspended
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
