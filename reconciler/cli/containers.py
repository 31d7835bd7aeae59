"""`plumbline containers`: what changed and what runs in containers, here or on all nodes."""

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.exit_codes import ExitCode, forgiven
from reconciler.cli.looking import add_scan_options, duration_of, scan_of, seconds_of
from reconciler.cli.options import add_exit_zero_option, add_output_options
from reconciler.core.errors import ConfigError
from reconciler.settings import DEFAULT_FILE

if TYPE_CHECKING:
    from reconciler.agent.node import NodeScan
    from reconciler.core.containers import NodeLook

_LIMIT = 20_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's flags."""
    parser.add_argument(
        "--node-local",
        action="store_true",
        help="look at the containers of this machine; needs root, and nothing of a cluster "
        "(default: show what agents told the controller)",
    )
    add_scan_options(
        parser,
        limit=_LIMIT,
        node="show this node alone; with --node-local the machine's name (default: its own)",
    )
    parser.add_argument(
        "--watch",
        type=seconds_of,
        metavar="SECONDS",
        help="look again and again, and tell when something is other than before",
    )
    parser.add_argument(
        "--evidence",
        metavar="DIR",
        help="keep what proves the drift there, an archive a pod: content, hashes, processes",
    )
    parser.add_argument(
        "--learn",
        metavar="FILE|-",
        help="write profiles of images into this file, from what their containers did; what is "
        "there stays",
    )
    parser.add_argument(
        "--for",
        dest="duration",
        type=duration_of,
        metavar="DURATION",
        help="--learn: look so long, such as 1h, and learn which programs run, too",
    )
    add_exit_zero_option(parser)
    parser.add_argument("--config", metavar="FILE", help=f"default: {DEFAULT_FILE}, if it's there")
    parser.add_argument("--state-dir", metavar="DIR", help="where what agents told is kept")
    parser.add_argument("--no-color", action="store_true", help="no colour, whatever the terminal")
    add_output_options(parser, ("text", "json", "yaml"))
    # No cluster is asked, and nothing is cached.
    parser.set_defaults(kubeconfig=None, context=None, cache_dir=None)


def run(options: argparse.Namespace) -> ExitCode:
    """Looks at the containers, and tells; or tells what agents saw.

    Raises:
        ConfigError: A flag is wrong, or this process may not see what it must.
        HistoryError: What agents said can't be read.
    """
    if options.duration is not None and options.learn is None:
        raise ConfigError("--for goes with --learn", fix="leave it out, or name a file to learn")
    if not options.node_local:
        from reconciler.cli.heard import show_heard

        if options.learn is not None:
            from reconciler.cli.learning import learn_told

            return learn_told(options)
        if options.limit != _LIMIT:
            raise ConfigError("--limit goes with --node-local", fix="leave it out")
        return show_heard(options)
    if options.learn is not None:
        from reconciler.cli.learning import learn

        return learn(options)
    scan = scan_of(options)
    look = scan.look()
    if not look.looks and (options.namespace or options.pod):
        raise ConfigError(
            "no container on this machine is of such a pod",
            fix="leave out -n and --pod: the report names all that run here",
        )
    if options.evidence is not None:
        _keep_evidence(scan, look, options.evidence)
    _tell(look, options)
    while options.watch is not None:
        time.sleep(options.watch)
        before, look = look, scan.look()
        if look.looks != before.looks or look.notes != before.notes:
            _tell(look, options)
    return _code(look, options)


def _keep_evidence(scan: "NodeScan", look: "NodeLook", name: str) -> None:
    """Keeps an archive of each pod that drifted.

    Raises:
        ConfigError: It can't be written there.
    """
    from reconciler.agent.evidence import keep_evidence
    from reconciler.render.container_documents import node_document

    folder = Path(name)
    pods = {
        each.container.pod_uid: f"{each.container.namespace}/{each.container.pod}"
        for each in look.looks
        if each.drifts and each.container.pod_uid
    }
    for uid, pod in pods.items():
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            kept = keep_evidence(scan, look, uid, folder, node_document)
        except OSError as error:
            raise ConfigError(
                f"--evidence {name}: {error.strerror}", fix="name a folder with room in it"
            ) from None
        left = f", {kept.left} things left out" if kept.left else ""
        file = folder / f"{kept.digest}.tar.gz"
        sys.stderr.write(f"plumbline: evidence of {pod}: {kept.contents} contents{left}: {file}\n")


def _code(look: "NodeLook", options: argparse.Namespace) -> ExitCode:
    if look.notes or any(each.unknown for each in look.looks):
        return ExitCode.COULD_NOT
    drifted = any(each.drifts for each in look.looks)
    return forgiven(ExitCode.DRIFT if drifted else ExitCode.DONE, options.exit_zero)


def _tell(look: "NodeLook", options: argparse.Namespace) -> None:
    from reconciler.cli.output import documents_text, style_of, write

    if options.output == "text":
        from reconciler.render.containers import node_text

        write(node_text(look, style_of(options), datetime.now(UTC)))
        return
    from reconciler.render.container_documents import node_document

    prefix = "---\n" if options.output == "yaml" and options.watch is not None else ""
    write(prefix + documents_text([node_document(look)], options.output))
