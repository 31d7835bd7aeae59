"""Pieces of Slack messages out of which no text from a cluster can break.

Foreign text stands in elements of rich text, which Slack shows as they are: it reads no markup,
mentions, links or emoji in them, and a fence of backticks in a value ends nothing. Where a plain
text object is wanted, `&`, `<` and `>` are escaped as Slack asks (docs.slack.dev, "Formatting
message text"). Nothing is ever written as `mrkdwn`.
"""

from collections.abc import Sequence
from typing import Final

from reconciler.core.moments import moment_of
from reconciler.core.resource import JsonObject
from reconciler.render.terminal import safe

#: Slack's limits, in characters (docs.slack.dev, "Blocks" and "Composition objects").
HEADER: Final = 150
TEXT: Final = 3000
OPTION_VALUE: Final = 150
CONFIRM_TEXT: Final = 300

#: How much is shown of a name, and of a sentence.
NAME: Final = 260
SENTENCE: Final = 400

#: What is put where a text was cut.
_MORE: Final = "…"

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def escaped(text: str) -> str:
    """Writes foreign text on one line, so that Slack reads no mention or link in it."""
    return safe(text).translate(_ESCAPES)


def units(text: str) -> int:
    """Counts characters as Slack does at most: UTF-16 units, of the escaped text."""
    return len(text.translate(_ESCAPES).encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, limit: int) -> str:
    """Makes a text harmless, and cuts it where it would be longer than a limit once escaped."""
    text = safe(text)
    if units(text) <= limit:
        return text
    # No character has more than five units.
    kept = text[:limit]
    while units(kept) > limit - len(_MORE):
        kept = kept[: max(len(kept) - max((units(kept) - limit) // 5, 1), 0)]
    return kept + _MORE


def plain(text: str, limit: int = TEXT) -> JsonObject:
    """Gives a plain text object; its text is never empty, which Slack refuses."""
    shown = cut(text, limit).translate(_ESCAPES)
    return {"type": "plain_text", "text": shown or _MORE, "emoji": False}


def words(text: str, *styles: str, limit: int = TEXT) -> list[JsonObject]:
    """Gives an element of rich text, with styles such as `bold`, `code`, `strike`.

    Returns:
        One element; none for an empty text, which Slack refuses.
    """
    element: JsonObject = {"type": "text", "text": cut(text, limit)}
    if styles:
        element["style"] = dict.fromkeys(styles, True)
    return [element] if text else []


def line_break() -> list[JsonObject]:
    """Begins a new line of a paragraph."""
    return [{"type": "text", "text": "\n"}]


def when(time: str) -> list[JsonObject]:
    """Gives a moment as each reader's own clock has it; as it is where it isn't one."""
    moment = moment_of(time)
    if moment is None:
        return words(time, limit=64)
    return [
        {
            "type": "date",
            "timestamp": int(moment.timestamp()),
            "format": "{date_short_pretty}, {time_secs}",
            "fallback": cut(time, 64),
        }
    ]


def section(*pieces: list[JsonObject]) -> JsonObject:
    """Puts elements into one paragraph of rich text."""
    return {"type": "rich_text_section", "elements": [each for piece in pieces for each in piece]}


def preformatted(lines: Sequence[str]) -> JsonObject:
    """Shows lines as they are, in letters of one width. They must be harmless, and not empty."""
    text = "\n".join(lines)
    return {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}


def struck(lines: Sequence[str]) -> JsonObject:
    """Shows lines struck through. They must be harmless, and not empty."""
    element = {"type": "text", "text": "\n".join(lines), "style": {"strike": True}}
    return {"type": "rich_text_section", "elements": [element]}


def rich(*parts: JsonObject) -> JsonObject:
    """Puts paragraphs into a block."""
    return {"type": "rich_text", "elements": list(parts)}


def header(text: str, ending: str = "") -> JsonObject:
    """Gives a heading; where it is too long, its text is cut and not its ending."""
    shown = cut(text, HEADER - units(ending))
    return {"type": "header", "text": plain(shown + ending, HEADER)}


def link(url: str, text: str) -> list[JsonObject]:
    """Gives a link to an address of our own; never to one that came from a cluster."""
    return [{"type": "link", "url": url, "text": text}]
