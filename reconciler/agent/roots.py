"""Opens the directories of which a container's root is made."""

import os
from collections.abc import Sequence
from contextlib import ExitStack

from reconciler.agent.containers import Container
from reconciler.agent.findings import Root
from reconciler.agent.mounts import Mount, overlay_of
from reconciler.agent.opening import open_in
from reconciler.agent.processes import ProcessTable


def open_root(stack: ExitStack, table: ProcessTable, container: Container, top: int) -> Root:
    """Opens the directories of a container's overlay.

    Args:
        stack: Closes them.
        table: Reads processes.
        container: One whose root is an overlay.
        top: A descriptor of the root directory that the runtime sees.

    Raises:
        OSError: One can't be opened.
    """
    mount = container.root
    overlay = overlay_of(mount) if mount is not None else None
    if overlay is None:
        raise ValueError("no overlay")

    def inside(path: str) -> int:
        handle = open_in(top, path)
        try:
            return opened(stack, f"/proc/self/fd/{handle}")
        finally:
            os.close(handle)

    lowers = tuple(inside(path) for path in overlay.lowers)
    _refuse_fuse(table, container, lowers)
    return Root(
        upper=inside(overlay.upper) if overlay.upper else -1,
        lowers=lowers,
        data=tuple(inside(path) for path in overlay.data),
        prefix=overlay.prefix,
        points=_points(container.mounts),
    )


def opened(stack: ExitStack, path: str) -> int:
    """Opens a directory until the stack is left.

    Raises:
        OSError: It can't be opened.
    """
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    stack.callback(os.close, handle)
    return handle


def _refuse_fuse(table: ProcessTable, container: Container, lowers: Sequence[int]) -> None:
    """Refuses layers that a program serves: reading them may take for ever.

    Raises:
        OSError: One of them is such.
    """
    kinds = {mount.device: mount.kind for mount in table.shared_mounts(container.watcher)}
    for lower in lowers:
        device = os.fstat(lower).st_dev
        kind = kinds.get(f"{os.major(device)}:{os.minor(device)}", "")
        if kind.startswith("fuse"):
            raise OSError(95, f"its image's layers are served by {kind}")


def _points(mounts: Sequence[Mount]) -> frozenset[str]:
    points: set[str] = set()
    for mount in mounts:
        path = mount.point
        while path not in points and path != "/" and path:
            points.add(path)
            path = path.rpartition("/")[0]
    return frozenset(points)
