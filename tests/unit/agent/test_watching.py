"""When the agent looks, and what it says of itself."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from reconciler.agent import watching
from reconciler.agent.node import Glimpse
from reconciler.agent.refusals import Tally
from reconciler.agent.watching import NodeWatch
from reconciler.core.containers import ContainerLook, NodeLook
from reconciler.core.sightings import Occurrence, Sighting
from tests.unit.agent.test_sightings import FILE, PROCESS, WEB

QUIET = Glimpse(0, (), True)
SEEN = Glimpse(1, (ContainerLook(WEB, (PROCESS,)),), True)
STRANGE = Glimpse(1, (), False)


class Machine:
    """A machine and its clock: each look takes a second, and so does each wait."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.done: list[str] = []
        self.glimpses: list[Glimpse | OSError] = []
        self.fails = False
        self.told: list[str] = []

    def look(self) -> NodeLook:
        self.done.append("look")
        self.time += 1
        if self.fails:
            raise OSError(5, "Input/output error")
        return NodeLook("vm", "", (ContainerLook(WEB, (FILE,)),))

    def glimpse(self) -> Glimpse:
        self.done.append("glimpse")
        found = self.glimpses.pop(0) if self.glimpses else QUIET
        if isinstance(found, OSError):
            raise found
        return found

    def tell(self, sightings: Sequence[Sighting]) -> None:
        self.told += [each.occurrence.value for each in sightings]


class Rounds(threading.Event):
    """Ends after some rounds, and waits by the machine's clock."""

    def __init__(self, machine: Machine, rounds: int) -> None:
        super().__init__()
        self._machine = machine
        self._rounds = rounds

    def is_set(self) -> bool:
        return super().is_set() or self._machine.done.count("wait") >= 2 * self._rounds

    def wait(self, timeout: float | None = None) -> bool:
        self._machine.time += timeout or 0
        self._rounds -= 1
        if self._rounds <= 0:
            self.set()
        return self.is_set()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(watching, "monotonic", lambda: made.time)
    return made


class Executing:
    """A kernel that tells of an execution every half second of the machine's clock."""

    lost = 3

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.renewed = 0
        self.fails = False

    def renew(self) -> None:
        self.renewed += 1

    def looks(self, patience: float) -> tuple[ContainerLook, ...]:
        self._machine.time += min(patience, 0.5)
        self._machine.done.append("wait")
        if self.fails:
            raise OSError(24, "Too many open files")
        return (ContainerLook(WEB, (PROCESS,)),)


def watch(machine: Machine, rounds: int, executing: Executing | None = None) -> NodeWatch:
    made = NodeWatch(
        machine,
        machine.tell,
        lambda: datetime(2026, 11, 24, tzinfo=UTC),
        interval=15,
        poll=1,
        limit=10,
        executing=executing,
    )
    made.run(Rounds(machine, rounds))
    return made


def test_it_looks_at_once_and_then_by_its_interval(machine: Machine) -> None:
    watch(machine, 32)
    looks = [number for number, what in enumerate(machine.done) if what == "look"]
    assert looks == [0, 15, 30]
    assert machine.told == ["new"]


def test_a_container_that_is_new_is_looked_at_soon_but_never_all_the_time(machine: Machine) -> None:
    machine.glimpses = [STRANGE] * 100
    watch(machine, 32)
    looks = [number for number, what in enumerate(machine.done) if what == "look"]
    assert looks == [0, 9, 18, 27]  # a second of ten


def test_what_a_glimpse_shows_is_told(machine: Machine) -> None:
    machine.glimpses = [QUIET, SEEN]
    made = watch(machine, 20)
    assert machine.told == ["new", "new", "gone"]
    text = made.metrics()
    assert 'plumbline_agent_told_total{event="new"} 2\n' in text
    assert "plumbline_agent_looks_total 2\n" in text
    assert "plumbline_agent_processes_total 1\n" in text
    assert "plumbline_agent_look_seconds 1.0\n" in text


def test_trouble_is_said_until_a_look_is_well(machine: Machine) -> None:
    machine.glimpses = [OSError(24, "Too many open files")]
    made = watch(machine, 2)
    assert made.trouble() == "the last look failed: Too many open files"
    machine.fails = True
    assert watch(machine, 1).trouble() == "the last look failed: Input/output error"
    machine.fails = False
    made.run(Rounds(machine, 20))
    assert made.trouble() == ""
    assert "plumbline_agent_failures_total 1\n" in made.metrics()
    machine.time += 400
    assert made.trouble().startswith("no look has ended for 4")


def test_before_the_first_look_there_are_metrics_too(machine: Machine) -> None:
    made = watch(machine, 0)
    assert "plumbline_agent_containers " in made.metrics()


def test_executions_are_told_while_it_waits(machine: Machine) -> None:
    executing = Executing(machine)
    made = watch(machine, 2, executing)
    assert machine.done == ["look", "wait", "wait", "glimpse", "wait", "wait"]
    assert executing.renewed == 1
    assert machine.told == ["new", "new"]
    assert "plumbline_agent_lost_total 3\n" in made.metrics()


def test_where_executions_cannot_be_told_it_waits_all_the_same(machine: Machine) -> None:
    executing = Executing(machine)
    executing.fails = True
    made = watch(machine, 2, executing)
    assert made.trouble() == "the last look failed: Too many open files"
    assert machine.time >= 1003


class Refusing:
    """A warden that has refused something since."""

    def __init__(self) -> None:
        self.tally: Tally | None = Tally(containers=2)
        self.waiting = [Sighting(Occurrence.REFUSED, "", WEB, PROCESS)]

    def refusals(self) -> list[Sighting]:
        told, self.waiting = self.waiting, []
        return told

    def trouble(self) -> str:
        return ""


def test_what_is_refused_is_told_once(machine: Machine) -> None:
    watch = NodeWatch(
        machine,
        machine.tell,
        lambda: datetime.fromtimestamp(machine.time, UTC),
        interval=10,
        poll=1,
        limit=10,
        refusing=Refusing(),
    )
    watch.run(Rounds(machine, 4))
    assert machine.told.count("refused") == 1
    metrics = watch.metrics()
    assert 'plumbline_agent_told_total{event="refused"} 1\n' in metrics
    assert "plumbline_agent_enforced_containers 2\n" in metrics
