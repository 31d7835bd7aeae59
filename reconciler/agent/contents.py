"""What files hold: digests, which are remembered, and differences of small text."""

import hashlib
import os
from collections.abc import Sequence
from difflib import unified_diff
from itertools import islice
from typing import Final, TypeAlias

from reconciler.agent.bounds import Bounds
from reconciler.agent.opening import opened_content
from reconciler.core.redact import mask_text

_CHUNK = 1 << 20
#: Of a difference so many lines are kept, each so long.
_SHOWN: Final = 120
_LINE: Final = 400

#: What can't stay the same when content changes: nobody can set a file's change time.
_Key: TypeAlias = tuple[int, int, int, int]


class Contents:
    """Reads content, within bounds; a file that didn't change isn't read again.

    Args:
        bounds: How much is read.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._known: dict[_Key, str] = {}
        self._before: dict[_Key, str] = {}
        self._left = bounds.total_bytes
        self._texts = bounds.texts

    def renew(self) -> None:
        """Begins a look at the machine: forgets what the last one had no use for."""
        self._before, self._known = self._known, {}

    def allow(self) -> None:
        """Begins a look at one container, with all that may be read in it."""
        self._left = self._bounds.total_bytes
        self._texts = self._bounds.texts

    def digest(self, folder: int, name: str, status: os.stat_result) -> str:
        """Gives the SHA-256 of a regular file; empty where the bounds forbid reading it.

        Raises:
            OSError: It can't be read.
        """
        key = _key(status)
        known = self._known.get(key) or self._before.get(key)
        if known is None:
            if status.st_size > min(self._bounds.file_bytes, self._left):
                return ""
            with opened_content(folder, name) as content:
                known = self._read(content, status.st_size)
                # A file that is written meanwhile is looked at again the next time.
                if _key(os.fstat(content)) != key:
                    return known
        self._known[key] = known
        return known

    def _read(self, content: int, expected: int) -> str:
        chunk = min(expected + 1, _CHUNK)
        hashed = hashlib.sha256()
        size = 0
        while held := os.read(content, chunk):
            hashed.update(held)
            size += len(held)
            if size > self._bounds.file_bytes:
                return ""
            if size == expected and len(held) < chunk:
                break  # its end: to be told so once more is a system call for every file
        self._left -= size
        return hashed.hexdigest()

    def text(self, folder: int, name: str, status: os.stat_result) -> list[str] | None:
        """Gives a small text by lines; None for what is long or no text."""
        if status.st_size > self._bounds.text_bytes or self._texts <= 0:
            return None
        try:
            with opened_content(folder, name) as content:
                held = os.read(content, self._bounds.text_bytes + 1)
            text = held.decode("utf-8")
        except (OSError, UnicodeDecodeError):
            return None
        lines = text.splitlines(keepends=True)
        fits = len(held) <= self._bounds.text_bytes and len(lines) <= self._bounds.text_lines
        return lines if fits and "\0" not in text else None

    def difference(self, was: Sequence[str], now: Sequence[str]) -> str:
        """Writes the unified difference of two texts, with secrets masked, cut where it is long."""
        self._texts -= 1
        same_start = _alike(was, now)
        # Alike at the start but for some lines of context: what is compared is what may differ.
        start = max(same_start - 3, 0)
        lines = list(islice(unified_diff(was[start:], now[start:]), 2, 2 + _SHOWN + 1))
        shown = [line.rstrip("\n")[:_LINE] for line in lines[:_SHOWN]]
        if start:
            shown = [_moved(line, start) if line.startswith("@@") else line for line in shown]
        if len(lines) > _SHOWN:
            shown.append("… (more)")
        return mask_text("\n".join(shown))


def _key(status: os.stat_result) -> _Key:
    return (status.st_dev, status.st_ino, status.st_ctime_ns, status.st_size)


def _alike(was: Sequence[str], now: Sequence[str]) -> int:
    """Counts the lines at the start that are the same."""
    pairs = zip(was, now, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(was), len(now)))


def _moved(header: str, lines: int) -> str:
    """Writes the head of a hunk, `@@ -1,3 +1,4 @@`, for so many lines further down."""
    words = header.split(" ")
    for at in (1, 2):
        first, comma, rest = words[at][1:].partition(",")
        words[at] = f"{words[at][0]}{int(first) + lines}{comma}{rest}"
    return " ".join(words)
