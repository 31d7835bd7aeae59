"""Reads JSON as Kubernetes does: one document after the other, and no key twice."""

import json
import math
import re
from typing import Any

import orjson

from reconciler.adapters.sources.document import DEPTH_LIMIT, Document, DocumentError
from reconciler.adapters.sources.scalars import json_value

_SPACE = re.compile(r"[ \t\r\n]*")

#: More digits than a float tells apart; Python refuses to convert thousands of them.
_LONGEST_INTEGER = 400


class _Duplicate(Exception):  # noqa: N818 - never leaves this module
    """An object has a key twice."""


class _NotFinite(Exception):  # noqa: N818 - never leaves this module
    """A number is larger than a float holds."""


def json_documents(content: bytes) -> list[Document] | None:
    """Reads all documents of a file.

    Returns:
        The documents, or None where this isn't JSON; YAML's flow style begins likewise.

    Raises:
        DocumentError: It is JSON that Kubernetes or this program doesn't take.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    found = []
    at, line = _after_space(text, 0), 1
    line += text.count("\n", 0, at)
    try:
        while at < len(text):
            value, end = _DECODER.raw_decode(text, at)
            _refuse_unwritable(value, line)
            found.append(Document(value, line, _lines(text, at, line, value)))
            following = _after_space(text, end)
            line += text.count("\n", at, following)
            at = following
    except json.JSONDecodeError:
        return None
    except _Duplicate:
        raise DocumentError(
            line,
            "in the object that begins here a key is written twice; Kubernetes would silently "
            "take the last",
            "delete one of the two",
        ) from None
    except _NotFinite:
        raise DocumentError(
            line,
            "the object that begins here has a number that is too large",
            "quote it if a string is meant",
        ) from None
    except RecursionError:
        raise _too_deep(line) from None
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _Duplicate
    return result


def _float(text: str) -> Any:
    number = float(text)
    if math.isinf(number):
        raise _NotFinite
    return json_value(number)


def _integer(text: str) -> Any:
    return json_value(int(text)) if len(text) <= _LONGEST_INTEGER else _float(text)


def _constant(name: str) -> Any:
    raise json.JSONDecodeError("not JSON", name, 0)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_float, parse_int=_integer, parse_constant=_constant
)


def _refuse_unwritable(value: Any, line: int) -> None:
    """Refuses what can't be written as JSON again: halves of surrogate pairs, endless nesting."""
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        if "ecursion" in str(error):
            raise _too_deep(line) from None
        raise DocumentError(
            line, "the object that begins here has a string that isn't Unicode", "mend its \\u"
        ) from None


def _too_deep(line: int) -> DocumentError:
    return DocumentError(
        line,
        f"lists and maps are nested more than {DEPTH_LIMIT} levels deep",
        "no object of Kubernetes is: check what generated this file",
    )


def _lines(text: str, start: int, line: int, value: Any) -> dict[int, int]:
    """Finds the lines of the items of a List."""
    lines = {id(value): line}
    items = value.get("items") if isinstance(value, dict) else None
    if not isinstance(items, list):
        return lines
    at = _after_space(text, start + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        at = _after_space(text, _after_space(text, at) + 1)
        if key == "items":
            _item_lines(text, at, line + text.count("\n", start, at), items, lines)
            return lines
        _, at = _DECODER.raw_decode(text, at)
        at = _after_comma(text, at)
    return lines


def _item_lines(text: str, start: int, line: int, items: list[Any], lines: dict[int, int]) -> None:
    before = start
    at = _after_space(text, start + 1)
    for item in items:
        line += text.count("\n", before, at)
        lines[id(item)] = line
        before = at
        _, at = _DECODER.raw_decode(text, at)
        at = _after_comma(text, at)


def _after_space(text: str, at: int) -> int:
    matched = _SPACE.match(text, at)
    return matched.end() if matched else at


def _after_comma(text: str, at: int) -> int:
    at = _after_space(text, at)
    return _after_space(text, at + 1) if text[at : at + 1] == "," else at
