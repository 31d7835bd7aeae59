"""Builds one program from its Go module, and says so while it lasts."""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.tools.controlplane.cache import Say
from tests.tools.controlplane.errors import ControlPlaneError
from tests.tools.controlplane.recipes import Recipe

_TAIL = 4000


class BuildError(ControlPlaneError):
    """A program could not be built; the message says why."""


def build(
    recipe: Recipe,
    modules: Path,
    into: Path,
    say: Say,
    environ: Mapping[str, str],
    every: float = 10,
) -> Path:
    """Builds a program into a folder and returns its path.

    Raises:
        BuildError: there is no `go` here, or it failed.
    """
    go = shutil.which("go", path=environ.get("PATH", os.defpath))
    if go is None:
        raise BuildError("`go` is not on PATH")
    made = into / recipe.tool
    log = into / f"{recipe.tool}.log"
    argv = [go, "build", *recipe.build_flags(modules), "-o", str(made), recipe.package]
    began = time.monotonic()
    say(f"building {recipe.tool} {recipe.version(modules)} (minutes, unless Go's cache is warm)")
    # A log file, not a pipe: nobody has to read it for the build to go on.
    with (
        log.open("wb") as output,
        subprocess.Popen(
            argv,
            cwd=modules / recipe.module,
            # A go.work of the developer's would replace our module's requirements.
            env={**environ, "GOWORK": "off"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            code = _wait(process, recipe, say, began, every)
        except BaseException:
            process.terminate()
            raise
    if code != 0 or not made.is_file():
        tail = log.read_bytes()[-_TAIL:].decode(errors="replace").strip()
        raise BuildError(f"`go build` of {recipe.tool} exited with {code}:\n{tail}")
    say(f"built {recipe.tool} in {time.monotonic() - began:.0f} s")
    return made


def _wait(
    process: subprocess.Popen[bytes], recipe: Recipe, say: Say, began: float, every: float
) -> int:
    while True:
        try:
            return process.wait(every)
        except subprocess.TimeoutExpired:
            say(f"building {recipe.tool}: {time.monotonic() - began:.0f} s")
