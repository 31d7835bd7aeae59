"""Prints results: to standard output, in the format that was asked for."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from reconciler.core.report import Report
from reconciler.render.terminal import Style, safe
from reconciler.settings import surroundings

#: What a pipe is taken for, and a terminal that doesn't say.
_WIDTH = 80


def style_of(options: argparse.Namespace) -> Style:
    """Says how to write for whoever reads standard output."""
    if not sys.stdout.isatty():
        return Style(colour=False, width=_WIDTH, full=options.full)
    try:
        width = os.get_terminal_size(sys.stdout.fileno()).columns or _WIDTH
    except OSError:
        width = _WIDTH
    colour = not options.no_color and not surroundings().no_color
    return Style(colour=colour, width=width, full=options.full)


def print_reports(reports: Sequence[Report], options: argparse.Namespace, *, several: bool) -> None:
    """Prints reports: several JSON ones as one list, several others one after the other.

    Args:
        reports: What to print.
        options: The flags that say how.
        several: Whether several targets were looked at, be it that all but one could not be read:
            a program that reads JSON gets a list whatever comes of them.
    """
    match options.output:
        case "json":
            from reconciler.render.serialized import report_json, reports_json

            text = reports_json(reports) if several else report_json(reports[0])
        case "yaml":
            from reconciler.render.serialized import report_yaml

            text = "---\n".join(report_yaml(report) for report in reports)
        case "markdown":
            from reconciler.render.markdown import report_markdown

            now = datetime.now(UTC)
            text = "\n".join(report_markdown(report, now) for report in reports)
        case _:
            from reconciler.render.text import report_text

            style, now = style_of(options), datetime.now(UTC)
            text = "\n".join(report_text(report, style, now) for report in reports)
    if text:
        write(text)


def write(text: str) -> None:
    """Writes a result, whatever the locale: what it can't show is shown as an escape."""
    if not text.endswith("\n"):
        text += "\n"
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def complain(text: str) -> None:
    """Says on standard error what is wrong, harmless to a terminal whoever wrote it."""
    lines = (safe(line) for line in text.split("\n"))
    sys.stderr.write(f"plumbline: {chr(10).join(lines)}\n")
