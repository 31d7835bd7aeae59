"""Episodes of drifts, from the history's events, and the notices that show them."""

from dataclasses import replace

import pytest

from reconciler.core.drift import Decision, DecisionAction, DriftType, Severity
from reconciler.core.events import events_of_look
from reconciler.core.history import Event, EventType
from reconciler.core.notices import Episode, Standing, episodes_of, kind_of, notice_of
from reconciler.core.resource import ResourceKey
from tests.unit.core.build import key_of, made
from tests.unit.core.test_events import EDITED, LATER, NOON, WEB, looked

KEY = ResourceKey("", "ConfigMap", "shop", "web")
SEEN = Event(
    NOON,
    "shop",
    EventType.SEEN,
    "d-1",
    KEY,
    actor="jane",
    revision="4f0c",
    reason="Modified (high): look at this",
    before={"data.a": "1"},
    after={"data.a": "2"},
)


def event(type_: EventType, **more: object) -> Event:
    blank = replace(SEEN, time=LATER, type=type_, actor="", reason="", before=None, after=None)
    return replace(blank, **more)  # type: ignore[arg-type]


def one(*events: Event) -> Episode:
    (episode,) = episodes_of([SEEN, *events])
    return episode


def decided(action: str, plan: str = "", reason: str = "because: it is so") -> Event:
    return event(EventType.DECIDED, reason=f"{action}, by the rule x: {reason}", plan=plan)


def test_a_sighting_begins_an_episode() -> None:
    assert one() == Episode(
        "shop",
        "d-1",
        NOON,
        KEY,
        DriftType.MODIFIED,
        Severity.HIGH,
        "look at this",
        "jane",
        "4f0c",
        {"data.a": "1"},
        {"data.a": "2"},
        life=(SEEN,),
    )


def test_what_events_write_is_what_notices_read() -> None:
    report, sides = looked(EDITED)
    ask = Decision(DecisionAction.APPROVE, "rules[1]", "first: a person", plan="p-1")
    drift = replace(report.drifts[0], decision=ask)
    events, _ = events_of_look({}, replace(report, drifts=(drift,)), sides, NOON)
    (episode,) = episodes_of(events)
    assert (episode.key, episode.type, episode.severity) == (
        key_of(WEB),
        drift.type,
        drift.severity,
    )
    assert (episode.action, episode.standing, episode.plan) == ("approve", Standing.ASKED, "p-1")
    assert episode.reason == "first: a person"
    assert kind_of(events[0]) == (drift.type, drift.severity, "")


@pytest.mark.parametrize(
    ("action", "standing", "plan"),
    [
        ("observe", Standing.FOUND, ""),
        ("propose", Standing.ASKED, "p-1"),
        ("restore", Standing.FOUND, ""),
        ("approve", Standing.ASKED, "p-1"),
        ("wait", Standing.WAITS, ""),
    ],
)
def test_a_decision_says_how_it_stands(action: str, standing: Standing, plan: str) -> None:
    episode = one(decided(action, "p-1"))
    assert (episode.action, episode.standing, episode.plan) == (action, standing, plan)
    assert episode.reason == "because: it is so"
    assert not episode.is_over


def test_a_decision_that_reads_otherwise_is_shown_whole() -> None:
    assert one(event(EventType.DECIDED, reason="somehow")).reason == "somehow"


@pytest.mark.parametrize(
    ("events", "standing", "reason"),
    [
        ([event(EventType.APPROVED, actor="jane")], Standing.APPROVED, "jane agreed"),
        ([event(EventType.REJECTED, actor="jo", reason="no")], Standing.REFUSED, "jo said no: no"),
        ([event(EventType.UNVERIFIED, reason="still so")], Standing.FAILED, "still so"),
        ([event(EventType.RESTORED, actor="jo")], Standing.RESTORED, "restored by jo"),
        ([event(EventType.RESTORED)], Standing.RESTORED, "restored by somebody"),
        ([event(EventType.GONE, reason="no longer found")], Standing.GONE, "no longer found"),
        (
            [event(EventType.RESTORED, actor="jo"), event(EventType.GONE, reason="x")],
            Standing.RESTORED,
            "restored by jo",
        ),
        ([event(EventType.INTENDED)], Standing.FOUND, ""),
    ],
)
def test_what_happens_says_how_it_stands(
    events: list[Event], standing: Standing, reason: str
) -> None:
    episode = one(*events)
    assert (episode.standing, episode.reason) == (standing, reason)
    assert episode.life == (SEEN, *events)
    assert episode.is_over is (standing in (Standing.RESTORED, Standing.GONE))


def test_what_ended_asks_for_nothing() -> None:
    assert one(decided("approve", "p-1"), event(EventType.RESTORED)).plan == ""
    assert one(decided("approve", "p-1"), event(EventType.GONE)).plan == ""


def test_a_change_brings_the_episode_up_to_date() -> None:
    change = event(
        EventType.CHANGED,
        reason="Modified (low)",
        actor="joe",
        revision="5a",
        before={"data.a": "2"},
        after={"data.a": "3", "data.b": "1"},
    )
    episode = one(change)
    assert (episode.severity, episode.note, episode.actor) == (Severity.LOW, "", "joe")
    assert (episode.revision, episode.first_seen) == ("5a", NOON)
    assert episode.before == {"data.a": "1", "data.b": None}
    assert episode.after == {"data.a": "3", "data.b": "1"}
    assert one(replace(change, after=None)).before is None
    (bare,) = episodes_of([replace(SEEN, before=None), change])
    assert bare.before == {"data.a": None, "data.b": None}


def test_the_same_drift_may_come_back() -> None:
    again = replace(SEEN, time="2026-11-24T14:00:00Z")
    first, second = episodes_of([SEEN, event(EventType.GONE), again])
    assert (first.standing, second.standing) == (Standing.GONE, Standing.FOUND)
    assert (first.first_seen, second.first_seen) == (NOON, again.time)
    # Though its end was never told, such as after a restored backup.
    assert [each.first_seen for each in episodes_of([SEEN, again])] == [NOON, again.time]


def test_what_is_no_part_of_an_episode_is_left_out() -> None:
    strays = [
        event(EventType.GONE, drift="d-9"),
        event(EventType.SUSPENDED, drift=""),
        replace(SEEN, key=None),
    ]
    assert episodes_of(strays) == ()


def test_what_is_no_sighting_has_no_kind() -> None:
    with pytest.raises(ValueError, match="which kind"):
        kind_of(event(EventType.GONE, reason="no longer found"))


def test_a_notice_shows_the_worst_first_and_keeps_its_subject() -> None:
    low = replace(one(), drift="d-2", key=key_of(made(name="a")), severity=Severity.LOW)
    notice = notice_of([low, one()])
    assert [each.drift for each in notice.episodes] == ["d-1", "d-2"]
    assert (notice.subject, notice.target) == (f"shop/d-1/{NOON}", "shop")
    assert notice.severity is Severity.HIGH
    assert not notice.is_over
    ended = [replace(each, standing=Standing.GONE) for each in notice.episodes]
    assert notice_of(ended).is_over
    assert notice_of(ended).subject == notice.subject
    assert not notice_of([low, *ended]).is_over
