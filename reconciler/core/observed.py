"""What containers were seen to do over a while: looks put together, from which is learned."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from reconciler.core.containers import ContainerLook, Origin, ProcessDrift, SessionDrift

#: So many processes that ran the same program are remembered of a container.
_LINES: Final = 64


@dataclass(slots=True)
class Observed:
    """All looks of a window, one on top of the other. Files are levels: the last look has them all.

    Attributes:
        looks: The last whole look at each container, by its id.
        ran: Programs of the image that ran, by container and path; each time with its process and
            the processes above it.
        sessions: Processes that came from outside.
        firsts: Each container's first process.
    """

    looks: dict[str, ContainerLook] = field(default_factory=dict)
    ran: dict[str, dict[str, set[frozenset[int]]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    sessions: set[int] = field(default_factory=set)
    firsts: dict[str, int] = field(default_factory=dict)

    def take(self, looks: Iterable[ContainerLook], *, whole: bool) -> None:
        """Adds what was seen.

        Args:
            looks: At containers whose profile refuses every program.
            whole: Whether they are of all that is in them, and not only of what is new.
        """
        for look in looks:
            container_id = look.container.container_id
            if whole or container_id not in self.looks:
                self.looks[container_id] = look
            for drift in look.drifts:
                if isinstance(drift, SessionDrift):
                    self.sessions.add(drift.pid)
                elif isinstance(drift, ProcessDrift):
                    self._ran(container_id, drift)

    def _ran(self, container_id: str, drift: ProcessDrift) -> None:
        if drift.container_pid == 1:
            self.firsts[container_id] = drift.pid
        if drift.origin is Origin.PROFILE:
            line = frozenset((drift.pid, *(each.pid for each in drift.parents)))
            lines = self.ran[container_id][drift.executable]
            if len(lines) < _LINES:
                lines.add(line)

    def is_own(self, container_id: str, path: str) -> bool:
        """Whether a program was run by the container itself, not only from outside."""
        first = self.firsts.get(container_id)
        return any(
            not line & self.sessions and (first is None or first in line)
            for line in self.ran[container_id][path]
        )
