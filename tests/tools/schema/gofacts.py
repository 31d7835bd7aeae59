"""What Kubernetes' Go types say of themselves: built and run from `gotypes/main.go`."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.tools.controlplane.recipes import MODULES

_SOURCE = Path(__file__).resolve().parent / "gotypes" / "main.go"


@dataclass(frozen=True, slots=True)
class GoFacts:
    """The types behind some kinds.

    Attributes:
        kinds: The type's name by `apiVersion kind`.
        types: By type's name and JSON name: shape, pointer, omitEmpty, omitZero.
        defaults: By type's name, what the defaulting functions add wherever the type stands.
        varying: By type's name, what they add in some places only.
    """

    kinds: dict[str, str]
    types: dict[str, dict[str, Any]]
    defaults: dict[str, dict[str, Any]]
    varying: dict[str, dict[str, Any]]


def read(kinds: Iterable[tuple[str, str]], program: Path | None = None) -> GoFacts:
    """Runs the program, and builds it first unless a built one is given.

    Raises:
        ValueError: The Go types don't have one of the kinds.
        subprocess.CalledProcessError: It doesn't build or run; its errors are on stderr.
    """
    with tempfile.TemporaryDirectory(prefix="plumbline-gotypes-") as folder:
        made = program or _build(Path(folder))
        wanted = json.dumps(sorted(kinds))
        done = subprocess.run([made], input=wanted, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    if found["missing"]:
        raise ValueError(f"no Go types for {', '.join(found['missing'])}")
    return GoFacts(found["kinds"], found["types"], found["defaults"], found["varying"])


def _build(folder: Path) -> Path:
    made = folder / "gotypes"
    subprocess.run(
        ["go", "build", "-o", str(made), str(_SOURCE)],
        cwd=MODULES / "kubernetes",
        env={**os.environ, "GOWORK": "off"},
        check=True,
    )
    return made
