"""What each notifier is to show now."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.drift import DriftType, Severity
from reconciler.core.history import Event, EventType
from reconciler.core.moments import rfc3339
from reconciler.core.notices import Episode, Standing
from reconciler.core.resource import ResourceKey
from reconciler.core.routing import Matcher, Route, Silence, at_least, problems_of
from reconciler.core.telling import Delivery, Told, due, name_of

NOON = datetime.fromisoformat("2026-11-24T12:00:00+00:00")
ALL = (Route("slack"),)


def episode(
    drift: str = "d-1",
    standing: Standing = Standing.FOUND,
    severity: Severity = Severity.HIGH,
    seen: datetime = NOON,
    name: str = "web",
    namespace: str = "shop",
) -> Episode:
    time = rfc3339(seen)
    key = ResourceKey("", "ConfigMap", namespace, name)
    life = (Event(time, "shop", EventType.SEEN, drift, key),)
    type_ = DriftType.MODIFIED
    return Episode("shop", drift, time, key, type_, severity, standing=standing, life=life)


def told(deliveries: tuple[Delivery, ...], at: datetime = NOON) -> list[Told]:
    """Gives what is remembered once all of them were shown."""
    return [each.told(f"ref {number}", at) for number, each in enumerate(deliveries)]


def test_what_is_new_is_told_once_to_whom_a_route_leads() -> None:
    routes = (Route("slack"), Route("mail", Matcher(severities=at_least(Severity.HIGH))))
    low = episode("d-2", severity=Severity.LOW)
    found = due([episode(), low], routes, (), [], NOON)
    assert [(each.notifier, each.notice.episodes[0].drift) for each in found] == [
        ("mail", "d-1"),
        ("slack", "d-1"),
        ("slack", "d-2"),
    ]
    assert {each.shown for each in found} == {""}
    assert due([episode(), low], routes, (), told(found), NOON) == ()


def test_what_changed_is_shown_in_place_of_what_was() -> None:
    first = due([episode()], ALL, (), [], NOON)
    (again,) = due([episode(standing=Standing.ASKED)], ALL, (), told(first), NOON)
    assert (again.shown, again.notice.subject) == ("ref 0", first[0].notice.subject)
    assert again.notice.reminder == 0


@pytest.mark.parametrize(
    ("matcher", "fits"),
    [
        (Matcher(), True),
        (Matcher(targets=("sh*",), namespaces=("shop",), kinds=("Config*",), names=("w?b",)), True),
        (Matcher(targets=("other",)), False),
        (Matcher(namespaces=("other", "shop")), True),
        (Matcher(kinds=("Secret",)), False),
        (Matcher(names=("x",)), False),
        (Matcher(standings=(Standing.ASKED,)), False),
        (Matcher(severities=(Severity.LOW,)), False),
        (Matcher(severities=at_least(Severity.MEDIUM)), True),
    ],
)
def test_a_route_says_what_it_leads(matcher: Matcher, *, fits: bool) -> None:
    assert bool(due([episode()], (Route("slack", matcher),), (), [], NOON)) is fits


def test_the_first_route_that_fits_counts() -> None:
    often = Route("slack", Matcher(namespaces=("shop",)), repeat=timedelta(hours=1))
    routes = (often, Route("slack"))
    first = due([episode()], routes, (), [], NOON)
    later = NOON + timedelta(hours=1)
    (again,) = due([episode()], routes, (), told(first), later)
    assert again.notice.reminder == 1
    assert due([episode()], routes, (), told((again,), later), later) == ()
    (third,) = due([episode()], routes, (), told((again,), later), later + timedelta(hours=1))
    assert third.notice.reminder == 2


def test_what_is_over_is_told_once_and_never_again() -> None:
    routes = (Route("slack", repeat=timedelta(hours=1)),)
    first = due([episode()], routes, (), [], NOON)
    over = episode(standing=Standing.GONE)
    second = due([over], routes, (), told(first), NOON)
    assert second[0].notice.is_over
    assert due([over], routes, (), told(second), NOON + timedelta(days=1)) == ()
    changed = replace(over, reason="a word more")
    assert due([changed], routes, (), told(second), NOON) == ()


def test_who_wants_no_ends_is_told_none() -> None:
    routes = (Route("slack", resolved=False),)
    first = due([episode()], routes, (), [], NOON)
    over = episode(standing=Standing.RESTORED)
    assert due([over], routes, (), told(first), NOON) == ()
    assert due([over], routes, (), [], NOON) == ()


@pytest.mark.parametrize(("since", "news"), [(None, True), (-1, True), (0, True), (1, False)])
def test_what_ended_before_a_notifier_was_set_up_is_no_news(
    since: int | None, *, news: bool
) -> None:
    begin = None if since is None else NOON + timedelta(seconds=since)
    routes = (Route("slack", since=begin),)
    over = episode(standing=Standing.GONE)
    assert bool(due([over], routes, (), [], NOON)) is news
    assert due([episode()], routes, (), [], NOON)


def test_many_that_began_together_are_told_together_and_stay_so() -> None:
    routes = (Route("slack", group_above=2),)
    many = [episode(f"d-{number}", name=f"c{number}") for number in range(4)]
    (found,) = due(many, routes, (), [], NOON)
    assert len(found.notice.episodes) == 4
    later = episode("d-9", seen=NOON + timedelta(minutes=1))
    shown = told((found,))
    (alone,) = due([*many, later], routes, (), shown, NOON)
    assert [each.drift for each in alone.notice.episodes] == ["d-9"]
    many[1] = replace(many[1], standing=Standing.GONE)
    (again,) = due(many, routes, (), shown, NOON)
    assert (len(again.notice.episodes), again.shown) == (4, "ref 0")
    assert again.notice.subject == found.notice.subject
    # Few are told one by one.
    assert len(due(many[:2], routes, (), [], NOON)) == 2


def test_what_is_no_longer_known_is_left_as_it_was_shown() -> None:
    shown = told(due([episode()], ALL, (), [], NOON))
    assert due([], ALL, (), shown, NOON) == ()


def test_what_was_told_is_followed_where_its_route_fits_no_more() -> None:
    routes = (Route("slack", Matcher(severities=at_least(Severity.HIGH))),)
    shown = told(due([episode()], routes, (), [], NOON))
    lower = episode(severity=Severity.LOW, standing=Standing.ASKED)
    assert len(due([lower], routes, (), shown, NOON)) == 1
    # Though no route speaks of such objects any more, neither.
    elsewhere = (Route("slack", Matcher(namespaces=("bank",))),)
    assert len(due([lower], elsewhere, (), shown, NOON)) == 1


def test_a_notifier_that_no_route_leads_to_is_told_nothing() -> None:
    shown = [replace(each, notifier="mail") for each in told(due([episode()], ALL, (), [], NOON))]
    found = due([episode(standing=Standing.ASKED)], ALL, (), shown, NOON)
    assert [each.notifier for each in found] == ["slack"]


def silence(begin: int | None, end: int, **matcher: tuple[str, ...]) -> Silence:
    since = None if begin is None else NOON + timedelta(minutes=begin)
    return Silence(Matcher(**matcher), NOON + timedelta(minutes=end), since=since)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "quiet"),
    [
        (silence(None, 10), True),
        (silence(0, 10), True),
        (silence(1, 10), False),
        (silence(-10, 0), False),
        (silence(None, 10, namespaces=("bank",)), False),
    ],
)
def test_a_silence_holds_back_what_it_means_for_its_time(made: Silence, *, quiet: bool) -> None:
    assert bool(due([episode()], ALL, (made,), [], NOON)) is not quiet


def test_what_is_still_there_after_a_silence_is_told_then() -> None:
    made = silence(None, 10)
    shown = told(due([episode()], ALL, (), [], NOON))
    asked = episode(standing=Standing.ASKED)
    assert due([asked], ALL, (made,), shown, NOON) == ()
    after = NOON + timedelta(minutes=10)
    assert len(due([asked], ALL, (made,), shown, after)) == 1
    assert len(due([asked], ALL, (made,), [], after)) == 1


def test_what_began_and_ended_under_a_silence_stays_untold() -> None:
    over = episode(standing=Standing.GONE)
    after = NOON + timedelta(hours=1)
    assert due([over], ALL, (silence(None, 10),), [], after) == ()
    assert len(due([over], ALL, (silence(-20, -10),), [], after)) == 1


def test_an_episode_of_no_time_ended_long_ago() -> None:
    over = replace(episode(standing=Standing.GONE), first_seen="", life=())
    assert due([over], (Route("slack", since=NOON),), (), [], NOON) == ()


@pytest.mark.parametrize(
    ("more", "message"),
    [({"repeat": timedelta(-1)}, "repeat is negative"), ({"group_above": -1}, "group_above")],
)
def test_a_route_of_no_meaning_is_refused(more: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Route("slack", **more)  # type: ignore[arg-type]


def test_a_route_to_nobody_and_a_notifier_without_one_are_said() -> None:
    assert problems_of(ALL, ["slack"]) == ()
    assert problems_of(ALL, ["mail"]) == (
        "a route names the notifier 'slack', which isn't there",
        "no route leads to the notifier 'mail'",
    )


_standings = st.sampled_from(Standing)


@given(
    st.lists(st.tuples(st.integers(0, 9), _standings, st.integers(0, 3)), unique_by=lambda e: e[0]),
    st.integers(0, 3),
    st.booleans(),
)
def test_whatever_there_is_a_second_look_tells_nothing(
    drifts: list[tuple[int, Standing, int]], group_above: int, resolved: bool
) -> None:
    found = [
        episode(f"d-{number}", standing, seen=NOON + timedelta(seconds=second))
        for number, standing, second in drifts
    ]
    routes = (Route("slack", group_above=group_above, resolved=resolved),)
    first = due(found, routes, (), [], NOON)
    names = [name_of(each) for delivery in first for each in delivery.notice.episodes]
    wanted = [each for each in found if resolved or not each.is_over]
    assert sorted(names) == sorted(map(name_of, wanted))
    assert due(found, routes, (), told(first), NOON) == ()
    assert due(reversed(found), routes, (), [], NOON) == first


# --- running pods


def in_pod(drift: str, severity: Severity = Severity.HIGH, **more: Any) -> Episode:
    return replace(episode(drift, severity=severity), type=DriftType.FILE, **more)


OTHER = ResourceKey("", "ConfigMap", "shop", "other")


def drifts(deliveries: tuple[Delivery, ...]) -> list[list[str]]:
    return [sorted(each.drift for each in one.notice.episodes) for one in deliveries]


def test_what_began_in_one_pod_is_told_together() -> None:
    episodes = [in_pod("d-1"), in_pod("d-2"), in_pod("d-3", key=OTHER), episode("d-4")]
    assert drifts(due(episodes, ALL, (), [], NOON)) == [["d-1", "d-2"], ["d-3"], ["d-4"]]
    # Many pods, as many objects, are told in one.
    (together,) = drifts(due(episodes, (Route("slack", group_above=2),), (), [], NOON))
    assert len(together) == 4


def test_what_begins_later_is_told_where_its_pod_is_told_of() -> None:
    first = due([in_pod("d-1")], ALL, (), [], NOON)
    later = in_pod("d-2", Severity.LOW, first_seen=rfc3339(NOON + timedelta(minutes=5)))
    (again,) = due([in_pod("d-1"), later], ALL, (), told(first), NOON)
    assert again.notice.subject == first[0].notice.subject
    assert (drifts((again,)), again.shown) == ([["d-1", "d-2"]], "ref 0")
    known = told((again,))
    assert due([in_pod("d-1"), later], ALL, (), known, NOON) == ()
    # What went meanwhile stays in it.
    gone = in_pod("d-1", standing=Standing.GONE)
    (still,) = due([gone, later], ALL, (), known, NOON)
    assert drifts((still,)) == [["d-1", "d-2"]]


@pytest.mark.parametrize(
    "later",
    [
        in_pod("d-2", Severity.HIGH),
        in_pod("d-2", Severity.LOW, key=OTHER),
        in_pod("d-2", Severity.LOW, target="other"),
        replace(in_pod("d-2", Severity.LOW), type=DriftType.MODIFIED),
    ],
)
def test_what_is_worse_or_elsewhere_is_told_anew(later: Episode) -> None:
    before = in_pod("d-1", Severity.MEDIUM)
    first = due([before], ALL, (), [], NOON)
    assert drifts(due([before, later], ALL, (), told(first), NOON)) == [["d-2"]]


def test_what_is_over_takes_nothing_more() -> None:
    over = in_pod("d-1", standing=Standing.GONE)
    first = told(due([in_pod("d-1")], ALL, (), [], NOON))
    ended = told(due([over], ALL, (), first, NOON))
    later = in_pod("d-2", Severity.LOW)
    assert drifts(due([over, later], ALL, (), ended, NOON)) == [["d-2"]]
    assert ["d-2"] in drifts(due([over, later], ALL, (), first, NOON))


def test_what_no_route_leads_or_is_silenced_is_not_told_there_either() -> None:
    route = Route("slack", Matcher(severities=at_least(Severity.HIGH)))
    first = told(due([in_pod("d-1")], (route,), (), [], NOON))
    low = in_pod("d-2", Severity.LOW)
    assert due([in_pod("d-1"), low], (route,), (), first, NOON) == ()
    silence = Silence(Matcher(severities=(Severity.LOW,)), NOON + timedelta(hours=1))
    assert due([in_pod("d-1"), low], ALL, (silence,), first, NOON) == ()
