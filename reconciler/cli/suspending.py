"""What `suspend` and `resume` share: what is meant, what holds, and writing it down."""

import argparse
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.options import add_cluster_options, add_output_options
from reconciler.core.errors import ConfigError, HistoryError
from reconciler.core.history import Event, HistoryQuery

if TYPE_CHECKING:
    from reconciler.core.plan import Plan
    from reconciler.core.suspension import Suspension
    from reconciler.ports import History
    from reconciler.settings import Settings, TargetSettings


def add_options(parser: argparse.ArgumentParser, default: str) -> None:
    """Adds the flags of both verbs."""
    parser.add_argument(
        "target", nargs="?", default="", metavar="TARGET", help=f"a configured target ({default})"
    )
    parser.add_argument(
        "--object", default="", metavar="KIND/NAME", help="only this, such as deployment/web"
    )
    parser.add_argument("-n", "--namespace", default="", help="of the object")
    parser.add_argument("--reason", default="", help="kept in the history")
    add_output_options(parser, ("text", "json"))
    add_cluster_options(parser)


def one_target(settings: "Settings", name: str) -> "TargetSettings":
    """Gives the target that is meant.

    Raises:
        ConfigError: There is none of this name, or several and none is named.
    """
    from reconciler.settings import target_named

    if name:
        return target_named(settings, name)
    if len(settings.targets) == 1:
        return settings.targets[0]
    known = ", ".join(target.name for target in settings.targets)
    raise ConfigError(
        f"several targets are configured: {known}" if known else "no target is configured",
        fix="name one of them" if known else "`plumbline init` writes a first configuration",
    )


def split_object(text: str) -> tuple[str, str]:
    """Reads `KIND/NAME`.

    Raises:
        ConfigError: It is none.
    """
    kind, _, name = text.partition("/")
    if not (kind and name):
        raise ConfigError(
            f"{text!r} names no object", fix="write KIND/NAME, such as deployment/web"
        )
    return kind, name


def holding(
    history: "History", now: datetime, target: str = ""
) -> "Sequence[tuple[str, Suspension]]":
    """Gives what is suspended by command now, each with its target's name.

    Args:
        history: Who suspended what.
        now: A moment with its zone.
        target: Of this target alone; empty for all.

    Raises:
        HistoryError: It can't be read.
    """
    from reconciler.core.suspension import SUSPENSION_TYPES, suspensions_of

    said = history.find(HistoryQuery(target=target, types=SUSPENSION_TYPES))
    return [
        (name, each)
        for name in sorted({event.target for event in said})
        for each in suspensions_of(said, name)
        if not each.is_over(now)
    ]


def say(settings: "Settings", event: Event, words: str, options: argparse.Namespace) -> ExitCode:
    """Writes an event down; the controller heeds it at its next look.

    Raises:
        HistoryError: It can't be written down.
    """
    from reconciler.cli.output import write
    from reconciler.memory import open_history
    from reconciler.render.terminal import safe

    with closing(open_history(settings)) as history:
        history.append([event])
        found = holding(history, datetime.now(UTC), event.target)
    if options.output == "json":
        show(found, options)
    else:
        write(safe(words))
    return ExitCode.DONE


def show(found: "Sequence[tuple[str, Suspension]]", options: argparse.Namespace) -> None:
    """Prints what is suspended."""
    from reconciler.cli.output import style_of, write
    from reconciler.render.suspensions import suspensions_document, suspensions_text

    if options.output == "json":
        from reconciler.render.serialized import json_text

        write(json_text(suspensions_document(found)))
    else:
        write(suspensions_text(found, style_of(options)))


def held_up(settings: "Settings", plan: "Plan") -> tuple[str, ...]:
    """Says what of a plan is suspended: the controller would not carry it out now.

    Nothing is told where nothing is remembered; a history that can't be read is told of.
    """
    from reconciler.memory import open_history, state_folder

    if not settings.history.database and not (state_folder(settings) / "history.db").exists():
        return ()
    try:
        with closing(open_history(settings, create=False)) as history:
            found = holding(history, datetime.now(UTC), plan.target)
    except HistoryError as error:
        return (f"whether {plan.target} is suspended can't be told: {error.message}",)
    keys = {action.key for action in plan.actions}
    return tuple(
        f"{each.key or plan.target}: {each}"
        for _, each in found
        if keys and (each.key is None or each.key in keys)
    )
