"""The containers of this machine: their processes, and what the runtime knows of them."""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from reconciler.agent.mounts import Mount, mount_at, overlay_of
from reconciler.agent.processes import Process, ProcessTable
from reconciler.agent.runtime import Bundle, bundle_of
from reconciler.core.containers import ContainerRef


@dataclass(frozen=True, slots=True)
class Container:
    """A container that runs.

    Attributes:
        ref: Which one.
        first: Its first process.
        processes: All its processes, the first one among them.
        entered: Processes of others in its namespaces.
        watcher: The process outside that watches over it, as the runtime started it.
        mounts: What is mounted in it, as its first process sees it.
        root: Its root's mount, as the runtime made it, or else as its first process sees it.
        certain: Whether that is as the runtime made it.
    """

    ref: ContainerRef
    first: Process
    processes: tuple[Process, ...]
    entered: tuple[Process, ...]
    watcher: int
    mounts: tuple[Mount, ...]
    root: Mount | None
    certain: bool


def containers_of(
    table: ProcessTable, node: str, known: Mapping[int, Process]
) -> tuple[tuple[Container, ...], tuple[str, ...]]:
    """Finds all containers of this machine.

    Args:
        table: Reads processes.
        node: The machine's name.
        known: All processes, by number.

    Returns:
        The containers, and what couldn't be told.
    """
    groups: dict[str, list[Process]] = defaultdict(list)
    bundles: dict[str, Bundle | None] = {}
    for process in known.values():
        if process.members:
            groups[_container_id(table, process, known, bundles)].append(process)
    entered = _entered(table, groups, known)
    found, unknown = [], []
    for container_id, members in groups.items():
        try:
            found.append(
                _container(
                    table, node, container_id, members, entered[container_id], known, bundles
                )
            )
        except ProcessLookupError:
            continue  # it ended while we looked
        except OSError as error:
            if table.process(members[0].pid) is not None:
                unknown.append(f"container {container_id[:12]}: {error.strerror}")
    return tuple(found), tuple(unknown)


def coming_container(
    table: ProcessTable, node: str, runtime: tuple[int, str], container_id: str
) -> Container | None:
    """Gives a container that is about to start, as if the runtime's process were its first.

    Args:
        table: Reads processes.
        node: The machine's name.
        runtime: A process that sees what the runtime sees, and the folder of the bundles.
        container_id: The container's.

    Returns:
        None where its root isn't mounted yet.

    Raises:
        OSError: That process is gone.
    """
    watcher, folder = runtime
    process = table.process(watcher)
    if process is None:
        raise ProcessLookupError
    root = os.open(table.path(watcher, "root"), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        bundle = bundle_of(root, container_id, f"{folder}/{container_id}")
    finally:
        os.close(root)
    mount = mount_at(table.mounts(watcher), bundle.root) if bundle is not None else None
    if bundle is None or mount is None:
        return None
    ref = _ref(bundle, container_id, bundle.pod_uid, node)
    return Container(ref, process, (), (), watcher, (), mount, True)


def _entered(
    table: ProcessTable, groups: Mapping[str, Sequence[Process]], known: Mapping[int, Process]
) -> Mapping[str, list[Process]]:
    """Finds who is in a container's mounts and not in its control groups, by container."""
    spaces: dict[str, str] = {}
    for each, members in groups.items():
        space = table.link(members[0].pid, "ns/mnt")
        # Where a container has the mounts of who started it, everybody else is in them too.
        if space != table.link(_watcher(members[0], known, each), "ns/mnt"):
            spaces[space] = each
    spaces.pop(table.link(1, "ns/mnt"), None)
    spaces.pop("", None)
    entered: dict[str, list[Process]] = defaultdict(list)
    for process in known.values():
        if not process.members and (space := table.link(process.pid, "ns/mnt")) in spaces:
            entered[spaces[space]].append(process)
    return entered


def _container_id(
    table: ProcessTable,
    process: Process,
    known: Mapping[int, Process],
    bundles: dict[str, Bundle | None],
) -> str:
    """Gives the container that a process is in: the innermost one that a runtime knows.

    A container with the right to make control groups could else pass its processes off as
    another's.
    """
    if len(process.members) == 1:
        return process.members[0].container_id
    for member in process.members:
        if member.container_id not in bundles:
            watcher = _watcher(process, known, member.container_id)
            bundles[member.container_id] = _bundle(table, watcher, member.container_id)
        if bundles[member.container_id] is not None:
            return member.container_id
    return process.members[-1].container_id


def _watcher(process: Process, known: Mapping[int, Process], container_id: str) -> int:
    """Gives the nearest parent outside of a container; 1 where there is none to be seen."""
    seen = {process.pid}
    while (parent := known.get(process.parent)) is not None and parent.pid not in seen:
        if all(member.container_id != container_id for member in parent.members):
            return parent.pid
        seen.add(parent.pid)
        process = parent
    return 1


def _container(
    table: ProcessTable,
    node: str,
    container_id: str,
    members: Sequence[Process],
    entered: Sequence[Process],
    known: Mapping[int, Process],
    bundles: Mapping[str, Bundle | None],
) -> Container:
    mine = {member.pid for member in members}
    tops = [member for member in members if member.parent not in mine]
    # The first one of a namespace of processes is number 1 there; else it's the oldest.
    first = min(tops or members, key=lambda each: (each.numbers[-1] != 1, each.started, each.pid))
    watcher = _watcher(first, known, container_id)
    bundle = bundles.get(container_id) or _bundle(table, watcher, container_id)
    pod_uid = next((m.pod_uid for m in first.members if m.container_id == container_id), "")
    mounts = table.mounts(first.pid)
    root, certain = _root(table, watcher, bundle, mounts)
    ref = ContainerRef("", "", pod_uid, "", container_id, node=node)
    if bundle is not None:
        ref = _ref(bundle, container_id, bundle.pod_uid or pod_uid, node)
    return Container(ref, first, tuple(members), tuple(entered), watcher, mounts, root, certain)


def _ref(bundle: Bundle, container_id: str, pod_uid: str, node: str) -> ContainerRef:
    return ContainerRef(
        bundle.namespace,
        bundle.pod,
        pod_uid,
        bundle.container,
        container_id,
        bundle.image,
        bundle.image_digest,
        node,
    )


def _root(
    table: ProcessTable, watcher: int, bundle: Bundle | None, mounts: Sequence[Mount]
) -> tuple[Mount | None, bool]:
    """Gives the container's root as the runtime mounted it: no container can change that."""
    if bundle is not None:
        with suppress(OSError):
            made = mount_at(table.shared_mounts(watcher), bundle.root)
            if made is None:  # a container that is younger than what was read
                made = mount_at(table.shared_mounts(watcher, fresh=True), bundle.root)
            if made is not None:
                return made, True
    return mount_at(mounts, "/"), False


def _bundle(table: ProcessTable, watcher: int, container_id: str) -> Bundle | None:
    with suppress(OSError):
        root = os.open(table.path(watcher, "root"), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return bundle_of(root, container_id, table.link(watcher, "cwd"))
        finally:
            os.close(root)
    return None


def unsupported(container: Container) -> str:
    """Says why a container's files can't be compared with its image; empty where they can."""
    mount = container.root
    if mount is None:
        return "files not compared: its root isn't known"
    overlay = overlay_of(mount)
    if overlay is None:
        return (
            f"files not compared: its root is {mount.kind}, not overlay; only the overlay "
            "snapshotter keeps apart what a container writes"
        )
    return "" if overlay.lowers else "files not compared: the layers of its image aren't known"
