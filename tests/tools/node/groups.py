"""The control groups of one node: all its processes are in them, and so are all its pods.

Version 1, alone or beside version 2, and version 2 alone.
"""

import os
import time
from pathlib import Path

PROGRAMS = "programs"
"""The group inside of it for the node's own programs: in version 2 a group that has groups in it
can't hold processes too."""

_ROOT = Path("/sys/fs/cgroup")
_SET = ("cpuset.cpus", "cpuset.mems")
_POLL = 0.05


def create(name: str) -> None:
    """Makes the group in every hierarchy; what a killed run has left goes first.

    Raises:
        OSError: We may not, or processes of another run live on in it.
    """
    remove(name, 10)
    for hierarchy in _hierarchies():
        for group in (hierarchy / name, hierarchy / name / PROGRAMS):
            group.mkdir()
            for file in _SET:
                if not (hierarchy / "cgroup.controllers").exists() and (group / file).exists():
                    # An empty set lets nobody in.
                    (group / file).write_text((hierarchy / file).read_text())


def programs(name: str) -> list[Path]:
    """The groups that the node's programs are to be in."""
    return [hierarchy / name / PROGRAMS for hierarchy in _hierarchies()]


def remove(name: str, patience: float) -> None:
    """Removes the groups, as soon as the last process is gone.

    Raises:
        OSError: Processes live on in them for longer than these seconds.
    """
    deadline = time.monotonic() + patience
    # runc makes one in version 2 too where both are there.
    for group in (*(path / name for path in _ROOT.iterdir()), _ROOT / name):
        while group.exists():
            try:
                # The files of a group can't be removed, and go with it.
                for folder, _, _ in os.walk(group, topdown=False):
                    Path(folder).rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_POLL)


def _hierarchies() -> list[Path]:
    if (_ROOT / "cgroup.controllers").exists():
        return [_ROOT]
    return sorted(path.parent for path in _ROOT.glob("*/tasks"))
