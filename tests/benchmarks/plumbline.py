"""The program under measurement, as users start it, and its report."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import MeasureError, Measurement, measure

_START = "from reconciler.cli.main import entry; entry()"


def command() -> list[str]:
    """Gives the words that start Plumbline: the installed command, where there is one."""
    installed = Path(sys.executable).with_name("plumbline")
    return [str(installed)] if installed.exists() else [sys.executable, "-c", _START]


@dataclass(frozen=True, slots=True)
class Plumbline:
    """Plumbline, compared with one cluster, with a cache and state of its own.

    Attributes:
        repo: The repository.
        kubeconfig: The cluster.
        home: Where cache and state are kept.
    """

    repo: Path
    kubeconfig: Path
    home: Path

    def words(self, verb: str, *more: str) -> list[str]:
        """Gives the whole command line of a verb."""
        fixed = ["--repo", str(self.repo), "--kubeconfig", str(self.kubeconfig)]
        kept = ["--cache-dir", str(self.home / "cache"), "--state-dir", str(self.home / "state")]
        return [*command(), verb, *fixed, *kept, *more]

    def measured_check(self, *more: str) -> Measurement:
        """Runs `check -o json` as it is measured; in sync or not.

        Raises:
            MeasureError: It couldn't tell.
        """
        return measure(self.words("check", "-o", "json", *more), codes=(0, 1))

    def check(self, *more: str) -> dict[str, Any]:
        """Gives the report of a check, whatever it found.

        Raises:
            MeasureError: There is no report.
        """
        return self._report(self.words("check", "-o", "json", *more))

    def restore(self, *more: str) -> dict[str, Any]:
        """Gives the report of a restore, whatever came of it.

        Raises:
            MeasureError: There is no report.
        """
        return self._report(self.words("restore", "--yes", "-o", "json", *more))

    @staticmethod
    def _report(words: Sequence[str]) -> dict[str, Any]:
        done = subprocess.run(
            words, env=dict(os.environ), capture_output=True, check=False, stdin=subprocess.DEVNULL
        )
        return report_of(done.stdout, done.stderr)


def report_of(stdout: bytes, stderr: bytes = b"") -> dict[str, Any]:
    """Reads the one report in what a verb printed; that of a restore holds it in `report`.

    Raises:
        MeasureError: There is none.
    """
    try:
        found = json.loads(stdout)
    except ValueError as error:
        said = stderr.decode(errors="replace")[-2000:]
        raise MeasureError(f"no report: {said or error}") from error
    report: dict[str, Any] = found[0] if isinstance(found, list) else found
    inner: dict[str, Any] = report.get("report", report)
    return inner
