"""Remembers the commit that was acted on last: in a file, or where all replicas share it."""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from reconciler.adapters.files import write_private
from reconciler.core.errors import ConfigError
from reconciler.core.telling import Told
from reconciler.ports import NoticeStore

#: Under which name the shared store remembers it.
_NOTIFIER = "source"
_SUBJECT = "accepted"
_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class AcceptedFile:
    """See `ports.AcceptedRevision`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> str:
        """Gives the commit; empty before the first.

        Raises:
            ConfigError: The file can't be read, or is damaged: then nobody knows.
        """
        try:
            content = self._path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise self._unusable(getattr(error, "strerror", None) or "it is damaged") from None
        if not _HASH.fullmatch(content):
            raise self._unusable("it is damaged")
        return content

    def save(self, revision: str) -> None:
        """Remembers a commit in place of the earlier one.

        Raises:
            ConfigError: The folder can't be written.
        """
        try:
            write_private(self._path, f"{revision}\n".encode())
        except OSError as error:
            raise ConfigError(
                f"{self._path} can't be written: {error.strerror}",
                fix="name a folder that can be, with --state-dir or PLUMBLINE_STATE_DIR",
            ) from error

    def _unusable(self, reason: str) -> ConfigError:
        return ConfigError(
            f"{self._path}, which holds the commit that was accepted last, can't be read: {reason}",
            fix="delete it once you have made sure that the branch is where it should be",
        )


class SharedAccepted:
    """See `ports.AcceptedRevision`; also raises `HistoryError`, as the history does."""

    def __init__(self, store: NoticeStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    def load(self) -> str:
        """Gives the commit; empty before the first."""
        return next((each.shown for each in self._store.load(_NOTIFIER)), "")

    def save(self, revision: str) -> None:
        """Remembers a commit in place of the earlier one."""
        self._store.save(Told(_NOTIFIER, _SUBJECT, (), revision, "", self._clock()))
