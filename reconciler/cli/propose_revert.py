"""What `propose --mode revert` does: once, what the controller does for a target in that mode."""

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.cli.exit_codes import ExitCode
from reconciler.core.deciding import Mode, Policy
from reconciler.core.errors import ConfigError
from reconciler.core.resource import JsonObject

if TYPE_CHECKING:
    from reconciler.deliberation import Deliberation
    from reconciler.settings import Settings, TargetSettings


def revert(
    settings: "Settings",
    target: "TargetSettings",
    options: argparse.Namespace,
    documents: list[JsonObject],
) -> ExitCode:
    """Brings the pull request whose merge restores up to date, or opens it.

    Raises:
        PlumblineError: A side, the forge or the history can't be asked, or nobody would hear of
            the merge.
    """
    from reconciler.bootstrap import How, open_target
    from reconciler.cli.progress import Progress, announced
    from reconciler.controller import check
    from reconciler.deliberation import deliberate
    from reconciler.memory import open_history
    from reconciler.policies import policy_of

    policy = policy_of(settings, target)
    _refuse_unheard(target, policy)
    history = open_history(settings)
    try:
        how = How(fresh=options.fresh)
        with open_target(settings, target, how, history) as opened:
            with Progress() as progress:
                look = check(announced(opened.target, progress))
            done = deliberate(opened.target, look, policy, history, opened.target.clock())
            told, url = "", ""
            if not options.dry_run:
                from reconciler.forging import proposer_of

                redaction = opened.target.redaction
                proposer = proposer_of(settings, target, policy, history, redaction)
                told = proposer.follow(done)
                pull = proposer.current()
                url = pull.url if pull is not None else ""
    finally:
        history.close()
    _show(done, told, url, options, documents)
    report = done.look.report
    if report.summary.unreadable:
        return ExitCode.COULD_NOT
    # A dry run leaves all to do; else what no plan proposes, and what was told no is left.
    planned = {action.key for action in done.proposed.actions}
    left = [drift for drift in report.drifts if drift.key not in planned]
    is_left = report.drifts if options.dry_run else left or (planned and not url)
    return ExitCode.DRIFT if is_left else ExitCode.DONE


def _refuse_unheard(target: "TargetSettings", policy: Policy) -> None:
    if Mode.PROPOSE in (policy.mode, *(rule.action for rule in policy.rules)):
        return
    raise ConfigError(
        f"target {target.name} is in mode {policy.mode}: nobody would hear that the pull request "
        "is merged",
        fix="set its mode (or a rule's action) to propose; or `plumbline restore`, or "
        "`plumbline propose --mode adopt`",
    )


def _show(
    done: "Deliberation",
    told: str,
    url: str,
    options: argparse.Namespace,
    documents: list[JsonObject],
) -> None:
    from reconciler.cli.output import style_of, write
    from reconciler.render.document import plan_document
    from reconciler.render.plans import plan_text
    from reconciler.render.terminal import safe

    if options.output == "json":
        document = plan_document(done.proposed)
        documents.append({"plan": document, "told": told or None, "pullRequest": url or None})
        return
    write(plan_text(done.proposed, style_of(options), datetime.now(UTC), "approve"))
    if told:
        write(safe(told))
    if url:
        write(f"Pull request: {safe(url)}")
