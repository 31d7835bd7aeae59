"""One target kept true: what a cycle does, remembers, and never raises."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.controller import Target
from reconciler.core.cycle import Cycle, CycleResult
from reconciler.core.deciding import Mode, Policy
from reconciler.core.desired import Rendered
from reconciler.core.errors import (
    ClusterError,
    HistoryError,
    LeaseLostError,
    SourceError,
    UnverifiedError,
)
from reconciler.core.history import Event, EventType, HistoryQuery
from reconciler.core.plan import Plan
from reconciler.keeper import Keeper
from reconciler.ports import Source
from tests.fakes.cluster import FakeCluster, FakeWriter
from tests.fakes.history import FakeHistory
from tests.unit.test_controller import KEY, NOON, World, config, edited, key, world


class Heard:
    """An observer that keeps what it was told."""

    def __init__(self) -> None:
        self.cycles: list[Cycle] = []

    def saw(self, cycle: Cycle) -> None:
        self.cycles.append(cycle)


class Failing(FakeHistory):
    """A history whose database is away when it's told to be."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False

    def append(self, events: Sequence[Event]) -> None:
        if self.away:
            raise HistoryError("the database is away")
        super().append(events)

    def find(self, query: HistoryQuery) -> Sequence[Event]:
        if self.away:
            raise HistoryError("the database is away")
        return super().find(query)


@dataclass
class Kept:
    """A keeper in memory, with levers."""

    world: World
    mode: Mode = Mode.RESTORE
    leads: bool = True
    stamp: object | None = None
    ticks: float = 0.0
    history: Failing = field(default_factory=Failing)
    heard: Heard = field(default_factory=Heard)

    def __post_init__(self) -> None:
        self.fresh: Target | None = None
        self.keeper = Keeper(
            target=self.world.target(),
            cluster=self.world.cluster,
            policy=Policy(self.mode),
            history=self.history,
            witnesses=None,
            leads=lambda: self.leads,
            stamp=lambda: self.stamp,
            verifying=lambda target, _: self.fresh or target,
            observers=[self.heard],
            monotonic=self._tick,
            bound=threading.BoundedSemaphore(1),
        )

    def _tick(self) -> float:
        self.ticks += 1.5
        return self.ticks

    @property
    def types(self) -> list[EventType]:
        return [event.type for event in self.history.events]

    @property
    def colour(self) -> str:
        return str(self.world.cluster.objects()[KEY]["data"]["colour"])


def kept(mode: Mode = Mode.RESTORE) -> Kept:
    return Kept(world(config(colour="blue")), mode)


def test_a_target_in_sync_is_looked_at_and_nothing_is_told() -> None:
    made = kept()
    cycle = made.keeper.cycle()
    assert (cycle.target, cycle.result, cycle.seconds) == ("shop", CycleResult.DONE, 1.5)
    assert cycle.report is not None
    assert made.heard.cycles == [cycle]
    assert made.history.events == []


def test_what_did_not_move_is_not_looked_at() -> None:
    made = kept()
    made.stamp = "one"
    results = [made.keeper.cycle().result for _ in range(3)]
    assert results == [CycleResult.DONE, CycleResult.UNMOVED, CycleResult.UNMOVED]
    assert made.world.cluster.requests.list == made.heard.cycles[0].report.requests.list  # type: ignore[union-attr]
    made.stamp = "two"
    assert made.keeper.cycle().result is CycleResult.DONE


def test_where_nobody_can_tell_it_is_always_looked_at() -> None:
    made = kept()
    assert {made.keeper.cycle().result for _ in range(2)} == {CycleResult.DONE}


def test_who_does_not_lead_looks_at_nothing() -> None:
    made = kept()
    edited(made.world, colour="red")
    made.leads = False
    cycle = made.keeper.cycle()
    assert (cycle.result, cycle.report) == (CycleResult.STANDBY, None)
    assert made.world.cluster.requests.list == 0
    made.leads = True
    assert made.keeper.cycle().result is CycleResult.DONE
    assert made.colour == "blue"


