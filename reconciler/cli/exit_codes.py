"""The exit codes of every verb, as `kubectl diff` has them (DESIGN, section 5)."""

from enum import IntEnum

from reconciler.core.report import Report


class ExitCode(IntEnum):
    """What a verb says by its exit code."""

    DONE = 0  # in sync, or done
    DRIFT = 1  # drift, or something left to do
    COULD_NOT = 2  # could not tell, or could not do
    INTERRUPTED = 130  # by Ctrl-C, as a shell has it


def forgiven(code: ExitCode, exit_zero: bool) -> ExitCode:
    """Gives the exit code with `--exit-zero`: drift is no failure then, not to know still is."""
    return ExitCode.DONE if exit_zero and code is ExitCode.DRIFT else code


def of_report(report: Report) -> ExitCode:
    """Says what a comparison found; what couldn't be read outweighs any drift.

    Of two commits only what merging would destroy counts: drift that was there before, and stays,
    isn't the pull request's.
    """
    if report.merge is not None:
        effects = {each.effect.value for each in report.merge.effects}
        if "unknown" in effects:
            return ExitCode.COULD_NOT
        return ExitCode.DRIFT if "overwrite" in effects else ExitCode.DONE
    if report.summary.unreadable:
        return ExitCode.COULD_NOT
    is_bad = report.summary.drifted or report.summary.pods
    return ExitCode.DRIFT if is_bad else ExitCode.DONE
