"""Looks at all containers of this machine."""

import json
import os
import platform
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from reconciler.agent.bounds import Bounds
from reconciler.agent.containers import Container, containers_of, unsupported
from reconciler.agent.contents import Contents
from reconciler.agent.files import FileScan
from reconciler.agent.findings import Findings, Root
from reconciler.agent.judging import Judge
from reconciler.agent.mounts import Mount, overlay_of
from reconciler.agent.opening import open_in
from reconciler.agent.processes import Process, ProcessTable
from reconciler.agent.programs import ProgramScan
from reconciler.agent.sockets import listeners
from reconciler.agent.specs import PodSpec, sessions_but
from reconciler.agent.starters import Starters
from reconciler.agent.volumes import is_told, volume_name
from reconciler.core.containers import (
    ContainerDrift,
    ContainerLook,
    ContainerRef,
    Listener,
    NodeLook,
    Outside,
    PortDrift,
)
from reconciler.core.drift import Severity
from reconciler.core.grading import Profile, profile_of
from reconciler.core.moments import rfc3339
from reconciler.core.ranking import worst_first, worst_looks_first

_DATA = Path(__file__).parents[1] / "data" / "containers.json"
_LOOPBACK = ("127.", "::1", "::ffff:127.")


def builtin_profile() -> Profile:
    """Gives the rules that ship with Plumbline."""
    return profile_of(json.loads(_DATA.read_bytes()))


