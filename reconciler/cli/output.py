"""Prints results: to standard output, in the format that was asked for."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from reconciler import __version__
from reconciler.core.errors import ConfigError
from reconciler.core.report import Report
from reconciler.core.resource import JsonObject
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
    if text := reports_text(reports, options, several=several):
        write(text)


def write_report(
    reports: Sequence[Report], options: argparse.Namespace, where: str, *, several: bool
) -> None:
    """Writes reports into a file.

    Args:
        reports: What to write.
        options: The flags that say how.
        where: `FORMAT=FILE`.
        several: As in `print_reports`.

    Raises:
        ConfigError: The file can't be written.
    """
    output, _, file = where.partition("=")
    wanted = argparse.Namespace(**{**vars(options), "output": output, "no_color": True})
    text = reports_text(reports, wanted, several=several)
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"--report {where}: the file can't be written: {error.strerror}",
            fix="check the folder",
        ) from None


def reports_text(reports: Sequence[Report], options: argparse.Namespace, *, several: bool) -> str:
    """Gives what `print_reports` prints; empty where there is nothing to print."""
    match options.output:
        case "json":
            from reconciler.render.serialized import report_json, reports_json

            return reports_json(reports) if several else report_json(reports[0])
        case "yaml":
            from reconciler.render.serialized import report_yaml

            return "---\n".join(report_yaml(report) for report in reports)
        case "text":
            from reconciler.render.text import report_text

            style, now = style_of(options), datetime.now(UTC)
            if any(report.merge for report in reports):
                from reconciler.render.merges import merge_text

                return "\n".join(
                    merge_text(each, each.merge, style, now) for each in reports if each.merge
                )
            return "\n".join(report_text(report, style, now) for report in reports)
        case "markdown":
            return markdown_of(reports)
        case _:
            return _for_machines(reports, options.output)


def documents_text(
    documents: Sequence[JsonObject], output: str, *, schema: str = "", field: str = "reports"
) -> str:
    """Gives documents as JSON or YAML: several JSON ones as one that lists them, YAML ones in turn.

    Args:
        documents: One, or those of several targets.
        output: `json` or `yaml`.
        schema: The schema of the document that lists them; empty where one target was asked for.
            Where several were, there is a list whatever came of them.
        field: What the list is called there.
    """
    from reconciler.render.serialized import json_text, yaml_text

    if output == "yaml":
        return "---\n".join(yaml_text(each) for each in documents)
    return json_text({"schema": schema, field: list(documents)} if schema else documents[0])


def markdown_of(reports: Sequence[Report]) -> str:
    """Gives what a pull request's comment says."""
    from reconciler.render.markdown import report_markdown
    from reconciler.render.merges import merge_markdown

    now = datetime.now(UTC)
    return "\n".join(
        merge_markdown(report, report.merge, now) if report.merge else report_markdown(report, now)
        for report in reports
    )


def _for_machines(reports: Sequence[Report], output: str) -> str:
    """Gives reports as a format of CI has them: always one document, however many they are."""
    now = datetime.now(UTC)
    match output:
        case "sarif":
            from reconciler.render.sarif import reports_sarif

            return reports_sarif(reports, now, __version__)
        case "junit":
            from reconciler.render.junit import reports_junit

            return reports_junit(reports, now)
        case "html":
            from reconciler.render.html_page import reports_html

            return reports_html(reports, now)
        case "gitlab":
            from reconciler.render.annotations import reports_gitlab

            return reports_gitlab(reports, now)
        case _:
            from reconciler.render.annotations import reports_github

            return reports_github(reports, now)


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
