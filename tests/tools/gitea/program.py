"""Gitea's program, and the files that it reads while it runs."""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.tools.controlplane.errors import ToolsError
from tests.tools.controlplane.recipes import RECIPES, Tool
from tests.tools.controlplane.toolbox import Toolbox

_READ = ("templates", "options")


class Program(NamedTuple):
    """Gitea, ready to run.

    Attributes:
        path: The program.
        files: The folder of what it reads while it runs.
    """

    path: Path
    files: Path


def ensure(tools: Toolbox) -> Program:
    """Gets the program and its files where they aren't kept yet.

    Raises:
        ToolsError: They can't be had.
    """
    path = tools.tool(Tool.GITEA)
    cache = tools.cache_of(Tool.GITEA)
    files = cache.folder / "gitea-files"
    if not files.is_dir():
        with cache.lock(tools.say), cache.workspace() as workspace:
            # Another run may have got them while this one waited.
            if not files.is_dir():
                made = workspace / "files"
                for name in _READ:
                    shutil.copytree(_module(tools) / name, made / name)
                made.rename(files)
    return Program(path, files)


def _module(tools: Toolbox) -> Path:
    """The folder in which Go keeps Gitea's sources."""
    recipe = RECIPES[Tool.GITEA]
    go = shutil.which("go", path=tools.environ.get("PATH"))
    if go is None:
        raise ToolsError("Gitea's files can't be had: `go` is not on PATH")
    done = subprocess.run(
        [go, "list", "-m", "-f", "{{.Dir}}", recipe.versioned],
        cwd=tools.modules / recipe.module,
        env={**tools.environ, "GOWORK": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    folder = Path(done.stdout.strip())
    if done.returncode != 0 or not done.stdout.strip():
        raise ToolsError(f"Gitea's files can't be had: {done.stderr.strip()}")
    return folder
