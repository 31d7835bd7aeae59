"""`plumbline run`: the controller."""

import argparse
import gc
import signal
from queue import SimpleQueue

from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.options import add_cluster_options, settings_of
from reconciler.core.errors import ConfigError
from reconciler.settings import DEFAULT_FILE, target_named


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's flags."""
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help="configured targets (default: all)"
    )
    add_cluster_options(parser)


def run(options: argparse.Namespace) -> ExitCode:
    """Keeps the targets true until SIGTERM or Ctrl-C; then finishes what is under way.

    Raises:
        ConfigError: A setting isn't as it must be.
        HistoryError: The history can't be opened.
    """
    from reconciler.service import build

    # Verbs that end soon do without; this one may run for years.
    gc.enable()
    settings = settings_of(options)
    targets = [target_named(settings, name) for name in options.targets] or settings.targets
    if not targets:
        raise ConfigError(
            "nothing to keep true: no target is configured",
            fix=f"`plumbline init` writes a first {DEFAULT_FILE}",
        )
    service = build(settings, targets)
    # Not an Event: its lock may be held by the very thread that a signal interrupts.
    ended: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: ended.put(number))
    try:
        service.start()
        ended.get()
    finally:
        service.stop()
    return ExitCode.DONE
