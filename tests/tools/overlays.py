"""Overlays of our own, and what differs in one by brute force."""

import contextlib
import os
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.agent.bounds import Bounds
from reconciler.agent.contents import Contents
from reconciler.agent.files import FileScan
from reconciler.agent.findings import Findings, Root
from reconciler.agent.judging import Judge
from reconciler.agent.node import builtin_profile

PROFILE = builtin_profile()
BOUNDS = Bounds()
#: With these an overlay marks what else it would copy.
SPARING = "redirect_dir=on,metacopy=on"
PLAIN = "redirect_dir=off,metacopy=off"


@dataclass(frozen=True, slots=True)
class Overlay:
    """A container's root as a runtime makes it.

    Attributes:
        folder: Where all of it is.
        lowers: The layers, the topmost first.
        merged: What the container sees.
        image: What its image holds.
    """

    folder: Path
    lowers: tuple[Path, ...]
    merged: Path
    image: Path

    @property
    def upper(self) -> Path:
        """What the container wrote."""
        return self.folder / "upper"

    @contextlib.contextmanager
    def root(self, points: Sequence[str] = ()) -> Iterator[Root]:
        """Opens it as the agent does."""
        handles = [
            os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in (self.upper, *self.lowers)
        ]
        try:
            upper, *lowers = handles
            yield Root(upper, tuple(lowers), (), "trusted.overlay.", frozenset(points))
        finally:
            for handle in handles:
                os.close(handle)

    def look(
        self,
        contents: Contents | None = None,
        bounds: Bounds = BOUNDS,
        points: Sequence[str] = (),
    ) -> Findings:
        """Looks at it as the agent does."""
        with self.root(points) as root:
            return FileScan(root, PROFILE, bounds, contents or Contents(bounds)).look()

    def judge(self, path: str) -> str:
        """Has one file judged: how it differs, or nothing."""
        with self.root() as root:
            return Judge(root, Contents(BOUNDS)).change_of(path) or ""


@contextlib.contextmanager
def overlay(folder: Path, layers: int = 2, options: str = SPARING) -> Iterator[Overlay]:
    """Mounts an overlay of empty layers; they are filled before by `fill_layer`, or written to."""
    lowers = [folder / f"layer{number}" for number in range(layers)]
    for path in (*lowers, *(folder / name for name in ("upper", "work", "merged", "image"))):
        path.mkdir(exist_ok=True)
    names = tuple(reversed(lowers))
    made = Overlay(folder, names, folder / "merged", folder / "image")
    below = ":".join(map(str, names))
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    with (
        mounted(made.image, f"lowerdir={below}:{empty}"),
        mounted(
            made.merged,
            f"lowerdir={below},upperdir={made.upper},workdir={folder / 'work'},{options}",
        ),
    ):
        yield made


@contextlib.contextmanager
def layer(folder: Path, number: int) -> Iterator[Path]:
    """Gives what a build step sees: what it writes becomes a layer, above those with less."""
    path, work, seen = folder / f"layer{number}", folder / f"work{number}", folder / f"seen{number}"
    for each in (path, work, seen, folder / "empty"):
        each.mkdir(parents=True, exist_ok=True)
    below = [folder / f"layer{each}" for each in reversed(range(number))] or [folder / "empty"]
    lowers = ":".join(map(str, below))
    with mounted(seen, f"lowerdir={lowers},upperdir={path},workdir={work},{PLAIN}"):
        yield seen


@contextlib.contextmanager
def mounted(place: Path, options: str) -> Iterator[None]:
    """Mounts an overlay for a while."""
    words = ["mount", "-t", "overlay", "overlay", "-o", options, str(place)]
    subprocess.run(words, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True, capture_output=True)


def tree(root: Path) -> Mapping[bytes, tuple[Any, ...]]:
    """Gives all that is in a tree, by path, with all that a drift can be about."""
    found: dict[bytes, tuple[Any, ...]] = {}
    for folder, names, files in os.walk(os.fsencode(root)):
        for name in (*names, *files):
            path = os.path.join(folder, name)
            found[os.path.relpath(path, os.fsencode(root))] = _facts(path)
    return found


def _facts(path: bytes) -> tuple[Any, ...]:
    status = os.lstat(path)
    kind = stat.S_IFMT(status.st_mode)
    owner = (status.st_uid, status.st_gid)
    if kind == stat.S_IFLNK:
        return (kind, owner, os.readlink(path))
    facts: tuple[Any, ...] = (kind, owner, stat.S_IMODE(status.st_mode))
    if kind != stat.S_IFREG:
        return facts
    capability = b""
    with contextlib.suppress(OSError):
        capability = os.getxattr(path, "security.capability")
    return (*facts, Path(os.fsdecode(path)).read_bytes(), capability)


def differences(image: Path, merged: Path) -> set[tuple[str, str]]:
    """Finds by brute force what differs: path and how; of a tree that is gone only its top."""
    was, now = tree(image), tree(merged)
    found = {(path, "added") for path in now.keys() - was.keys()}
    found |= {(path, "changed") for path in now.keys() & was.keys() if was[path] != now[path]}
    for path in was.keys() - now.keys():
        above = os.path.dirname(path)
        if not above or (above in now and now[above][0] == stat.S_IFDIR):
            found.add((path, "removed"))
    return {(f"/{os.fsdecode(path)}", how) for path, how in found}
