"""`plumbline history [TARGET]`: what happened, who did it, what was there before."""

import argparse
import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.options import add_output_options, settings_of
from reconciler.core.errors import ConfigError
from reconciler.core.history import EventType, HistoryQuery
from reconciler.core.moments import rfc3339
from reconciler.settings import DEFAULT_FILE

if TYPE_CHECKING:
    from reconciler.ports import History

#: In place of a target, the word that asks for the verification.
_VERIFY = "verify"

#: So many of the latest events are shown, unless told otherwise.
_LIMIT = 100

_AGO = re.compile(r"(\d{1,9})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

#: What people type for kinds whose objects are often looked for, after the short names that the
#: API server gives in its discovery. History asks no cluster, which may be gone by now.
_SHORT_NAMES = {
    "cj": "CronJob",
    "cm": "ConfigMap",
    "crd": "CustomResourceDefinition",
    "deploy": "Deployment",
    "ds": "DaemonSet",
    "ep": "Endpoints",
    "hpa": "HorizontalPodAutoscaler",
    "ing": "Ingress",
    "netpol": "NetworkPolicy",
    "no": "Node",
    "ns": "Namespace",
    "pc": "PriorityClass",
    "pdb": "PodDisruptionBudget",
    "po": "Pod",
    "pv": "PersistentVolume",
    "pvc": "PersistentVolumeClaim",
    "quota": "ResourceQuota",
    "rc": "ReplicationController",
    "rs": "ReplicaSet",
    "sa": "ServiceAccount",
    "sc": "StorageClass",
    "sts": "StatefulSet",
    "svc": "Service",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's flags."""
    parser.add_argument(
        "target",
        nargs="?",
        default="",
        metavar="TARGET|verify",
        help="a target (default: all); or `verify`: whether the history is as it was written "
        "(exit code 0 or 2)",
    )
    which = parser.add_argument_group("which events")
    which.add_argument(
        "--since", metavar="TIME", help="not before: 2026-11-24T12:00:00Z, or ago: 90m, 2h, 7d"
    )
    which.add_argument("--until", metavar="TIME", help="not after, likewise")
    which.add_argument(
        "--object", metavar="KIND/NAME", help="such as deployment/web; KIND/ for all of a kind"
    )
    which.add_argument("-n", "--namespace", default="", help="of the object")
    which.add_argument("--actor", default="", metavar="TEXT", help="whose name contains this")
    which.add_argument(
        "--type",
        action="append",
        default=[],
        choices=[each.value for each in EventType],
        metavar="TYPE",
        help=f"may be repeated: {', '.join(EventType)}",
    )
    which.add_argument("--drift", default="", metavar="ID", help="one drift's life")
    which.add_argument("--plan", default="", metavar="DIGEST", help="what became of one plan")
    which.add_argument(
        "--limit",
        type=int,
        default=_LIMIT,
        metavar="N",
        help=f"the latest N; 0 for all (default: {_LIMIT})",
    )
    add_output_options(parser, ("text", "json"))
    parser.add_argument("--config", metavar="FILE", help=f"default: {DEFAULT_FILE}, if it's there")
    parser.add_argument("--state-dir", metavar="DIR", help="where the history is kept")
    parser.add_argument("--no-color", action="store_true", help="no colour, whatever the terminal")
    # No cluster is asked, and nothing is cached.
    parser.set_defaults(kubeconfig=None, context=None, cache_dir=None)


def run(options: argparse.Namespace) -> ExitCode:
    """Shows what happened, or verifies that it's told as it was written.

    Raises:
        ConfigError: A filter can't be read.
        HistoryError: There is no history, or it can't be read.
    """
    from reconciler.memory import open_history

    query = query_of(options, datetime.now(UTC))
    settings = settings_of(options)
    with closing(open_history(settings, create=False)) as history:
        if options.target == _VERIFY:
            return _verify(history, options)
        _show(history, query, options)
    return ExitCode.DONE


def query_of(options: argparse.Namespace, now: datetime) -> HistoryQuery:
    """Reads the filters.

    Raises:
        ConfigError: One can't be read.
    """
    kind, slash, name = (options.object or "/").partition("/")
    if not slash or (options.object and not (kind or name)):
        raise ConfigError(
            f"{options.object!r} names no object",
            fix="write KIND/NAME, such as deployment/web, or KIND/ for all of a kind",
        )
    if options.limit < 0:
        raise ConfigError("--limit can't be negative", fix="write 0 for all events")
    return HistoryQuery(
        target=options.target if options.target != _VERIFY else "",
        since=_time("--since", options.since, now),
        until=_time("--until", options.until, now),
        kinds=kinds_meant_by(kind),
        name=name,
        namespace=options.namespace,
        actor=options.actor,
        types=frozenset(EventType(each) for each in options.type),
        drift=options.drift,
        plan=options.plan,
        limit=options.limit,
    )


def kinds_meant_by(word: str) -> frozenset[str]:
    """Gives what people may mean by `deploy`, `Deployment`, `deployments`, `ingresses`."""
    kind = word.casefold()
    if not kind:
        return frozenset()
    kinds = {kind, _SHORT_NAMES.get(kind, kind)}
    for plural, singular in (("ies", "y"), ("es", ""), ("s", "")):
        if kind.endswith(plural):
            kinds.add(kind.removesuffix(plural) + singular)
    return frozenset(kinds)


def _time(flag: str, text: str | None, now: datetime) -> str:
    """Reads a time as events have it; empty where none is given."""
    if not text:
        return ""
    ago = _AGO.fullmatch(text)
    try:
        if ago:
            then = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        else:
            then = datetime.fromisoformat(text)
        if then.tzinfo is None:
            then = then.replace(tzinfo=UTC)
        return rfc3339(then)
    except (ValueError, OverflowError):
        raise ConfigError(
            f"{flag} {text!r} is no time",
            fix="write 2026-11-24T12:00:00Z, or how long ago: 90m, 2h, 7d",
        ) from None


def _show(history: "History", query: HistoryQuery, options: argparse.Namespace) -> None:
    from reconciler.cli.output import style_of, write
    from reconciler.render.histories import history_document, history_text

    events = history.find(query)
    if options.output == "json":
        from reconciler.render.serialized import json_text

        write(json_text(history_document(events)))
    else:
        write(history_text(events, style_of(options)))


def _verify(history: "History", options: argparse.Namespace) -> ExitCode:
    from reconciler.cli.output import style_of, write
    from reconciler.render.histories import verification_document, verification_text

    verification = history.verify()
    if options.output == "json":
        from reconciler.render.serialized import json_text

        write(json_text(verification_document(verification)))
    else:
        write(verification_text(verification, style_of(options)))
    return ExitCode.DONE if verification.sound else ExitCode.COULD_NOT
