"""How long a whole comparison takes, and how much memory, beside the tools that there are."""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks import floor
from tests.benchmarks.machine import machine_line
from tests.benchmarks.measure import MeasureError, Measurement, measure, medians, table
from tests.benchmarks.plumbline import Plumbline, report_of
from tests.benchmarks.workload import apply, commit, write_workload
from tests.tools.controlplane import ControlPlane

_SIZES = (200, 2_000)
_LARGE = 20_000
_FLOOR, _WARM, _COLD, _SERVER, _CLIENT = (
    "Python start + the same LISTs + decoding",
    "`plumbline check`, warm",
    "`plumbline check`, cold",
    "`kubectl diff --server-side`",
    "`kubectl diff`",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this measurement's flags."""
    parser.add_argument("--large", action="store_true", help=f"{_LARGE:,} objects, too")
    parser.add_argument("--sizes", type=int, nargs="+", default=_SIZES, help="how many objects")
    parser.add_argument("--times", type=int, default=5, help="runs of which the median counts")
    parser.add_argument("--without-kubectl", action="store_true", help="leave the slow ones out")


def run(options: argparse.Namespace) -> int:
    """Measures and prints."""
    sizes = [*options.sizes, *([_LARGE] if options.large else [])]
    rows: list[list[str]] = []
    line = ""
    for size in sizes:
        # A cluster for each size: the one before it shall not weigh on its lists.
        with ControlPlane() as plane, tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
            line = line or machine_line(plane)
            trial = prepare(plane, Path(folder), size)
            rows += trial.rows(options.times, with_kubectl=not options.without_kubectl)
    heads = ("objects", "", "seconds", "of the floor", "times faster", "peak MiB", "requests")
    print("All objects in sync; whole processes, the median of", f"{options.times}; kubectl once.")
    print("\n" + table(heads, rows) + "\n")
    print(f"*Times faster* than `kubectl diff --server-side`. {line}")
    return 0


@dataclass(frozen=True, slots=True)
class Trial:
    """Objects in a cluster and in a repository.

    Attributes:
        plane: The cluster.
        folder: Where repository, cache and state are.
        namespace: Where the objects are.
        size: How many there are.
    """

    plane: ControlPlane
    folder: Path
    namespace: str
    size: int

    @property
    def plumbline(self) -> Plumbline:
        """The program under measurement."""
        return Plumbline(self.folder / "repo", self.plane.kubeconfig, self.folder / "home")

    def rows(self, times: int, *, with_kubectl: bool) -> list[list[str]]:
        """Measures everything at this size."""
        found = medians({_COLD: self.cold}, min(times, 3) if self.size >= _LARGE else times)
        # What the last cold run kept makes the next ones warm.
        found |= medians({_FLOOR: self.floor, _WARM: self.plumbline.measured_check}, times)
        if with_kubectl:
            found[_SERVER] = self.kubectl_diff("--server-side")
            if self.size < _LARGE:
                found[_CLIENT] = self.kubectl_diff()
        order = (_FLOOR, _WARM, _COLD, _SERVER, _CLIENT)
        return [self._row(name, found) for name in order if name in found]

    def floor(self) -> Measurement:
        """Reads the lists, and no more."""
        address = urlsplit(self.plane.url)
        identity = self.plane.ca.parent
        keys = [str(identity / name) for name in ("ca.crt", "admin.crt", "admin.key")]
        paths = [
            f"/apis/apps/v1/namespaces/{self.namespace}/deployments",
            f"/api/v1/namespaces/{self.namespace}/configmaps",
        ]
        script = str(Path(floor.__file__).resolve())
        where = [str(address.hostname), str(address.port)]
        done = measure([sys.executable, script, *where, *keys, *paths])
        # The cluster's own root certificate may be there, too.
        if int(done.stdout) < self.size:
            raise MeasureError(f"{int(done.stdout)} objects are live, not {self.size}")
        return done

    def cold(self) -> Measurement:
        """Checks with nothing kept from any earlier run."""
        shutil.rmtree(self.folder / "home", ignore_errors=True)
        return self.plumbline.measured_check()

    def kubectl_diff(self, *words: str) -> Measurement:
        """Compares with kubectl."""
        environ = {
            "KUBECONFIG": str(self.plane.kubeconfig),
            "KUBECACHEDIR": str(self.folder / "kubectl-cache"),
        }
        kubectl = [str(self.plane.kubectl_path), "diff", *words]
        return measure([*kubectl, "-R", "-f", str(self.folder / "repo")], environ, codes=(0, 1))

    def _row(self, name: str, found: Mapping[str, Measurement]) -> list[str]:
        one = found[name]
        server = found.get(_SERVER)
        return [
            f"{self.size:,}",
            name,
            f"{one.seconds:.2f}",
            f"{one.seconds / found[_FLOOR].seconds:.1f} x",
            f"{server.seconds / one.seconds:.1f} x" if server else "",
            f"{one.peak / 1024**2:.0f}",
            _requests(one, self.size) if "plumbline" in name else "",
        ]


def prepare(plane: ControlPlane, folder: Path, size: int) -> Trial:
    """Declares objects and makes them live."""
    trial = Trial(plane, folder, "bench", size)
    plane.create_namespace(trial.namespace)
    print(f"making {size:,} objects …", file=sys.stderr, flush=True)
    files = write_workload(folder / "repo" / "apps", trial.namespace, size)
    commit(folder / "repo")
    apply(plane, files)
    return trial


def _requests(one: Measurement, size: int) -> str:
    report = report_of(one.stdout)
    summary = report["summary"]
    if summary["inSync"] != size:
        raise MeasureError(f"not all of {size} in sync: {json.dumps(summary)}")
    names: Sequence[str] = ("list", "get", "dryRun", "write")
    counts = [f"{report['requests'][name]} {name}" for name in names if report["requests"][name]]
    return ", ".join(counts)
