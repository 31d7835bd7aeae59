"""What is told of looks that follow each other."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from reconciler.agent.sightings import Sightings
from reconciler.core.containers import (
    ContainerDrift,
    ContainerLook,
    ContainerRef,
    FileDrift,
    NodeLook,
    Origin,
    ProcessDrift,
    SessionDrift,
)
from reconciler.core.drift import ChangeType, Severity
from reconciler.core.sightings import Sighting

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WEB = ContainerRef("shop", "web", "u-1", "app", "c" * 64)
FILE = FileDrift("/opt/x", ChangeType.ADDED, Severity.HIGH, "executable", None, None)
PROCESS = ProcessDrift(70, 7, "/opt/x", Origin.ADDED, ("x",), "0", "", Severity.HIGH)
SESSION = SessionDrift("exec", 80, 8, "0", ("probe",), "", Severity.MEDIUM)


class Watcher:
    """Looks every minute."""

    def __init__(self, limit: int = 10) -> None:
        self.sightings = Sightings(limit)
        self.now = NOW

    def look(
        self, *drifts: ContainerDrift, unknown: Sequence[str] = (), notes: tuple[str, ...] = ()
    ) -> list[tuple[str, str]]:
        """Has all of a container looked at; gives what is told."""
        look = ContainerLook(WEB, drifts, unknown=tuple(unknown))
        return self.machine(look, notes=notes)

    def machine(self, *looks: ContainerLook, notes: tuple[str, ...] = ()) -> list[tuple[str, str]]:
        """Has all of a machine looked at."""
        self.now += timedelta(minutes=1)
        return told(self.sightings.look(NodeLook("vm", "", looks, notes), self.now))

    def glimpse(self, *drifts: ContainerDrift) -> list[tuple[str, str]]:
        """Has what has come looked at."""
        return told(self.sightings.glimpse([ContainerLook(WEB, drifts)], self.now))


def told(sightings: Sequence[Sighting]) -> list[tuple[str, str]]:
    return [(each.occurrence.value, _name(each.drift)) for each in sightings]


def _name(drift: ContainerDrift | None) -> str:
    match drift:
        case FileDrift():
            return drift.path
        case ProcessDrift() | SessionDrift():
            return str(drift.pid)
        case _:
            return ""


def test_what_is_new_changed_and_gone_is_told_once() -> None:
    watcher = Watcher()
    assert watcher.look() == []
    assert watcher.look(FILE) == [("new", "/opt/x")]
    assert watcher.look(FILE) == []
    assert watcher.look(replace(FILE, note="other")) == [("changed", "/opt/x")]
    assert watcher.look() == [("gone", "/opt/x")]
    assert watcher.look(FILE) == [("new", "/opt/x")]


def test_since_when_it_is_there_stays_with_it() -> None:
    watcher = Watcher()
    watcher.look(FILE)
    look = ContainerLook(WEB, (replace(FILE, note="other"),))
    (changed,) = watcher.sightings.look(NodeLook("vm", "", (look,)), NOW + timedelta(hours=1))
    assert (changed.first_seen, changed.at) == ("2026-11-24T12:01:00Z", "2026-11-24T13:00:00Z")
    (gone,) = watcher.sightings.look(NodeLook("vm", "", ()), NOW + timedelta(hours=2))
    assert gone.first_seen == "2026-11-24T12:01:00Z"


def test_what_a_glimpse_showed_is_gone_by_the_next_look() -> None:
    watcher = Watcher()
    watcher.look(FILE)
    assert watcher.glimpse(PROCESS) == [("new", "70")]
    assert watcher.glimpse() == []
    assert watcher.look(FILE, PROCESS) == []
    assert watcher.look(FILE) == [("gone", "70")]


def test_what_could_not_be_read_is_not_gone() -> None:
    watcher = Watcher(limit=2)
    watcher.look(FILE, PROCESS)
    why = ["/opt: could not be looked into"]
    assert watcher.look(unknown=why) == [("gone", "70"), ("unknown", "")]
    assert watcher.look(unknown=why) == []
    assert watcher.look(FILE, unknown=why) == []
    assert watcher.look() == [("gone", "/opt/x"), ("unknown", "")]


def test_what_is_kept_for_being_unknown_is_bounded() -> None:
    watcher = Watcher(limit=2)
    for number in range(9):
        watcher.look(replace(FILE, path=f"/{number}"), unknown=["more aren't listed"])
    assert watcher.look() == [("gone", "/6"), ("gone", "/7"), ("gone", "/8"), ("unknown", "")]


def test_a_container_that_is_gone_takes_its_drifts_along() -> None:
    watcher = Watcher()
    watcher.look(FILE)
    assert watcher.machine(notes=("container cccccccccccc: Input/output error",)) == []
    assert watcher.machine() == [("gone", "/opt/x")]
    assert watcher.machine() == []


def test_a_probe_is_not_told_every_few_seconds() -> None:
    watcher = Watcher()
    counts = [len(watcher.glimpse(replace(SESSION, pid=number))) for number in range(20)]
    assert counts == [1, 1, 1, *[0] * 17]
    assert watcher.sightings.repeated == 17
    assert watcher.glimpse(replace(SESSION, pid=99, command=("sh",))) == [("new", "99")]
    watcher.now += timedelta(minutes=9)
    assert watcher.glimpse(replace(SESSION, pid=100)) == []
    watcher.now += timedelta(minutes=10)
    assert watcher.glimpse(replace(SESSION, pid=101)) == [("new", "101")]


def test_the_last_that_is_told_says_so() -> None:
    sightings = Sightings(10)
    look = [ContainerLook(WEB, tuple(replace(SESSION, pid=number) for number in range(9)))]
    notes = [each.note for each in sightings.glimpse(look, NOW)]
    assert notes[:2] == ["", ""]
    assert notes[2].startswith("it repeats")


def test_random_commands_do_not_fill_the_memory() -> None:
    watcher = Watcher()
    for number in range(300):
        watcher.glimpse(replace(SESSION, command=(str(number),), pid=number))
    memory = watcher.sightings._memories[WEB.container_id]
    assert len(memory.commands) == 256
    watcher.look()
    assert memory.drifts == {}
