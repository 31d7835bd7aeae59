"""Keeps what proves a pod's drift before the pod is replaced: an archive of content and of facts.

The archive is a tar, compressed by gzip, and named by its own SHA-256. In it `blobs/sha256/HEX`
holds each content once, and `evidence.json`, the last entry, says what each was and what ran.
"""

import gzip
import hashlib
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

from reconciler.agent.archive import Archive, EvidenceBounds
from reconciler.agent.containers import Container, unsupported
from reconciler.agent.findings import Root
from reconciler.agent.layers import Attributes
from reconciler.agent.node import NodeScan
from reconciler.agent.opening import content_of, open_folder, open_in, opened_content
from reconciler.agent.processes import Process
from reconciler.agent.roots import open_root, opened
from reconciler.core.commands import mask_command
from reconciler.core.containers import (
    ContainerDrift,
    ContainerLook,
    FileDrift,
    FileType,
    NodeLook,
    Origin,
    ProcessDrift,
)
from reconciler.core.grading import Profile

EVIDENCE: Final = "plumbline.dev/evidence/v1"
#: What is read by a program of its own may take for ever to be read.
_SERVED = ("fuse", "9p", "nfs", "cifs", "smb", "ceph")


@dataclass(frozen=True, slots=True)
class Kept:
    """An archive that was kept.

    Attributes:
        digest: Its SHA-256, 64 hex digits.
        size: In bytes.
        contents: How many contents it holds.
        left: How many things were left out.
    """

    digest: str
    size: int
    contents: int
    left: int


def keep_evidence(
    scan: NodeScan,
    look: NodeLook,
    pod_uid: str,
    folder: Path,
    described: Callable[[NodeLook], Any],
    bounds: EvidenceBounds = EvidenceBounds(),  # noqa: B008 - frozen
) -> Kept:
    """Writes the archive of one pod into a folder, for its owner alone, as `SHA256.tar.gz`.

    Args:
        scan: What looked at the machine.
        look: What it saw last.
        pod_uid: Of which pod.
        folder: Where to.
        described: Gives a look as data for JSON.
        bounds: How much is kept.

    Raises:
        LookupError: No container of such a pod was seen.
        OSError: The archive can't be written.
    """
    mine = tuple(each for each in look.looks if each.container.pod_uid == pod_uid)
    if not mine:
        raise LookupError(pod_uid)
    with ExitStack() as stack:
        handle, name = tempfile.mkstemp(".part", ".evidence-", folder)
        stack.callback(_removed, name)
        file = stack.enter_context(os.fdopen(handle, "w+b"))
        archive = _written(scan, replace(look, looks=mine), file, folder, described, bounds)
        file.flush()
        os.fsync(file.fileno())
        size = file.tell()
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.replace(name, folder / f"{digest}.tar.gz")
    return Kept(digest, size, len(archive.contents), len(archive.left))


def _removed(name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name)


def _written(
    scan: NodeScan,
    look: NodeLook,
    file: IO[bytes],
    folder: Path,
    described: Callable[[NodeLook], Any],
    bounds: EvidenceBounds,
) -> Archive:
    with (
        gzip.GzipFile("", "wb", 6, file, mtime=0) as packed,
        closing(tarfile.open(mode="w", fileobj=packed, format=tarfile.PAX_FORMAT)) as tar,
    ):
        archive = Archive(tar, bounds, folder)
        processes: list[dict[str, Any]] = []
        for each in look.looks:
            container = scan.containers.get(each.container.container_id)
            if container is None:
                archive.left.append(f"{each.container}: it has ended")
                continue
            processes += _processes(scan, container, archive)
            _keep_contents(scan, container, each, archive)
        archive.say(
            {
                "schema": EVIDENCE,
                "look": described(look),
                "contents": archive.contents,
                "processes": processes,
                "left": archive.left,
            }
        )
        return archive


