"""Whatever is changed in a chain, and wherever, the first place where it shows is told."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.history.chain import COVERED, GENESIS, Chain
from reconciler.adapters.history.records import event_row
from reconciler.adapters.history.tables import EVENTS
from reconciler.core.history import Event, EventType
from reconciler.core.resource import ResourceKey

EVENTS_ = st.lists(
    st.builds(
        Event,
        time=st.sampled_from(["2026-11-24T12:00:00Z", "2026-11-24T12:00:01Z"]),
        target=st.text(max_size=3),
        type=st.sampled_from(EventType),
        drift=st.text(max_size=3),
        key=st.none() | st.builds(ResourceKey, *[st.text(max_size=3)] * 4),
        actor=st.text(max_size=3),
        reason=st.text(max_size=3),
        before=st.none() | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    ),
    min_size=1,
    max_size=6,
)
KEYS = st.binary(max_size=64)


def chained(chain: Chain, events: list[Event]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    hash_ = GENESIS
    for number, event in enumerate(events, 1):
        row = event_row(event, number)
        hash_ = chain.link(hash_, row)
        rows.append({**row, "hash": hash_})
    return rows


def test_every_column_is_covered() -> None:
    assert {*COVERED, "hash"} == {column.name for column in EVENTS.columns}


@given(EVENTS_, KEYS)
def test_a_chain_as_it_was_written_is_in_order(events: list[Event], key: bytes) -> None:
    chain = Chain(key)
    rows = chained(chain, events)
    walk = chain.walk(0, GENESIS, rows)
    assert (walk.number, walk.hash, walk.checked) == (len(rows), rows[-1]["hash"], len(rows))
    assert (walk.broken_at, walk.problem) == (0, "")


@given(EVENTS_, KEYS, st.data())
def test_a_changed_column_shows_at_its_event(
    events: list[Event], key: bytes, data: st.DataObject
) -> None:
    chain = Chain(key)
    rows = chained(chain, events)
    at = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from([*COVERED[1:], "hash"]))
    other = data.draw(st.text(max_size=3).filter(lambda text: text != rows[at][column]))
    rows[at] = {**rows[at], column: other}
    assert chain.walk(0, GENESIS, rows).broken_at == at + 1


@given(EVENTS_, KEYS, st.data())
def test_an_event_that_is_gone_shows(events: list[Event], key: bytes, data: st.DataObject) -> None:
    chain = Chain(key)
    rows = chained(chain, events)
    at = data.draw(st.integers(0, len(rows) - 1))
    walk = chain.walk(0, GENESIS, rows[:at] + rows[at + 1 :])
    # The last one is missed by the head record.
    assert (walk.broken_at, walk.number) == ((at + 1) * (at < len(rows) - 1), at)


@given(EVENTS_, KEYS, KEYS)
def test_another_key_does_not_fit(events: list[Event], key: bytes, other: bytes) -> None:
    # HMAC fills short keys up with zeros.
    same = key.rstrip(b"\0") == other.rstrip(b"\0") and bool(key) == bool(other)
    walk = Chain(other).walk(0, GENESIS, chained(Chain(key), events))
    assert bool(walk.problem) is not same
    end = {"end": "head", "number": 3, "hash": GENESIS}
    sealed = {**end, "seal": Chain(key).seal("head", 3, GENESIS)}
    assert Chain(other).is_sealed(sealed) is same
    assert not Chain(key).is_sealed({**sealed, "number": 2})
    assert not Chain(key).is_sealed({**sealed, "end": "base"})
