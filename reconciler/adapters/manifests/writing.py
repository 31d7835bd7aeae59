"""Writes values as YAML in the style of what stands around them, and as JSON in a JSON file."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

#: What YAML 1.1, YAML 1.2 or Kubernetes' reader takes for something else than a string, and a
#: little more: quotes do no harm. Numbers in every base and spelling, times, dates, addresses.
_NOT_A_STRING = re.compile(
    r"(?i)(?:y|yes|n|no|on|off|true|false|null|~|[-+]?\.(?:inf|nan)|<<|="
    r"|[-+]?[.0-9][-0-9_.:xobea-f+]*(?:[ t][-0-9:.+z ]*)?)?\Z"
)
#: How far what stands behind a dash is from it.
_DASH = 2

#: What can't begin a plain value.
_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@` \t")
_IN_FLOW = frozenset(",[]{}:")
#: What is written as an escape, in double quotes.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_ESCAPED = re.compile(rf'[\\"]|{_CONTROL.pattern}')
_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


@dataclass(frozen=True, slots=True)
class Style:
    """How a document is written.

    Attributes:
        step: By how many columns a map in a map is indented.
        offset: By how many columns a list in a map is.
        is_json: Whether it is JSON.
    """

    step: int = 2
    offset: int = 2
    is_json: bool = False

    def scalar(self, value: Any, quotes: str = "", *, flow: bool = False) -> str:
        """Writes a value that is neither a list nor a map on one line.

        Args:
            value: The value.
            quotes: Those of the value that it stands in for: kept where they can be.
            flow: Whether it stands inside of brackets or braces.
        """
        if not isinstance(value, str):
            return json.dumps(value)
        if self.is_json:
            return json.dumps(value, ensure_ascii=False)
        if quotes == "'" and not _CONTROL.search(value):
            return "'" + value.replace("'", "''") + "'"
        if quotes != '"' and is_plain(value, flow=flow):
            return value
        return '"' + _ESCAPED.sub(_escape, value) + '"'

    def key(self, name: str, *, flow: bool = False) -> str:
        """Writes a map's key."""
        return self.scalar(name, flow=flow)

    def flow(self, value: Any) -> str:
        """Writes a value on one line, whatever it is."""
        if isinstance(value, dict):
            inner = ", ".join(f"{self.key(k, flow=True)}: {self.flow(v)}" for k, v in value.items())
            return "{" + inner + "}"
        if isinstance(value, list):
            return "[" + ", ".join(self.flow(each) for each in value) + "]"
        return self.scalar(value, flow=True)

    def block(self, value: Any, column: int) -> list[str]:
        """Writes a map or list, not an empty one, on lines of its own.

        Args:
            value: The value.
            column: Where its keys or dashes stand.
        """
        pad = " " * column
        if isinstance(value, dict):
            lines: list[str] = []
            for name, child in value.items():
                head, body = self.parts(child, column)
                lines += [f"{pad}{self.key(name)}:{' ' if head else ''}{head}", *body]
            return lines
        return [line for item in value for line in self.item(item, column)]

    def item(self, value: Any, column: int) -> list[str]:
        """Writes a list's item with its dash.

        Args:
            value: The item.
            column: Where the dash stands.
        """
        pad = " " * column
        if isinstance(value, dict | list) and value:
            first, *rest = self.block(value, column + _DASH)
            return [f"{pad}- {first[column + _DASH :]}", *rest]
        head, body = self.parts(value, column, is_item=True)
        return [f"{pad}- {head}", *body]

    def parts(self, value: Any, column: int, *, is_item: bool = False) -> tuple[str, list[str]]:
        """Gives what stands behind a key or a dash, and the lines below.

        Args:
            value: The value.
            column: Where the key or the dash stands.
            is_item: Whether it is a dash.
        """
        if isinstance(value, dict) and value:
            return "", self.block(value, column + (_DASH if is_item else self.step))
        if isinstance(value, list) and value:
            return "", self.block(value, column + (_DASH if is_item else self.offset))
        if isinstance(value, str) and is_literal(value):
            return header(value), list(literal(value, column + self.step))
        return self.flow(value) if isinstance(value, dict | list) else self.scalar(value), []


def is_plain(value: str, *, flow: bool) -> bool:
    """Whether a string can stand without quotes, and be read as that string by everybody."""
    if _NOT_A_STRING.match(value) or _CONTROL.search(value) or value != value.strip():
        return False
    # A dash begins arguments, too: `--port=80`.
    if value[0] in _INDICATORS and not re.match(r"--?[A-Za-z0-9]", value):
        return False
    if ": " in value or " #" in value or value.endswith(":"):
        return False
    return not (flow and _IN_FLOW & set(value))


def is_literal(value: str) -> bool:
    """Whether a text of several lines can be written as such."""
    return (
        "\n" in value.rstrip("\n")
        and not _CONTROL.search(value.replace("\n", ""))
        and value[:1] not in (" ", "\t", "\n")
    )


def header(value: str) -> str:
    """Gives the `|` before a text of several lines, with what it says of the text's end."""
    if not value.endswith("\n"):
        return "|-"
    return "|+" if value.endswith("\n\n") else "|"


def literal(value: str, column: int) -> Iterator[str]:
    """Gives the lines of a text of several lines."""
    for line in value.removesuffix("\n").split("\n"):
        yield f"{' ' * column}{line}" if line else ""


def _escape(found: "re.Match[str]") -> str:
    sign = found[0]
    if sign in _SHORT:
        return _SHORT[sign]
    code = ord(sign)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
