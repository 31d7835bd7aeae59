"""What verbs that edit Git share: where edits go, by which flags, and how they are told."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.exit_codes import ExitCode
from reconciler.core.errors import ConfigError

if TYPE_CHECKING:
    from reconciler.core.fixes import Fixing, Purpose, Wanted
    from reconciler.core.resource import JsonObject
    from reconciler.settings import Settings, TargetSettings


def folder_of(target: "TargetSettings") -> Path | None:
    """Gives the folder of this machine that a target's repository is; None for one elsewhere."""
    from reconciler.adapters.sources.location import LocalFolder, locate

    place = locate(target.source.repo)
    return place.path if isinstance(place, LocalFolder) and not place.is_url else None


def refuse_no_way(
    target: "TargetSettings", options: argparse.Namespace, folder: Path | None
) -> None:
    """Refuses before anything is asked what can't be done in the end.

    Raises:
        ConfigError: Files are to be written that aren't here, or a folder is to be proposed to.
    """
    if options.dry_run:
        return
    if options.write:
        if folder is None:
            raise ConfigError(
                "--write edits files of this machine, and the repository is elsewhere",
                fix="leave --write out for a pull request, or name a folder with --repo",
            )
        if target.source.ref:
            raise ConfigError(
                "--write edits what is checked out, and --ref names another revision",
                fix="check it out, and leave --ref out",
            )
    elif folder is not None:
        raise ConfigError(
            f"target {target.name}: a folder has no pull requests",
            fix="--dry-run shows the edits, --write makes them; for a pull request name the "
            "repository by its URL",
        )


def refuse_before_looking(
    settings: "Settings", target: "TargetSettings", options: argparse.Namespace
) -> None:
    """Refuses what can't be done with a target's fixes, before anything is asked.

    Raises:
        ConfigError: As for `refuse_no_way`; or no forge is configured.
    """
    if options.output not in ("text", "json"):
        raise ConfigError(f"edits aren't told as {options.output}", fix="choose text or json")
    refuse_no_way(target, options, folder_of(target))
    if not (options.dry_run or options.write):
        from reconciler.forging import repository_of

        repository_of(settings, target)


def carry_out(
    settings: "Settings",
    target: "TargetSettings",
    options: argparse.Namespace,
    purpose: "Purpose",
    wanted: "Wanted",
    revision: str,
    namespace: str,
) -> "tuple[Fixing, str]":
    """Finds the edits, and writes or proposes them as the flags say.

    Returns:
        What came of it, and the pull request's URL; empty where there is none.

    Raises:
        PlumblineError: It couldn't be done.
    """
    from reconciler.fixer import fixing_of, propose_fixes

    fixing = fixing_of(settings, target, purpose, wanted, revision, namespace)
    folder = folder_of(target)
    if options.dry_run:
        return fixing, ""
    if not options.write:
        return fixing, propose_fixes(settings, target, fixing)
    if folder is not None:
        from reconciler.adapters.sources.inplace import write_files

        write_files(folder, fixing.before, fixing.files)
    return fixing, ""


def show(
    fixing: "Fixing", url: str, options: argparse.Namespace, documents: "list[JsonObject]"
) -> ExitCode:
    """Tells what came of it, as text at once, else as a document; and gives the exit code."""
    from reconciler.cli.output import style_of, write
    from reconciler.render.fixes import fixing_document, fixing_text

    if options.output == "json":
        documents.append(fixing_document(fixing, url))
    else:
        write(fixing_text(fixing, style_of(options)))
        if url:
            write(f"Pull request: {url}")
        elif options.write and fixing.files:
            write("Written; look at it, and commit it.")
    todo = fixing.left or fixing.others or (options.dry_run and fixing.fixed)
    return ExitCode.DRIFT if todo else ExitCode.DONE


def write_documents(documents: "list[JsonObject]", count: int) -> None:
    """Writes the documents of as many targets as were named."""
    from reconciler.cli.output import write
    from reconciler.render.serialized import json_text

    if documents:
        several = {"schema": "plumbline.dev/several-fixes/v1", "fixes": documents}
        write(json_text(several if count > 1 else documents[0]))
