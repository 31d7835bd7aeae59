"""Documents as JSON and YAML text.

Both are read back as they were, and hold no character that a terminal would act on.
"""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from reconciler.core.report import Report
from reconciler.core.resource import JsonObject
from reconciler.render.document import report_document
from reconciler.render.terminal import is_safe

#: Strings that a reader of YAML 1.1 or 1.2 might take for something else. PyYAML knows 1.1 as it
#: stands, but not what Go's loader, or a 1.2 one, reads as a number or a boolean.
_AMBIGUOUS = re.compile(r"[-+.]*[0-9]|[-+]?\.(inf|nan)|[yYnN]\Z|[=<]\Z|<<\Z", re.IGNORECASE)


def report_json(report: Report) -> str:
    """Writes a report as JSON, indented, with a newline at the end."""
    return json_text(report_document(report))


def reports_json(reports: Sequence[Report]) -> str:
    """Writes several reports as one JSON document that lists them."""
    documents = [report_document(report) for report in reports]
    return json_text({"schema": "plumbline.dev/reports/v1", "reports": documents})


def report_yaml(report: Report) -> str:
    """Writes a report as one YAML document."""
    return yaml_text(report_document(report))


def json_text(document: JsonObject | list[JsonObject]) -> str:
    """Writes a document as JSON, indented, with a newline at the end.

    Args:
        document: As `reconciler.render.document` makes it.
    """
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
    # Newlines are the layout's own: JSON has none inside of strings.
    lines = text.split("\n")
    return "\n".join(line if is_safe(line) else _escaped(line) for line in lines) + "\n"


def _escaped(line: str) -> str:
    return "".join(char if is_safe(char) else _json_escape(char) for char in line)


def _json_escape(char: str) -> str:
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[i] << 8 | units[i + 1]:04x}" for i in range(0, len(units), 2))


def yaml_text(document: JsonObject) -> str:
    """Writes a document as YAML that every version of YAML reads alike.

    Args:
        document: As `reconciler.render.document` makes it.
    """
    import yaml  # 20 ms to import, and only this output needs it

    class _Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

        def write_double_quoted(self, text: str, split: bool = True) -> None:
            # Escapes everything that isn't ASCII where something must be escaped.
            self.allow_unicode = is_safe(text)
            super().write_double_quoted(text, split)
            self.allow_unicode = True

    def represent(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
        style = None
        if not is_safe(text.replace("\n", "")) or _AMBIGUOUS.match(text):
            style = '"'
        elif "\n" in text:
            style = "|"
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    _Dumper.add_representer(str, represent)
    written: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
    )
    return written
