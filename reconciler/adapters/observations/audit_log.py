"""Follows the API server's audit log: a file of JSON lines, which it rotates itself.

The server renames a full `audit.log` to `audit-2026-11-25T02-44-13.123.log` and begins anew
(gopkg.in/natefinch/lumberjack). Other tools copy a file and truncate it. Both are followed.
"""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from reconciler.adapters.observations.audited import event_of
from reconciler.adapters.observations.store import EventStore
from reconciler.core.actors import AuditEvent
from reconciler.core.errors import ConfigError
from reconciler.core.resource import Catalog, ResourceKey

_CHUNK = 1 << 20

#: A longer line is skipped. The server's own limit of a request's body is 3 MiB, and a line may
#: hold one and its answer, escaped.
_LONGEST_LINE = 16 << 20

#: By how many bytes of its beginning a file is known: enough for an event's own id.
_HEAD = 512

#: Seconds between looks at the file, and between copies of what is kept.
_POLL = 0.25
_SAVE = 60.0


@dataclass(slots=True)
class Tally:
    """What was read.

    Attributes:
        lines: All lines.
        broken: Lines that weren't JSON, or too long.
        trouble: Why the file can't be read; empty while it can.
    """

    lines: int = 0
    broken: int = 0
    trouble: str = ""


@dataclass(slots=True)
class _Open:
    """One file being read, known by its beginning wherever it is renamed to."""

    file: BinaryIO
    offset: int = 0
    head: str = ""
    rest: bytearray = field(default_factory=bytearray)
    is_skipping: bool = False


class AuditLog:
    """A witness that reads the audit log's file.

    Args:
        path: The file, as `--audit-log-path` names it.
        kept: Where events and the place in the file are kept between runs; None for nowhere, and
            then the whole file is read at the start.
        store: Where events go; one of its own if None.
    """

    def __init__(
        self, path: Path, kept: Path | None = None, store: EventStore | None = None
    ) -> None:
        self._path = path
        self._kept = kept
        self._store = store if store is not None else EventStore()
        self._open: _Open | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._saved_at = 0
        self.tally = Tally()
        position = self._store.load(kept) if kept is not None else None
        if isinstance(position, Mapping):
            self._resume(position)

    def learn(self, catalog: Catalog) -> None:
        """See `ports.Witnesses`."""
        self._store.learn(catalog)

    def events_of(self, key: ResourceKey) -> Sequence[AuditEvent]:
        """See `ports.Witnesses`."""
        return self._store.events_of(key)

    def start(self) -> None:
        """Follows the file in a thread, until `stop`."""
        self._thread = threading.Thread(target=self._follow, name="audit-log", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, and keeps what is known until now.

        Raises:
            ConfigError: What is known can't be kept.
        """
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        try:
            self.poll()
            self.save()
        finally:
            self._close()

    def poll(self) -> int:
        """Reads what was written since, through rotations.

        Returns:
            How many lines were read.
        """
        before = self.tally.lines
        try:
            self._read_all()
            self.tally.trouble = ""
        except OSError as error:
            self._close()
            self.tally.trouble = f"the audit log {self._path}: {error.strerror or error}"
        return self.tally.lines - before

    def save(self) -> None:
        """Keeps events and the place in the file, where anything was read since.

        Raises:
            ConfigError: The file can't be written.
        """
        if self._kept is None or self._open is None or self._saved_at == self.tally.lines:
            return
        position = {"offset": self._open.offset, "head": _head(self._open.file)}
        self._store.save(self._kept, position)
        self._saved_at = self.tally.lines

    def _follow(self) -> None:
        waited = 0.0
        while not self._stop.wait(_POLL):
            self.poll()
            waited += _POLL
            if waited >= _SAVE:
                waited = 0.0
                try:
                    self.save()
                except ConfigError as error:
                    # A full disk costs a longer read after the next start, and nothing else.
                    self.tally.trouble = error.message

    def _resume(self, position: Mapping[str, Any]) -> None:
        """Finds the file that was read last, under whatever name, and goes on where it ended."""
        head, offset = position.get("head"), position.get("offset")
        if not isinstance(head, str) or not head or not isinstance(offset, int):
            return
        for path in [self._path, *self._rotated()]:
            try:
                file = path.open("rb")
            except OSError:
                continue
            if _head(file, head) == head and os.fstat(file.fileno()).st_size >= offset:
                self._open = _Open(file, offset)
                return
            file.close()

    def _rotated(self) -> list[Path]:
        """Gives the older files, the latest first: the time is in their names."""
        pattern = f"{self._path.stem}-*{self._path.suffix}"
        return sorted(self._path.parent.glob(pattern), reverse=True)

    def _read_all(self) -> None:
        if self._open is None:
            self._open = _Open(self._path.open("rb"))
        self._read(self._open)
        while (following := self._following(self._open)) is not None:
            # What came between the last read and the renaming.
            self._read(self._open)
            self._close()
            self._open = _Open(following.open("rb"))
            self._read(self._open)

    def _following(self, current: _Open) -> Path | None:
        """Names the file that comes after this one; None while this one is the last."""
        here = os.fstat(current.file.fileno())
        try:
            now = self._path.stat()
        except FileNotFoundError:
            # Between the renaming and the beginning of a new file.
            return None
        if (now.st_ino, now.st_dev) == (here.st_ino, here.st_dev):
            is_other = here.st_size < current.offset or _head(current.file, current.head) != (
                current.head
            )
            return self._path if is_other and current.head else None
        newer = self._path
        for path in self._rotated():
            try:
                found = path.stat()
            except FileNotFoundError:
                continue
            if (found.st_ino, found.st_dev) == (here.st_ino, here.st_dev):
                return newer
            newer = path
        # This one was deleted meanwhile; what is left to read begins with the oldest newer one,
        # but which that is can't be told: events are kept once, however often they are read.
        return newer

    def _read(self, current: _Open) -> None:
        if not current.head:
            current.head = _head(current.file)
        self._store.add(
            event for line in self._lines(current) if (event := self._event(line)) is not None
        )

    def _event(self, line: bytes) -> AuditEvent | None:
        self.tally.lines += 1
        try:
            return event_of(orjson.loads(line))
        except orjson.JSONDecodeError:
            self.tally.broken += 1
            return None

    def _lines(self, current: _Open) -> Iterator[bytes]:
        """Gives whole lines; the offset stays behind the last of them."""
        current.file.seek(current.offset + len(current.rest))
        while chunk := current.file.read(_CHUNK):
            *ends, last = chunk.split(b"\n")
            for end in ends:
                line = bytes(current.rest) + end
                current.rest.clear()
                current.offset += len(line) + 1
                if current.is_skipping:
                    current.is_skipping = False
                elif line.strip():
                    yield line
            current.rest += last
            if len(current.rest) > _LONGEST_LINE:
                self.tally.lines += 1
                self.tally.broken += not current.is_skipping
                current.is_skipping = True
                current.offset += len(current.rest)
                current.rest.clear()

    def _close(self) -> None:
        if self._open is not None:
            self._open.file.close()
            self._open = None


def _head(file: BinaryIO, like: str = "") -> str:
    """Knows a file by its beginning: its length and digest; empty for an empty file.

    Args:
        file: The file; its position moves.
        like: Another one's, of which no more bytes are looked at than it had then.
    """
    length = _HEAD
    if like:
        count, _, _ = like.partition(":")
        length = min(int(count), _HEAD) if count.isdecimal() else 0
    file.seek(0)
    begin = file.read(length)
    return f"{len(begin)}:{blake2b(begin, digest_size=16).hexdigest()}" if begin else ""
