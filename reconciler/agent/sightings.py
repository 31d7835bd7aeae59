"""Compares each look at containers with what was told before: it acts on levels, not on events."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from reconciler.core.containers import (
    ContainerDrift,
    ContainerLook,
    ContainerRef,
    FileDrift,
    NodeLook,
    ProcessDrift,
    SessionDrift,
)
from reconciler.core.moments import rfc3339
from reconciler.core.ranking import drift_id
from reconciler.core.sightings import Occurrence, Sighting

#: The same command is told so often within this time, then no more until it has paused as long:
#: a probe that executes a command would else be told every few seconds.
_TOLD: Final = {SessionDrift: 3, ProcessDrift: 20}
_PAUSE: Final = timedelta(minutes=10)
#: So many different commands of a container are remembered.
_COMMANDS: Final = 256
_REPEATS: Final = "it repeats: not told again until it has paused for ten minutes"

_Command: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A drift that was told.

    Attributes:
        drift: As it was told last.
        first: When it was first seen, RFC 3339.
    """

    drift: ContainerDrift
    first: str


@dataclass(slots=True)
class _Memory:
    """What was told of one container.

    Attributes:
        ref: Which one.
        drifts: By the drift's name.
        commands: How often a command was told, and when it was last seen.
        unknown: What couldn't be told.
    """

    ref: ContainerRef
    drifts: dict[str, _Seen] = field(default_factory=dict)
    commands: dict[_Command, tuple[int, datetime]] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


class Sightings:
    """Remembers what was told, within bounds.

    Args:
        limit: So many drifts of a container are remembered beyond those that are there.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._memories: dict[str, _Memory] = {}
        self.repeated = 0

    def look(self, look: NodeLook, at: datetime) -> list[Sighting]:
        """Compares a whole look; gives what is to be told."""
        told: list[Sighting] = []
        here: set[str] = set()
        for each in look.looks:
            here.add(each.container.container_id)
            told += self._compare(each, at)
        # Where containers couldn't be told, one that isn't there may be one of these.
        for container_id in () if look.notes else self._memories.keys() - here:
            memory = self._memories.pop(container_id)
            told += [_gone(memory.ref, seen, at) for seen in memory.drifts.values()]
        return told

    def glimpse(self, looks: Sequence[ContainerLook], at: datetime) -> list[Sighting]:
        """Takes in what a glimpse showed: it never says that something is gone."""
        told: list[Sighting] = []
        for look in looks:
            memory = self._memory(look.container)
            told += self._news(memory, look.drifts, at)
        return told

    def _memory(self, ref: ContainerRef) -> _Memory:
        memory = self._memories.setdefault(ref.container_id, _Memory(ref))
        memory.ref = ref
        return memory

    def _compare(self, look: ContainerLook, at: datetime) -> list[Sighting]:
        memory = self._memory(look.container)
        before = dict(memory.drifts)
        told = self._news(memory, look.drifts, at)
        now = {drift_id(look.container, drift) for drift in look.drifts}
        missing = [name for name in before if name not in now]
        if look.unknown:
            # What wasn't found may be among what wasn't looked at; the oldest are forgotten.
            missing = [name for name in missing if not isinstance(before[name].drift, FileDrift)]
            kept = [name for name in memory.drifts if name not in now and name not in missing]
            for name in kept[: max(len(kept) - self._limit, 0)]:
                del memory.drifts[name]
        for name in missing:
            del memory.drifts[name]
            told.append(_gone(memory.ref, before[name], at))
        if look.unknown != memory.unknown:
            memory.unknown = look.unknown
            what = Occurrence.UNKNOWN
            told.append(Sighting(what, rfc3339(at), memory.ref, unknown=look.unknown))
        return told

    def _news(
        self, memory: _Memory, drifts: Sequence[ContainerDrift], at: datetime
    ) -> list[Sighting]:
        told: list[Sighting] = []
        for drift in drifts:
            name = drift_id(memory.ref, drift)
            seen = memory.drifts.get(name)
            if seen is None:
                note = self._repeats(memory, drift, at)
                if note is None:
                    self.repeated += 1
                    continue
                memory.drifts[name] = _Seen(drift, rfc3339(at))
                told.append(
                    Sighting(Occurrence.NEW, rfc3339(at), memory.ref, drift, rfc3339(at), note=note)
                )
            elif _differs(seen.drift, drift):
                memory.drifts[name] = _Seen(drift, seen.first)
                what = Occurrence.CHANGED
                told.append(Sighting(what, rfc3339(at), memory.ref, drift, seen.first))
        return told

    def _repeats(self, memory: _Memory, drift: ContainerDrift, at: datetime) -> str | None:
        """Says whether a drift is told: None where it was told often enough, else a note."""
        if not isinstance(drift, ProcessDrift | SessionDrift):
            return ""
        command: _Command = drift.command
        if isinstance(drift, ProcessDrift):
            command = (drift.executable, drift.code, *command)
        command = (type(drift).__name__, *command)
        count, last = memory.commands.pop(command, (0, at))
        if at - last >= _PAUSE:
            count = 0
        if len(memory.commands) >= _COMMANDS:
            del memory.commands[next(iter(memory.commands))]  # the one not seen for the longest
        memory.commands[command] = (count + 1, at)
        most = _TOLD[type(drift)]
        if count >= most:
            return None
        return _REPEATS if count == most - 1 else ""


def _differs(was: ContainerDrift, now: ContainerDrift) -> bool:
    """Whether something is other than before; whose child a process is by now doesn't count."""
    if isinstance(was, ProcessDrift | SessionDrift) and isinstance(now, type(was)):
        return replace(was, parents=()) != replace(now, parents=())
    return was != now


def _gone(ref: ContainerRef, seen: _Seen, at: datetime) -> Sighting:
    return Sighting(Occurrence.GONE, rfc3339(at), ref, seen.drift, seen.first)
