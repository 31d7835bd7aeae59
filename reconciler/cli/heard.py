"""`plumbline containers` without `--node-local`: what agents told the controller."""

import argparse
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.cli.exit_codes import ExitCode, forgiven
from reconciler.cli.options import settings_of
from reconciler.core.errors import ConfigError, HistoryError
from reconciler.core.node_words import is_silent

if TYPE_CHECKING:
    from reconciler.core.containers import NodeReport
    from reconciler.settings import Settings

#: Flags that say how this machine is looked at, and are None unless they are given.
_LOCAL = ("pods", "watch")
_LOCALLY = "or look at this machine alone: --node-local, as root"


def show_heard(options: argparse.Namespace) -> ExitCode:
    """Shows what agents said last.

    Raises:
        ConfigError: A flag is wrong, or nothing was heard.
        HistoryError: What they said can't be read.
    """
    from reconciler.attending import stale_after

    for flag in _LOCAL:
        if getattr(options, flag) is not None:
            raise ConfigError(
                f"--{flag} goes with --node-local",
                fix="leave it out, or look at this machine alone",
            )
    settings = settings_of(options)
    patience, now = stale_after(settings.agents), datetime.now(UTC)
    reports = _chosen(_latest(settings), options)
    _tell(reports, patience, now, options)
    return _code(reports, patience, now, options)


def _latest(settings: "Settings") -> "Sequence[NodeReport]":
    from reconciler.memory import open_history

    try:
        with closing(open_history(settings, create=False)) as history:
            reports = history.nodes().latest()
    except HistoryError as error:
        raise HistoryError(error.message, fix=f"{error.fix}; {_LOCALLY}") from None
    if not reports:
        raise ConfigError(
            "no node agent has told the controller anything yet",
            fix="see that agents run with --controller, and the controller with agents.address; "
            + _LOCALLY,
        )
    return reports


def _chosen(reports: "Sequence[NodeReport]", options: argparse.Namespace) -> "Sequence[NodeReport]":
    """Gives what was asked for; nodes where nothing is left of it are left out.

    Raises:
        ConfigError: No agent of the node was heard, or none has such a container.
    """
    if options.node is not None:
        known = ", ".join(each.look.node for each in reports)
        reports = [each for each in reports if each.look.node == options.node]
        if not reports:
            text = f"no agent of the node {options.node!r} was heard; heard were: {known}"
            raise ConfigError(text, fix="name one of them, or see that its agent runs")
    if not (options.namespace or options.pod):
        return reports
    chosen = []
    for report in reports:
        looks = tuple(
            each
            for each in report.look.looks
            if (not options.namespace or each.container.namespace in options.namespace)
            and (not options.pod or each.container.pod in options.pod)
        )
        chosen.append(replace(report, look=replace(report.look, looks=looks)))
    if not any(each.look.looks for each in chosen):
        raise ConfigError(
            "no agent told of a container of such a pod",
            fix="leave out -n and --pod: the report names all that agents told of",
        )
    return chosen


def _tell(
    reports: "Sequence[NodeReport]",
    patience: timedelta,
    now: datetime,
    options: argparse.Namespace,
) -> None:
    from reconciler.cli.output import complain, documents_text, style_of, write
    from reconciler.render.node_reports import NODE_REPORTS, report_document, reports_text

    shown = list(reports)
    if options.namespace or options.pod:
        # Of a node that was heard, and has nothing of what was asked for, only notes are told.
        shown = [each for each in reports if each.look.looks or is_silent(each, now, patience)]
        for each in (one.look for one in reports if one not in shown):
            for note in each.notes:
                complain(f"{each.node}: {note}")
    if options.output == "text":
        write(reports_text(shown, patience, style_of(options), now))
        return
    documents = [report_document(each, patience, now) for each in shown]
    write(documents_text(documents, options.output, schema=NODE_REPORTS, field="nodes"))


def _code(
    reports: "Sequence[NodeReport]",
    patience: timedelta,
    now: datetime,
    options: argparse.Namespace,
) -> ExitCode:
    for report in reports:
        look = report.look
        if is_silent(report, now, patience) or look.notes or any(e.unknown for e in look.looks):
            return ExitCode.COULD_NOT
    drifted = any(each.drifts for report in reports for each in report.look.looks)
    return forgiven(ExitCode.DRIFT if drifted else ExitCode.DONE, options.exit_zero)
