"""Says what of a work tree isn't in the commit that is read."""

from pathlib import Path

from reconciler.adapters.sources.git import Git


def describe_changes(git: Git, folder: Path, path: str) -> tuple[str, ...]:
    """Gives a note where files at a path have changes that aren't committed."""
    arguments = ["--no-optional-locks", "status", "--porcelain", "-z", "--no-renames",
                 "--untracked-files=normal", "--ignore-submodules=all"]  # fmt: skip
    if path:
        arguments += ["--", path]
    answer = _without_filters(git, folder).ask(arguments, folder=folder, ceiling=folder.parent)
    if b"must be run in a work tree" in answer.stderr:
        return ()
    if answer.code != 0:
        return (f"whether {folder} has uncommitted changes can't be told",)
    changed = [line[3:] for line in answer.stdout.split(b"\0") if line]
    if not changed:
        return ()
    names = [name.decode(errors="backslashreplace") for name in changed[:3]]
    more = f" and {len(changed) - len(names)} more" if len(changed) > len(names) else ""
    return (f"uncommitted changes in {', '.join(names)}{more} are left out",)


def _without_filters(git: Git, folder: Path) -> Git:
    """Turns off the file filters that the repository's configuration defines: they run commands."""
    answer = git.ask(["config", "-z", "--name-only", "--get-regexp", r"^filter\."], folder=folder)
    names = {
        name.decode(errors="surrogateescape").rpartition(".")[0]
        for name in answer.stdout.split(b"\0")
        if name
    }
    off = tuple(
        setting
        for name in sorted(names)
        for setting in (
            (f"{name}.clean", ""),
            (f"{name}.process", ""),
            (f"{name}.required", "false"),
        )
    )
    return Git(git.environ, (*git.settings, *off))
