"""Runs one program and tells how long it took and how much memory it had at its peak.

A process of its own, small: on Linux a child's peak memory is never told as less than that of
the process that forked it, so a large parent would be measured in place of its child.

Usage: launcher.py RESULT PROGRAM ARG…
"""

import json
import os
import resource
import sys
import time


def main() -> None:
    """Starts the program, waits, and writes the measurement into the file RESULT."""
    result, program = sys.argv[1], sys.argv[2:]
    started = time.perf_counter()
    child = os.posix_spawnp(program[0], program, os.environ)
    _, status = os.waitpid(child, 0)
    seconds = time.perf_counter() - started
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
    measured = {"code": os.waitstatus_to_exitcode(status), "seconds": seconds, "peak": peak}
    with open(result, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib costs memory
        json.dump(measured, file)


if __name__ == "__main__":
    main()
