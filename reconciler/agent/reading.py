"""Reads content in threads of its own, where only content tells whether a file is the image's."""

import os
import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from reconciler.agent.comparing import GivenUpError
from reconciler.agent.warded import Ward
from reconciler.core.containers import Origin

_THREADS: Final = 2


class Asked(Protocol):
    """Who waits for what is read."""

    @property
    def handle(self) -> int:
        """The file that is to be executed."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file's content says.

    Attributes:
        ward: In which container.
        number: The number that its descriptor had when it was asked for.
        file: Device and inode of what was read.
        origin: Where it comes from; None for the image.
        failed: Whether it couldn't be told.
    """

    ward: Ward
    number: int
    file: tuple[int, int]
    origin: Origin | None
    failed: bool

    def is_late(self, asked: Asked) -> bool:
        """Whether the number is another file's by now: who asked for this one has had an answer."""
        status = os.fstat(asked.handle)
        return (status.st_dev, status.st_ino) != self.file


class Reader:
    """Compares by content, in the background."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[tuple[Ward, str, int, int]] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Reading] = queue.SimpleQueue()
        self.bell, self._ringer = os.pipe()
        for end in (self.bell, self._ringer):
            os.set_blocking(end, False)
        for _ in range(_THREADS):
            threading.Thread(target=self._serve, daemon=True).start()

    def read(self, ward: Ward, name: str, handle: int) -> None:
        """Has a file compared; who asks may close it.

        Args:
            ward: In which container.
            name: Its path from the root's own top.
            handle: The file.
        """
        self._work.put((ward, name, handle, os.dup(handle)))

    def results(self) -> Iterator[Reading]:
        """Gives what was read since."""
        with suppress(BlockingIOError):
            os.read(self.bell, 4096)
        while not self._done.empty():
            yield self._done.get()

    def ring(self) -> None:
        """Wakes whoever waits at the bell."""
        with suppress(BlockingIOError):
            os.write(self._ringer, b"\0")

    def _serve(self) -> None:
        while True:
            ward, name, number, handle = self._work.get()
            status = os.fstat(handle)
            origin, failed = None, False
            try:
                origin = ward.comparison.slow(name, handle, ward.is_wanted)
            except (OSError, GivenUpError):
                failed = True
            finally:
                os.close(handle)
            file = (status.st_dev, status.st_ino)
            self._done.put(Reading(ward, number, file, origin, failed))
            self.ring()