def test_to_observe_is_to_remember_and_to_write_nothing() -> None:
    made = kept(Mode.OBSERVE)
    edited(made.world, colour="red")
    for _ in range(2):
        made.keeper.cycle()
    assert made.types == [EventType.SEEN, EventType.DECIDED]
    assert made.colour == "red"
    assert made.world.cluster.requests.write == 0
    edited(made.world, colour="blue")
    made.keeper.cycle()
    assert made.types[2:] == [EventType.GONE]


def test_a_drift_is_restored_verified_and_gone_in_one_cycle() -> None:
    made = kept()
    made.stamp = "moved"
    edited(made.world, colour="red")
    cycle = made.keeper.cycle()
    assert cycle.report is not None
    assert cycle.report.drifts == ()
    assert cycle.before is not None
    assert [drift.key for drift in cycle.before.drifts] == [KEY]
    assert [outcome.outcome.value for outcome in cycle.report.outcomes] == ["restored"]
    assert made.colour == "blue"
    assert made.types == [
        EventType.SEEN,
        EventType.DECIDED,
        EventType.INTENDED,
        EventType.RESTORED,
        EventType.GONE,
    ]
    seen, _, intended, restored, _ = made.history.events
    assert replace(intended, type=EventType.RESTORED) == restored
    assert restored.drift == seen.drift
    assert (restored.before, restored.after) == ({"data.colour": "red"}, {"data.colour": "blue"})
    assert restored.actor == "plumbline"
    # What was written moved the live side: the same stamp doesn't count.
    assert made.keeper.cycle().result is CycleResult.DONE
    assert made.keeper.cycle().result is CycleResult.UNMOVED
    assert len(made.types) == 5


def test_what_is_seen_while_a_second_passes_is_not_waited_for() -> None:
    made = kept()
    edited(made.world, colour="red")
    moments = iter(range(100))
    made.keeper.target = replace(
        made.keeper.target, clock=lambda: NOON + timedelta(seconds=next(moments))
    )
    made.keeper.cycle()
    assert made.colour == "blue"
    assert made.types.count(EventType.DECIDED) == 1


def test_what_is_unmanaged_is_told_and_left() -> None:
    made = kept()
    made.stamp = "moved"
    made.world.cluster.add(config("stray"))
    assert made.keeper.cycle().result is CycleResult.DONE
    assert made.types == [EventType.SEEN, EventType.DECIDED]
    assert made.keeper.cycle().result is CycleResult.UNMOVED
    assert key("stray") in made.world.cluster.objects()


def test_a_side_that_cannot_be_read_fails_the_cycle_and_not_the_process() -> None:
    made = kept()
    made.stamp = "same"
    made.keeper.cycle()
    made.stamp = "other"
    made.world.repository.error = SourceError("no such repository", fix="make it")
    cycle = made.keeper.cycle()
    assert (cycle.result, cycle.report) == (CycleResult.FAILED, None)
    assert cycle.error == "no such repository\n  fix: make it"
    # Once it can be read again it is looked at, though it be as it was.
    made.world.repository.error = None
    made.stamp = "same"
    assert made.keeper.cycle().result is CycleResult.DONE


def test_nothing_is_written_that_could_not_be_remembered() -> None:
    made = kept()
    edited(made.world, colour="red")
    made.history.away = True
    assert made.keeper.cycle().error == "the database is away"
    assert made.colour == "red"
    made.history.away = False
    assert made.keeper.cycle().result is CycleResult.DONE
    assert made.colour == "blue"


def test_what_was_written_is_remembered_where_nobody_can_verify_it() -> None:
    made = kept()
    edited(made.world, colour="red")
    made.fresh = replace(made.keeper.target, source=_Gone())
    cycle = made.keeper.cycle()
    assert (cycle.result, cycle.error) == (CycleResult.FAILED, "gone meanwhile")
    assert made.colour == "blue"
    assert made.types[2:] == [EventType.INTENDED, EventType.WRITTEN]
    assert made.history.events[3].before == {"data.colour": "red"}
    made.fresh = None
    made.keeper.cycle()
    assert made.types[4:] == [EventType.GONE]


class _KilledError(BaseException):
    """What ends a process in the middle, as nothing catches it."""