def _processes(scan: NodeScan, container: Container, archive: Archive) -> Iterator[dict[str, Any]]:
    every: Sequence[Process] = (*container.processes, *container.entered)
    if len(every) > archive.bounds.processes:
        words = f"only {archive.bounds.processes} of {len(every)} processes are listed"
        archive.left.append(f"{container.ref}: {words}")
    for process in every[: archive.bounds.processes]:
        yield {
            "containerId": container.ref.container_id,
            "pid": process.pid,
            "containerPid": process.numbers[-1],
            "parent": process.parent,
            "name": process.name,
            "executable": scan.table.link(process.pid, "exe"),
            "command": list(mask_command(scan.table.command(process.pid))),
            "user": process.user,
            "startedAt": scan.table.started_at(process),
        }


def _keep_contents(
    scan: NodeScan, container: Container, look: ContainerLook, archive: Archive
) -> None:
    with ExitStack() as stack:
        root = None
        if not unsupported(container):
            try:
                top = opened(stack, scan.table.path(container.watcher, "root"))
                root = open_root(stack, scan.table, container, top)
            except OSError as error:
                archive.left.append(f"{look.container}: its files: {error.strerror}")
        for drift in look.drifts:
            name = _name(drift)
            what = {"containerId": look.container.container_id, "path": name}
            try:
                with _content(scan, container, root, drift) as content:
                    if content is not None:
                        archive.keep(what, f"{look.container} {name}", content)
            except OSError as error:
                archive.left.append(f"{look.container} {name}: {error.strerror}")


def _name(drift: ContainerDrift) -> str:
    match drift:
        case FileDrift():
            return drift.path
        case ProcessDrift():
            return drift.code or drift.executable
        case _:
            return ""


@contextmanager
def _content(
    scan: NodeScan, container: Container, root: Root | None, drift: ContainerDrift
) -> Iterator[int | None]:
    """Opens the content that proves a drift; None where there is none to be kept.

    Raises:
        OSError: It can't be opened, or may take for ever to be read.
    """
    match drift:
        case FileDrift(now=now) if now is not None and now.type is FileType.REGULAR and root:
            with _written_file(root, drift.path, scan.profile) as content:
                yield content
        case ProcessDrift(origin=origin) if origin not in (Origin.ADDED, Origin.CHANGED):
            with _run_file(scan, container, drift) as content:
                yield content
        case _:
            yield None


@contextmanager
def _written_file(root: Root, path: str, profile: Profile) -> Iterator[int]:
    if profile.untold.match(path) is not None:
        raise OSError(1, "it may hold secrets: its content is not kept")
    parent, _, name = path.removeprefix("/").rpartition("/")
    folder = open_folder(root.upper, parent)
    try:
        if Attributes(root.prefix).mark(folder, name, "metacopy") is not None:
            raise OSError(1, "only its rights were changed: its content is the image's")
        with opened_content(folder, name) as content:
            yield content
    finally:
        os.close(folder)


@contextmanager
def _run_file(scan: NodeScan, container: Container, drift: ProcessDrift) -> Iterator[int]:
    """Opens what a process runs: its script or library if that is it, else its executable."""
    if drift.code:
        top = os.open(scan.table.path(container.first.pid, "root"), os.O_PATH | os.O_DIRECTORY)
        try:
            handle = open_in(top, drift.code)
        finally:
            os.close(top)
    else:
        handle = os.open(scan.table.path(drift.pid, "exe"), os.O_PATH | os.O_CLOEXEC)
    device = os.fstat(handle).st_dev
    here = f"{os.major(device)}:{os.minor(device)}"
    kinds = {mount.kind for mount in container.mounts if mount.device == here}
    if any(kind.startswith(_SERVED) for kind in kinds):
        os.close(handle)
        raise OSError(95, f"it is served by {', '.join(sorted(kinds))}")
    with content_of(handle, drift.code or drift.executable) as content:
        yield content
