"""Shows real commands with their real output, and keeps what they did for the verdict."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_PLUMBLINE_CODE = "from reconciler.cli.main import entry; entry()"


@dataclass(eq=False)
class Stage:
    """Where the demo is shown.

    Attributes:
        folder: Where commands run.
        kubeconfig: Of the cluster that they speak to.
        faults: What wasn't as it should be.
    """

    folder: Path
    kubeconfig: Path
    faults: list[str] = field(default_factory=list)

    def headline(self, text: str) -> None:
        """Says what comes next."""
        self._print(f"\n━━ {text} " + "━" * max(3, 74 - len(text)), "1;36")

    def say(self, text: str) -> None:
        """Says something in between."""
        self._print(text, "2")

    def command(self, words: Sequence[str], note: str = "") -> None:
        """Shows a command line, without running it."""
        self._print(f"$ {shlex.join(words)}" + (f"   # {note}" if note else ""), "1")

    def plumbline(self, *words: str, code: int) -> None:
        """Shows a command of Plumbline's and runs it; its output is its own.

        Args:
            words: The verb and its flags.
            code: The exit code that it should have.
        """
        self._print("")
        self.command(["plumbline", *words])
        done = subprocess.run(
            [*program(), *words], cwd=self.folder, env=self._environ(), check=False
        )
        self.expect(
            done.returncode == code,
            f"`plumbline {shlex.join(words)}` ended with {done.returncode} in place of {code}",
        )

    def tail(self, *words: str, lines: int, code: int) -> None:
        """The same through `tail`, for what would be as long as what was just shown."""
        self._print("")
        self._print(f"$ plumbline {shlex.join(words)} | tail -n {lines}", "1")
        done = self._run(words)
        self._print("\n".join(done.stdout.splitlines()[-lines:]))
        sys.stderr.write(done.stderr)
        self.expect(
            done.returncode == code,
            f"`plumbline {shlex.join(words)}` ended with {done.returncode} in place of {code}",
        )

    def report(self, *words: str) -> dict[str, Any]:
        """Gives a command's JSON, unseen: for the verdict."""
        done = self._run([*words, "-o", "json"])
        try:
            report: dict[str, Any] = json.loads(done.stdout)
        except json.JSONDecodeError:
            self.expect(False, f"`plumbline {shlex.join(words)}` says: {done.stderr.strip()}")
            return {}
        return report

    def expect(self, fact: bool, otherwise: str) -> None:
        """Remembers what isn't as it should be."""
        if not fact:
            self.faults.append(otherwise)

    def _run(self, words: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*program(), *words],
            cwd=self.folder,
            env=self._environ(),
            capture_output=True,
            text=True,
            check=False,
        )

    def _environ(self) -> Mapping[str, str]:
        """Nothing of the developer's own Plumbline, and nothing kept from an earlier demo."""
        plain = {name: value for name, value in os.environ.items() if "PLUMBLINE" not in name}
        return {
            **plain,
            "KUBECONFIG": str(self.kubeconfig),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        }

    def _print(self, text: str, ink: str = "") -> None:
        painted = ink and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        sys.stdout.write(f"\x1b[{ink}m{text}\x1b[0m\n" if painted else f"{text}\n")
        sys.stdout.flush()


def program() -> list[str]:
    """Gives the `plumbline` command of this environment."""
    installed = Path(sys.executable).with_name("plumbline")
    return [str(installed)] if installed.is_file() else [sys.executable, "-c", _PLUMBLINE_CODE]
