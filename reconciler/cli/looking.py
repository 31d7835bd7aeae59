"""How the verbs that look at this machine's containers are told what to look at."""

import argparse
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.errors import ConfigError

if TYPE_CHECKING:
    from reconciler.agent.node import NodeScan
    from reconciler.agent.specs import PodSpec

#: A list of pods is read up to this: 5,000 pods of 10 KiB, several times over.
_PODS = 256 << 20


def add_scan_options(
    parser: argparse.ArgumentParser,
    limit: int,
    node: str = "the machine's name (default: its own)",
) -> None:
    """Adds the flags that say what is looked at.

    Args:
        parser: The verb's.
        limit: How many files of a container are listed unless one says otherwise.
        node: What naming the machine means.
    """
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
        "--profiles",
        metavar="FILE",
        help="what containers of an image may write and run, in JSON: what it allows is counted "
        "and not told",
    )
    parser.add_argument("--node", metavar="NAME", help=node)
    parser.add_argument(
        "--limit",
        type=_count,
        default=limit,
        metavar="N",
        help=f"list so many files of a container, those that matter most (default: {limit})",
    )


def scan_of(options: argparse.Namespace) -> "NodeScan":
    """Makes what looks.

    Raises:
        ConfigError: A flag is wrong, or this process may not see what it must.
    """
    from reconciler.agent.bounds import Bounds
    from reconciler.agent.node import Choice, NodeScan
    from reconciler.agent.rights import lacking_rights

    if lacking := lacking_rights():
        raise ConfigError(
            f"this process may not see all of a container: it lacks {', '.join(lacking)}",
            fix="run it as root on the machine, or grant these capabilities",
        )
    scan = NodeScan(
        lambda: datetime.now(UTC),
        node=options.node,
        choice=Choice(frozenset(options.namespace), frozenset(options.pod)),
        specs=pod_specs_of(options.pods),
        bounds=Bounds(files=options.limit),
    )
    if options.profiles is not None:
        from reconciler.cli.profiles_file import read_profiles

        scan.allow(read_profiles(options.profiles))
    return scan


def pod_specs_of(file: str | None) -> "Mapping[str, PodSpec]":
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


def seconds_of(text: str) -> float:
    """Reads a number of seconds of a flag."""
    seconds = float(text)
    if not 0.1 <= seconds <= 86400:
        raise argparse.ArgumentTypeError("write from 0.1 to 86400 seconds")
    return seconds


def duration_of(text: str) -> float:
    """Reads a duration of a flag, such as `1h`."""
    from reconciler.settings.durations import seconds_of as read

    try:
        seconds = read("", text)
    except ConfigError:
        seconds = 0.0
    if not 0.1 <= seconds <= 31 * 86400:
        raise argparse.ArgumentTypeError(
            "write a time such as 90s, 3m or 1h30m, of a month at most"
        )
    return seconds


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 10_000_000:
        raise argparse.ArgumentTypeError("write a number from 1 to 10000000")
    return count
