from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.windows import Closed, Window, closed, parse_window

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
#: A Tuesday.
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "moment", "inside"),
    [
        ("Mon-Fri 09:00-17:00", "2026-11-24T09:00Z", True),
        ("Mon-Fri 09:00-17:00", "2026-11-24T08:59:59Z", False),
        ("Mon-Fri 09:00-17:00", "2026-11-24T17:00Z", False),
        ("Mon-Fri 09:00-17:00", "2026-11-28T12:00Z", False),
        # Over midnight it belongs to the day on which it starts.
        ("Fri 22:00-04:00", "2026-11-27T22:00Z", True),
        ("Fri 22:00-04:00", "2026-11-28T03:59Z", True),
        ("Fri 22:00-04:00", "2026-11-28T04:00Z", False),
        ("Fri 22:00-04:00", "2026-11-27T03:00Z", False),
        # Over the end of the week, too.
        ("sunday 23:00-01:00", "2026-11-30T00:30Z", True),
        ("Sat-Mon 00:00-24:00", "2026-11-29T23:59Z", True),
        ("Sat,Mon 00:00-24:00", "2026-11-29T23:59Z", False),
        ("daily 02:00-02:00", "2026-11-24T02:00Z", True),
        ("daily 02:00-02:00", "2026-11-24T01:00Z", True),
    ],
)
def test_a_window_is_some_hours_of_some_days(text: str, moment: str, *, inside: bool) -> None:
    assert parse_window(text).holds(at(moment)) is inside


def test_a_window_goes_by_the_clock_of_its_zone() -> None:
    night = parse_window("daily 22:00-23:00", BERLIN)
    assert night.holds(at("2026-11-24T21:30Z"))
    assert night.holds(at("2026-07-24T20:30Z"))
    assert not night.holds(at("2026-07-24T21:30Z"))
    # The day is that of the zone, too.
    assert parse_window("Wed 00:00-01:00", BERLIN).holds(at("2026-11-24T23:30Z"))


def test_an_hour_that_the_clock_skips_is_in_no_window_and_a_repeated_one_is_twice() -> None:
    early = parse_window("daily 02:00-03:00", NEW_YORK)
    assert not any(early.holds(at("2027-03-14T05:00Z") + timedelta(minutes=m)) for m in range(240))
    late = parse_window("daily 01:00-02:00", NEW_YORK)
    held = [m for m in range(240) if late.holds(at("2026-11-01T04:00Z") + timedelta(minutes=m))]
    assert held == list(range(60, 180))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("whenever", "isn't a window such as"),
        ("Mon 9-17", "isn't a window such as"),
        ("Mon 25:00-26:00", "25:00 is no time of day"),
        ("Mon 10:00-10:60", "10:60 is no time of day"),
        ("Mo 10:00-11:00", "'Mo' is no day of the week"),
        ("Mon- 10:00-11:00 x", "isn't a window"),
    ],
)
def test_what_is_no_window_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_window(text)


def test_a_window_is_written_as_it_is_read() -> None:
    window = parse_window("Fri-Sat 22:00-04:30", BERLIN)
    assert str(window) == "Fri,Sat 22:00-04:30 Europe/Berlin"
    assert str(parse_window("daily 02:00-03:00")) == "daily 02:00-03:00 UTC"


def test_without_windows_acting_is_allowed() -> None:
    assert closed([], NOON) is None


def test_outside_of_all_allowing_windows_acting_is_forbidden() -> None:
    night = parse_window("daily 22:00-04:00", reason="nobody shops then")
    found = closed([night], NOON)
    assert found == Closed(
        "things are only restored in the window daily 22:00-04:00 UTC: nobody shops then",
        at("2026-11-24T22:00Z"),
    )
    assert closed([night], at("2026-11-24T23:00Z")) is None
    lunch = parse_window("Wed 12:00-13:00")
    found = closed([lunch, night], NOON)
    assert found is not None
    assert found.reason.endswith("windows Wed 12:00-13:00 UTC; daily 22:00-04:00 UTC")


def test_a_forbidding_window_beats_an_allowing_one() -> None:
    allowed = parse_window("daily 10:00-20:00")
    frozen = parse_window("Tue 11:00-15:00", allows=False)
    found = closed([allowed, frozen], NOON)
    assert found == Closed(
        "nothing is restored in the window Tue 11:00-15:00 UTC", at("2026-11-24T15:00Z")
    )
    assert closed([frozen], at("2026-11-24T15:00Z")) is None


def test_when_it_ends_is_unknown_where_it_never_does() -> None:
    never = closed([parse_window("daily 00:00-24:00", allows=False)], NOON)
    assert never is not None
    assert never.until is None


CLOCKS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30]))
WINDOWS = st.lists(
    st.builds(
        Window,
        CLOCKS,
        CLOCKS,
        st.frozensets(st.integers(0, 6), min_size=1),
        st.sampled_from([UTC, BERLIN, NEW_YORK]),
        st.booleans(),
    ),
    min_size=1,
    max_size=3,
)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(WINDOWS, MOMENTS)
def test_when_it_says_that_acting_is_allowed_again_it_is(
    windows: list[Window], now: datetime
) -> None:
    found = closed(windows, now)
    if found is not None and found.until is not None:
        assert found.until > now
        assert closed(windows, found.until) is None
    forbidden = any(each.holds(now) for each in windows if not each.allows)
    allowing = [each for each in windows if each.allows]
    allowed = not allowing or any(each.holds(now) for each in allowing)
    assert (found is None) is (allowed and not forbidden)


@given(WINDOWS, MOMENTS, st.integers(0, 999_999))
def test_until_then_it_is_forbidden(windows: list[Window], now: datetime, part: int) -> None:
    # But for the hours that a clock skips, of which it may be late.
    windows = [Window(w.start, w.end, w.days, UTC, w.allows) for w in windows]
    found = closed(windows, now)
    if found is not None:
        until = found.until or now + timedelta(days=7)
        assert closed(windows, now + (until - now) * part // 1_000_000) is not None
