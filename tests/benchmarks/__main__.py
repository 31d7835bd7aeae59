"""`python -m tests.benchmarks [NAME]`; all measurements where none is named."""

import argparse
import sys
from collections.abc import Sequence

from tests.benchmarks import containers, controller, edits, enforcing, speed
from tests.benchmarks.measure import MeasureError
from tests.tools.controlplane import ControlPlaneError


def main(argv: Sequence[str] | None = None) -> int:
    """Runs measurements and returns the exit code: 0 all well, 1 something was missed, 2 failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    which = parser.add_subparsers(
        dest="which", metavar="speed|edits|controller|containers|enforcing"
    )
    speed.configure(which.add_parser("speed", description=speed.__doc__))
    edits.configure(which.add_parser("edits", description=edits.__doc__))
    controller.configure(which.add_parser("controller", description=controller.__doc__))
    containers.configure(which.add_parser("containers", description=containers.__doc__))
    enforcing.configure(which.add_parser("enforcing", description=enforcing.__doc__))
    runs = {
        "speed": speed.run,
        "edits": edits.run,
        "controller": controller.run,
        "containers": containers.run,
        "enforcing": enforcing.run,
    }
    options = parser.parse_args(argv)
    chosen = [options] if options.which else [parser.parse_args([name]) for name in runs]
    try:
        return max(runs[each.which](each) for each in chosen)
    except (ControlPlaneError, MeasureError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
