"""`plumbline run`: the controller."""

import argparse
import faulthandler
import gc
import os
import sys
import threading

from reconciler.cli.endings import asked_to_end
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.options import add_cluster_options, settings_of
from reconciler.core.errors import ConfigError
from reconciler.settings import DEFAULT_FILE, target_named

#: Kubernetes kills after 30 seconds (terminationGracePeriodSeconds); then nobody would know why.
#: Whatever is under way may be cut off: writes have preconditions, the history is transactional.
_ENDS_WITHIN = 25.0
#: Collections of the middle generation before one of the oldest.
_NEVER = 1_000_000_000


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

    # Verbs that end soon do without; this one may run for years. The oldest generation, which is
    # all that is live and declared, is gone through by the schedule alone: that takes as long as
    # a cycle, and would else come in the middle of one.
    gc.enable()
    gc.set_threshold(*gc.get_threshold()[:2], _NEVER)
    settings = settings_of(options)
    targets = [target_named(settings, name) for name in options.targets] or settings.targets
    if not targets:
        raise ConfigError(
            "nothing to keep true: no target is configured",
            fix=f"`plumbline init` writes a first {DEFAULT_FILE}",
        )
    with asked_to_end() as wait:
        service = build(settings, targets)
        try:
            service.start()
            wait()
        finally:
            limit = threading.Timer(_ENDS_WITHIN, _give_up)
            limit.daemon = True
            limit.start()
            service.stop()
            limit.cancel()
    return ExitCode.DONE


def _give_up() -> None:
    """Ends a process that doesn't end, and says where its threads are: places, no values."""
    sys.stderr.write(f"plumbline: it did not end within {_ENDS_WITHIN:g} seconds\n")
    faulthandler.dump_traceback(all_threads=True)
    os._exit(ExitCode.COULD_NOT)
