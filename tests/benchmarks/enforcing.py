"""What an execution costs where a warden is asked about it, of time and of a processor."""

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.measure import MeasureError, table
from tests.tools.runc_container import Shell, runc_container
from tests.tools.running import until

_ENTRY = "from reconciler.cli.main import entry; entry()"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this measurement's flags."""
    parser.add_argument("--executions", type=int, default=2000, help="how many, one by one")
    parser.add_argument("--idle", type=float, default=10.0, help="seconds with none at all")


def run(options: argparse.Namespace) -> int:
    """Measures, prints, and says by the exit code whether anything ran that mustn't.

    Raises:
        MeasureError: This needs root.
    """
    if os.geteuid() != 0:
        raise MeasureError("only root runs containers")
    rows, wrong = [], 0
    namespace = f"bench-{secrets.token_hex(4)}"
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as name:
        folder = Path(name)
        with runc_container(folder, namespace) as shell:
            shell.ask("cp /bin/busybox /busybox; /busybox true")
            for mode in ("", "dry-run", "refuse"):
                warden = _started(folder, mode, namespace) if mode else None
                if warden is not None:
                    refuses = mode == "refuse"
                    until(lambda: _is_told(shell, folder), "it enforces")
                    wrong += ("not permitted" in shell.ask("/busybox true")) is not refuses
                before = _spent(warden)
                own = _took(shell, "/bin/true", options.executions)
                spent = _spent(warden) - before
                strange = _took(shell, "/busybox true", options.executions)
                before, since = _spent(warden), time.perf_counter()
                if warden is not None:
                    time.sleep(options.idle)
                share = (_spent(warden) - before) / (time.perf_counter() - since)
                each = 1000 / options.executions
                words = [mode or "none", f"{own * each:.2f} ms", f"{strange * each:.2f} ms"]
                words += [f"{spent * each:.2f} ms", f"{share:.1%}"] if warden else ["", ""]
                rows.append(words)
                if warden is not None:
                    warden.terminate()
                    warden.wait(timeout=30)
    head = ["warden", "the image's own", "a dropped one", "of a processor each", "with nothing"]
    print(
        f"{os.cpu_count()} processors; {options.executions:,} executions, fork and exit included\n"
    )
    print(table(head, rows))
    return 1 if wrong else 0


def _started(folder: Path, mode: str, namespace: str) -> "subprocess.Popen[bytes]":
    words = [f"--enforce={mode}", f"--enforce-namespaces={namespace}", f"--warden={folder}/socket"]
    with (folder / "told").open("wb") as told:
        return subprocess.Popen([sys.executable, "-c", _ENTRY, "warden", *words], stdout=told)


def _is_told(shell: Shell, folder: Path) -> bool:
    shell.ask("/busybox true")
    return (folder / "told").stat().st_size > 0


def _took(shell: Shell, program: str, times: int) -> float:
    """Gives the seconds that executions take, one by one."""
    loop = f"i=0; while [ $i -lt {times} ]; do {program} 2>/dev/null; i=$((i+1)); done"
    since = time.perf_counter()
    shell.ask(f"({loop}) >/dev/null 2>&1")
    return time.perf_counter() - since


def _spent(warden: "subprocess.Popen[bytes] | None") -> float:
    """Gives the seconds of a processor that a warden has had, with its keeper."""
    if warden is None:
        return 0.0
    children = Path(f"/proc/{warden.pid}/task/{warden.pid}/children").read_text(encoding="ascii")
    ticks = 0
    for pid in (str(warden.pid), *children.split()):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
