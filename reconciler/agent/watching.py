"""The node agent: looks at all containers again and again, and at new processes in between."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic
from typing import Final, Protocol

from reconciler.agent.metrics import Counts, enforcement_exposition, exposition
from reconciler.agent.node import Glimpse
from reconciler.agent.refusals import Tally
from reconciler.agent.sightings import Sightings
from reconciler.core.containers import ContainerLook, NodeLook
from reconciler.core.sightings import Sighting

#: A look that isn't due yet begins no sooner than so many times as long as the last one took: a
#: machine whose containers start and end all the time is still looked at, and not all the time.
_REST: Final = 9.0
#: Seconds that a look may be late before the agent says that it isn't well.
_LATE: Final = 300.0


class Scan(Protocol):
    """What looks at this machine's containers."""

    def look(self) -> NodeLook:
        """Looks at all of them."""

    def glimpse(self) -> Glimpse:
        """Looks at processes that have come since."""


class Executing(Protocol):
    """What tells of executions at the moment that they happen."""

    @property
    def lost(self) -> int:
        """How often executions couldn't be told: too many, or a file that can't be compared."""

    def renew(self) -> None:
        """Takes in which containers there are by now."""

    def looks(self, patience: float) -> tuple[ContainerLook, ...]:
        """Waits for executions; gives containers in which something strange was executed."""


class Refusing(Protocol):
    """What tells of executions that are refused."""

    @property
    def tally(self) -> Tally | None:
        """What was counted; None before anything was."""

    def refusals(self) -> list[Sighting]:
        """Gives what was refused since it was asked last."""

    def trouble(self) -> str:
        """Says why nothing is enforced as it should be; empty where it is."""


class NodeWatch:
    """Watches this machine's containers.

    Args:
        scan: What looks at them.
        tell: Is given what is to be told; with nothing, too, once a look has ended.
        now: The clock.
        interval: Seconds between the ends and beginnings of looks.
        poll: Seconds between glimpses at new processes.
        limit: How many drifts of a container are remembered beyond those that are there.
        executing: Tells of executions; None where the kernel doesn't.
        show: Is given each whole look; returns at once.
        between: Is called after each look and glimpse, by the thread that looks.
        refusing: Tells of those that are refused; None where none is to be.
    """

    def __init__(
        self,
        scan: Scan,
        tell: Callable[[Sequence[Sighting]], None],
        now: Callable[[], datetime],
        *,
        interval: float,
        poll: float,
        limit: int,
        executing: Executing | None = None,
        show: Callable[[NodeLook], None] = lambda look: None,
        between: Callable[[], None] = lambda: None,
        refusing: Refusing | None = None,
    ) -> None:
        self._scan = scan
        self._show = show
        self._between = between
        self._refusing = refusing
        self._executing = executing
        self._tell = tell
        self._now = now
        self._interval = interval
        self._poll = poll
        self._sightings = Sightings(limit)
        self._lock = threading.Lock()
        self._told: Counter[str] = Counter()
        self._look: NodeLook | None = None
        self._counts = Counts(0, 0, 0, 0, {}, 0, 0.0, 0.0)
        self._begun = self._ended = monotonic()
        self._trouble = ""

    def run(self, ending: threading.Event) -> None:
        """Watches until it is to end."""
        due = True
        while not ending.is_set():
            due = self._round(due)
            self._between()
            self._wait(ending)
            if self._refusing is not None and (refused := self._refusing.refusals()):
                self._say(refused)

    def _wait(self, ending: threading.Event) -> None:
        """Waits until the next glimpse; tells of what is executed meanwhile."""
        if self._executing is None:
            ending.wait(self._poll)
            return
        until = monotonic() + self._poll
        while not ending.is_set() and (left := until - monotonic()) > 0:
            try:
                looks = self._executing.looks(left)
            except OSError as error:
                self._failed(error)
                ending.wait(left)
                return
            if looks:
                self._say(self._sightings.glimpse(looks, self._now()))

    def _round(self, due: bool) -> bool:
        """Looks or glimpses; says whether a look is due before its time."""
        rested = monotonic() - self._ended
        if rested >= self._interval or (due and rested >= _REST * (self._ended - self._begun)):
            self._look_once()
            return False
        try:
            glimpse = self._scan.glimpse()
        except OSError as error:
            self._failed(error)
            return True
        told = self._sightings.glimpse(glimpse.looks, self._now())
        self._say(told, processes=glimpse.processes)
        return due or not glimpse.complete

    def _look_once(self) -> None:
        self._begun = monotonic()
        try:
            look = self._scan.look()
        except OSError as error:
            self._failed(error)
        else:
            self._look = look
            self._show(look)
            if self._executing is not None:
                self._executing.renew()
            self._trouble = ""
            seconds = monotonic() - self._begun
            self._say(self._sightings.look(look, self._now()), looks=1, seconds=seconds)
        self._ended = monotonic()

    def _failed(self, error: OSError) -> None:
        self._trouble = f"the last look failed: {error.strerror}"
        self._say((), failures=1)

    def _say(
        self,
        told: Sequence[Sighting],
        *,
        looks: int = 0,
        processes: int = 0,
        failures: int = 0,
        seconds: float | None = None,
    ) -> None:
        self._tell(told)
        self._told.update(each.occurrence.value for each in told)
        before = self._counts
        counts = Counts(
            before.looks + looks,
            before.failures + failures,
            self._executing.lost if self._executing is not None else 0,
            before.processes + processes,
            dict(self._told),
            self._sightings.repeated,
            before.seconds if seconds is None else seconds,
            before.ended if seconds is None else self._now().timestamp(),
        )
        with self._lock:
            self._counts = counts

    def metrics(self) -> str:
        """Gives the metrics' text."""
        with self._lock:
            told = exposition(self._look or NodeLook("", "", ()), self._counts)
        if self._refusing is None:
            return told
        return told + enforcement_exposition(self._refusing.tally, self._refusing.trouble())

    def trouble(self) -> str:
        """Says why it isn't well; empty where it is."""
        late = monotonic() - self._ended - self._interval
        if late > _LATE:
            return f"no look has ended for {late + self._interval:.0f} seconds"
        return self._trouble
