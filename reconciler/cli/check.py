"""`plumbline check`: one comparison."""

import argparse
from importlib import import_module
from threading import Thread

from reconciler.cli.exit_codes import ExitCode, of_report
from reconciler.cli.options import add_output_options, add_target_options, settings_of, targets_of
from reconciler.core.errors import PlumblineError
from reconciler.core.report import Report


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's flags."""
    add_target_options(parser, many=True)
    add_output_options(parser, ("text", "json", "yaml", "markdown"))
    parser.add_argument("--exit-zero", action="store_true", help="exit 0 where there is drift, too")


def run(options: argparse.Namespace) -> ExitCode:
    """Compares the targets, prints their reports, says by the exit code what was found.

    Raises:
        PlumblineError: A side of the only target couldn't be read at all.
    """
    from reconciler.bootstrap import How, open_target
    from reconciler.cli.progress import Progress, announced

    settings = settings_of(options)
    how = How(dump=options.live, offline=options.offline, fresh=options.fresh)
    reports: list[Report] = []
    errors: list[str] = []
    targets = targets_of(options, settings, options.targets)
    with Progress() as progress:
        for number, target in enumerate(targets):
            try:
                with open_target(settings, target, how) as opened:
                    # Late: git has begun to read, and this takes as long.
                    from reconciler.controller import check

                    if number == 0:
                        Thread(target=_read_ahead, name="imports", daemon=True).start()
                    reports.append(check(announced(opened.target, progress)).report)
            except PlumblineError as error:
                # One target's trouble is not the others'.
                if len(targets) == 1:
                    raise
                errors.append(f"{target.name}: {error}")
    return _told(reports, errors, options)


def _told(reports: list[Report], errors: list[str], options: argparse.Namespace) -> ExitCode:
    from reconciler.cli.output import complain, print_reports

    print_reports(reports, options, several=len(reports) + len(errors) > 1)
    for error in errors:
        complain(error)
    code = max((of_report(report) for report in reports), default=ExitCode.DONE)
    if errors:
        return ExitCode.COULD_NOT
    return ExitCode.DONE if options.exit_zero and code is ExitCode.DRIFT else code


def _read_ahead() -> None:
    """Imports what is needed once the lists have come, while the server still works on them."""
    for name in ("core.detect", "core.policy", "cli.output", "render.text"):
        import_module(f"reconciler.{name}")
