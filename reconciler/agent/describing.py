"""Describes an execution that is refused, or would be, while who asked for it stands still."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from reconciler.agent.answering import Strange
from reconciler.agent.processes import Process, ProcessTable
from reconciler.agent.refusals import Tally
from reconciler.agent.volumes import volume_name
from reconciler.core.commands import mask_command
from reconciler.core.containers import Origin, Parent, ProcessDrift
from reconciler.core.drift import Severity
from reconciler.core.enforcing import Mode
from reconciler.core.moments import rfc3339
from reconciler.core.sightings import Occurrence, Sighting

#: The same is told so often, then no more until it has paused for so long.
_TOLD: Final = 20
_PAUSE: Final = timedelta(minutes=10)
#: So many different ones are remembered, and so many told of one container within that time.
_REMEMBERED: Final = 4096
_OF_ONE: Final = 500
_PARENTS: Final = 16
_REPEATS: Final = "it repeats: not told again until it has paused for ten minutes"
_ASKED: Final = {
    Mode.REFUSE: "its execution was refused (EPERM); the process is the one that asked for it",
    Mode.DRY_RUN: "its execution would have been refused; the process is the one that asked for it",
}

_What: TypeAlias = tuple[str, str, str]


class Describer:
    """Tells of strange executions, within bounds.

    Args:
        table: Reads processes.
        now: The clock.
        tally: Counts what isn't told.
        tell: Is given what is told; says whether it was taken.
    """

    def __init__(
        self,
        table: ProcessTable,
        now: Callable[[], datetime],
        tally: Tally,
        tell: Callable[[Sighting], bool],
    ) -> None:
        self._table = table
        self._now = now
        self._tally = tally
        self._tell = tell
        self._told: dict[_What, tuple[int, datetime]] = {}
        self._of_one: Counter[str] = Counter()
        self._since: datetime | None = None

    def __call__(self, strange: Strange) -> None:
        """Tells of one, unless it repeats."""
        at = self._now()
        what = (strange.ward.container.ref.container_id, strange.rule.mode.value, strange.name)
        count, last = self._told.pop(what, (0, at))
        if at - last >= _PAUSE:
            count = 0
        if len(self._told) >= _REMEMBERED:
            del self._told[next(iter(self._told))]  # the one not seen for the longest
        self._told[what] = (count + 1, at)
        if self._since is None or at - self._since >= _PAUSE:
            self._since = at
            self._of_one.clear()
        self._of_one[what[0]] += 1
        if count >= _TOLD or self._of_one[what[0]] > _OF_ONE:
            self._tally.untold += 1
            return
        mode = strange.rule.mode
        sighting = Sighting(
            Occurrence.REFUSED if mode is Mode.REFUSE else Occurrence.WOULD_REFUSE,
            rfc3339(at),
            strange.ward.container.ref,
            self._drift(strange),
            rfc3339(at),
            note=_REPEATS if count == _TOLD - 1 else "",
        )
        if not self._tell(sighting):
            self._tally.untold += 1

    def _drift(self, strange: Strange) -> ProcessDrift:
        process = self._table.process(strange.pid)
        note = _ASKED[strange.rule.mode]
        if strange.origin is Origin.VOLUME and strange.mount is not None:
            note = f"on {volume_name(strange.mount)}; {note}"
        return ProcessDrift(
            pid=strange.pid,
            container_pid=process.numbers[-1] if process is not None else 0,
            executable=strange.name,
            origin=strange.origin,
            command=mask_command(self._table.command(strange.pid)),
            user=str(process.user) if process is not None else "",
            started_at=self._started(process),
            severity=Severity.HIGH,
            parents=self._parents(process, strange.ward.container.ref.container_id),
            note=note,
        )

    def _started(self, process: Process | None) -> str:
        with suppress(OSError):
            return self._table.started_at(process) if process is not None else ""
        return ""

    def _parents(self, process: Process | None, container_id: str) -> tuple[Parent, ...]:
        """Gives the parents, up to the first outside of the container."""
        chain: list[Parent] = []
        while process is not None and len(chain) < _PARENTS:
            process = self._table.process(process.parent) if process.parent else None
            if process is not None:
                chain.append(Parent(process.pid, process.name))
                if all(each.container_id != container_id for each in process.members):
                    break
        return tuple(chain)
