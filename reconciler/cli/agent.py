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
from reconciler.cli.profiles_file import rereading, version_of
from reconciler.core.errors import ConfigError

if TYPE_CHECKING:
    from reconciler.agent.custody import EvidenceFolder
    from reconciler.agent.evidence import Kept
    from reconciler.agent.executing import Executions
    from reconciler.agent.node import NodeScan
    from reconciler.agent.sending import Sender
    from reconciler.agent.watching import NodeWatch
    from reconciler.core.containers import NodeLook
    from reconciler.core.sightings import Sighting

#: Fewer than a single look lists: it keeps them all in memory, for as long as it runs.
_LIMIT = 1000
#: Where the chart mounts the token of a projected volume.
_TOKEN = "/var/run/secrets/plumbline/token"  # noqa: S105 - a file's name


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
    told = parser.add_argument_group("telling the controller")
    told.add_argument(
        "--controller",
        metavar="URL",
        help="tell the controller what is in the containers now; such as https://plumbline:8444",
    )
    told.add_argument(
        "--controller-ca",
        metavar="FILE",
        help="PEM certificates that it is verified with (default: the system's)",
    )
    told.add_argument(
        "--token",
        metavar="FILE",
        default=_TOKEN,
        help=f"the token that is shown to it (default: {_TOKEN})",
    )
    told.add_argument(
        "--evidence",
        metavar="DIR",
        help="keep there what proves a pod's drift, when the controller asks before it replaces it",
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
    evidence = _evidence(options, scan)
    sender = _sender(options, evidence)
    attached = attached_of(options)
    watch = NodeWatch(
        scan,
        _teller(scan, options.pods, options.profiles),
        lambda: datetime.now(UTC),
        interval=options.interval,
        poll=options.poll,
        limit=options.limit,
        executing=_executing(scan),
        show=_showing(sender, evidence),
        between=_keeping(sender, evidence),
        refusing=attached,
    )
    with ExitStack() as stack:
        wait = stack.enter_context(asked_to_end())
        if options.listen is not None:
            _serve(stack, options.listen, watch, sender)
        if sender is not None:
            sender.start()
            stack.callback(sender.stop)
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


def _evidence(options: argparse.Namespace, scan: "NodeScan") -> "EvidenceFolder | None":
    """Gives what keeps evidence.

    Raises:
        ConfigError: The folder can't be made, or nobody would ask.
    """
    if options.evidence is None:
        return None
    if options.controller is None:
        raise ConfigError(
            "--evidence: only a controller asks for evidence",
            fix="name it with --controller; by hand, `plumbline containers --evidence` keeps it",
        )
    from reconciler.agent.custody import EvidenceFolder
    from reconciler.agent.evidence import keep_evidence
    from reconciler.cli.output import complain
    from reconciler.render.container_documents import node_document

    folder = Path(options.evidence)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"--evidence {folder}: {error.strerror}", fix="name a folder that can be written"
        ) from None

    def keep(look: "NodeLook", pod_uid: str) -> "Kept":
        return keep_evidence(scan, look, pod_uid, folder, node_document)

    return EvidenceFolder(folder, keep, lambda: datetime.now(UTC), complain)


def _showing(
    sender: "Sender | None", evidence: "EvidenceFolder | None"
) -> "Callable[[NodeLook], None]":
    def show(look: "NodeLook") -> None:
        if evidence is not None:
            evidence.looked(look)
        if sender is not None:
            sender.offer(look)

    return show


def _keeping(sender: "Sender | None", evidence: "EvidenceFolder | None") -> Callable[[], None]:
    def keep() -> None:
        if evidence is not None and sender is not None and evidence.keep():
            sender.wake()

    return keep


def _sender(options: argparse.Namespace, evidence: "EvidenceFolder | None") -> "Sender | None":
    """Gives what tells the controller.

    Raises:
        ConfigError: Its address is no address.
    """
    if options.controller is None:
        if options.controller_ca is not None or options.token != _TOKEN:
            flag = "--controller-ca" if options.controller_ca is not None else "--token"
            raise ConfigError(f"{flag}: there is no controller", fix="name it with --controller")
        return None
    from reconciler.agent.posting import Controller
    from reconciler.agent.sending import Sender
    from reconciler.cli.output import complain

    try:
        controller = Controller.at(options.controller, options.controller_ca, options.token)
    except ValueError as error:
        # Not quoted: it may hold a password.
        raise ConfigError("--controller: this is no such address", fix=str(error)) from None
    lasts = 2 * options.interval + 60
    return Sender(controller, complain, lasts=lasts, evidence=evidence)


def _serve(
    stack: ExitStack, address: tuple[str, int], watch: "NodeWatch", sender: "Sender | None"
) -> None:
    from reconciler.agent.serving import Serving

    def metrics() -> str:
        return watch.metrics() + (sender.metrics() if sender is not None else "")

    try:
        serving = Serving(address, metrics, watch.trouble)
    except OSError as error:
        raise ConfigError(
            f"--listen {address[0]}:{address[1]}: {error.strerror}", fix="name a free port"
        ) from None
    serving.start()
    stack.callback(serving.stop)


def _teller(
    scan: "NodeScan", pods: str | None, profiles: str | None
) -> "Callable[[Sequence[Sighting]], None]":
    """Gives what writes lines, and reads again what pods declare and profiles allow."""
    from reconciler.render.container_documents import sighting_document

    known = version_of(pods)
    reread = rereading(profiles, scan.allow)

    def tell(sightings: "Sequence[Sighting]") -> None:
        nonlocal known
        for each in sightings:
            # ASCII alone: what a container names can't break a line or a terminal.
            sys.stdout.write(json.dumps(sighting_document(each), separators=(",", ":")) + "\n")
        if sightings:
            sys.stdout.flush()
        reread()
        if (version := version_of(pods)) != known:
            known = version
            try:
                scan.declare(pod_specs_of(pods))
            except ConfigError as error:
                sys.stderr.write(f"plumbline: {error}; what it said before holds\n")

    return tell


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError("write HOST:PORT, such as 127.0.0.1:9300")
    return host.strip("[]"), int(port)
