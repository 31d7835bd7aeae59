"""`plumbline containers --node-local`: what changed and what runs in this machine's containers."""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.exit_codes import ExitCode, forgiven
from reconciler.cli.options import add_exit_zero_option, add_output_options
from reconciler.core.errors import ConfigError

if TYPE_CHECKING:
    from reconciler.agent.specs import PodSpec
    from reconciler.core.containers import NodeLook

#: A list of pods is read up to this: 5,000 pods of 10 KiB, several times over.
_PODS = 256 << 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's flags."""
    parser.add_argument(
        "--node-local",
        action="store_true",
        help="look at the containers of this machine; needs root, and nothing of a cluster",
    )
    parser.add_argument(
        "-n",
        "--namespace",
        action="append",
        default=[],
        help="only containers of pods in this namespace; may be repeated",
    )
    parser.add_argument(
        "--pod", action="append", default=[], help="only containers of this pod; may be repeated"
    )
    parser.add_argument(
        "--pods",
        metavar="FILE|-",
        help="what pods declare, by `kubectl get pods -A -o json`: ports that none declares are "
        "told, and probes aren't taken for sessions",
    )
    parser.add_argument(
        "--watch",
        type=_seconds,
        metavar="SECONDS",
        help="look again and again, and tell when something is other than before",
    )
    parser.add_argument(
        "--limit",
        type=_count,
        default=20_000,
        metavar="N",
        help="list so many files of a container (default: 20000)",
    )
    add_exit_zero_option(parser)
    parser.add_argument("--no-color", action="store_true", help="no colour, whatever the terminal")
    add_output_options(parser, ("text", "json", "yaml"))


def run(options: argparse.Namespace) -> ExitCode:
    """Looks at the containers, and tells.

    Raises:
        ConfigError: A flag is wrong, or this process may not see what it must.
    """
    from reconciler.agent.bounds import Bounds
    from reconciler.agent.node import Choice, NodeScan, lacking_rights

    if not options.node_local:
        raise ConfigError(
            "only the containers of this machine can be looked at",
            fix="`plumbline containers --node-local`, as root on the machine",
        )
    if lacking := lacking_rights():
        raise ConfigError(
            f"this process may not see all of a container: it lacks {', '.join(lacking)}",
            fix="run it as root on the machine, or grant these capabilities",
        )
    scan = NodeScan(
        lambda: datetime.now(UTC),
        choice=Choice(frozenset(options.namespace), frozenset(options.pod)),
        specs=_specs(options.pods),
        bounds=Bounds(files=options.limit),
    )
    look = scan.look()
    if not look.looks and (options.namespace or options.pod):
        raise ConfigError(
            "no container on this machine is of such a pod",
            fix="leave out -n and --pod: the report names all that run here",
        )
    _tell(look, options)
    while options.watch is not None:
        time.sleep(options.watch)
        before, look = look, scan.look()
        if look.looks != before.looks or look.notes != before.notes:
            _tell(look, options)
    return _code(look, options)


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


def _specs(file: str | None) -> "Mapping[str, PodSpec]":
    """Reads what pods declare.

    Raises:
        ConfigError: The file can't be read, or holds something else.
    """
    from reconciler.agent.specs import pod_specs

    if file is None:
        return {}
    try:
        if file == "-":
            held = sys.stdin.read(_PODS)
        else:
            with Path(file).open(encoding="utf-8") as opened:
                held = opened.read(_PODS)
        return pod_specs(json.loads(held))
    except OSError as error:
        raise ConfigError(f"--pods {file}: {error.strerror}", fix="name a file") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(
            f"--pods {file}: this is no list of pods in JSON",
            fix="`kubectl get pods -A -o json > pods.json`",
        ) from None


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.1 <= seconds <= 86400:
        raise argparse.ArgumentTypeError("write from 0.1 to 86400 seconds")
    return seconds


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 10_000_000:
        raise argparse.ArgumentTypeError("write a number from 1 to 10000000")
    return count
