"""Tells of a program that a container's image doesn't hold at the moment that it is executed."""

import os
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from time import sleep
from typing import Final

from reconciler.agent.containers import Container
from reconciler.agent.executable_mounts import executable_mounts, mount_number
from reconciler.agent.mounts import Mount
from reconciler.agent.node import NodeScan
from reconciler.agent.notifying import Execution, Notifier
from reconciler.agent.opening import opened_in
from reconciler.agent.programs import Code, ProgramScan
from reconciler.agent.specs import processes_but
from reconciler.agent.volumes import is_scratch
from reconciler.core.commands import mask_command
from reconciler.core.containers import ContainerLook, Origin, ProcessDrift
from reconciler.core.drift import Severity

#: Seconds from a program's opening, of which the kernel tells, until its process runs it.
_BEGINS: Final = 0.003
_ENDED: Final = "it had ended when its words were to be read"


class Executions:
    """Watches executions in the containers that a scan knows.

    Args:
        scan: Knows the containers.

    Raises:
        OSError: The kernel can't do this, or we may not.
    """

    def __init__(self, scan: NodeScan) -> None:
        self._scan = scan
        self._notifier = Notifier()
        self._missed = 0
        self._mounts: dict[int, tuple[str, Mount]] = {}

    @property
    def lost(self) -> int:
        """How often executions couldn't be told: too many, or a file that can't be compared."""
        return self._notifier.lost + self._missed

    def renew(self) -> None:
        """Marks the mounts of containers that are new; those of ended ones went with them."""
        known = self._mounts
        self._mounts = {}
        for container_id, container in self._scan.containers.items():
            for mount in executable_mounts(container):
                self._mounts[mount.number] = (container_id, mount)
                # The kernel gives the numbers of mounts that are gone to others.
                if known.get(mount.number) != self._mounts[mount.number]:
                    self._mark(container, mount)

    def _mark(self, container: Container, mount: Mount) -> None:
        root = self._scan.table.path(container.first.pid, "root")
        # It may have ended, or be a mount that can't be marked: then looks see what lasts.
        with suppress(OSError), opened_in(root, mount.point) as handle:
            # Where a directory was moved away and a link put in its place, it's another mount.
            if mount_number(handle) == mount.number:
                self._notifier.mark(f"/proc/self/fd/{handle}")

    def looks(self, patience: float) -> tuple[ContainerLook, ...]:
        """Waits for executions; gives containers in which something strange was executed."""
        events = list(self._notifier.executions(patience))
        try:
            if events:
                sleep(_BEGINS)
            with ExitStack() as stack:
                scans: dict[str, ProgramScan] = {}
                found = [self._look(each, stack, scans) for each in events]
            return tuple(look for look in found if look is not None)
        finally:
            for each in events:
                os.close(each.handle)

    def _look(
        self, event: Execution, stack: ExitStack, scans: dict[str, ProgramScan]
    ) -> ContainerLook | None:
        placed = self._mounts.get(mount_number(event.handle))
        container = self._scan.containers.get(placed[0]) if placed is not None else None
        if placed is None or container is None or not self._scan.chooses(container):
            return None
        try:
            programs = scans.get(placed[0])
            if programs is None:
                programs = scans[placed[0]] = self._scan.programs_of(stack, container)
            name = os.readlink(f"/proc/self/fd/{event.handle}")
            code = programs.placed(name, placed[1], event.handle)
            is_script = _is_script(event.handle)
        except (FileNotFoundError, ProcessLookupError):
            return None  # the container has ended
        except OSError:
            self._missed += 1
            return None
        if code.origin is None:
            # The kernel also tells of the loader and the interpreter that a file names.
            if is_script or programs.is_loader(code):
                return None
            unprofiled = programs.unprofiled(code)
            if unprofiled is None:
                return None
            code = unprofiled
        # Volumes are there to give programs their scripts; what a pod wrote is another thing.
        elif is_script and code.mount is not None and not is_scratch(code.mount):
            return None
        drift = self._drift(programs, event, code, is_script)
        told = processes_but((drift,), self._scan.commands_of(container))
        return ContainerLook(container.ref, told) if told else None

    def _drift(
        self, programs: ProgramScan, event: Execution, code: Code, is_script: bool
    ) -> ProcessDrift:
        """Describes what is executed in the same words as a look at what lasts does."""
        table = self._scan.table
        process = table.process(event.pid)
        words: Sequence[str] = ()
        with suppress(OSError):
            runs = os.stat(table.path(event.pid, "exe"))
            # Of a script the interpreter runs by now; its words name the script.
            if is_script or os.path.samestat(runs, os.fstat(event.handle)):
                words = table.command(event.pid)
        return ProcessDrift(
            pid=event.pid,
            container_pid=process.numbers[-1] if process is not None else 0,
            executable=(is_script and table.link(event.pid, "exe")) or code.path,
            origin=Origin.SCRIPT if is_script else code.origin or Origin.ADDED,
            command=mask_command(words),
            user=str(process.user) if process is not None else "",
            started_at=table.started_at(process) if process is not None else "",
            severity=Severity.MEDIUM if code.mount is not None else code.severity,
            code=code.path if is_script else "",
            parents=programs.parents_of(process) if process is not None else (),
            note=code.note if words else _ENDED,
        )


def _is_script(handle: int) -> bool:
    """Whether a file names its interpreter (execve(2))."""
    return os.pread(handle, 2, 0) == b"#!"
