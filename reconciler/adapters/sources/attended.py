"""Git commands that reach a server and move data: GitPython starts them, we attend them."""

import os
from collections.abc import Sequence
from pathlib import Path

from reconciler.adapters.process import Completed, ProcessError, collect
from reconciler.adapters.sources.git import Git
from reconciler.core.errors import SourceError


def attended(git: Git, folder: Path, command: Sequence[str], *, seconds: float) -> Completed:
    """Lets GitPython start git, and attends it with our own limits.

    Args:
        git: How git is run.
        folder: The repository.
        command: Git's command and its arguments.
        seconds: Time limit.

    Raises:
        SourceError: It couldn't be run, or didn't end.
    """
    # Late: its import takes 100 ms and runs git once; a warm run needs none of it.
    program = git.program()
    try:
        from git.cmd import Git as GitPython
        from git.exc import GitError
    except ImportError as error:
        raise SourceError("GitPython can't find git", fix="put git on PATH") from error
    wanted = git.environment(network=True)
    # GitPython hands this process's whole environment down: env takes away what git mustn't see.
    unwanted = [part for name in os.environ if name not in wanted for part in ("-u", name)]
    try:
        started = GitPython(folder).execute(
            ["env", *unwanted, program, *command],
            as_process=True,
            env=wanted,
            start_new_session=True,
        )
    except GitError as error:
        raise SourceError(
            "git can't be started", fix="check that env and git are on PATH"
        ) from error
    process = started.proc
    if process is None:
        raise SourceError("git can't be started", fix="check that env and git are on PATH")
    try:
        return collect(process, f"git {command[0]}", seconds=seconds, output_limit=1 << 20)
    except ProcessError as error:
        raise SourceError(
            str(error), fix="check the network, or clone a smaller repository"
        ) from error
