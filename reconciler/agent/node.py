"""Looks at all containers of this machine."""

import json
import platform
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from reconciler.agent.allowances import Allowances
from reconciler.agent.bounds import Bounds
from reconciler.agent.containers import Container, containers_of, unsupported
from reconciler.agent.contents import Contents
from reconciler.agent.files import FileScan
from reconciler.agent.findings import Findings, Root
from reconciler.agent.judging import Judge
from reconciler.agent.mounts import Mount
from reconciler.agent.processes import Process, ProcessTable
from reconciler.agent.programs import ProgramScan
from reconciler.agent.roots import open_root, opened
from reconciler.agent.shells import shells_in
from reconciler.agent.sockets import listeners
from reconciler.agent.specs import PodSpec, processes_but, sessions_but
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
from reconciler.core.profiles import Profiles
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

    Attributes:
        table: Reads processes.
        containers: Those of the last look, by id.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        node: str | None = None,
        choice: Choice = Choice(),
        specs: Mapping[str, PodSpec] | None = None,
        bounds: Bounds = Bounds(),  # noqa: B008 - frozen
        profile: Profile | None = None,
        proc: Path = Path("/proc"),
    ) -> None:
        self._now = now
        self._node = platform.node() if node is None else node
        self._choice = choice
        self._specs = specs or {}
        self._bounds = bounds
        self._allowances = Allowances(profile or builtin_profile())
        self.table = ProcessTable(proc)
        self._contents = Contents(bounds)
        self._known: dict[int, Process] = {}
        self.containers: dict[str, Container] = {}
        self._young: frozenset[int] = frozenset()

    def declare(self, specs: Mapping[str, PodSpec]) -> None:
        """Says anew what pods declare, by uid."""
        self._specs = specs

    def allow(self, profiles: Profiles, *, learns: bool = False) -> None:
        """Says anew what images' containers may do, as `Allowances.use` has it."""
        self._allowances.use(profiles, learns=learns)

    def look(self) -> NodeLook:
        """Looks once."""
        self._contents.renew()
        self.table.renew()
        now = self._now()
        at = rfc3339(now)
        self._allowances.renew(now.date())
        known = {process.pid: process for process in self.table.processes()}
        containers, notes = containers_of(self.table, self._node, known)
        self._known = known
        self.containers = {each.ref.container_id: each for each in containers}
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

        Each is looked at twice: at first it may still be what its parent was. All others cost but
        their number's listing, so this may be done every second.
        """
        here = frozenset(self.table.numbers())
        come = here - self._known.keys()
        young, self._young = come | (self._young & here), come
        news = [found for pid in young if (found := self.table.process(pid)) is not None]
        self._known = {pid: each for pid, each in self._known.items() if pid in here}
        self._known |= {each.pid: each for each in news}
        members: dict[str, list[Process]] = defaultdict(list)
        for process in news:
            for member in process.members:
                members[member.container_id].append(process)
        looks = tuple(
            self._look_at(self._with(container, mine), frozenset(one.pid for one in mine))
            for each, mine in members.items()
            if (container := self.containers.get(each)) is not None
            and self._choice.has(container.ref)
        )
        return Glimpse(len(come), looks, members.keys() <= self.containers.keys())

    def _with(self, container: Container, news: Sequence[Process]) -> Container:
        """Gives a container with the processes that it has by now."""
        again = {each.pid for each in news}
        lasting = (p for p in container.processes if p.pid in self._known and p.pid not in again)
        made = replace(container, processes=(*lasting, *news), entered=())
        self.containers[container.ref.container_id] = made
        return made

    def programs_of(self, stack: ExitStack, container: Container) -> ProgramScan:
        """Makes what looks at a container's programs.

        Raises:
            OSError: The container's layers can't be opened.
        """
        top = opened(stack, self.table.path(container.watcher, "root"))
        root = None if unsupported(container) else open_root(stack, self.table, container, top)
        return self._programs(container, top, root)

    def _programs(self, container: Container, top: int, root: Root | None) -> ProgramScan:
        return ProgramScan(
            self.table,
            container,
            self._known,
            self._allowances.of(container.ref.image),
            Judge(root, self._contents) if root is not None else None,
            Starters(top, self._allowances.builtin.runtimes),
        )

    @property
    def profile(self) -> Profile:
        """What is expected of every container, and what matters."""
        return self._allowances.builtin

    def commands_of(self, container: Container) -> frozenset[tuple[str, ...]]:
        """Gives what a container's pod has the kubelet run in it, as far as that is known."""
        spec = self._specs.get(container.ref.pod_uid)
        return frozenset(spec.hooks) if spec is not None else frozenset()

    def chooses(self, container: Container) -> bool:
        """Whether a container is among those that are to be looked at."""
        return self._choice.has(container.ref)

    def _lives(self, process: Process) -> bool:
        again = self.table.process(process.pid)
        return again is not None and again.started == process.started

    def _look_at(self, container: Container, only: frozenset[int] | None = None) -> ContainerLook:
        """Looks at one container; with numbers of processes, at nothing but these."""
        spec = self._specs.get(container.ref.pod_uid)
        unknown = [why] if (why := unsupported(container)) else []
        found = Findings()
        programs: ProgramScan | None = None
        with ExitStack() as stack:
            try:
                top = opened(stack, self.table.path(container.watcher, "root"))
                root = None
                if not why:
                    root = open_root(stack, self.table, container, top)
                    if only is None:
                        profile = self._allowances.of(container.ref.image)
                        found = FileScan(root, profile, self._bounds, self._contents).look()
                programs = self._programs(container, top, root)
                programs.look(self._bounds, only)
            except OSError as error:
                unknown.append(f"not compared: {error.filename or ''} {error.strerror}".strip())
        listening = listeners(self.table, container.processes) if only is None else ()
        drifts: list[ContainerDrift] = [*found.drifts]
        if programs is not None:
            drifts += processes_but(programs.processes, self.commands_of(container))
            drifts += sessions_but(programs.sessions, spec.hooks if spec else {}, self._now())
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
            self.table.started_at(container.first),
            found.written,
            self._shells(container) if only is None else (),
        )

    def _shells(self, container: Container) -> tuple[str, ...]:
        root = self.table.path(container.first.pid, "root")
        return shells_in(root, self.profile.shells)


def undeclared(listening: Sequence[Listener], spec: PodSpec) -> list[PortDrift]:
    """Gives where a container listens and its pod declares nothing."""
    return [
        PortDrift(each, Severity.LOW if each.address.startswith(_LOOPBACK) else Severity.MEDIUM)
        for each in listening
        if (each.protocol, each.port) not in spec.ports
    ]


def _outside(mounts: Sequence[Mount]) -> tuple[Outside, ...]:
    return tuple(
        Outside(mount.point, volume_name(mount), mount.writable)
        for mount in mounts
        if is_told(mount)
    )


def _with_digest(ref: ContainerRef, spec: PodSpec | None) -> ContainerRef:
    digest = spec.digests.get(ref.container_id, "") if spec is not None else ""
    return replace(ref, image_digest=digest) if digest else ref
