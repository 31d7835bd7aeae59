"""The processes of this machine, as `/proc` shows them (proc(5))."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from reconciler.agent.cgroups import Membership, memberships
from reconciler.agent.mounts import Mount, read_mounts
from reconciler.agent.states import moment

#: Of a command line so much is read, and of a memory map.
_WORDS = 32 << 10
_MAPS = 4 << 20


@dataclass(frozen=True, slots=True)
class Process:
    """A process when it was looked at.

    Attributes:
        pid: Its number, as this `/proc` has it.
        parent: Its parent's number; 0 for one from outside of what this `/proc` shows.
        name: Its short name, which it may choose.
        started: When, in clock ticks after the machine's start.
        session: The number of its session's leader.
        numbers: Its numbers in each namespace of processes, from the outermost to its own.
        user: Its real user's number.
        members: The containers that its control groups name, the innermost first.
    """

    pid: int
    parent: int
    name: str
    started: int
    session: int
    numbers: tuple[int, ...]
    user: int
    members: tuple[Membership, ...]


class ProcessTable:
    """Reads `/proc`.

    Args:
        proc: Where it is mounted.
    """

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._tables: dict[str, tuple[Mount, ...]] = {}

    def processes(self) -> Iterator[Process]:
        """Gives all processes that are there; one that ends meanwhile is left out."""
        for pid in self.numbers():
            if (found := self.process(pid)) is not None:
                yield found

    def numbers(self) -> Iterator[int]:
        """Gives the numbers of all processes that are there."""
        return (int(name) for name in os.listdir(self._proc) if name.isdecimal())

    def process(self, pid: int) -> Process | None:
        """Reads one process; None where it isn't there any more."""
        with suppress(OSError, ValueError, KeyError):
            text = self._text(pid, "stat")
            # The name may hold anything, parentheses and newlines too.
            fields = text[text.rindex(")") + 2 :].split(" ")
            status = dict(
                line.split(":\t", 1)
                for line in self._text(pid, "status").split("\n")
                if ":\t" in line
            )
            return Process(
                pid=pid,
                parent=int(fields[1]),
                name=text[text.index("(") + 1 : text.rindex(")")],
                started=int(fields[19]),
                session=int(fields[3]),
                numbers=tuple(int(each) for each in status["NSpid"].split()),
                user=int(status["Uid"].split()[0]),
                members=memberships(self._text(pid, "cgroup")),
            )
        return None

    def command(self, pid: int) -> tuple[str, ...]:
        """Gives a process's words; empty for one that has none, or is gone."""
        with suppress(OSError):
            held = self._bytes(pid, "cmdline", _WORDS)
            return tuple(os.fsdecode(word) for word in held.rstrip(b"\0").split(b"\0") if held)
        return ()

    def mounts(self, pid: int) -> tuple[Mount, ...]:
        """Gives a process's mounts.

        Raises:
            OSError: It's gone, or we may not.
        """
        return read_mounts(self._bytes(pid, "mountinfo", 64 << 20))

    def shared_mounts(self, pid: int, *, fresh: bool = False) -> tuple[Mount, ...]:
        """Gives the mounts of a process that shares them with many, read once for all.

        Args:
            pid: The process.
            fresh: Whether they are to be read anew.

        Raises:
            OSError: It's gone, or we may not.
        """
        space = self.link(pid, "ns/mnt")
        if fresh or space not in self._tables:
            self._tables[space] = self.mounts(pid)
        return self._tables[space]

    def renew(self) -> None:
        """Forgets what was read once for all."""
        self._tables.clear()

    def mapped(self, pid: int) -> tuple[str, ...]:
        """Gives the files whose content a process may execute, as its container sees them."""
        found: dict[str, None] = {}
        with suppress(OSError):
            for line in self._bytes(pid, "maps", _MAPS).split(b"\n"):
                fields = line.split(None, 5)
                if len(fields) == 6 and b"x" in fields[1] and fields[5].startswith(b"/"):
                    # The kernel writes a newline in a name as `\012`, and nothing else.
                    found[os.fsdecode(fields[5].replace(b"\\012", b"\n"))] = None
        return tuple(found)

    def link(self, pid: int, name: str) -> str:
        """Gives where one of a process's links points, such as `exe` or `ns/mnt`; empty if gone."""
        with suppress(OSError):
            return os.readlink(self.path(pid, name))
        return ""

    def path(self, pid: int, name: str) -> str:
        """Gives the path of one of a process's files."""
        return f"{self._proc}/{pid}/{name}"

    def text(self, pid: int, name: str, limit: int) -> str:
        """Reads one of a process's files as text; empty where it's gone."""
        with suppress(OSError):
            return os.fsdecode(self._bytes(pid, name, limit))
        return ""

    def started_at(self, process: Process) -> str:
        """Says when a process was started, RFC 3339."""
        return moment(self._booted() + process.started / self._ticks)

    def _booted(self) -> float:
        for line in (self._proc / "stat").read_text(encoding="ascii").splitlines():
            if line.startswith("btime "):
                return float(line.split()[1])
        return 0.0

    def _text(self, pid: int, name: str) -> str:
        return os.fsdecode(self._bytes(pid, name, 1 << 20))

    def _bytes(self, pid: int, name: str, limit: int) -> bytes:
        with Path(self.path(pid, name)).open("rb") as file:
            return file.read(limit)
