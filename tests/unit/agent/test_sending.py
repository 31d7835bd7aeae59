"""When the agent tells the controller, and how much; over a controller that is made up."""

import gzip
import json
from collections.abc import Collection
from dataclasses import replace
from typing import Any, cast

import pytest

from reconciler.agent import sending
from reconciler.agent.posting import Controller, PostError
from reconciler.agent.sending import Sender
from reconciler.core.containers import NodeLook, NodeReport
from reconciler.core.node_words import NodeWord, word_of
from tests.fakes.nodes import FakeNodeLooks
from tests.unit.render.test_containers import DRIFTED, UNKNOWN

OWN = tuple(replace(one, container=replace(one.container, node="vm")) for one in (DRIFTED, UNKNOWN))
LOOK = NodeLook("vm", "2026-11-24T12:00:00Z", OWN, ("a note",))


class Door:
    """Stands in for the controller, and for the way to it."""

    def __init__(self) -> None:
        self.store = FakeNodeLooks()
        self.words: list[NodeWord] = []
        self.trouble = ""
        self.insists = False

    def post(self, body: bytes) -> frozenset[str]:
        if self.trouble:
            raise PostError(self.trouble)
        word = word_of(json.loads(gzip.decompress(body)))
        self.words.append(word)
        lacking: Collection[str] = self.store.take(word, "2026-11-24T12:00:01Z")
        return frozenset(["again"]) if self.insists else frozenset(lacking)

    @property
    def whole(self) -> list[int]:
        """How many containers each word named whole."""
        return [sum(one.look is not None for one in word.containers) for word in self.words]

    @property
    def report(self) -> NodeReport:
        return self.store.latest()[0]


class Clock:
    """Seconds that go by when a test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(sending, "monotonic", made)
    monkeypatch.setattr(sending, "random", lambda: 1.0)
    return made


@pytest.fixture
def door() -> Door:
    return Door()


def sender(door: Door, complaints: list[str] | None = None) -> Sender:
    say: Any = (complaints if complaints is not None else []).append
    return Sender(cast("Controller", door), say, lasts=90)


def test_only_what_moved_is_said_again(door: Door, clock: Clock) -> None:
    made = sender(door)
    assert made.round() == 0
    assert door.words == []
    made.offer(LOOK)
    assert made.round() == 0
    # It asks first what is known: after a restart most of it is.
    assert door.whole == [0, 2]
    assert door.report.look == LOOK
    made.offer(replace(LOOK, checked_at="2026-11-24T12:00:15Z"))
    made.round()
    assert door.whole == [0, 2]
    moved = replace(LOOK, looks=(replace(OWN[0], drifts=OWN[0].drifts[:1]), OWN[1]))
    made.offer(moved)
    made.round()
    assert door.whole == [0, 2, 1]
    assert door.report.look == moved
    made.offer(replace(moved, notes=()))
    made.round()
    assert door.whole == [0, 2, 1, 0]
    assert door.report.look.notes == ()
    sender(door).round()
    assert len(door.words) == 4


def test_a_sign_of_life_is_given_while_somebody_looks(door: Door, clock: Clock) -> None:
    made = sender(door)
    made.offer(LOOK)
    made.round()
    for _ in range(4):
        clock.now += 15
        made.offer(LOOK)
        made.round()
    assert door.whole == [0, 2, 0]
    clock.now += 60
    made.round()
    assert len(door.words) == 4
    clock.now += 60
    made.round()
    assert len(door.words) == 4, "nobody has looked for 120 seconds"


def test_after_a_restart_nothing_that_is_known_is_said_again(door: Door, clock: Clock) -> None:
    for _ in range(2):
        made = sender(door)
        made.offer(LOOK)
        made.round()
    assert door.whole == [0, 2, 0]


def test_what_fails_is_tried_later_and_later_and_said_once(door: Door, clock: Clock) -> None:
    complaints: list[str] = []
    made = sender(door, complaints)
    made.offer(LOOK)
    door.trouble = "Connection refused"
    assert [made.round() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    said = "the controller can't be told: Connection refused; it is tried again and again"
    assert complaints == [said]
    door.trouble = "it answers 403"
    made.round()
    door.trouble = ""
    latest = replace(LOOK, looks=OWN[:1])
    made.offer(latest)
    assert made.round() == 0
    assert complaints[2:] == ["the controller is told again"]
    assert door.report.look == latest
    door.trouble = "x"
    made.offer(LOOK)
    assert made.round() == 1
    text = made.metrics()
    assert 'plumbline_agent_sends_total{result="taken"} 1\n' in text
    assert 'plumbline_agent_sends_total{result="failed"} 10\n' in text
    assert "# TYPE plumbline_agent_sent_timestamp_seconds gauge\n" in text


def test_what_the_controller_lost_is_said_again(door: Door, clock: Clock) -> None:
    made = sender(door)
    made.offer(LOOK)
    made.round()
    door.store.forget(["vm"])
    moved = replace(LOOK, looks=(replace(OWN[0], drifts=()), OWN[1]))
    made.offer(moved)
    made.round()
    assert door.whole == [0, 2, 1, 2]
    assert set(door.report.look.looks) == set(moved.looks)


def test_a_controller_that_asks_without_end_is_given_up(door: Door, clock: Clock) -> None:
    complaints: list[str] = []
    made = sender(door, complaints)
    door.insists = True
    made.offer(LOOK)
    assert made.round() == 1
    assert len(door.words) == 3
    assert "it asks again and again for what it was told" in complaints[0]


def test_a_bug_is_said() -> None:
    complaints: list[str] = []
    sender(Door(), complaints)._complain("KeyError at x:1")
    assert complaints == ["a bug keeps the controller from being told for a while: KeyError at x:1"]
