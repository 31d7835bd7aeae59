"""Whether node agents say something else than when a target was looked at last."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from reconciler.core.containers import ContainerLook
from reconciler.core.errors import PlumblineError
from reconciler.core.in_containers import is_silent
from reconciler.ports import NodeLooks

#: Seconds from one question to the next: a look that nobody waits for costs little, but not none.
_PAUSE: Final = 5.0
#: Of each node its name, its containers, and whether it is silent. When it spoke doesn't matter:
#: an agent speaks though nothing has changed.
_Words: TypeAlias = list[tuple[str, tuple[ContainerLook, ...], bool]]


@dataclass(slots=True)
class NodeNews:
    """What agents say, for one target.

    Attributes:
        nodes: Remembers it.
        stale_after: A node that was silent for longer isn't known any more.
        clock: Tells the time, with its zone.
        monotonic: A clock that never goes back, in seconds.
    """

    nodes: NodeLooks
    stale_after: timedelta
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    _seen: _Words | None = None
    _asked: float = 0.0

    def stamp(self) -> object:
        """Gives something that is the same as long as agents say the same; a look begins.

        Raises:
            HistoryError: What they said can't be read.
        """
        self._seen = self._words()
        self._asked = self.monotonic()
        return self._seen

    def is_new(self) -> bool:
        """Whether they say something else than at the last stamp; asked now and then only."""
        if self._seen is None or self.monotonic() - self._asked < _PAUSE:
            return False
        self._asked = self.monotonic()
        try:
            return self._words() != self._seen
        except PlumblineError:
            # The next look says so.
            return False

    def _words(self) -> _Words:
        now = self.clock()
        return [
            (each.look.node, each.look.looks, is_silent(each, now, self.stale_after))
            for each in self.nodes.latest()
        ]
