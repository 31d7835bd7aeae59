"""`plumbline check`: one comparison."""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING

from reconciler.cli.each_target import of_each_target
from reconciler.cli.exit_codes import ExitCode, forgiven, of_report
from reconciler.cli.options import (
    add_exit_zero_option,
    add_output_options,
    add_target_options,
    settings_of,
    targets_of,
)
from reconciler.core.errors import ConfigError
from reconciler.core.report import Report

if TYPE_CHECKING:
    from reconciler.bootstrap import How
    from reconciler.cli.progress import Progress
    from reconciler.settings import Settings, TargetSettings

FORMATS = ("text", "json", "yaml", "markdown", "sarif", "junit", "html", "github", "gitlab")


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's flags."""
    add_target_options(parser, many=True)
    add_output_options(parser, FORMATS)
    add_exit_zero_option(parser)
    parser.add_argument(
        "--pods",
        action="store_true",
        help="compare running pods with what they were made of, too, and join what node agents "
        "said, where agents.address is set",
    )
    group = parser.add_argument_group("for pull requests, and clusters that drifted long ago")
    group.add_argument(
        "--base",
        metavar="REF",
        help="what is merged by now: says what merging would change live, and which drift it would "
        "overwrite (exit 1)",
    )
    group.add_argument(
        "--baseline", metavar="FILE", help="known drift: only what is new or worse counts"
    )
    group.add_argument(
        "--write-baseline", action="store_true", help="take all drift for known, in that file"
    )
    group.add_argument(
        "--report",
        action="append",
        default=[],
        metavar="FORMAT=FILE",
        help="write the same in another format, too; may be repeated",
    )
    group.add_argument(
        "--comment",
        metavar="URL",
        help="a pull request: keeps one comment there up to date, as forge.token_file may",
    )


def run(options: argparse.Namespace) -> ExitCode:
    """Compares the targets, prints their reports, says by the exit code what was found.

    Raises:
        PlumblineError: A side of the only target couldn't be read at all.
    """
    from reconciler.bootstrap import How
    from reconciler.cli.progress import Progress

    _refuse_mixed(options)
    settings = settings_of(options)
    how = How(dump=options.live, offline=options.offline, fresh=options.fresh)
    targets = targets_of(options, settings, options.targets)
    with Progress() as progress:
        reports, errors = of_each_target(
            targets,
            lambda each: _look(settings, each, how, options, progress, each is targets[0]),
        )
    return _told(reports, errors, options, settings)


def _refuse_mixed(options: argparse.Namespace) -> None:
    if options.write_baseline and not options.baseline:
        raise ConfigError("--write-baseline writes no file", fix="name it with --baseline FILE")
    if options.write_baseline and (options.output != "text" or options.report):
        raise ConfigError(
            "--write-baseline writes the baseline, and no report",
            fix="leave out -o and --report; a check with --baseline has them",
        )
    for each in options.report:
        output, equals, file = each.partition("=")
        if output not in FORMATS or not (equals and file):
            raise ConfigError(
                f"--report {each!r} is not of the form FORMAT=FILE",
                fix=f"FORMAT is one of {', '.join(FORMATS)}",
            )
    if options.base == "":
        # A variable that nobody has set must not compare a commit with itself.
        raise ConfigError("--base names no commit", fix="name what is merged by now, such as main")
    if options.base is not None and options.pods:
        raise ConfigError(
            "--pods looks at what runs, and --base at what merging would change",
            fix="leave one of them out",
        )
    if options.base is not None and options.baseline:
        raise ConfigError(
            "--baseline speaks of drift, and --base of what merging does about it",
            fix="leave one of them out",
        )


def _look(
    settings: "Settings",
    target: "TargetSettings",
    how: "How",
    options: argparse.Namespace,
    progress: "Progress",
    is_first: bool,
) -> Report:
    from reconciler.bootstrap import open_head, open_target
    from reconciler.cli.progress import announced
    from reconciler.settings import VerifySettings

    base: str | None = options.base
    if base is not None:
        # Neither is ever restored from by this, so neither moves what was accepted last.
        source = replace(target.source, verify=VerifySettings())
        target = replace(target, source=source)
        merged = replace(target, source=replace(source, ref=base))
        with open_target(settings, merged, how) as opened:
            from reconciler.revisions import compare_revisions

            head = open_head(settings, target, opened)
            return compare_revisions(announced(opened.target, progress), head)
    with open_target(settings, target, how) as opened, ExitStack() as stack:
        # Late: git has begun to read, and this takes as long.
        from reconciler.controller import check

        if is_first:
            Thread(target=_read_ahead, name="imports", daemon=True).start()
        looked_at = opened.target
        if options.pods:
            from reconciler.cli.into_pods import looking_into_pods

            looked_at = looking_into_pods(looked_at, settings, stack)
        return check(announced(looked_at, progress)).report


def _told(
    reports: list[Report],
    errors: list[str],
    options: argparse.Namespace,
    settings: "Settings",
) -> ExitCode:
    from reconciler.cli.output import complain, print_reports, write, write_report

    code = ExitCode.COULD_NOT if errors else ExitCode.DONE
    if options.write_baseline:
        from reconciler.cli.baselines import rewrite

        write(rewrite(reports, options.baseline))
        unread = any(report.summary.unreadable for report in reports)
        code = ExitCode.COULD_NOT if unread else code
    else:
        if options.baseline:
            from reconciler.cli.baselines import set_aside

            reports = set_aside(reports, options.baseline)
        several = len(reports) + len(errors) > 1
        print_reports(reports, options, several=several)
        for each in options.report:
            write_report(reports, options, each, several=several)
        code = max(code, _code(reports))
    for error in errors:
        complain(error)
    if options.comment:
        from reconciler.cli.comments import comment

        comment(options.comment, reports, errors, settings)
    return forgiven(code, options.exit_zero)


def _code(reports: Sequence[Report]) -> ExitCode:
    return max((of_report(report) for report in reports), default=ExitCode.DONE)


def _read_ahead() -> None:
    """Imports what is needed once the lists have come, while the server still works on them."""
    for name in ("core.detect", "core.policy", "cli.output", "render.text"):
        import_module(f"reconciler.{name}")
