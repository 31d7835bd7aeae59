"""Finds which processes of a container run what its image doesn't hold, and who came from outside.

The kernel's own links are asked, never the names that a process gives itself; but for a script,
which only the words of its interpreter name.
"""

import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress

from reconciler.agent.bounds import Bounds
from reconciler.agent.codes import Code as Code
from reconciler.agent.containers import Container
from reconciler.agent.judging import Judge
from reconciler.agent.mounts import Mount
from reconciler.agent.opening import opened_in
from reconciler.agent.processes import Process, ProcessTable
from reconciler.agent.starters import Starters
from reconciler.agent.volumes import is_scratch, volume_name
from reconciler.core.commands import mask_command
from reconciler.core.containers import Origin, Parent, ProcessDrift, SessionDrift
from reconciler.core.drift import ChangeType, Severity
from reconciler.core.grading import Profile

_DELETED = " (deleted)"
_MEMORY = "/memfd:"
#: Programs that are many in one, by the name they are called by.
_MANY = ("busybox", "toybox", "coreutils")
#: After these words an interpreter is given code, or a module's name, and no file.
_INLINE = ("-c", "-e", "-m", "--eval", "--command", "-E", "-p", "--print")
_ORIGINS = {ChangeType.ADDED: Origin.ADDED, ChangeType.CHANGED: Origin.CHANGED}
_WORDS = 16
_PARENTS = 16