@dataclass(frozen=True, slots=True)
class Choice:
    """Which containers are looked at; what is empty chooses all.

    Attributes:
        namespaces: Of these namespaces.
        pods: Of pods with these names.
    """

    namespaces: frozenset[str] = frozenset()
    pods: frozenset[str] = frozenset()

    def has(self, ref: ContainerRef) -> bool:
        """Whether a container is to be looked at."""
        return (not self.namespaces or ref.namespace in self.namespaces) and (
            not self.pods or ref.pod in self.pods
        )


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What has come since the last look.

    Attributes:
        processes: How many processes.
        looks: Containers in which some of them are, with what is told of these alone.
        complete: Whether every such container was there at the last look.
    """

    processes: int
    looks: tuple[ContainerLook, ...]
    complete: bool


class NodeScan:
    """Looks at this machine's containers; a second look reads only what changed.

    Args:
        now: The clock.
        node: The machine's name; None for what it calls itself.
        choice: Which containers.
        specs: What pods declare, by uid, as far as that is known.
        bounds: How much is looked at.
        profile: What is expected, and what matters.
        proc: Where `/proc` is.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        node: str | None = None,
        choice: Choice = Choice(),
        specs: Mapping[str, PodSpec] | None = None,
        bounds: Bounds = Bounds(),  # noqa: B008
        profile: Profile | None = None,
        proc: Path = Path("/proc"),
    ) -> None:
        self._now = now
        self._node = platform.node() if node is None else node
        self._choice = choice
        self._specs = specs or {}
        self._bounds = bounds
        self._profile = profile or builtin_profile()
        self._table = ProcessTable(proc)
        self._contents = Contents(bounds)
        self._known: dict[int, Process] = {}
        self._containers: dict[str, Container] = {}

    def declare(self, specs: Mapping[str, PodSpec]) -> None:
        """Says anew what pods declare, by uid."""
        self._specs = specs

    def look(self) -> NodeLook:
        """Looks once."""
        self._contents.renew()
        self._table.renew()
        at = rfc3339(self._now())
        known = {process.pid: process for process in self._table.processes()}
        containers, notes = containers_of(self._table, self._node, known)
        self._known = known
        self._containers = {each.ref.container_id: each for each in containers}
        looks = []
        for container in containers:
            if self._choice.has(container.ref):
                look = self._look_at(container)
                # One that ended half way has nothing left to be known.
                if not look.unknown or self._lives(container.first):
                    looks.append(look)
        return NodeLook(self._node, at, worst_looks_first(tuple(looks)), notes)

    def glimpse(self) -> Glimpse:
        """Looks only at processes that have come since the last look or glimpse.

        It asks the kernel for the names of all processes and reads only the new ones, so it may be
        done every second.
        """
        here = frozenset(self._table.numbers())
        news = [
            found
            for pid in here - self._known.keys()
            if (found := self._table.process(pid)) is not None
        ]
        self._known = {pid: each for pid, each in self._known.items() if pid in here}
        self._known |= {each.pid: each for each in news}
        come: dict[str, list[Process]] = defaultdict(list)
        for process in news:
            for member in process.members:
                come[member.container_id].append(process)
        looks = tuple(
            self._look_at(self._with(container, members), frozenset(each.pid for each in members))
            for each, members in come.items()
            if (container := self._containers.get(each)) is not None
            and self._choice.has(container.ref)
        )
        return Glimpse(len(news), looks, come.keys() <= self._containers.keys())

    def _with(self, container: Container, news: Sequence[Process]) -> Container:
        """Gives a container with the processes that it has by now."""
        lasting = (each for each in container.processes if each.pid in self._known)
        made = replace(container, processes=(*lasting, *news), entered=())
        self._containers[container.ref.container_id] = made
        return made

    def _lives(self, process: Process) -> bool:
        again = self._table.process(process.pid)
        return again is not None and again.started == process.started

    def _look_at(self, container: Container, only: frozenset[int] | None = None) -> ContainerLook:
        """Looks at one container; with numbers of processes, at nothing but these."""
        spec = self._specs.get(container.ref.pod_uid)
        unknown = [why] if (why := unsupported(container)) else []
        found = Findings()
        programs: ProgramScan | None = None
        with ExitStack() as stack:
            try:
                top = _opened(stack, self._table.path(container.watcher, "root"))
                root = None
                if not why:
                    root = self._root(stack, top, container)
                    if only is None:
                        scan = FileScan(root, self._profile, self._bounds, self._contents)
                        found = scan.look()
                programs = ProgramScan(
                    self._table,
                    container,
                    self._known,
                    self._profile,
                    Judge(root, self._contents) if root is not None else None,
                    Starters(top, self._profile.runtimes),
                )
                programs.look(self._bounds, only)
            except OSError as error:
                unknown.append(f"not compared: {error.filename or ''} {error.strerror}".strip())
        listening = listeners(self._table, container.processes) if only is None else ()
        drifts: list[ContainerDrift] = [*found.drifts]
        if programs is not None:
            drifts += programs.processes
            drifts += sessions_but(programs.sessions, spec.commands if spec else frozenset())
            unknown += programs.unknown
        if spec is not None:
            drifts += undeclared(listening, spec)
        return ContainerLook(
            _with_digest(container.ref, spec),
            worst_first(tuple(drifts)),
            found.expectations(),
            listening,
            _outside(container.mounts),
            (*unknown, *found.unknown),
        )

    def _root(self, stack: ExitStack, top: int, container: Container) -> Root:
        """Opens the directories of a container's overlay.

        Raises:
            OSError: One can't be opened.
        """
        mount = container.root
        overlay = overlay_of(mount) if mount is not None else None
        if overlay is None:
            raise ValueError("no overlay")

        def opened(path: str) -> int:
            handle = open_in(top, path)
            try:
                return _opened(stack, f"/proc/self/fd/{handle}")
            finally:
                os.close(handle)

        lowers = tuple(opened(path) for path in overlay.lowers)
        self._refuse_fuse(container, lowers)
        return Root(
            upper=opened(overlay.upper) if overlay.upper else -1,
            lowers=lowers,
            data=tuple(opened(path) for path in overlay.data),
            prefix=overlay.prefix,
            points=_points(container.mounts),
        )

    def _refuse_fuse(self, container: Container, lowers: Sequence[int]) -> None:
        """Refuses layers that a program serves: reading them may take for ever.

        Raises:
            OSError: One of them is such.
        """
        kinds = {mount.device: mount.kind for mount in self._table.shared_mounts(container.watcher)}
        for lower in lowers:
            device = os.fstat(lower).st_dev
            kind = kinds.get(f"{os.major(device)}:{os.minor(device)}", "")
            if kind.startswith("fuse"):
                raise OSError(95, f"its image's layers are served by {kind}")


def undeclared(listening: Sequence[Listener], spec: PodSpec) -> list[PortDrift]:
    """Gives where a container listens and its pod declares nothing."""
    return [
        PortDrift(each, Severity.LOW if each.address.startswith(_LOOPBACK) else Severity.MEDIUM)
        for each in listening
        if (each.protocol, each.port) not in spec.ports
    ]


def _opened(stack: ExitStack, path: str) -> int:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    stack.callback(os.close, handle)
    return handle


def _points(mounts: Sequence[Mount]) -> frozenset[str]:
    points: set[str] = set()
    for mount in mounts:
        path = mount.point
        while path not in points and path != "/" and path:
            points.add(path)
            path = path.rpartition("/")[0]
    return frozenset(points)


def _outside(mounts: Sequence[Mount]) -> tuple[Outside, ...]:
    return tuple(
        Outside(mount.point, volume_name(mount), mount.writable)
        for mount in mounts
        if is_told(mount)
    )


def _with_digest(ref: ContainerRef, spec: PodSpec | None) -> ContainerRef:
    digest = spec.digests.get(ref.container_id, "") if spec is not None else ""
    return replace(ref, image_digest=digest) if digest else ref
