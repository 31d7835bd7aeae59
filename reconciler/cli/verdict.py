"""What `approve` and `reject` share: finding a plan that waits, and writing down what is said."""

import argparse
import getpass
import os
import socket
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.options import add_cluster_options, settings_of
from reconciler.core.errors import ConfigError
from reconciler.core.history import EventType
from reconciler.core.moments import rfc3339

if TYPE_CHECKING:
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
        ConfigError: No plan of this digest waits.
        HistoryError: It can't be written down.
    """
    from reconciler.bootstrap import open_history
    from reconciler.cli.output import write
    from reconciler.core.events import events_of_verdict

    settings = settings_of(options)
    history = open_history(settings)
    try:
        looks = list(_deliberations(settings))
        waiting = [each for each in looks if each.waits_for_person]
        if not options.plan:
            _show(waiting, options)
            return ExitCode.DRIFT if waiting else ExitCode.DONE
        # Who said yes may think better of it; what is carried out unasked is nobody's to judge.
        open_ones = [each for each in looks if each.waits_for_person or each.approved]
        done = next((each for each in open_ones if each.asked.digest == options.plan), None)
        if done is None:
            raise _void(options.plan, open_ones)
        now = rfc3339(datetime.now(UTC))
        actor = f"{_user()}@{socket.gethostname()}"
        history.append(
            events_of_verdict(done.asked, done.look.report, verdict, actor, now, options.reason)
        )
    finally:
        history.close()
    write(f"{options.plan} of {done.asked.target} is {verdict.value} by {actor}")
    return ExitCode.DONE


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user often has no name
        return f"uid-{os.getuid()}"


def _deliberations(settings: "Settings") -> "Iterator[Deliberation]":
    """Looks at each target that may wait for a person, as the controller does."""
    from reconciler.bootstrap import How, open_history, open_target
    from reconciler.controller import check
    from reconciler.deliberation import deliberate
    from reconciler.policies import policy_of

    history = open_history(settings)
    try:
        for target in settings.targets:
            with open_target(settings, target, How()) as opened:
                look = check(opened.target)
                now = opened.target.clock()
                yield deliberate(opened.target, look, policy_of(target), history, now)
    finally:
        history.close()


def _show(waiting: "Sequence[Deliberation]", options: argparse.Namespace) -> None:
    from reconciler.cli.output import style_of, write
    from reconciler.render.plans import plan_text

    now = datetime.now(UTC)
    texts = [plan_text(each.asked, style_of(options), now, "approve") for each in waiting]
    write("\n".join(texts) if texts else "no plan waits for anybody")


def _void(plan: str, open_ones: "Sequence[Deliberation]") -> ConfigError:
    now = ", ".join(f"{each.asked.digest} of {each.asked.target}" for each in open_ones)
    return ConfigError(
        f"no plan {plan} is there to judge: the cluster or Git has moved since, or it was carried "
        f"out; what is there now: {now or 'nothing'}",
        fix="look at what waits with `plumbline approve`",
    )
