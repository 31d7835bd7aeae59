"""Ends what another thread waits for."""

import threading
from collections.abc import Callable


class Cut:
    """Ends a stream from another thread, whatever its reader waits for; once and for all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done = False
        self._shut: Callable[[], None] | None = None

    @property
    def done(self) -> bool:
        """Whether it was cut."""
        return self._done

    def binds(self, shut: Callable[[], None] | None) -> None:
        """Says how the connection that is now in use is shut; None for none."""
        with self._lock:
            self._shut = shut
            if self._done and shut is not None:
                shut()

    def __call__(self) -> None:
        """Cuts."""
        with self._lock:
            self._done = True
            if self._shut is not None:
                self._shut()
