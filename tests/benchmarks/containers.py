"""What a look at the files of a container costs, beside hashing its whole file system."""

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from reconciler.agent.bounds import Bounds
from reconciler.agent.contents import Contents
from tests.benchmarks.measure import MeasureError, table
from tests.tools.overlays import Overlay, layer, overlay

_HASH_ALL = ("sh", "-c", 'find "$0" -xdev -type f -print0 | xargs -0 sha256sum | wc -l')
_IN_FOLDER = 500
_T = TypeVar("_T")


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this measurement's flags."""
    parser.add_argument("--image", type=int, default=20_000, help="how many files the image has")
    parser.add_argument(
        "--changed",
        type=int,
        nargs="+",
        default=[0, 100, 10_000],
        help="how many files the container writes",
    )
    parser.add_argument(
        "--listed", type=int, default=Bounds().files, help="how many differences are listed"
    )
    parser.add_argument("--size", type=int, default=4096, help="how long a file is, in bytes")


@dataclass(frozen=True, slots=True)
class Cost:
    """What something took.

    Attributes:
        seconds: By the clock.
        processor: Of processors, in seconds.
    """

    seconds: float
    processor: float

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s ({self.processor:.2f} s)"


def run(options: argparse.Namespace) -> int:
    """Measures, prints, and says by the exit code whether anything was missed.

    Raises:
        MeasureError: This needs root.
    """
    if os.geteuid() != 0:
        raise MeasureError("only root mounts overlays")
    rows = []
    missed = 0
    for changed in options.changed:
        with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as name:
            folder = Path(name)
            with layer(folder, 0) as seen:
                _write(seen / "srv", options.image, options.size, b"i")
            with overlay(folder, 1) as made:
                _write(made.merged / "opt", changed, options.size, b"c")
                found, *costs = _measured(made, options.listed)
                # The directories that hold them are counted, too.
                missed += not changed <= found <= changed + changed // _IN_FOLDER + 2
                rows.append([f"{options.image:,}", f"{changed:,}", *map(str, costs)])
    head = ["files of the image", "written", "first look", "second look", "find + sha256sum"]
    print(f"{os.cpu_count()} processors; by the clock, and in brackets of processors\n")
    print(table(head, rows))
    return 1 if missed else 0


def _measured(made: Overlay, listed: int) -> tuple[int, Cost, Cost, Cost]:
    bounds = Bounds(files=listed)
    contents = Contents(bounds)
    findings, first = _cost(lambda: made.look(contents, bounds))
    contents.renew()
    _, second = _cost(lambda: made.look(contents, bounds))
    _, hashing = _cost(
        lambda: subprocess.run([*_HASH_ALL, str(made.merged)], check=True, capture_output=True)
    )
    found = len(findings.drifts) + sum(findings.unlisted.values())
    return found, first, second, hashing


def _cost(act: Callable[[], _T]) -> tuple[_T, Cost]:
    before, since = os.times(), time.perf_counter()
    result = act()
    seconds, after = time.perf_counter() - since, os.times()
    return result, Cost(seconds, sum(after[:4]) - sum(before[:4]))


def _write(folder: Path, count: int, size: int, letter: bytes) -> None:
    for number in range(count):
        inner = folder / str(number // _IN_FOLDER)
        if number % _IN_FOLDER == 0:
            inner.mkdir(parents=True)
        (inner / f"{number}").write_bytes(letter * (size - 8) + number.to_bytes(8, "big"))
