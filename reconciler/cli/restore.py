"""`plumbline restore`: shows the plan, asks, restores, verifies."""

import argparse
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.cli.asking import agreed
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.options import add_output_options, add_target_options, settings_of, targets_of
from reconciler.core.errors import ConfigError
from reconciler.core.outcome import OutcomeType
from reconciler.core.plan import Plan
from reconciler.core.report import Report

if TYPE_CHECKING:
    from reconciler.bootstrap import Opened
    from reconciler.settings import Settings


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's flags."""
    add_target_options(parser, many=False)
    add_output_options(parser, ("text", "json"))
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--yes", action="store_true", help="don't ask")
    how.add_argument("--dry-run", action="store_true", help="show the plan, and do nothing")
    how.add_argument("--plan", metavar="DIGEST", help="carry out exactly this plan, and no other")
    parser.add_argument(
        "--recreate",
        action="store_true",
        help="delete and make anew what can't be changed in place",
    )
    parser.add_argument(
        "--prune", action="store_true", help="delete what was declared once and isn't any more"
    )


def run(options: argparse.Namespace) -> ExitCode:
    """Plans, asks, restores and verifies.

    Raises:
        PlumblineError: A side couldn't be read at all, or the plan isn't the one that was named.
    """
    from reconciler.bootstrap import How, open_target

    settings = settings_of(options)
    if options.live is not None:
        raise ConfigError("a dump can't be restored", fix="leave out --live to reach the cluster")
    if options.output == "json" and not (options.yes or options.dry_run or options.plan):
        raise ConfigError("-o json leaves no place for a question", fix="add --yes or --dry-run")
    (target,) = targets_of(options, settings, [options.target] if options.target else [])
    how = How(offline=options.offline, fresh=options.fresh)
    with open_target(settings, target, how) as opened:
        return _plan_and_restore(opened, settings, options)


def _plan_and_restore(
    opened: "Opened", settings: "Settings", options: argparse.Namespace
) -> ExitCode:
    from reconciler.cli.progress import Progress, announced
    from reconciler.controller import check
    from reconciler.core.planning import Permissions
    from reconciler.restoration import plan_restore, restore

    if opened.cluster is None:
        raise ConfigError("there is no cluster to write to", fix="name one with --kubeconfig")
    with Progress() as progress:
        look = check(announced(opened.target, progress))
    permissions = Permissions(recreate=options.recreate, prune=options.prune)
    plan = plan_restore(opened.target, look, permissions)
    _refuse_another(plan, options.plan)
    if options.output == "text":
        _show(plan, options)
    if options.repo is None:
        _tell_of_suspensions(settings, plan)
    if not plan.actions or options.dry_run:
        if options.output == "json":
            _print_json(look.report, plan)
        return _left(look.report, plan)
    if not (options.yes or options.plan) and not _agreed(plan):
        sys.stderr.write("nothing was written\n")
        return ExitCode.DRIFT
    with Progress() as progress:
        report = restore(announced(opened.target, progress), opened.cluster, look, plan)
    if options.output == "json":
        _print_json(report, plan)
    else:
        _show_outcomes(report, options)
    return _done(report)


def _tell_of_suspensions(settings: "Settings", plan: Plan) -> None:
    """Says what the controller leaves alone; who restores by hand may mean exactly that."""
    from reconciler.cli.output import complain
    from reconciler.cli.suspending import held_up

    for each in held_up(settings, plan):
        complain(f"{each}; a restore by hand is carried out all the same")


def _refuse_another(plan: Plan, named: str | None) -> None:
    if named and named != plan.digest:
        raise ConfigError(
            f"plan {named} is void: the cluster, Git, or what is allowed has changed since, "
            f"and nothing was written; the plan is now {plan.digest}",
            fix="look at it with --dry-run",
        )


def _show(plan: Plan, options: argparse.Namespace) -> None:
    from reconciler.cli.output import style_of, write
    from reconciler.render.plans import plan_text

    write(plan_text(plan, style_of(options), datetime.now(UTC)))


def _show_outcomes(report: Report, options: argparse.Namespace) -> None:
    from reconciler.cli.output import style_of, write
    from reconciler.render.text import outcomes_text

    write(outcomes_text(report, style_of(options)))


def _print_json(report: Report, plan: Plan) -> None:
    from reconciler.cli.output import write
    from reconciler.render.document import plan_document, report_document
    from reconciler.render.serialized import json_text

    write(json_text({**report_document(report), "plan": plan_document(plan)}))


def _agreed(plan: Plan) -> bool:
    actions = len(plan.actions)
    return agreed(
        f"Carry out {actions} action{'s' if actions > 1 else ''}?",
        "add --yes, or --plan DIGEST for exactly the plan that you have seen",
    )


def _left(report: Report, plan: Plan) -> ExitCode:
    """Says what a plan that wasn't carried out leaves to do."""
    if report.summary.unreadable:
        return ExitCode.COULD_NOT
    return ExitCode.DRIFT if plan.actions or report.summary.drifted else ExitCode.DONE


def _done(report: Report) -> ExitCode:
    if any(outcome.outcome is not OutcomeType.RESTORED for outcome in report.outcomes):
        return ExitCode.COULD_NOT
    if report.summary.unreadable:
        return ExitCode.COULD_NOT
    return ExitCode.DRIFT if report.summary.drifted else ExitCode.DONE
