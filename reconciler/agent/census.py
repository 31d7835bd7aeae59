"""All processes of the machine, of which only those that came are read."""

from collections.abc import Collection
from typing import Final

from reconciler.agent.processes import Process, ProcessTable

#: In so many rounds a process that came is read anew: its groups and namespaces may be its parent's
#: at first.
_YOUNG: Final = 5


class Census:
    """Keeps the table of processes.

    Args:
        table: Reads processes.

    Attributes:
        known: All of them, by number.
    """

    def __init__(self, table: ProcessTable) -> None:
        self._table = table
        self._young: dict[int, int] = {}
        self.known: dict[int, Process] = {}

    def renew(self) -> list[Process]:
        """Takes in what came and what ended; gives what came a moment ago.

        Raises:
            OSError: Processes can't be listed.
        """
        here = frozenset(self._table.numbers())
        again = here & frozenset(self._young)
        come = (self._table.process(pid) for pid in (here - self.known.keys()) | again)
        news = [each for each in come if each is not None]
        self.known = {pid: each for pid, each in self.known.items() if pid in here}
        self.known |= {each.pid: each for each in news}
        left = {each.pid: self._young.get(each.pid, _YOUNG) - 1 for each in news}
        self._young = {pid: rounds for pid, rounds in left.items() if rounds}
        return news

    def read_anew(self, ids: Collection[str]) -> None:
        """Reads processes of some containers: their parents may have left them to others."""
        for pid, process in tuple(self.known.items()):
            if any(each.container_id in ids for each in process.members):
                again = self._table.process(pid)
                if again is not None:
                    self.known[pid] = again

    def container_ids(self) -> set[str]:
        """Gives all containers that control groups name."""
        return {each.container_id for one in self.known.values() for each in one.members}
