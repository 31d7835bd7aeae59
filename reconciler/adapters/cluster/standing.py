"""How a watch stands: what can be told of its objects, and when it is to be tried again."""

from dataclasses import dataclass

from reconciler.adapters.cluster.transport import Timing
from reconciler.core.errors import PlumblineError

#: After so many seconds without a watch its objects aren't told as live any more.
STALE_SECONDS = 60.0
#: Seconds before trying again: the first time, and at most; doubled in between.
_PASSING = (0.2, 30.0)
#: The same where the server's answer was final: a right isn't given again within a second.
_FINAL = (5.0, 300.0)
#: A watch that lived for so many seconds was a good one, however it ended: delays begin anew.
_GOOD_SECONDS = 1.0
_DOUBLINGS = 16


@dataclass(slots=True)
class Standing:
    """The standing of one watch; guarded by the lock of the watch.

    Attributes:
        timing: The clock, and chance.
        dead_after: Seconds after which a watch whose server is gone is broken off: what an open
            one keeps can't be older.
        is_listed: Whether all objects were ever read.
        is_open: Whether a watch is under way.
        error: What went wrong last; None since a watch is under way again.
        final: The HTTP status of a refusal that won't pass by itself; 0 for none.
        faults: How often something went wrong.
        heard: When the server was heard last, on the clock.
    """

    timing: Timing
    dead_after: float
    is_listed: bool = False
    is_open: bool = False
    error: PlumblineError | None = None
    final: int = 0
    faults: int = 0
    heard: float = 0.0
    _opened: float = 0.0
    _tries: int = 0
    _told: str = ""

    def hears(self) -> None:
        """Notes that the server said something."""
        self.heard = self.timing.monotonic()

    def opens(self) -> None:
        """Notes that a watch is under way: what was read is kept true from now on."""
        self.is_open, self.error, self.final = True, None, 0
        self._opened = self.timing.monotonic()
        self.hears()

    def closes(self) -> None:
        """Notes that a watch has ended, for whatever reason."""
        if self.is_open:
            now = self.timing.monotonic()
            self.heard = now - self.age
            self.is_open = False
            if now - self._opened >= _GOOD_SECONDS:
                self._tries = 0

    def fails(self, error: PlumblineError, final: int = 0) -> None:
        """Notes that something went wrong."""
        self.faults += 1
        self.error, self.final = error, final

    @property
    def age(self) -> float:
        """How old what is kept may be, in seconds."""
        silent = self.timing.monotonic() - self.heard
        return min(silent, self.dead_after) if self.is_open else silent

    @property
    def why_unread(self) -> str:
        """Why the objects can't be told; empty where they can."""
        told_as_live = self.is_listed and (self.is_open or self.age <= STALE_SECONDS)
        if told_as_live and not self.final:
            return ""
        return self.error.message if self.error else "it hasn't been read yet"

    def is_retold(self) -> bool:
        """Whether something else can be told than when this was asked last."""
        before, self._told = self._told, self.why_unread
        return before != self._told

    def after(self, lived: float) -> float:
        """Gives the seconds to wait after a watch that the server ended as it should."""
        return 0.0 if lived >= _GOOD_SECONDS else self.delay()

    def delay(self) -> float:
        """Gives the seconds to wait before the next try: longer each time, and drawn by lot."""
        first, longest = _FINAL if self.final else _PASSING
        delay = min(first * 2.0 ** min(self._tries, _DOUBLINGS), longest)
        self._tries += 1
        return delay * (0.5 + self.timing.jitter() / 2)
