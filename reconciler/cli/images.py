"""`plumbline images`: which images run, and which are stale."""

import argparse
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.each_target import of_each_target
from reconciler.cli.exit_codes import ExitCode, forgiven
from reconciler.cli.options import (
    add_exit_zero_option,
    add_output_options,
    add_target_options,
    settings_of,
    targets_of,
)
from reconciler.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.core.images.report import ImageReport
    from reconciler.core.images.vulnerabilities import Scan
    from reconciler.core.resource import JsonObject, ResourceKey
    from reconciler.ports import Registry
    from reconciler.settings import Settings, TargetSettings


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's flags."""
    add_target_options(parser, many=True)
    add_output_options(parser, ("text", "json", "yaml", "markdown"))
    parser.add_argument(
        "--vulnerabilities",
        action="append",
        default=[],
        metavar="FILE",
        help="a scanner's report, Trivy's JSON or SARIF: say which containers it concerns; may be "
        "repeated",
    )
    parser.add_argument(
        "--update",
        action="store_true",
        help="open or update one pull request that pins or bumps images as the policies want it",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--dry-run", action="store_true", help="show the update's edits; no forge is needed"
    )
    how.add_argument(
        "--write", action="store_true", help="make the update's edits in --repo DIR in place"
    )
    add_exit_zero_option(parser)


def run(options: argparse.Namespace) -> ExitCode:
    """Looks at the images of the targets, and says by the exit code what was found.

    Raises:
        PlumblineError: A side of the only target couldn't be read at all.
    """
    from reconciler.images.registries import scans_in

    settings = settings_of(options)
    if not options.update and (options.dry_run or options.write):
        raise ConfigError("--dry-run and --write go with --update", fix="add --update")
    targets = targets_of(options, settings, options.targets)
    scans = scans_in([Path(file) for file in options.vulnerabilities])
    if options.update:
        return _updated(settings, targets, scans, options)
    reports, errors = of_each_target(targets, lambda each: _look(settings, each, scans, options)[0])
    return _told(reports, errors, options)


def _look(
    settings: "Settings",
    target: "TargetSettings",
    scans: "Sequence[Scan]",
    options: argparse.Namespace,
) -> "tuple[ImageReport, str]":
    """Looks at a target's images; gives the namespace, too, of manifests that name none."""
    from reconciler.bootstrap import How, open_target
    from reconciler.cli.progress import Progress, announced
    from reconciler.images.freshness import look_at_images
    from reconciler.images.registries import watchman_of

    how = How(dump=options.live, offline=True, fresh=options.fresh)
    with Progress() as progress, open_target(settings, target, how) as opened:
        watchman = watchman_of(settings, opened.cluster, scans)
        ask = watchman.open_registry

        def announcing(secrets: "Mapping[ResourceKey, JsonObject]") -> "Registry":
            progress.stage(f"{target.name}: asking registries")
            return ask(secrets)

        watchman = replace(watchman, open_registry=announcing)
        report = look_at_images(announced(opened.target, progress), watchman)
        return report, opened.target.namespace


def _updated(
    settings: "Settings",
    targets: "Sequence[TargetSettings]",
    scans: "Sequence[Scan]",
    options: argparse.Namespace,
) -> ExitCode:
    from reconciler.cli.editing import write_documents
    from reconciler.cli.output import complain

    documents: list[JsonObject] = []

    def update(target: "TargetSettings") -> ExitCode:
        return _update(settings, target, scans, options, documents)

    codes, errors = of_each_target(targets, update)
    for error in errors:
        complain(error)
        codes.append(ExitCode.COULD_NOT)
    write_documents(documents, len(targets))
    code = max(codes, default=ExitCode.DONE)
    return forgiven(code, options.exit_zero)


def _update(
    settings: "Settings",
    target: "TargetSettings",
    scans: "Sequence[Scan]",
    options: argparse.Namespace,
    documents: "list[JsonObject]",
) -> ExitCode:
    from reconciler.cli.editing import carry_out, refuse_before_looking, show
    from reconciler.core.fixes import Purpose
    from reconciler.core.images.updating import updates_of

    refuse_before_looking(settings, target, options)
    report, namespace = _look(settings, target, scans, options)
    fixing, url = carry_out(
        settings, target, options, Purpose.IMAGES, updates_of(report), report.revision, namespace
    )
    code = show(fixing, url, options, documents)
    return ExitCode.COULD_NOT if report.summary.unreadable else code


def _told(reports: "list[ImageReport]", errors: list[str], options: argparse.Namespace) -> ExitCode:
    from reconciler.cli.output import complain, write

    text = _text(reports, options, several=len(reports) + len(errors) > 1)
    if text:
        write(text)
    for error in errors:
        complain(error)
    code = max((of_images(report) for report in reports), default=ExitCode.DONE)
    if errors:
        return ExitCode.COULD_NOT
    return forgiven(code, options.exit_zero)


def of_images(report: "ImageReport") -> ExitCode:
    """Says what a look found; what couldn't be told outweighs what is stale."""
    if report.summary.unreadable:
        return ExitCode.COULD_NOT
    return ExitCode.DRIFT if report.summary.stale else ExitCode.DONE


def _text(reports: "list[ImageReport]", options: argparse.Namespace, *, several: bool) -> str:
    from reconciler.cli.output import documents_text, style_of

    now = datetime.now(UTC)
    match options.output:
        case "json" | "yaml":
            from reconciler.render.image_documents import SEVERAL, images_document

            documents = [images_document(report) for report in reports]
            return documents_text(documents, options.output, schema=SEVERAL if several else "")
        case "markdown":
            from reconciler.render.image_markdown import images_markdown

            return "\n".join(images_markdown(report, now) for report in reports)
        case _:
            from reconciler.render.images import images_text

            style = style_of(options)
            return "\n".join(images_text(report, style, now) for report in reports)
