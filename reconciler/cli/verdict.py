"""What `approve` and `reject` share: finding a plan that waits, and writing down what is said."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.options import add_cluster_options, settings_of
from reconciler.cli.person import person
from reconciler.core.errors import ConfigError
from reconciler.core.history import EventType

if TYPE_CHECKING:
    from reconciler.adapters.history.database import DatabaseHistory
    from reconciler.core.deciding import Policy
    from reconciler.deliberation import Deliberation
    from reconciler.settings import Settings


def configure(parser: argparse.ArgumentParser, *, needed: bool) -> None:
    """Adds the flags of both verbs."""
    parser.add_argument(
        "plan",
        nargs=None if needed else "?",
        default="",
        metavar="PLAN",
        help="its digest, as in p-35cdb6e3ef8aee1a"
        + ("" if needed else " (default: shows the plans that wait)"),
    )
    parser.add_argument("--reason", default="", help="kept in the history")
    add_cluster_options(parser)
    parser.set_defaults(full=False)


def say(options: argparse.Namespace, verdict: EventType) -> ExitCode:
    """Writes a verdict about a plan down; the controller acts on it at its next look.

    Raises:
        ConfigError: No plan of this digest waits, or this person's yes wouldn't count.
        HistoryError: It can't be written down.
    """
    from reconciler.cli.output import write
    from reconciler.core.words import Speaker
    from reconciler.hearing import no_such_plan, take_down
    from reconciler.memory import open_history

    settings = settings_of(options)
    with closing(open_history(settings)) as history:
        looks = list(_deliberations(settings, history))
        if not options.plan:
            waiting = [done for done, _ in looks if done.waits_for_person]
            _show(waiting, options)
            return ExitCode.DRIFT if waiting else ExitCode.DONE
        # Who said yes may think better of it; what is carried out unasked is nobody's to judge.
        open_ones = [each for each in looks if each[0].waits_for_person or each[0].approved]
        found = next((each for each in open_ones if each[0].find(options.plan)), None)
        if found is None:
            raise ConfigError(
                no_such_plan(options.plan, [done for done, _ in open_ones]),
                fix="look at what waits with `plumbline approve`",
            )
        done, policy = found
        heard = take_down(
            done,
            options.plan,
            verdict,
            Speaker(person()),
            options.reason,
            policy,
            history,
            datetime.now(UTC),
        )
    if not heard.heeded:
        raise ConfigError(heard.text, fix="ask somebody who may: `approvals` in the configuration")
    write(heard.text)
    return ExitCode.DONE


def _deliberations(
    settings: "Settings", history: "DatabaseHistory"
) -> "Iterator[tuple[Deliberation, Policy]]":
    """Looks at each target that may wait for a person, as the controller does."""
    from reconciler.attending import attended
    from reconciler.bootstrap import How, open_target
    from reconciler.controller import check
    from reconciler.deliberation import deliberate
    from reconciler.policies import policy_of

    for target in settings.targets:
        with open_target(settings, target, How(), history) as opened:
            attending = attended(opened.target, settings.agents, history)
            look = check(attending)
            now = attending.clock()
            policy = policy_of(settings, target)
            yield deliberate(attending, look, policy, history, now), policy


def _show(waiting: "Sequence[Deliberation]", options: argparse.Namespace) -> None:
    from reconciler.cli.output import style_of, write
    from reconciler.render.plans import plan_text

    now = datetime.now(UTC)
    style = style_of(options)
    texts = [
        "\n".join([plan_text(each.asked, style, now, "approve"), *_one_by_one(each)])
        for each in waiting
    ]
    write("\n".join(texts) if texts else "no plan waits for anybody")


def _one_by_one(done: "Deliberation") -> "Iterator[str]":
    """Says how to agree to one drift alone, and where a yes was said that isn't enough."""
    # What drifted in one pod has one plan, and what waits for its turn is in no other.
    alone = {plan.digest: plan for plan in done.each.values() if plan.digest != done.asked.digest}
    for plan in alone.values():
        names = ", ".join(str(action.key) for action in plan.actions)
        yield f"  plumbline approve {plan.digest}  for {names} alone"
    for digest, missing in done.missing.items():
        if not missing.startswith("nobody"):
            yield f"  {digest}: {missing}"
