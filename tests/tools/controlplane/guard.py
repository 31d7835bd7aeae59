"""Runs one server for as long as whoever started it lives. Standard library only: a script.

The starter holds the other end of this process's standard input. However the starter ends, even
by SIGKILL, that end closes, and the server is stopped. A death signal set by the starter itself
would not do: it needs code between fork and exec, which is unsafe in a program with threads, and
it fires when the *thread* that started the server ends. This process has one thread, so here it
is safe, and covers the case that this process is killed.
"""

import argparse
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys

GOODBYE = b"."
"""What the starter writes for an orderly stop; an end of file without it means that it died."""

_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Runs the server named by the arguments, and returns its exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--grace", type=float, required=True)
    parser.add_argument("--scratch", help="folder to remove if the starter died")
    parser.add_argument("argv", nargs="+")
    options = parser.parse_args()

    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)

    # The library is loaded here, as little as possible is done after the fork.
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
    server = subprocess.Popen(
        options.argv,
        stdin=subprocess.DEVNULL,
        preexec_fn=(lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)) if prctl else None,
    )
    orphaned = _wait(server, woken)
    if server.poll() is None:
        if orphaned:
            # Nobody is left who could want what an orderly end saves.
            server.kill()
        else:
            server.terminate()
        try:
            server.wait(options.grace)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
    if orphaned and options.scratch:
        shutil.rmtree(options.scratch, ignore_errors=True)
    code: int = server.returncode
    return abs(code)


def _wait(server: "subprocess.Popen[bytes]", woken: int) -> bool:
    """Waits for the server's end, a SIGTERM, or the starter; returns whether the starter died."""
    while server.poll() is None:
        ready, _, _ = select.select([0, woken], [], [])
        if 0 in ready:
            return os.read(0, 1) != GOODBYE
        if signal.SIGTERM in os.read(woken, 64):
            return False
    return False


if __name__ == "__main__":
    sys.exit(main())
