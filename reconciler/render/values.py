"""JSON values as text: one line where that is readable, else lines like those of YAML.

A string stands as it is where nothing can be mistaken; else in double quotes, with escapes. So
`80` is a number and `"80"` a string, and a real escape character can be told from a backslash
and an `x`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.core.redact import MASK
from reconciler.render.terminal import is_safe, safe

#: Strings that would be read as something else, or whose end couldn't be seen.
_AMBIGUOUS = re.compile(
    r"""(?ix) \s* \Z | \s | .*\s\Z | ["'{\[&*!|>%@`#]
    | [-?:](\s|\Z) | (null|true|false|~|yes|no|on|off|y|n)\Z
    | [-+]?(\.?\d[\d_]*(\.\d*)?(e[-+]?\d+)?|0x[0-9a-f]+|0o[0-7]+|\.inf|\.nan)\Z"""
)
#: Inside of `[…]` and `{…}`, and beside prose, a string must also show where it ends.
_UNBOUNDED = re.compile(r"[\s,\[\]{}→]|:\Z")

#: The sign that a multi-line string doesn't end with a newline, as `diff` writes it.
NO_NEWLINE = "\\ no newline at the end"


def quoted(text: str) -> str:
    """Writes a string in double quotes; backslashes and quotes in it are escaped."""
    return '"' + safe(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def scalar(value: Any) -> str:
    """Writes a value that holds no others."""
    match value:
        case None:
            return "null"
        case str() if value == MASK:
            return value
        case bool():
            return str(value).lower()
        case str():
            plain = is_safe(value) and not _AMBIGUOUS.match(value)
            return value if plain else quoted(value)
        case _:
            return safe(str(value))


def inline(value: Any) -> str:
    """Writes a value on one line, bounded, so that it can stand beside other text."""
    match value:
        case Mapping():
            return "{" + ", ".join(f"{inline(k)}: {inline(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(inline, value)) + "]"
        case str() if _UNBOUNDED.search(value):
            return quoted(value)
        case _:
            return scalar(value)


def is_tree(value: Any) -> bool:
    """Whether a value is a map or a list that holds something."""
    return isinstance(value, Mapping | list) and bool(value)


def is_many_lines(value: Any) -> bool:
    """Whether a value is a string that people would read line by line."""
    return isinstance(value, str) and "\n" in value.rstrip("\n")


def block(value: Any) -> list[str]:
    """Writes a value as lines like those of YAML; each is harmless."""
    return list(_block(value))


def _block(value: Any) -> Iterator[str]:
    match value:
        case Mapping() if value:
            for name, child in value.items():
                yield from _entry(scalar(name), child)
        case list() if value:
            for child in value:
                first, *rest = _block(child)
                yield f"- {first}"
                yield from (f"  {line}" for line in rest)
        case str() if is_many_lines(value):
            yield "|"
            yield from (f"  {line}" for line in text_lines(value))
        case Mapping():
            yield "{}"
        case list():
            yield "[]"
        case _:
            yield scalar(value)


def _entry(name: str, child: Any) -> Iterator[str]:
    lines = block(child)
    if is_tree(child):
        yield f"{name}:"
        # Lists stand under their name without an indent, as kubectl writes them.
        yield from lines if isinstance(child, list) else (f"  {line}" for line in lines)
        return
    yield f"{name}: {lines[0]}"
    yield from lines[1:]


def text_lines(text: str, *, doubled: bool | None = None) -> list[str]:
    r"""Splits a multi-line string into harmless lines.

    Args:
        text: The string.
        doubled: Whether backslashes are doubled, so that a real escape can be told from one that
            is written out; None to do so where the text has real ones.
    """
    lines = text.split("\n")
    if doubled is None:
        doubled = needs_escapes(text)
    if doubled:
        lines = [line.replace("\\", "\\\\") for line in lines]
    ends = lines.pop() if lines[-1] == "" else None
    shown = [safe(line) for line in lines]
    return shown if ends is not None else [*shown, NO_NEWLINE]


def needs_escapes(text: str) -> bool:
    """Whether a multi-line string holds more to escape than its newlines."""
    return not is_safe(text.replace("\n", ""))


def difference(old: Any, new: Any) -> list[str]:
    """Writes how one value differs from another as a unified diff: lines with ` `, `-`, `+`.

    Hunks are parted by a line `…`.
    """
    if isinstance(old, str) and isinstance(new, str):
        doubled = needs_escapes(old) or needs_escapes(new)
        return _unified(text_lines(old, doubled=doubled), text_lines(new, doubled=doubled))
    return _unified(block(old), block(new))


#: Lines of context around a difference, as `diff -u`.
_CONTEXT = 3

#: Beyond this many pairs of lines the exact diff takes too long to be worth it (difflib is
#: quadratic): what lies between the first and the last difference is shown as replaced.
_PAIRS = 4_000_000


def _unified(old: Sequence[str], new: Sequence[str]) -> list[str]:
    shortest = min(len(old), len(new))
    head = next((i for i in range(shortest) if old[i] != new[i]), shortest)
    most = shortest - head
    tail = next((i for i in range(most) if old[-1 - i] != new[-1 - i]), most)
    before, after = max(head - _CONTEXT, 0), max(tail - _CONTEXT, 0)
    old_part, new_part = old[before : len(old) - after], new[before : len(new) - after]
    if len(old_part) * len(new_part) > _PAIRS:
        gone, come = old[head : len(old) - tail], new[head : len(new) - tail]
        rest = old[len(old) - tail : len(old) - after]
        return [
            *(f" {line}" for line in old[before:head]),
            *(f"-{line}" for line in gone),
            *(f"+{line}" for line in come),
            *(f" {line}" for line in rest),
        ]
    return _hunks(old_part, new_part)


def _hunks(old: Sequence[str], new: Sequence[str]) -> list[str]:
    import difflib  # only where a multi-line value changed

    lines: list[str] = []
    for group in difflib.SequenceMatcher(None, old, new, False).get_grouped_opcodes(_CONTEXT):
        if lines:
            lines.append("…")
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                lines += [f" {line}" for line in old[old_from:old_to]]
            else:
                lines += [f"-{line}" for line in old[old_from:old_to]]
                lines += [f"+{line}" for line in new[new_from:new_to]]
    return lines
