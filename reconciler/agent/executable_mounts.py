"""Where in a container programs can be executed from that its image doesn't hold."""

from reconciler.agent.containers import Container
from reconciler.agent.mounts import Mount
from reconciler.agent.volumes import is_kernels, is_scratch


def executable_mounts(container: Container) -> list[Mount]:
    """Gives the mounts of a container from which something strange may be executed.

    Those of single files, such as `/etc/hosts`, too: whoever may write one may execute it.
    """
    return [mount for mount in container.mounts if mount.point == "/" or _is_written(mount)]


def _is_written(mount: Mount) -> bool:
    """Whether something may have been written there: by this container, or by one beside it."""
    return not is_kernels(mount) and (mount.writable or is_scratch(mount))


def mount_number(handle: int) -> int:
    """Gives the number of the mount that an open file was found by (proc(5), fdinfo).

    Raises:
        OSError: It can't be read.
    """
    with open(f"/proc/self/fdinfo/{handle}", encoding="ascii") as file:
        held = dict(line.split(":\t", 1) for line in file if ":\t" in line)
    return int(held["mnt_id"])


def path_on(mount: Mount, name: str) -> str:
    """Gives a file's path from its file system's root.

    Args:
        mount: The mount that it was found by.
        name: The file's path, as the kernel writes it: through all mounts above.
    """
    below = mount.root.rstrip("/")
    if mount.point == "/":
        return f"{below}{name}"
    return f"{below}{name.removeprefix(mount.point)}"