@pytest.mark.parametrize("written", [False, True])
def test_who_was_killed_in_the_middle_of_a_write_is_told_of(written: bool) -> None:
    made = kept()
    edited(made.world, colour="red")

    def killed(target: Target, plan: Plan) -> Target:
        if not written:  # as if it had ended before its first request
            edited(made.world, colour="red")
        raise _KilledError

    made.keeper.verifying = killed
    with pytest.raises(_KilledError):
        made.keeper.cycle()
    assert made.types == [EventType.SEEN, EventType.DECIDED, EventType.INTENDED]
    after = Kept(made.world, history=made.history)
    after.keeper.cycle()
    assert after.colour == "blue"
    settled = made.history.events[3]
    if written:
        assert made.types[3:] == [EventType.RESTORED, EventType.GONE]
        assert settled.reason.endswith("it is as declared now")
        assert settled.after == {"data.colour": "blue"}
    else:
        assert made.types[3:] == [
            EventType.UNVERIFIED,
            EventType.INTENDED,
            EventType.RESTORED,
            EventType.GONE,
        ]
    again = len(made.types)
    after.keeper.cycle()
    assert len(made.types) == again


def test_who_leads_again_tells_of_what_another_left_in_the_middle() -> None:
    made = kept()
    made.keeper.cycle()
    made.leads = False
    made.keeper.cycle()
    other = Kept(made.world, history=made.history)
    other.keeper.verifying = _killing
    edited(made.world, colour="red")
    with pytest.raises(_KilledError):
        other.keeper.cycle()
    made.leads = True
    made.keeper.cycle()
    assert made.types[3:] == [EventType.RESTORED, EventType.GONE]


def _killing(target: Target, plan: Plan) -> Target:
    raise _KilledError


def test_what_could_not_be_written_is_tried_again_soon_and_less_often_each_time() -> None:
    made = kept()
    now = NOON
    made.keeper.target = replace(made.keeper.target, clock=lambda: now)
    edited(made.world, colour="red")
    pauses: list[timedelta] = []
    real, made.keeper.cluster = made.keeper.cluster, Refusing(made.world)
    for _ in range(8):
        made.keeper.cycle()
        began = now
        while not made.keeper.is_due():
            now += timedelta(seconds=1)
        pauses.append(now - began)
    assert [pause.total_seconds() for pause in pauses] == [5, 10, 20, 40, 80, 160, 300, 300]
    # Nothing was written, so nobody fights.
    assert EventType.REFUSED in made.types
    assert EventType.UNVERIFIED not in made.types
    made.keeper.cluster = real
    made.keeper.cycle()
    assert (made.colour, made.keeper.is_due()) == ("blue", False)


class Refusing(FakeCluster):
    """A cluster whose server can't write for a while."""

    def __init__(self, made: World) -> None:
        self.__dict__ = made.cluster.__dict__

    @property
    def writes(self) -> FakeWriter:
        raise ClusterError("the server answered 503; whether it wrote is unknown")


def test_what_could_not_be_looked_at_is_looked_at_again_soon() -> None:
    made = kept()
    now = NOON
    made.keeper.target = replace(made.keeper.target, clock=lambda: now)
    made.world.repository.error = SourceError("no such repository")
    assert made.keeper.cycle().result is CycleResult.FAILED
    assert not made.keeper.is_due()
    now += timedelta(seconds=5)
    assert made.keeper.is_due()
    assert made.keeper.cycle().result is CycleResult.FAILED
    now += timedelta(seconds=9)
    assert not made.keeper.is_due()
    now += timedelta(seconds=1)
    made.world.repository.error = None
    assert made.keeper.is_due()
    assert made.keeper.cycle().result is CycleResult.DONE
    assert not made.keeper.is_due()


def test_a_grace_that_is_over_makes_it_due() -> None:
    made = kept()
    made.keeper.policy = Policy(Mode.RESTORE, grace=timedelta(minutes=2))
    now = NOON
    made.keeper.target = replace(made.keeper.target, clock=lambda: now)
    edited(made.world, colour="red")
    made.keeper.cycle()
    assert (made.colour, made.keeper.is_due()) == ("red", False)
    now = NOON + timedelta(minutes=2)
    assert made.keeper.is_due()
    made.keeper.cycle()
    assert (made.colour, made.keeper.is_due()) == ("blue", False)


