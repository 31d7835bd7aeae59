"""`plumbline propose`: opens or updates a pull request that restores, or one that adopts."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.cli.each_target import of_each_target
from reconciler.cli.editing import folder_of, refuse_no_way
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.options import add_output_options, add_target_options, settings_of, targets_of
from reconciler.cli.propose_profile import propose_profile, refuse_for_profile
from reconciler.core.errors import ConfigError
from reconciler.core.resource import JsonObject

if TYPE_CHECKING:
    from reconciler.bootstrap import How
    from reconciler.controller import Look
    from reconciler.core.adoption import Adoption
    from reconciler.settings import Settings, TargetSettings


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's flags."""
    parser.add_argument(
        "--mode",
        required=True,
        choices=("revert", "adopt", "profile"),
        help="revert: its merge approves the restore; adopt: it edits the manifests so that Git "
        "says what is live; profile: it adds what was learned of images' containers",
    )
    add_target_options(parser, many=True)
    add_output_options(parser, ("text", "json"))
    parser.add_argument(
        "--id",
        action="append",
        default=[],
        metavar="DRIFT",
        help="adopt only this drift, as in d-3f9a5c1b2e4d; may be repeated",
    )
    parser.add_argument(
        "--learned",
        action="append",
        default=[],
        metavar="FILE",
        help="profile: what was learned, by `plumbline containers --learn`; may be repeated",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--dry-run", action="store_true", help="show what would be proposed; no forge is needed"
    )
    how.add_argument(
        "--write", action="store_true", help="adopt, profile: edit the files of --repo DIR in place"
    )


def run(options: argparse.Namespace) -> ExitCode:
    """Proposes, for each target.

    Raises:
        PlumblineError: The only target couldn't be proposed.
    """
    from reconciler.bootstrap import How
    from reconciler.cli.output import complain, documents_text, write

    settings = settings_of(options)
    targets = targets_of(options, settings, options.targets)
    if options.mode == "revert":
        _refuse_for_revert(options)
    if options.mode == "profile":
        refuse_for_profile(options)
    elif options.learned:
        raise ConfigError("--learned goes with --mode profile", fix="leave it out")
    how = How(dump=options.live, offline=options.offline, fresh=options.fresh)
    documents: list[JsonObject] = []

    def proposed(target: "TargetSettings") -> ExitCode:
        if options.mode == "adopt":
            return _adopt(settings, target, options, how, documents)
        if options.mode == "profile":
            return propose_profile(settings, target, options, documents)
        from reconciler.cli.propose_revert import revert

        return revert(settings, target, options, documents)

    codes, errors = of_each_target(targets, proposed)
    if options.output == "json":
        schema = "plumbline.dev/proposals/v1" if len(targets) > 1 else ""
        write(documents_text(documents, "json", schema=schema, field="proposals"))
    for error in errors:
        complain(error)
    return ExitCode.COULD_NOT if errors else max(codes, default=ExitCode.DONE)


def _refuse_for_revert(options: argparse.Namespace) -> None:
    stray = [name for name in ("id", "write", "live", "offline") if getattr(options, name)]
    if stray:
        raise ConfigError(f"--{stray[0]} goes with --mode adopt", fix="leave it out")


def _adopt(
    settings: "Settings",
    target: "TargetSettings",
    options: argparse.Namespace,
    how: "How",
    documents: list[JsonObject],
) -> ExitCode:
    from reconciler.bootstrap import adoption_of, open_target
    from reconciler.cli.progress import Progress, announced
    from reconciler.controller import check

    folder = folder_of(target)
    refuse_no_way(target, options, folder)
    repository = None
    if not (options.dry_run or options.write):
        from reconciler.forging import repository_of

        repository = repository_of(settings, target)
    with open_target(settings, target, how) as opened, Progress() as progress:
        look = check(announced(opened.target, progress))
        drifts = _chosen(look, options.id)
        progress.stage("looking for edits")
        adoption = adoption_of(settings, target, opened, look, drifts, how)
    url = ""
    if options.write and folder is not None:
        from reconciler.adapters.sources.inplace import write_files

        write_files(folder, adoption.before, adoption.files)
    elif repository is not None:
        from reconciler.submitting import submit

        pull = submit(adoption, repository)
        url = pull.url if pull is not None else ""
    _show(adoption, options, url, documents)
    return _code(look, adoption, options)


def _chosen(look: "Look", ids: Sequence[str]) -> Sequence[str] | None:
    known = {drift.id for drift in look.detection.drifts}
    missing = [each for each in ids if each not in known]
    if missing:
        raise ConfigError(
            f"there is no drift {missing[0]} of {look.report.target} now",
            fix="`plumbline check -o json` tells their ids",
        )
    return ids or None


def _show(
    adoption: "Adoption", options: argparse.Namespace, url: str, documents: list[JsonObject]
) -> None:
    from reconciler.cli.output import style_of, write
    from reconciler.render.adoptions import adoption_document, adoption_text

    if options.output == "json":
        documents.append(adoption_document(adoption, url))
        return
    write(adoption_text(adoption, style_of(options)))
    if url:
        write(f"Pull request: {url}")
    elif options.write and adoption.files:
        write("Written; look at it, and commit it.")


def _code(look: "Look", adoption: "Adoption", options: argparse.Namespace) -> ExitCode:
    if look.report.summary.unreadable:
        return ExitCode.COULD_NOT
    todo = adoption.left or (options.dry_run and adoption.adopted)
    return ExitCode.DRIFT if todo else ExitCode.DONE
