"""`plumbline resume [TARGET]`: ends a suspension; policy says again what is restored."""

import argparse
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.options import settings_of
from reconciler.cli.person import person
from reconciler.cli.suspending import add_options, holding, one_target, say, split_object
from reconciler.core.errors import ConfigError
from reconciler.core.history import Event, EventType
from reconciler.core.moments import rfc3339

if TYPE_CHECKING:
    from reconciler.core.resource import ResourceKey
    from reconciler.core.suspension import Suspension


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's flags."""
    add_options(parser, "default: the only one")


def run(options: argparse.Namespace) -> ExitCode:
    """Ends the suspension of a target, or of one object.

    Raises:
        ConfigError: There is no such target, or it isn't suspended.
        HistoryError: It can't be written down.
    """
    from reconciler.memory import open_history

    settings = settings_of(options)
    target = one_target(settings, options.target).name
    with closing(open_history(settings, create=False)) as history:
        now = datetime.now(UTC)
        found = [each for _, each in holding(history, now, target)]
    key = _meant(target, found, options) if options.object else None
    if key not in [each.key for each in found]:
        raise ConfigError(
            f"{target} as a whole is not suspended", fix="look at what is: `plumbline suspend`"
        )
    actor = person()
    event = Event(
        rfc3339(now), target, EventType.RESUMED, key=key, actor=actor, reason=options.reason
    )
    what = f"{key} of {target}" if key else target
    left = [str(each.key or target) for each in found if each.key != key]
    still = f"; still suspended: {', '.join(left)}" if left else ""
    return say(settings, event, f"{what} is resumed by {actor}{still}", options)


def _meant(
    target: str, found: "Sequence[Suspension]", options: argparse.Namespace
) -> "ResourceKey":
    """Finds the object among what is suspended: by now it may be in neither Git nor cluster."""
    from reconciler.cli.history import kinds_meant_by

    word, name = split_object(options.object)
    kind, dot, group = word.partition(".")
    kinds = {each.casefold() for each in kinds_meant_by(kind)}
    keys = [
        each.key
        for each in found
        if each.key is not None
        and each.key.kind.casefold() in kinds
        and each.key.name == name
        and (not dot or each.key.group == group)
        and options.namespace in ("", each.key.namespace)
    ]
    if not keys:
        known = ", ".join(str(each.key) for each in found if each.key)
        raise ConfigError(
            f"{options.object} is not suspended in {target} by itself",
            fix=f"name one of {known}" if known else "look at what is: `plumbline suspend`",
        )
    if len(keys) > 1:
        raise ConfigError(
            f"{options.object} may be any of {', '.join(map(str, keys))}",
            fix="name its namespace with -n",
        )
    return keys[0]
