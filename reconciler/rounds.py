"""Work that goes on beside all else, round after round, in a thread of its own."""

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass

from reconciler.bugs import place_of

_DOUBLINGS = 10
#: Seconds for which what is under way may go on in the end.
_CLOSE_SECONDS = 5.0
#: After a bug, before the next round, in seconds.
_BUG_PAUSE = 300.0


@dataclass(slots=True)
class BackOff:
    """For how long to leave alone what failed.

    Attributes:
        first: Seconds before the second try, doubled with each further one.
        longest: The most seconds that this grows to.
    """

    first: float
    longest: float
    _failures: int = 0

    @property
    def pause(self) -> float:
        """Seconds before the next try, if this one fails."""
        return float(min(self.longest, self.first * 2**self._failures))

    def note(self, *, failed: bool) -> None:
        """Notes how a try went."""
        self._failures = min(self._failures + 1, _DOUBLINGS) if failed else 0


class Rounds(ABC):
    """Does a round once something happened, and now and then though nothing did."""

    def __init__(self, name: str, idle: float) -> None:
        """Does nothing yet.

        Args:
            name: The thread's.
            idle: Seconds between two rounds where nothing happened.
        """
        self._idle = idle
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def round(self) -> float:
        """Does all that is due.

        Returns:
            For how many seconds to do nothing, whatever happens; zero where all went well.
        """

    def wake(self) -> None:
        """Has it look at once, unless a round asked for a pause."""
        self._news.set()

    def stop(self) -> None:
        """Begins no other round; what isn't done yet is done by who starts next."""
        self._stopping.set()
        self._news.set()
        if self._thread.ident is not None:
            self._thread.join(_CLOSE_SECONDS)

    @abstractmethod
    def _complain(self, error: str) -> None:
        """Says in the log that a round failed."""

    def _begin(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._news.clear()
            try:
                pause = self.round()
            except Exception as bug:  # a bug must not end this for good
                self._complain(place_of(bug))
                pause = _BUG_PAUSE
            if pause:
                self._stopping.wait(pause)
            else:
                self._news.wait(self._idle)
