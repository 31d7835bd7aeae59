r"""Text for terminals and pipes: harmless, measured, wrapped, coloured.

Nothing that came from a cluster or from Git reaches a terminal but through `Span`, which writes
whatever a terminal might act on, or a reader might not see, as a visible escape such as `\x1b`.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import TypeAlias

#: Below this nothing can be laid out; a narrower terminal breaks the lines itself.
MIN_WIDTH = 40

#: Stands for "no limit": a pipe's lines are as long as they are.
_UNLIMITED = 1_000_000

#: Between two cells of a line.
_GAP = 2

#: How many combining marks may stand on one character; more only climb over other lines.
_MARKS = 4

_UNSAFE_ASCII = re.compile(r"[\x00-\x1f\x7f]")

#: Categories that act on the terminal, that can't be seen, or whose width nobody knows: controls,
#: formats (bidirectional and zero-width ones), surrogates, private use, unassigned, separators.
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})

#: Letters, marks and symbols that show nothing (Unicode's Default_Ignorable_Code_Point, beyond
#: category Cf, and the blank Braille pattern).
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)

_LETTER_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


class Ink(Enum):
    """What a piece of text means to the eye; the value is its SGR parameter (ECMA-48)."""

    PLAIN = ""
    BOLD = "1"
    DIM = "2"
    RED = "31"
    GREEN = "32"
    YELLOW = "33"
    CYAN = "36"


@dataclass(frozen=True, slots=True)
class Style:
    """How to write text; the caller looks at the terminal, not the renderer.

    Attributes:
        colour: Whether to use colours.
        width: Columns; 0 for no limit, as into a pipe. Less than 40 counts as 40.
        full: Whether long values are written in full.
    """

    colour: bool
    width: int
    full: bool = False

    @property
    def columns(self) -> int:
        """How many columns a line may have."""
        return max(self.width, MIN_WIDTH) if self.width else _UNLIMITED


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of one line in one ink. Its text is harmless, whatever was given.

    Attributes:
        text: What is shown.
        ink: How.
    """

    text: str
    ink: Ink = Ink.PLAIN

    def __post_init__(self) -> None:
        if not is_safe(self.text):
            object.__setattr__(self, "text", safe(self.text))


Line: TypeAlias = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """Spans that belong together, and the column at which they would like to begin."""

    spans: Line
    column: int = 0


def is_safe(text: str) -> bool:
    """Whether a text can be shown as it is."""
    if text.isascii():
        return _UNSAFE_ASCII.search(text) is None
    return not any(unsafe for _, unsafe in _judged(text))


def safe(text: str) -> str:
    """Writes whatever must not reach a terminal as a visible escape; the rest stays as it is."""
    if text.isascii():
        return _UNSAFE_ASCII.sub(lambda match: escape(match[0]), text)
    return "".join(escape(char) if unsafe else char for char, unsafe in _judged(text))


def escape(char: str) -> str:
    r"""Writes one character as Python would: `\n`, `\x1b`, `\u202e`, `\U000e0001`."""
    if char in _LETTER_ESCAPES:
        return _LETTER_ESCAPES[char]
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _judged(text: str) -> Iterator[tuple[str, bool]]:
    """Tells of each character whether it has to be escaped."""
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        hidden = category in _UNSAFE_CATEGORIES and char != " "
        yield char, hidden or marks > _MARKS or _INVISIBLE.match(char) is not None


def display_width(text: str) -> int:
    """Counts the columns that a harmless text takes: wide characters take two, marks none."""
    if text.isascii():
        return len(text)
    return sum(map(_char_width, text))


def _char_width(char: str) -> int:
    if char.isascii():
        return 1
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def split_at(text: str, columns: int) -> tuple[str, str]:
    """Cuts a text in two, the first part as long as fits; it has at least one character."""
    used = 0
    for index, char in enumerate(text):
        used += _char_width(char)
        if used > columns and index:
            return text[:index], text[index:]
    return text, ""


def truncated(text: str, columns: int) -> str:
    """Cuts a text to some columns, with an ellipsis for what is gone."""
    if display_width(text) <= columns:
        return text
    return split_at(text, columns - 1)[0] + "…"


def line_width(spans: Iterable[Span]) -> int:
    """Counts the columns of a line."""
    return sum(display_width(span.text) for span in spans)


def flow(cells: Sequence[Cell], style: Style, *, indent: int = 0, hanging: int = 0) -> list[Line]:
    """Lays cells out on a line, each at its column, and goes on below where there is no room.

    Args:
        cells: What belongs on the line; none is empty.
        style: Gives the width.
        indent: Where the first line begins.
        hanging: Where further lines begin.
    """
    lines: list[list[Span]] = []
    column = 0
    for cell in cells:
        width = line_width(cell.spans)
        at = max(cell.column, column + _GAP) if lines else indent
        if lines and at + width > style.columns:
            at = column + _GAP
        start = hanging if lines else indent
        if at + width <= style.columns:
            if lines:
                lines[-1] += [Span(" " * (at - column)), *cell.spans]
            else:
                lines.append([Span(" " * at), *cell.spans])
            column = at + width
            continue
        for wrapped_line in wrapped(cell.spans, style.columns - max(start, hanging)):
            lines.append([Span(" " * start), *wrapped_line])
            start = hanging
        column = line_width(lines[-1])
    return [tuple(line) for line in lines]


def wrapped(spans: Iterable[Span], columns: int) -> list[Line]:
    """Breaks spans into lines at spaces; a word that is longer than a line is broken anywhere."""
    whole = tuple(spans)
    if line_width(whole) <= columns:
        return [whole]
    lines: list[list[Span]] = [[]]
    room = columns
    for word in _words(whole):
        text = word.text
        if display_width(text) > room and lines[-1]:
            lines.append([])
            room = columns
            text = text.lstrip(" ")
        for index, piece in enumerate(_pieces(text, columns, room)):
            if index:
                lines.append([])
                room = columns
            lines[-1].append(Span(piece, word.ink))
            room -= display_width(piece)
    return [tuple(line) for line in lines]


def _pieces(text: str, columns: int, first: int) -> Iterator[str]:
    """Cuts a text into pieces of at most some columns, the first of at most `first`."""
    start, used, room = 0, 0, first
    for index, char in enumerate(text):
        width = _char_width(char)
        if used + width > room and index > start:
            yield text[start:index]
            start, used, room = index, 0, columns
        used += width
    if start < len(text):
        yield text[start:]


def _words(spans: Iterable[Span]) -> Iterator[Span]:
    for span in spans:
        for word in re.findall(r" *[^ ]+| +", span.text):
            yield Span(word, span.ink)


def painted(lines: Iterable[Line], style: Style) -> str:
    """Writes lines as text that ends with a newline."""
    return "".join(_painted_line(line, style) + "\n" for line in lines)


def _painted_line(line: Line, style: Style) -> str:
    if not style.colour:
        return "".join(span.text for span in line).rstrip(" ")
    painted_runs = []
    for ink, spans in groupby(line, key=lambda span: span.ink):
        text = "".join(span.text for span in spans)
        wants = text and ink is not Ink.PLAIN
        painted_runs.append(f"\x1b[{ink.value}m{text}\x1b[0m" if wants else text)
    return "".join(painted_runs).rstrip(" ")
