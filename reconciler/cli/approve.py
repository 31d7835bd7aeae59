"""`plumbline approve [PLAN]`: agrees to exactly one plan that waits, or shows what waits."""

import argparse

from reconciler.cli import verdict
from reconciler.cli.exit_codes import ExitCode
from reconciler.core.history import EventType


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's flags."""
    verdict.configure(parser, needed=False)


def run(options: argparse.Namespace) -> ExitCode:
    """Writes the verdict down.

    Raises:
        PlumblineError: No such plan waits, a side can't be read, or it can't be written down.
    """
    return verdict.say(options, EventType.APPROVED)
