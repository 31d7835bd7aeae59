"""Says on standard error what is being waited for, once that has taken longer than a second."""

from __future__ import annotations  # names of types alone: they are imported when they are needed

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from reconciler.adapters.delegating import DelegatingLive

if TYPE_CHECKING:
    from reconciler.controller import Target
    from reconciler.core.desired import DesiredState, Rendered
    from reconciler.core.expected import Answer
    from reconciler.core.live import Listing, LiveState
    from reconciler.core.report import Comparison
    from reconciler.core.resource import Catalog, ResourceKey
    from reconciler.ports import Comparer, Live, Source

_AFTER = 1.0
_ERASE = "\r\x1b[K"

#: What a terminal is taken for that doesn't say.
_COLUMNS = 80


class Progress:
    """Tells the stage; on a terminal in one line that goes away, else a line a stage."""

    def __init__(self, stream: TextIO | None = None, *, after: float = _AFTER) -> None:
        """Says nothing yet.

        Args:
            stream: Where to say it; standard error if None.
            after: For how long nothing is said, in seconds.
        """
        self._stream = sys.stderr if stream is None else stream
        self._after = after
        self._live = self._stream.isatty()
        self._stage = ""
        self._shown = ""
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._watch, name="progress", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()
        if self._shown and self._live:
            self._stream.write(_ERASE)
            self._stream.flush()

    def stage(self, text: str) -> None:
        """Says what is being done from now on."""
        with self._changed:
            self._stage = text
            self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._ended, self._after)
            while not self._ended:
                if self._stage != self._shown:
                    self._say(self._stage)
                self._changed.wait_for(lambda: self._ended or self._stage != self._shown)

    def _say(self, text: str) -> None:
        # Late: whoever needn't wait needs none of it.
        from reconciler.render.terminal import safe, truncated

        self._shown = text
        line = f"{safe(text)} …"
        if self._live:
            # A line that went on below could not be erased.
            line = truncated(line, self._columns() - 1)
        self._stream.write(f"{_ERASE}{line}" if self._live else f"{line}\n")
        self._stream.flush()

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or _COLUMNS
        except OSError:
            return _COLUMNS


def announced(target: Target, progress: Progress) -> Target:
    """Gives a target that says what it's doing."""
    return replace(
        target,
        source=_Source(target.source, progress, target.name),
        live=_Live(target.live, progress),
        comparer=_Comparer(target.comparer, progress),
    )


class _Source:
    def __init__(self, inner: Source, progress: Progress, name: str) -> None:
        self._inner, self._progress, self._name = inner, progress, name

    def fetch(self) -> Rendered:
        self._progress.stage(f"{self._name}: reading what Git declares")
        return self._inner.fetch()


class _Live(DelegatingLive):
    def __init__(self, live: Live, progress: Progress) -> None:
        super().__init__(live)
        self._progress = progress

    def read(self, listings: Sequence[Listing]) -> LiveState:
        self._progress.stage(f"reading live objects of {len(listings)} kinds")
        return super().read(listings)


class _Comparer:
    def __init__(self, inner: Comparer, progress: Progress) -> None:
        self._inner, self._progress = inner, progress

    @property
    def comparison(self) -> Comparison:
        return self._inner.comparison

    def compare(
        self, desired: DesiredState, live: LiveState, catalog: Catalog
    ) -> Mapping[ResourceKey, Answer]:
        self._progress.stage(f"comparing {len(desired.resources)} objects")
        return self._inner.compare(desired, live, catalog)
