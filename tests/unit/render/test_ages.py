from datetime import UTC, datetime

import pytest

from reconciler.render.ages import ago, minute, moment

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("time", "age"),
    [
        ("2026-11-24T12:00:00Z", "just now"),
        ("2026-11-24T11:59:01Z", "just now"),
        ("2026-11-24T12:00:59Z", "just now"),
        ("2026-11-24T12:01:00Z", "in 1 minute"),
        ("2026-11-25T12:00:00Z", "in 24 hours"),
        ("2026-11-24T11:59:00Z", "1 minute ago"),
        ("2026-11-24T11:56:00.123456Z", "3 minutes ago"),
        ("2026-11-24T12:56:00+01:00", "4 minutes ago"),
        ("2026-11-24T11:00:00Z", "1 hour ago"),
        ("2026-11-22T12:00:01Z", "47 hours ago"),
        ("2026-11-22T12:00:00Z", "2 days ago"),
        ("2026-09-26T12:00:00Z", "59 days ago"),
        ("2026-09-25T12:00:00Z", "2 months ago"),
        ("2024-11-24T12:00:00Z", "2 years ago"),
        ("2026-11-24T11:00:00", "1 hour ago"),
        ("yesterday", "yesterday"),
    ],
)
def test_ages_are_said_as_people_say_them(time: str, age: str) -> None:
    assert ago(time, NOW) == age


def test_times_to_the_minute() -> None:
    then = moment("2026-11-24T13:01:59+01:00")
    assert then is not None
    assert minute(then) == "2026-11-24 12:01 UTC"
    assert moment("") is None
