"""`plumbline run` on a real API server: how soon, how quiet, how small, and for how long."""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.endurance import measure_cycles
from tests.benchmarks.latency import measure_edits
from tests.benchmarks.latency import row as latency_row
from tests.benchmarks.machine import machine_line
from tests.benchmarks.measure import MeasureError, table
from tests.benchmarks.quiet import Asked, asked, memory, watches_begun
from tests.benchmarks.remembered import Remembered
from tests.benchmarks.workload import apply, commit, write_workload
from tests.tools.controlplane import ControlPlane
from tests.tools.running import Audited, Controller, audit_flags, until

_SIZES = (100, 1000, 10_000)
_NAMESPACE = "bench"
_USER = "plumbline-bench"
#: The first look at many objects, on a machine that is busy.
_FIRST_LOOK = 600.0
#: Seconds without a further cycle after which nothing is under way any more.
_STILL = 2.0
_ENDURING_OBJECTS = 1000
_FIRST_MARK = 500
#: What memory must not exceed, in MiB, at the largest size of the three.
_LIMIT = 400 * 1000**2 / 1024**2


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this measurement's flags."""
    parser.add_argument("--sizes", type=int, nargs="+", default=_SIZES, help="how many objects")
    parser.add_argument("--edits", type=int, default=40, help="how many edits at each size")
    parser.add_argument(
        "--quiet", type=float, default=10, metavar="MINUTES", help="how long nothing happens"
    )
    parser.add_argument(
        "--cycles", type=int, default=3000, help="how many cycles memory must stay flat over"
    )


def run(options: argparse.Namespace) -> int:
    """Measures and prints; 1 where memory is above its limit."""
    found: list[Measured] = []
    line = ""
    for size in options.sizes:
        with _stage(size) as stage:
            line = line or machine_line(stage.plane)
            quiet = options.quiet if size == max(options.sizes) else 0.0
            found.append(_measured(stage, options.edits, quiet))
            print(found[-1], file=sys.stderr, flush=True)
    marks = _marks(options.cycles)
    cycles: dict[int, float] = {}
    if marks:
        with _stage(_ENDURING_OBJECTS) as stage, _running(stage) as controller:
            cycles = measure_cycles(stage.plane, _NAMESPACE, controller, stage.size, marks)
    print("\n" + _text(found, cycles, line))
    return int(any(each.peak > _LIMIT for each in found))


