"""`plumbline warden`: has the kernel refuse to execute what a container's image doesn't hold."""

import argparse
import json
import platform
import signal
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.cli.endings import ENDING_SIGNALS
from reconciler.cli.enforcing import (
    SOCKET,
    RuleFile,
    add_enforcement_options,
    check,
    is_wanted,
    limits_of,
    settings_of,
)
from reconciler.cli.exit_codes import ExitCode
from reconciler.core.errors import ConfigError

if TYPE_CHECKING:
    from reconciler.core.sightings import Sighting


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's flags."""
    add_enforcement_options(parser)
    parser.add_argument("--pods", metavar="FILE", help="what pods declare: their labels")
    parser.add_argument("--node", metavar="NAME", help="the machine's name (default: its own)")
    parser.add_argument(
        "--outlives",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="end when no agent is attached for so long (default: 0, never)",
    )


def run(options: argparse.Namespace) -> ExitCode:
    """Answers the kernel until SIGTERM or Ctrl-C.

    Raises:
        ConfigError: A flag is wrong, or this process may not do what it must.
    """
    from reconciler.agent.attending import former_at, listening_at
    from reconciler.agent.rights import lacking_rights
    from reconciler.agent.warden import Orders, keep

    check(options)
    if not is_wanted(options):
        raise ConfigError("nothing is to be enforced", fix="--enforce dry-run, or --enforcement")
    if options.pods == "-":
        raise ConfigError("--pods -: a warden reads it again and again", fix="name a file")
    if lacking := lacking_rights():
        raise ConfigError(
            f"this process may not see all of a container: it lacks {', '.join(lacking)}",
            fix="run it as root on the machine, or grant these capabilities",
        )
    files = RuleFile(options)
    ending = threading.Event()
    for number in ENDING_SIGNALS:
        signal.signal(number, lambda _number, _frame: ending.set())
    path = options.warden or SOCKET
    former = former_at(path)
    try:
        listener = listening_at(path)
    except OSError as error:
        raise ConfigError(f"--warden {path}: {error.strerror}", fix="name a free place") from None
    orders = Orders(
        node=options.node or platform.node(),
        rules=files.rules,
        labels=files.labels,
        trouble=files.trouble,
        limits=limits_of(options),
        settings=settings_of(options),
        outlives=options.outlives,
        now=lambda: datetime.now(UTC),
        otherwise=_tell,
    )
    try:
        keep(orders, listener, former, ending.is_set)
    except OSError as error:
        raise ConfigError(
            f"the kernel doesn't ask before executions: {error.strerror}",
            fix="Linux 5.0 or later with CONFIG_FANOTIFY_ACCESS_PERMISSIONS, and CAP_SYS_ADMIN",
        ) from None
    return ExitCode.DONE


def _tell(sighting: "Sighting") -> None:
    from reconciler.render.container_documents import sighting_document

    # Whoever read that may be gone, with the agent that started this: then it goes on without.
    with suppress(OSError):
        # ASCII alone: what a container names can't break a line or a terminal.
        sys.stdout.write(json.dumps(sighting_document(sighting), separators=(",", ":")) + "\n")
        sys.stdout.flush()


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= 86400:
        raise argparse.ArgumentTypeError("write from 0 to 86400 seconds")
    return seconds
