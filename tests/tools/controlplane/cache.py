"""The per-user folder of programs, filled by whole files only and by one run at a time."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.tools.controlplane.recipes import Tool

Say = Callable[[str], None]
"""Tells the person who waits how it goes, a line at a time."""


def find_executable(folder: Path, tool: Tool) -> Path | None:
    """The program in a folder, or None if it isn't there or can't be executed."""
    path = folder / tool
    return path if path.is_file() and os.access(path, os.X_OK) else None


@dataclass(frozen=True, slots=True)
class ToolCache:
    """The programs of one cache key."""

    folder: Path

    @classmethod
    def of_user(cls, key: str, environ: Mapping[str, str]) -> "ToolCache":
        """The cache below `$XDG_CACHE_HOME`, or `~/.cache` where that isn't set."""
        # The specification has a relative XDG_CACHE_HOME ignored.
        named = Path(environ.get("XDG_CACHE_HOME", ""))
        base = named if named.is_absolute() else Path(environ.get("HOME") or Path.home(), ".cache")
        return cls(base / "plumbline" / "tools" / key)

    def find(self, tool: Tool) -> Path | None:
        """The program, or None if the cache doesn't have it."""
        return find_executable(self.folder, tool)

    def install(self, made: Path, tool: Tool) -> Path:
        """Moves a finished program in, so that nobody ever sees half of one."""
        made.chmod(0o755)
        return made.replace(self.folder / tool)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A folder for unfinished programs: on the same file system, and gone afterwards.

        Only for who holds the lock: what a killed run left behind goes first.
        """
        for left in self.folder.glob(".making-*"):
            shutil.rmtree(left, ignore_errors=True)
        path = Path(tempfile.mkdtemp(prefix=".making-", dir=self.folder))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def lock(self, say: Say, poll: float = 0.2, remind: float = 30) -> Iterator[None]:
        """Keeps other runs from filling the same cache meanwhile.

        The kernel lets go of it when its holder dies, so there is no stale lock to remove.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with Path(f"{self.folder}.lock").open("w") as file:
            next_word = time.monotonic()
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= next_word:
                        say(f"waiting for another run that fills {self.folder}")
                        next_word = time.monotonic() + remind
                    time.sleep(poll)
            yield