def test_a_word_of_a_person_makes_it_due_once() -> None:
    made = kept(Mode.APPROVE)
    edited(made.world, colour="red")
    waiting = made.keeper.cycle().waiting
    assert waiting is not None
    assert not made.keeper.is_due()
    said = Event("2026-11-24T12:00:00Z", "shop", EventType.REJECTED, plan=waiting.digest)
    made.history.append([said])
    assert made.keeper.is_due()
    made.keeper.cycle()
    assert (made.colour, made.keeper.is_due()) == ("red", False)
    made.history.append([replace(said, type=EventType.APPROVED, actor="jane")])
    assert made.keeper.is_due()
    made.keeper.cycle()
    assert made.colour == "blue"
    # What nobody waits for is not even looked for.
    made.history.append([said])
    assert not made.keeper.is_due()


def test_a_history_that_is_away_is_no_word() -> None:
    made = kept(Mode.APPROVE)
    edited(made.world, colour="red")
    made.keeper.cycle()
    made.history.away = True
    assert not made.keeper.is_due()


class _Gone:
    def fetch(self) -> Any:
        raise SourceError("gone meanwhile")


class Led(FakeCluster):
    """A cluster whose writer has lost its Lease to somebody who puts things right."""

    def __init__(self, made: World) -> None:
        self.__dict__ = made.cluster.__dict__
        self.made = made

    @property
    def writes(self) -> FakeWriter:
        edited(self.made, colour="blue")
        raise LeaseLostError("the Lease isn't held any more, so nothing was written")


def test_what_another_replica_put_right_is_not_called_ours() -> None:
    made = kept()
    edited(made.world, colour="red")
    made.keeper.cluster = Led(made.world)
    report = made.keeper.cycle().report
    assert report is not None
    (outcome,) = report.outcomes
    assert outcome.outcome.value == "skipped"
    assert EventType.RESTORED not in made.types
    assert made.types[-1] is EventType.GONE


def test_a_bug_fails_the_cycle_and_quotes_nothing() -> None:
    made = kept()

    def broken(target: Target, plan: Plan) -> Target:
        raise KeyError("a secret value")

    edited(made.world, colour="red")
    made.keeper.verifying = broken
    cycle = made.keeper.cycle()
    assert cycle.result is CycleResult.FAILED
    assert cycle.error.startswith("a bug in Plumbline: KeyError at ")
    assert "test_keeper.py:" in cycle.error
    assert "secret" not in cycle.error


@pytest.mark.parametrize("mode", list(Mode))
def test_no_two_cycles_of_one_target_overlap(mode: Mode) -> None:
    made = kept(mode)
    inside: list[int] = []
    worst: list[int] = []

    def stamp() -> object | None:
        inside.append(1)
        worst.append(len(inside))
        threading.Event().wait(0.001)
        inside.pop()
        return None

    made.keeper.stamp = stamp
    threads = [threading.Thread(target=made.keeper.cycle) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made.heard.cycles) == 4
    assert max(worst) == 1


class Unsigned:
    """A source whose commit is refused while it is told to be."""

    def __init__(self, inner: Source) -> None:
        self._inner = inner
        self.commit = "4f0c1b7d2a5e8c91"

    def fetch(self) -> Rendered:
        if self.commit:
            why = f"commit {self.commit} is refused: it isn't signed"
            raise UnverifiedError(why, fix="sign it", commit=self.commit)
        return self._inner.fetch()


@pytest.mark.parametrize("is_watched", [False, True])
def test_a_commit_that_may_not_be_acted_on_is_told_of_until_one_may(is_watched: bool) -> None:
    made = kept()
    source = Unsigned(made.keeper.target.source)
    made.keeper.target = replace(made.keeper.target, source=source)
    if is_watched:
        # Whether anything moved is told by the commit, which is read for that.
        made.keeper.stamp = lambda: source.fetch().revision
    edited(made.world, colour="red")
    cycles = [made.keeper.cycle() for _ in range(2)]
    assert {(each.result, each.refused) for each in cycles} == {(CycleResult.FAILED, True)}
    (seen,) = made.history.events
    assert seen.key is not None
    assert (seen.type, seen.key.name) == (EventType.SEEN, "4f0c1b7d2a5e")
    assert "it isn't signed; sign it" in seen.reason
    assert made.colour == "red"
    source.commit = ""
    made.keeper.cycle()
    assert EventType.GONE in made.types
    assert made.colour == "blue"
