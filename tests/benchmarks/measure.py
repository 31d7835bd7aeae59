"""Whole processes, measured: from the start of the program to its end."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks import launcher


class MeasureError(Exception):
    """A program that was to be measured did something else than what was measured."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of one program.

    Attributes:
        code: Its exit code.
        seconds: From its start to its end.
        peak: The most memory that it had, in bytes.
        stdout: What it printed.
        stderr: What it said besides.
    """

    code: int
    seconds: float
    peak: int
    stdout: bytes
    stderr: bytes


def measure(
    argv: Sequence[str], environ: Mapping[str, str] | None = None, codes: Sequence[int] = (0,)
) -> Measurement:
    """Runs a program once.

    Args:
        argv: The program and its arguments.
        environ: Added to this process's own environment.
        codes: The exit codes by which the program says that it did what is measured.

    Raises:
        MeasureError: It ended with another exit code.
    """
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder:
        result = Path(folder, "result")
        script = str(Path(launcher.__file__).resolve())
        done = subprocess.run(
            [sys.executable, "-I", "-S", script, str(result), *argv],
            env={**os.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise MeasureError(f"{argv[0]} can't be started: {_end(done.stderr)}")
        measured = json.loads(result.read_text(encoding="utf-8"))
    one = Measurement(stdout=done.stdout, stderr=done.stderr, **measured)
    if one.code not in codes:
        raise MeasureError(f"{' '.join(argv)}: exit code {one.code}\n{_end(one.stderr)}")
    return one


def medians(runs: Mapping[str, Callable[[], Measurement]], times: int) -> dict[str, Measurement]:
    """Gives of each thing the run of its median time among some, with the highest peak of all.

    The things take turns, so that a machine that is busy for a while is so for all of them.
    """
    turns = [{name: run() for name, run in runs.items()} for _ in range(times)]
    return {name: _middle([turn[name] for turn in turns]) for name in runs}


def _middle(runs: Sequence[Measurement]) -> Measurement:
    ordered = sorted(runs, key=lambda each: each.seconds)
    one = ordered[(len(ordered) - 1) // 2]
    return replace(one, peak=max(each.peak for each in ordered))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Writes a table in Markdown, its columns aligned for those who read it as text."""
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    lines = [_row(heads, widths), _row(["-" * width for width in widths], widths)]
    return "\n".join([*lines, *(_row(row, widths) for row in rows)])


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)) + " |"


def _end(text: bytes) -> str:
    return text.decode(errors="replace")[-2000:]