@dataclass(frozen=True, slots=True)
class Stage:
    """Objects in a cluster with an audit log, and in a repository.

    Attributes:
        plane: The cluster.
        audit: Its log.
        folder: Where repository, cache and state are.
        size: How many objects there are.
    """

    plane: ControlPlane
    audit: Audited
    folder: Path
    size: int

    def controller(self) -> Controller:
        """Gives a controller as it comes, but for its mode and its Leases."""
        target = {
            "name": "bench",
            "source": {"repo": str(self.folder / "repo")},
            "namespace": _NAMESPACE,
            "scope": {"namespaces": [_NAMESPACE]},
            "mode": "restore",
        }
        kubeconfig = self.plane.user_kubeconfig(_USER, ["system:masters"])
        more = {"lease": {"namespace": _NAMESPACE}, "schedule": {}}
        return Controller(self.folder / "home", kubeconfig, [target], more)


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured at one size.

    Attributes:
        size: How many objects.
        first: Seconds from the start of the process to the end of its first look.
        cells: The latencies, as they are shown.
        steady: MiB of memory in the end.
        peak: The most that it ever was.
        quiet: What it asked while nothing happened; None where that wasn't measured.
        open: How many watches it had begun by then.
        looks: How many cycles ended meanwhile.
    """

    size: int
    first: float
    cells: Sequence[str] = field(repr=False)
    steady: float
    peak: float
    quiet: Asked | None
    open: int
    looks: int


@contextmanager
def _stage(size: int) -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as name:
        folder = Path(name)
        flags, audit = audit_flags(folder)
        with ControlPlane(extra_args=flags) as plane:
            plane.create_namespace(_NAMESPACE)
            print(f"making {size:,} objects …", file=sys.stderr, flush=True)
            files = write_workload(folder / "repo" / "apps", _NAMESPACE, size)
            commit(folder / "repo")
            apply(plane, files)
            yield Stage(plane, audit, folder, size)


@contextmanager
def _running(stage: Stage) -> Iterator[Controller]:
    with stage.controller() as controller:
        until(lambda: controller.cycles("done") > 0, lambda: controller.log, _FIRST_LOOK)
        yield controller
        if controller.terminate():
            raise MeasureError(f"the controller ended badly: {controller.log[-2000:]}")


def _measured(stage: Stage, edits: int, minutes: float) -> Measured:
    began = time.monotonic()
    with _running(stage) as controller:
        first = time.monotonic() - began
        _await_rest(controller)
        cells: list[str] = []
        with closing(Remembered(stage.folder / "home" / "state" / "history.db")) as remembered:
            found = measure_edits(stage.plane, _NAMESPACE, remembered, edits, stage.size)
            cells = latency_row(found)
        _await_rest(controller)
        quiet, watches, looks = _quiet(stage, controller, minutes)
        pid = controller.process.pid
        steady, peak = memory(pid, "VmRSS"), memory(pid, "VmHWM")
    return Measured(stage.size, first, cells, steady, peak, quiet, watches, looks)


def _quiet(stage: Stage, controller: Controller, minutes: float) -> tuple[Asked | None, int, int]:
    if not minutes:
        return None, 0, 0
    log, looked = stage.audit.file, controller.metric("plumbline_cycles_total")
    since = datetime.now(UTC)
    time.sleep(minutes * 60)
    found = asked(log, _USER, since, datetime.now(UTC))
    looks = int(controller.metric("plumbline_cycles_total") - looked)
    return found, watches_begun(log, _USER, since), looks


def _await_rest(controller: Controller) -> None:
    """Waits until no cycle is under way any more: the one that saw its own writes, say."""
    before = -1.0
    while (now := controller.metric("plumbline_cycles_total")) != before:
        before = now
        time.sleep(_STILL)


def _marks(cycles: int) -> list[int]:
    return sorted({min(_FIRST_MARK, cycles), cycles // 2, cycles} - {0})


def _text(found: Sequence[Measured], cycles: dict[int, float], line: str) -> str:
    times = ("bare watch", "recorded", "restored", "verified")
    heads = ("objects", *times, "first look", "steady MiB", "peak MiB")
    rows = [
        [f"{e.size:,}", *e.cells, f"{e.first:.1f} s", f"{e.steady:.0f}", f"{e.peak:.0f}"]
        for e in found
    ]
    about = "Edited on a real API server: milliseconds since then, the median / 95th percentile."
    parts = [about, "", table(heads, rows), ""]
    for each in found:
        if each.quiet is not None:
            parts += [_quiet_text(each, each.quiet), ""]
    if cycles:
        ends = ", ".join(f"{memory:.0f} MiB after {mark:,}" for mark, memory in cycles.items())
        parts += [f"Cycles in which something moved, {_ENDURING_OBJECTS:,} objects: {ends}.", ""]
    return "\n".join([*parts, line])


def _quiet_text(each: Measured, quiet: Asked) -> str:
    return (
        f"Quiet for {quiet.seconds / 60:.0f} minutes with {each.size:,} objects, {each.open} "
        f"watches and {each.looks} scheduled looks: {quiet.leases} requests for Leases, "
        f"{quiet.watches} renewals of watches, {quiet.others} others. In an hour: "
        f"{quiet.hourly(quiet.leases):.0f} for Leases, each watch's renewal once or twice, "
        f"{quiet.hourly(quiet.others):.0f} others."
    )
