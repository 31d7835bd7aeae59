"""`plumbline images`: which images run, and which are stale."""

import argparse
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.options import add_output_options, add_target_options, settings_of, targets_of
from reconciler.core.errors import ConfigError, PlumblineError

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
    parser.add_argument("--exit-zero", action="store_true", help="exit 0 where there is drift, too")


def run(options: argparse.Namespace) -> ExitCode:
    """Looks at the images of the targets, and says by the exit code what was found.

    Raises:
        PlumblineError: A side of the only target couldn't be read at all.
    """
    from reconciler.registries import scans_in

    settings = settings_of(options)
    if not options.update and (options.dry_run or options.write):
        raise ConfigError("--dry-run and --write go with --update", fix="add --update")
    targets = targets_of(options, settings, options.targets)
    scans = scans_in([Path(file) for file in options.vulnerabilities])
    if options.update:
        return _updated(settings, targets, scans, options)
    reports: list[ImageReport] = []
    errors: list[str] = []
    for target in targets:
        try:
            reports.append(_look(settings, target, scans, options)[0])
        except PlumblineError as error:
            # One target's trouble is not the others'.
            if len(targets) == 1:
                raise
            errors.append(f"{target.name}: {error}")
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
    from reconciler.freshness import look_at_images
    from reconciler.registries import watchman_of

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

    codes: list[ExitCode] = []
    documents: list[JsonObject] = []
    for target in targets:
        try:
            codes.append(_update(settings, target, scans, options, documents))
        except PlumblineError as error:
            # One target's trouble is not the others'.
            if len(targets) == 1:
                raise
            complain(f"{target.name}: {error}")
            codes.append(ExitCode.COULD_NOT)
    write_documents(documents, len(targets))
    code = max(codes, default=ExitCode.DONE)
    return ExitCode.DONE if options.exit_zero and code is ExitCode.DRIFT else code


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
    return ExitCode.DONE if options.exit_zero and code is ExitCode.DRIFT else code


def of_images(report: "ImageReport") -> ExitCode:
    """Says what a look found; what couldn't be told outweighs what is stale."""
    if report.summary.unreadable:
        return ExitCode.COULD_NOT
    return ExitCode.DRIFT if report.summary.stale else ExitCode.DONE


def _text(reports: "list[ImageReport]", options: argparse.Namespace, *, several: bool) -> str:
    from reconciler.cli.output import style_of

    now = datetime.now(UTC)
    match options.output:
        case "json":
            from reconciler.render.image_documents import images_document, several_documents
            from reconciler.render.serialized import json_text

            return json_text(several_documents(reports) if several else images_document(reports[0]))
        case "yaml":
            from reconciler.render.image_documents import images_document
            from reconciler.render.serialized import yaml_text

            return "---\n".join(yaml_text(images_document(report)) for report in reports)
        case "markdown":
            from reconciler.render.image_markdown import images_markdown

            return "\n".join(images_markdown(report, now) for report in reports)
        case _:
            from reconciler.render.images import images_text

            style = style_of(options)
            return "\n".join(images_text(report, style, now) for report in reports)
