"""`plumbline suspend [TARGET]`: nothing is restored for a while; or shows what is suspended."""

import argparse
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.options import settings_of
from reconciler.cli.person import person
from reconciler.cli.suspending import add_options, holding, one_target, say, show, split_object
from reconciler.core.errors import ConfigError
from reconciler.core.moments import rfc3339

if TYPE_CHECKING:
    from reconciler.core.resource import ResourceKey
    from reconciler.settings import Settings


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's flags."""
    add_options(parser, "default: the only one; without any words, what is suspended is shown")
    end = parser.add_mutually_exclusive_group()
    end.add_argument("--for", dest="span", default="", metavar="TIME", help="how long: 90m, 2h, 7d")
    end.add_argument("--until", default="", metavar="TIME", help="its end: 2026-12-01T08:00:00Z")
    parser.add_argument("--list", action="store_true", help="show what is suspended")


def run(options: argparse.Namespace) -> ExitCode:
    """Suspends a target or an object, or shows what is suspended (then exit code 1, if any is).

    Raises:
        ConfigError: A word can't be read, or there is no such target or object.
        PlumblineError: The history, or the target where an object is named, can't be read.
    """
    from reconciler.core.suspension import Suspension, suspension_event

    settings = settings_of(options)
    given = options.object or options.reason or options.span or options.until
    if options.list or not (options.target or given):
        if given:
            raise ConfigError("--list only shows", fix="leave it out to suspend something")
        return _show(settings, options)
    target = one_target(settings, options.target)
    if not options.reason.strip():
        raise ConfigError("a suspension needs a reason", fix='say it with --reason "load test"')
    now = datetime.now(UTC)
    until = _until(options, now)
    key = _object(settings, target.name, options) if options.object else None
    suspension = Suspension(key, until, person(), options.reason)
    event = suspension_event(target.name, suspension, rfc3339(now))
    what = f"{key} of {target.name}" if key else target.name
    end = f"until {rfc3339(until)}" if until else f"until `plumbline resume {target.name}`"
    if key and not until:
        end = "until `plumbline resume` of it"
    return say(settings, event, f"{what} is suspended by {suspension.by} {end}", options)


def _until(options: argparse.Namespace, now: datetime) -> datetime | None:
    """Reads when a suspension ends, to the second as it is kept; None for never."""
    if options.span:
        from reconciler.settings.durations import seconds_of

        try:
            until = now + timedelta(seconds=seconds_of("--for", options.span))
        except OverflowError:
            raise ConfigError(
                f"--for {options.span!r} is too long", fix="leave it out for no end"
            ) from None
    elif options.until:
        until = _moment(options.until)
    else:
        return None
    until = until.replace(microsecond=0)
    if until <= now:
        raise ConfigError("the suspension would end before it begins", fix="name a later end")
    return until


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        # A time near either end of the calendar has no place in another zone.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ConfigError(
            f"--until {text!r} is no time", fix="write 2026-12-01T08:00:00Z, or use --for 2h"
        ) from None


def _object(settings: "Settings", target: str, options: argparse.Namespace) -> "ResourceKey":
    """Finds the object in Git or in the cluster: one that is in neither can't drift."""
    from reconciler.bootstrap import How, open_target
    from reconciler.cli.progress import Progress, announced
    from reconciler.controller import check
    from reconciler.explanation import named_object
    from reconciler.settings import target_named

    kind, name = split_object(options.object)
    with (
        Progress() as progress,
        open_target(settings, target_named(settings, target), How()) as opened,
    ):
        sides = check(announced(opened.target, progress)).sides
    return named_object(sides, kind, name, options.namespace)[0]


def _show(settings: "Settings", options: argparse.Namespace) -> ExitCode:
    from reconciler.memory import open_history

    with closing(open_history(settings, create=False)) as history:
        found = holding(history, datetime.now(UTC), options.target)
    show(found, options)
    return ExitCode.DRIFT if found else ExitCode.DONE
