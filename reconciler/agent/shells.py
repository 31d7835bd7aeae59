"""Which shells a container has: whoever may execute in it has these to work with."""

import os
import stat
from collections.abc import Sequence
from contextlib import suppress

from reconciler.agent.opening import opened_in


def shells_in(root: str, paths: Sequence[str]) -> tuple[str, ...]:
    """Gives those paths in a container's root at which a program is.

    Args:
        root: The root's directory.
        paths: Where shells are, as the container sees them.
    """
    return tuple(path for path in paths if _is_program(root, path))


def _is_program(root: str, path: str) -> bool:
    with suppress(OSError), opened_in(root, path) as handle:
        mode = os.fstat(handle).st_mode
        return stat.S_ISREG(mode) and bool(mode & 0o111)
    return False
