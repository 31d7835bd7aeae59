"""What every `ports.History` does: the fake, ours on SQLite, ours on a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.adapters.history.database import DatabaseHistory
from reconciler.core.history import Event, EventType, HistoryQuery, KnownDrift, remembered
from reconciler.core.resource import ResourceKey
from reconciler.ports import History
from tests.contract.conftest import opened_history
from tests.fakes.history import FakeHistory

WEB = ResourceKey("apps", "Deployment", "shop", "web")
ROLE = ResourceKey("rbac.authorization.k8s.io", "ClusterRole", "", "Web")
NOON = "2026-11-24T12:00:00Z"


@pytest.fixture(params=["fake", "sqlite", "postgres"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    if request.param == "fake":
        yield FakeHistory()
        return
    with opened_history(request, tmp_path) as kept:
        yield kept


def seen(drift: str = "d-1", time: str = NOON, **fields: object) -> Event:
    return Event(**{"time": time, "target": "shop", "type": EventType.SEEN, "drift": drift,
                    "key": WEB, "digest": "x", **fields})  # type: ignore[arg-type]  # fmt: skip


def test_events_come_back_as_they_were_in_their_order(history: History) -> None:
    events = [
        seen(
            actor="jané 🦜",
            revision="4f0c",
            plan="p-1",
            reason="Modified (high)",
            before={"spec.replicas": 3, "data": None, "***": {"data": "abc"}},
            after={"spec.replicas": 1e300, "data": ["\ud800\0", {"b": 2**70, "a": True}]},
        ),
        Event(NOON, "shop", EventType.SUSPENDED, actor="jane", reason="a fair"),
    ]
    history.append(events[:1])
    history.append([])
    history.append(events[1:])
    assert history.find(HistoryQuery()) == events


@pytest.mark.parametrize("name", ["sqlite", "postgres"])
def test_texts_that_no_column_holds_are_kept_readable(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    database = str(tmp_path / "history.db")
    if name == "postgres":
        database = request.getfixturevalue("postgres").database()
    history = DatabaseHistory.open(database)
    history.append([seen(reason="nul \0 and half \ud800", actor="\0")])
    (event,) = history.find(HistoryQuery(actor="x00"))
    assert event.reason == r"nul \x00 and half \ud800"
    assert history.verify().sound
    history.close()


def test_known_drifts_follow_the_events(history: History) -> None:
    assert history.known("shop") == {}
    history.append([seen(after={"a": 1}), seen("d-2", key=ROLE)])
    history.append(
        [
            seen("d-9", target="other"),
            seen("d-1", "2026-11-24T12:05:00Z", type=EventType.CHANGED, digest="y", after={"a": 2}),
            seen("d-1", "2026-11-24T12:05:00Z", type=EventType.DECIDED, digest="restore"),
            seen("d-2", "2026-11-24T12:05:00Z", type=EventType.GONE),
        ]
    )
    assert history.known("shop") == {"d-1": KnownDrift(WEB, NOON, "y", "restore", {"a": 2})}
    assert set(history.known("other")) == {"d-9"}


def test_a_decision_stays_known_when_the_drift_changes(history: History) -> None:
    history.append([seen(), seen(type=EventType.DECIDED, digest="wait")])
    history.append([seen(type=EventType.CHANGED, digest="y")])
    assert history.known("shop")["d-1"].decision == "wait"
    assert history.known("shop")["d-1"].digest == "y"


def test_very_many_drifts_are_known(history: History) -> None:
    events = [seen(f"d-{number}") for number in range(1203)]
    history.append(events)
    history.append([seen(f"d-{number}", type=EventType.GONE) for number in range(1200)])
    assert set(history.known("shop")) == {"d-1200", "d-1201", "d-1202"}


def test_old_events_can_be_forgotten_and_their_drifts_stay_known(history: History) -> None:
    times = ["2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z"]
    history.append([seen(f"d-{number}", time) for number, time in enumerate(times)])
    assert history.forget("2026-10-01T00:00:00Z") == 0
    assert history.forget(times[1]) == 1
    assert history.forget(times[1]) == 0
    assert [event.drift for event in history.find(HistoryQuery())] == ["d-1", "d-2"]
    assert set(history.known("shop")) == {"d-0", "d-1", "d-2"}
    found = history.verify()
    assert (found.sound, found.checked, found.first, found.last) == (True, 2, 2, 3)
    assert history.forget("2027-01-01T00:00:00Z") == 2
    found = history.verify()
    assert (found.sound, found.checked, found.first, found.last) == (True, 0, 4, 3)
    history.append([seen("d-4")])
    found = history.verify()
    assert (found.sound, found.checked, found.first, found.last) == (True, 1, 4, 4)


def test_an_old_event_behind_a_newer_one_is_not_forgotten(history: History) -> None:
    history.append([seen("d-1", "2026-11-03T00:00:00Z"), seen("d-2", "2026-11-01T00:00:00Z")])
    assert history.forget("2026-11-02T00:00:00Z") == 0
    assert len(history.find(HistoryQuery())) == 2


def test_a_fresh_history_is_sound(history: History) -> None:
    found = history.verify()
    assert (found.sound, found.checked, found.first, found.last) == (True, 0, 1, 0)
    assert found.head


QUERIES = st.builds(
    HistoryQuery,
    target=st.sampled_from(["", "shop", "other"]),
    since=st.sampled_from(["", "2026-11-24T12:00:00Z", "2026-11-24T12:00:01Z"]),
    until=st.sampled_from(["", "2026-11-24T12:00:00Z", "2026-11-24T12:00:01Z"]),
    kinds=st.frozensets(st.sampled_from(["deployment", "Deployment", "clusterrole"]), max_size=2),
    name=st.sampled_from(["", "web", "Web", "%"]),
    namespace=st.sampled_from(["", "shop", "sho_"]),
    actor=st.sampled_from(["", "JANE", "é", "%", "jane"]),
    types=st.frozensets(st.sampled_from(EventType), max_size=3),
    drift=st.sampled_from(["", "d-1", "d-2"]),
    plan=st.sampled_from(["", "p-1"]),
    limit=st.integers(0, 4),
)
EVENTS = st.lists(
    st.builds(
        Event,
        time=st.sampled_from(
            ["2026-11-24T11:59:59Z", "2026-11-24T12:00:00Z", "2026-11-24T12:00:01Z"]
        ),
        target=st.sampled_from(["shop", "other"]),
        type=st.sampled_from(EventType),
        drift=st.sampled_from(["", "d-1", "d-2", "d-3"]),
        key=st.sampled_from([WEB, ROLE, None]),
        actor=st.sampled_from(["", "jane", "Jané", "%"]),
        plan=st.sampled_from(["", "p-1"]),
        digest=st.sampled_from(["x", "y"]),
    ),
    max_size=8,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(EVENTS, QUERIES)
def test_a_query_finds_what_it_matches(
    history: History, events: list[Event], query: HistoryQuery
) -> None:
    before = list(history.find(HistoryQuery()))
    history.append(events)
    everything = [*before, *events]
    matching = [event for event in everything if query.matches(event)]
    expected = matching[-query.limit :] if query.limit else matching
    assert list(history.find(query)) == expected
    for target in ("shop", "other"):
        mine = [event for event in everything if event.target == target]
        assert history.known(target) == remembered({}, mine)
