"""Marks what is mounted in a container beside its root, in each of its mount namespaces.

The root's mark is on its whole file system, so that no copy of a mount escapes it. A volume lies on
a file system of the machine's, which is never marked: its mounts are, one by one, as they are seen.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Final, Protocol

from reconciler.agent.containers import Container
from reconciler.agent.executable_mounts import executable_mounts, mount_number
from reconciler.agent.mounts import Mount, mount_at, read_mounts
from reconciler.agent.opening import opened_in
from reconciler.agent.processes import ProcessTable

#: Of a mount table so much is read.
_TABLE: Final = 4 << 20
#: In so many mount namespaces of one container are mounts looked for.
_SPACES: Final = 16


class Marking(Protocol):
    """What has the kernel ask."""

    def mark_filesystem(self, path: str, *, remove: bool = False) -> None:
        """Has it ask for all of a file system."""

    def mark_mount(self, path: str, *, remove: bool = False) -> None:
        """Has it ask for one mount."""


class Cover:
    """Marks the mounts of one container.

    Args:
        gate: Marks.
        table: Reads processes.
        root: The container's root.

    Attributes:
        mounts: All mounts that are known, by number.
    """

    def __init__(self, gate: Marking, table: ProcessTable, root: Mount) -> None:
        self._gate = gate
        self._table = table
        self._root = root
        self._spaces: dict[str, int] = {}
        self._tables: dict[str, bytes] = {}
        self._held: dict[str, dict[int, Mount]] = {}
        self.mounts: dict[int, Mount] = {}

    def renew(self, container: Container, others: Iterable[int]) -> bool:
        """Takes in what is mounted by now.

        Args:
            container: The container.
            others: Processes of it that may have a mount namespace of their own.

        Returns:
            Whether its first process is still there, and who watches over it.
        """
        first = container.first.pid
        own = self._table.link(first, "ns/mnt")
        for pid in others:
            space = self._table.link(pid, "ns/mnt")
            if space and space != own and len(self._spaces) < _SPACES:
                self._spaces.setdefault(space, pid)
        outside = self._table.link(container.watcher, "ns/mnt")
        changed = False
        for space, pid in ((own, first), *self._spaces.items()):
            # The runtime's own process, before it has a namespace of its own, has the machine's.
            if space and space != outside:
                changed |= self._look(container, space, pid)
        for space, pid in tuple(self._spaces.items()):
            if self._table.link(pid, "ns/mnt") != space:
                del self._spaces[space]
                changed |= self._held.pop(space, None) is not None
                self._tables.pop(space, None)
        if changed:
            every = self._held.values()
            self.mounts = {number: mount for held in every for number, mount in held.items()}
        return bool(own and outside)

    def _look(self, container: Container, space: str, pid: int) -> bool:
        """Reads one namespace; says whether it is other than before."""
        try:
            with open(self._table.path(pid, "mountinfo"), "rb") as file:
                table = file.read(_TABLE)
        except OSError:
            return False
        if table == self._tables.get(space):
            return False
        mounts = read_mounts(table)
        top = mount_at(mounts, "/")
        if top is None or top.device != self._root.device:
            return False  # it isn't in the container's root, or not yet
        before = self._held.get(space, {})
        self._tables[space] = table
        self._held[space] = {mount.number: mount for mount in mounts}
        for mount in executable_mounts(replace(container, mounts=mounts)):
            if mount.device != self._root.device and before.get(mount.number) != mount:
                self._mark(container, pid, mount)
        return True

    def _mark(self, container: Container, pid: int, mount: Mount) -> None:
        root = self._table.path(pid, "root")
        # It may be covered by another, or be one that can't be marked.
        with suppress(OSError), opened_in(root, mount.point) as handle:
            if mount_number(handle) != mount.number:
                return
            path = f"/proc/self/fd/{handle}"
            self._gate.mark_mount(path)
            shared = self._table.shared_mounts(container.watcher)
            if mount.kind == "tmpfs" and all(each.device != mount.device for each in shared):
                # Memory of this container's alone: however else it comes to be mounted.
                self._gate.mark_filesystem(path)