class ProgramScan:
    """Looks at the processes of one container.

    Args:
        table: Reads processes.
        container: Which one.
        known: All processes of the machine, by number.
        profile: Which programs are interpreters and loaders.
        judge: Says of a path of the container's root how it differs from the image; None where
            that can't be told.
        starters: The programs that start containers.
    """

    def __init__(
        self,
        table: ProcessTable,
        container: Container,
        known: Mapping[int, Process],
        profile: Profile,
        judge: Judge | None,
        starters: Starters,
    ) -> None:
        self._table = table
        self._container = container
        self._known = known
        self._profile = profile
        self._judge = judge
        self._starters = starters
        self._space = table.link(container.first.pid, "ns/mnt")
        self.processes: list[ProcessDrift] = []
        self.sessions: list[SessionDrift] = []
        self.unknown: list[str] = []

    def look(self, bounds: Bounds, only: frozenset[int] | None = None) -> None:
        """Fills `processes`, `sessions` and `unknown`.

        Args:
            bounds: At how many processes it looks.
            only: The numbers of those to look at; None for all.
        """
        mine: Sequence[Process] = (*self._container.processes, *self._container.entered)
        if only is not None:
            mine = [process for process in mine if process.pid in only]
        if len(mine) > bounds.processes:
            self.unknown.append(f"only {bounds.processes} of {len(mine)} processes were looked at")
        entered = {process.pid for process in self._container.entered}
        for process in mine[: bounds.processes]:
            try:
                code = self._executable(process)
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended, or is the kernel's own
            except OSError as error:
                self.unknown.append(f"process {process.pid}: {error.strerror}")
                continue
            if code is None:
                continue
            self._tell_session(process, entered)
            self._tell_process(process, code)

    def _tell_process(self, process: Process, code: Code) -> None:
        inner = None
        if code.origin is None:
            inner = self._loaded(process, code) or self._script(process, code)
            inner = inner or self.unprofiled(code)
            if inner is None:
                return
        found = inner or code
        # The number may be another's by now.
        again = self._table.process(process.pid)
        if again is None or again.started != process.started or found.origin is None:
            return
        drift = ProcessDrift(
            pid=process.pid,
            container_pid=process.numbers[-1],
            executable=code.path,
            origin=found.origin,
            command=mask_command(self._table.command(process.pid)),
            user=str(process.user),
            started_at=self._table.started_at(process),
            severity=found.severity,
            code=inner.path if inner is not None and inner.path != code.path else "",
            parents=self.parents_of(process),
            note=found.note,
        )
        self.processes.append(drift)

    def unprofiled(self, code: Code) -> Code | None:
        """Gives a program of the image that its profile doesn't have run; None where it may."""
        return None if self._profile.runs(code.path) else Code(code.path, Origin.PROFILE)

    def is_loader(self, code: Code) -> bool:
        """Whether a program is the loader of dynamic libraries."""
        return self._profile.loaders.match(os.path.basename(code.path)) is not None

    def _tell_session(self, process: Process, entered: set[int]) -> None:
        verb, note = self._came(process, entered)
        if verb:
            session = SessionDrift(
                verb=verb,
                pid=process.pid,
                container_pid=process.numbers[-1],
                user=str(process.user),
                command=mask_command(self._table.command(process.pid)),
                started_at=self._table.started_at(process),
                severity=Severity.HIGH if verb == "enter" else Severity.MEDIUM,
                parents=self.parents_of(process),
                note=note,
            )
            self.sessions.append(session)

    def _came(self, process: Process, entered: set[int]) -> tuple[str, str]:
        """Says how a process came in from outside; empty where it didn't."""
        if process.pid in entered:
            return ("" if process.parent in entered else "enter"), ""
        mine = {each.pid for each in self._container.processes}
        if process.pid == self._container.first.pid or process.parent in mine:
            return "", ""
        parent = self._known.get(process.parent)
        if parent is None:
            # 0 is one that this /proc doesn't show; another has ended since it was read.
            return ("" if process.parent else "exec"), ""
        if len(parent.numbers) < len(process.numbers):
            return "exec", ""
        # It shares its table of processes with who is outside, and there orphans go to.
        if parent.pid == self._container.watcher and process.session == process.pid:
            return "exec", "or a daemon of its own: it shares the machine's process numbers"
        return "", ""

    def _executable(self, process: Process) -> Code | None:
        """Says what a process runs; None for one that the runtime hasn't started yet."""
        handle = os.open(self._table.path(process.pid, "exe"), os.O_PATH | os.O_CLOEXEC)
        try:
            name = self._table.link(process.pid, "exe")
            mount = self._mount(process, handle)
            if mount not in self._container.mounts and self._starters.is_one(handle):
                return None
            if mount is None:
                if name.startswith(_MEMORY):
                    return Code(name.removesuffix(_DELETED), Origin.MEMORY)
                return Code(name, Origin.OUTSIDE, note="no mount of the container holds it")
            return self.placed(name, mount, handle)
        finally:
            os.close(handle)

    def placed(self, name: str, mount: Mount, handle: int) -> Code:
        """Says where a file that runs comes from, by its mount and path.

        Raises:
            OSError: It can't be read.
        """
        if name.endswith(_DELETED) and not self._is_there(name, handle):
            path = name.removesuffix(_DELETED)
            if self._judge is not None and self._judge.is_as_image(path, handle):
                return Code(path, None)  # replaced, but what runs is the image's own
            return Code(path, Origin.DELETED, note="the file that runs is gone, or was replaced")
        root = self._container.root
        if root is None or mount.device != root.device:
            named = volume_name(mount)
            return Code(name, Origin.VOLUME, mount, f"on {named}")
        change = self._judge.change_of(name) if self._judge is not None else None
        if (
            self._judge is not None
            and change is ChangeType.CHANGED
            and self._judge.is_as_image(name, handle)
        ):
            change = None  # it was started before the file was changed
        return Code(name, _ORIGINS[change] if change is not None else None)

    def _is_there(self, name: str, handle: int) -> bool:
        """Whether a file is at its name: it may be one that has ` (deleted)` in it."""
        with suppress(OSError), self._opened(name) as other:
            return os.path.sameopenfile(handle, other)
        return False

    def _loaded(self, process: Process, code: Code) -> Code | None:
        """Finds a library, or a program started by the loader, that the image doesn't hold."""
        by_loader = self.is_loader(code)
        for path in self._table.mapped(process.pid):
            if path in (code.path, "") or path.startswith((_MEMORY, "/dev/zero", "/SYSV")):
                continue
            with suppress(OSError):
                found = self._named(process, path.removesuffix(_DELETED))
                if found is None or found.origin is None:
                    continue
                if by_loader:
                    return Code(found.path, Origin.LOADER, found.mount, found.note)
                if found.origin in (Origin.ADDED, Origin.CHANGED):
                    return Code(found.path, Origin.LIBRARY)
        return None

    def _script(self, process: Process, code: Code) -> Code | None:
        """Finds a script that the image doesn't hold, by an interpreter's words."""
        words = list(self._table.command(process.pid)[:_WORDS])
        name = os.path.basename(code.path)
        if name in _MANY and words:
            name = os.path.basename(words[0]).lstrip("-")
            if name in _MANY and len(words) > 1:
                words = words[1:]
                name = words[0]
        if self._profile.interpreters.match(name) is None:
            return None
        here = self._table.link(process.pid, "cwd")
        for word in words[1:]:
            if word in _INLINE:
                return None
            if not word or word.startswith("-"):
                continue
            with suppress(OSError):
                found = self._named(process, word if word.startswith("/") else f"{here}/{word}")
                if found is None:
                    continue
                from_scratch = found.mount is not None and is_scratch(found.mount)
                if found.origin is Origin.VOLUME and not from_scratch:
                    return None
                origin = Origin.SCRIPT if found.origin is not None else None
                return Code(found.path, origin, found.mount, found.note) if origin else None
        return None

    def _named(self, process: Process, path: str) -> Code | None:
        """Says where a file comes from that the container names; None where it's no file."""
        with self._opened(path) as opened:
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                return None
            mount = self._mount(process, opened)
            name = os.readlink(f"/proc/self/fd/{opened}")
            return self.placed(name, mount, opened) if mount is not None else None

    def _opened(self, path: str) -> AbstractContextManager[int]:
        return opened_in(self._table.path(self._container.first.pid, "root"), path)

    def _mount(self, process: Process, handle: int) -> Mount | None:
        """Finds the mount of the container's that holds an open file."""
        with open(f"/proc/self/fdinfo/{handle}", encoding="ascii") as file:
            held = dict(line.split(":\t", 1) for line in file if ":\t" in line)
        number = int(held["mnt_id"])
        mounts = self._container.mounts
        if self._table.link(process.pid, "ns/mnt") != self._space:
            mounts = self._table.mounts(process.pid)
        every = (*mounts, *self._container.mounts)
        return next((mount for mount in every if mount.number == number), None)

    def parents_of(self, process: Process) -> tuple[Parent, ...]:
        """Gives a process's parents, up to the first outside of the container."""
        mine = {each.pid for each in self._container.processes}
        chain: list[Parent] = []
        while (parent := self._known.get(process.parent)) is not None and len(chain) < _PARENTS:
            chain.append(Parent(parent.pid, parent.name))
            if parent.pid not in mine:
                break
            process = parent
        return tuple(chain)
