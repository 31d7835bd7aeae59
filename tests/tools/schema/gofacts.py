"""What Kubernetes' Go types say of themselves: built and run from `gotypes/main.go`."""

import json
import os
import re
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
        gated: By type's name, the fields that stand behind feature gates.
    """

    kinds: dict[str, str]
    types: dict[str, dict[str, Any]]
    defaults: dict[str, dict[str, Any]]
    varying: dict[str, dict[str, Any]]
    gated: dict[str, frozenset[str]]


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
    return GoFacts(
        found["kinds"],
        found["types"],
        found["defaults"],
        found["varying"],
        _gated("k8s.io/api", _folder_of("k8s.io/api")),
    )


def _folder_of(module: str) -> Path:
    done = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Dir}}", module],
        cwd=MODULES / "kubernetes",
        env={**os.environ, "GOWORK": "off"},
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(done.stdout.strip())


def _gated(module: str, folder: Path) -> dict[str, frozenset[str]]:
    """Reads the `+featureGate=` markers: comments, which Go's reflection doesn't show."""
    found: dict[str, set[str]] = {}
    for source in sorted(folder.glob("*/*/types.go")):
        package = f"{module}/{source.parent.relative_to(folder).as_posix()}"
        name, marked = "", False
        for line in source.read_text(encoding="utf-8").splitlines():
            if struct := re.match(r"type (\w+) struct", line):
                name, marked = f"{package}.{struct[1]}", False
            elif line.lstrip().startswith("// +featureGate="):
                marked = True
            elif field := re.search(r'`json:"(\w+)', line):
                if marked and name:
                    found.setdefault(name, set()).add(field[1])
                marked = False
    return {name: frozenset(fields) for name, fields in found.items()}


def _build(folder: Path) -> Path:
    made = folder / "gotypes"
    subprocess.run(
        ["go", "build", "-o", str(made), str(_SOURCE)],
        cwd=MODULES / "kubernetes",
        env={**os.environ, "GOWORK": "off"},
        check=True,
    )
    return made
