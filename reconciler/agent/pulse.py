"""What two processes of the warden know of each other: a page of memory that both see."""

import mmap
from typing import Final

_PLACES: Final = 8


class Pulse:
    """A few numbers, each written by one process and read by the other; made before the fork."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, mmap.PAGESIZE)
        self._numbers = memoryview(self._page)[: _PLACES * 8].cast("q")
        self._seconds = memoryview(self._page)[_PLACES * 8 : _PLACES * 16].cast("d")

    @property
    def rounds(self) -> int:
        """How often the one that answers has gone round its loop."""
        return self._numbers[0]

    @rounds.setter
    def rounds(self, value: int) -> None:
        self._numbers[0] = value

    @property
    def highest(self) -> int:
        """The highest number of a descriptor that a question came with."""
        return self._numbers[1]

    @highest.setter
    def highest(self, value: int) -> None:
        self._numbers[1] = value

    @property
    def restarts(self) -> int:
        """How often the one that answers was begun anew."""
        return self._numbers[2]

    @restarts.setter
    def restarts(self, value: int) -> None:
        self._numbers[2] = value

    @property
    def released(self) -> int:
        """How many questions were answered in place of the one that didn't."""
        return self._numbers[3]

    @released.setter
    def released(self, value: int) -> None:
        self._numbers[3] = value

    @property
    def due(self) -> float:
        """When the next answer is due, by the monotonic clock; 0 where nobody waits."""
        return self._seconds[0]

    @due.setter
    def due(self, value: float) -> None:
        self._seconds[0] = value
