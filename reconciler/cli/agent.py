"""`plumbline agent`: watches the containers of this machine, and tells of changes as JSON lines."""

import argparse
import gc
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.endings import asked_to_end
from reconciler.cli.enforcing import add_enforcement_options, attached_of
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.looking import add_scan_options, pod_specs_of, scan_of, seconds_of
from reconciler.core.errors import ConfigError

if TYPE_CHECKING:
    from reconciler.agent.executing import Executions
    from reconciler.agent.node import NodeScan
    from reconciler.agent.watching import NodeWatch
    from reconciler.core.sightings import Sighting

#: Fewer than a single look lists: it keeps them all in memory, for as long as it runs.
_LIMIT = 1000


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's flags."""
    parser.add_argument(
        "--interval",
        type=seconds_of,
        default=15.0,
        metavar="SECONDS",
        help="look at all containers so often (default: 15)",
    )
    parser.add_argument(
        "--poll",
        type=seconds_of,
        default=1.0,
        metavar="SECONDS",
        help="look for new processes so often in between (default: 1)",
    )
    parser.add_argument(
        "--listen",
        type=_address,
        metavar="HOST:PORT",
        help="answer /metrics and /healthz here (default: nowhere)",
    )
    add_scan_options(parser, limit=_LIMIT)
    add_enforcement_options(parser)


def run(options: argparse.Namespace) -> ExitCode:
    """Watches until SIGTERM or Ctrl-C.

    Raises:
        ConfigError: A flag is wrong, or this process may not see what it must.
    """
    from reconciler.agent.watching import NodeWatch

    if options.pods == "-":
        raise ConfigError(
            "--pods -: an agent reads what pods declare again and again",
            fix="name a file, and write it anew when pods change",
        )
    gc.enable()  # other verbs end soon and do without
    scan = scan_of(options)
    attached = attached_of(options)
    watch = NodeWatch(
        scan,
        _teller(scan, options.pods),
        lambda: datetime.now(UTC),
        interval=options.interval,
        poll=options.poll,
        limit=options.limit,
        executing=_executing(scan),
        refusing=attached,
    )
    with ExitStack() as stack:
        wait = stack.enter_context(asked_to_end())
        if options.listen is not None:
            _serve(stack, options.listen, watch)
        if attached is not None:
            attached.start()
            stack.callback(attached.stop)
        _watch(watch, wait)
    return ExitCode.DONE


def _watch(watch: "NodeWatch", wait: Callable[[], None]) -> None:
    """Has it watch in a thread of its own until this process is asked to end."""
    ending, failures = threading.Event(), list[BaseException]()

    def work() -> None:
        try:
            watch.run(ending)
        except BaseException as error:
            failures.append(error)
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        wait()
    finally:
        ending.set()
        thread.join()
    if failures:
        raise failures[0]


def _executing(scan: "NodeScan") -> "Executions | None":
    from reconciler.agent.executing import Executions

    try:
        return Executions(scan)
    except OSError as error:
        text = f"the kernel doesn't tell of executions ({error.strerror}): new processes are"
        sys.stderr.write(f"plumbline: {text} looked for by --poll alone\n")
        return None


def _serve(stack: ExitStack, address: tuple[str, int], watch: "NodeWatch") -> None:
    from reconciler.agent.serving import Serving

    try:
        serving = Serving(address, watch.metrics, watch.trouble)
    except OSError as error:
        raise ConfigError(
            f"--listen {address[0]}:{address[1]}: {error.strerror}", fix="name a free port"
        ) from None
    serving.start()
    stack.callback(serving.stop)


def _teller(scan: "NodeScan", pods: str | None) -> "Callable[[Sequence[Sighting]], None]":
    """Gives what writes lines, and reads what pods declare again when that has changed."""
    from reconciler.render.container_documents import sighting_document

    known = _version(pods)

    def tell(sightings: "Sequence[Sighting]") -> None:
        nonlocal known
        for each in sightings:
            # ASCII alone: what a container names can't break a line or a terminal.
            sys.stdout.write(json.dumps(sighting_document(each), separators=(",", ":")) + "\n")
        if sightings:
            sys.stdout.flush()
        if (version := _version(pods)) != known:
            known = version
            try:
                scan.declare(pod_specs_of(pods))
            except ConfigError as error:
                sys.stderr.write(f"plumbline: {error}; what it said before holds\n")

    return tell


def _version(file: str | None) -> tuple[int, int, int]:
    try:
        status = Path(file).stat() if file is not None else None
    except OSError:
        status = None
    return (status.st_ino, status.st_mtime_ns, status.st_size) if status else (0, 0, 0)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError("write HOST:PORT, such as 127.0.0.1:9300")
    return host.strip("[]"), int(port)
