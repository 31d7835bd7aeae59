"""One drift in one line, for places where there is room for no more."""

from collections.abc import Iterator
from typing import Final

from reconciler.core.notices import Episode
from reconciler.render.notices import TYPES, changes_of, field_line, state_words
from reconciler.render.terminal import safe, truncated

#: How much of a name and of a reason is shown, in columns.
_WORDS: Final = 120

#: Stands for what there was no room for.
_MORE: Final = " …"


def episode_line(episode: Episode, limit: int) -> str:
    """Says of a drift what it is, how it stands, who did it, and what differs as far as fits.

    Args:
        episode: What to tell of; the object isn't named, since the line is found at it.
        limit: Bytes of UTF-8 that it may have at most, at least those of the ellipsis.

    Returns:
        A harmless line.
    """
    line = ""
    for part in _parts(episode):
        longer = f"{line}; {part}" if line else part
        if _size(longer) > limit - _size(_MORE):
            return (line or _start(part, limit - _size(_MORE))) + _MORE
        line = longer
    return line


def _parts(episode: Episode) -> Iterator[str]:
    """Gives what is to be said, the most important first."""
    yield f"{TYPES[episode.type]} ({episode.severity})"
    yield state_words(episode) + (f": {_cut(episode.reason)}" if episode.reason else "")
    if episode.plan:
        yield f"plan {_cut(episode.plan)}"
    if episode.actor:
        yield f"by {_cut(episode.actor)}"
    if episode.note:
        yield _cut(episode.note)
    for path, change in changes_of(episode):
        yield field_line(path, change)


def _cut(text: str) -> str:
    return truncated(safe(text), _WORDS)


def _size(text: str) -> int:
    return len(text.encode())


def _start(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")
