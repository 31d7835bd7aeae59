"""Keeps rendered manifests by their content: what hasn't changed isn't parsed again.

They may hold Secrets: files are 0600 in a folder that is 0700.
"""

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import orjson

from reconciler.adapters.files import keep_latest, write_private
from reconciler.core.desired import Manifest, SourceLocation
from reconciler.core.resource import JsonObject

#: Moves when the reading of manifests does, or the form of what is kept.
_FORMAT = 3

#: How many renderings are kept; the one that wasn't used for longest goes first.
_KEPT = 20

_DIGEST_SIZE = 32


@dataclass(frozen=True, slots=True)
class Kept:
    """One kept rendering.

    Attributes:
        manifests: In order.
        notes: As in `Rendered`.
        digest: Of the manifests.
    """

    manifests: tuple[Manifest, ...]
    notes: tuple[str, ...]
    digest: str


class Renderings(Protocol):
    """Renderings by what they depend on. Losing one costs only time."""

    def load(self, identity: Sequence[str]) -> Kept | None:
        """Gives what was kept for an identity; None for nothing."""
        ...

    def save(self, identity: Sequence[str], kept: Kept) -> None:
        """Keeps a rendering, unless its identity is empty; failing to is not an error."""
        ...

    def hold(self, identity: Sequence[str], kept: Kept) -> None:
        """Keeps in memory, if anywhere, a rendering that mustn't be written."""
        ...


@dataclass(frozen=True, slots=True)
class RenderedCache:
    """See `Renderings`: in files.

    Attributes:
        folder: Where they are.
    """

    folder: Path

    def load(self, identity: Sequence[str]) -> Kept | None:
        """Gives what was kept for an identity; None for nothing, or for a damaged file."""
        path = self._path(identity)
        try:
            content = path.read_bytes()
            body = memoryview(content)[_DIGEST_SIZE:]
            if hashlib.blake2b(body, digest_size=_DIGEST_SIZE).digest() != content[:_DIGEST_SIZE]:
                return None
            entries, notes, digest = orjson.loads(body)
            manifests = tuple(
                Manifest(body, SourceLocation(place, line), of_body)
                for place, line, of_body, body in entries
            )
        except (OSError, ValueError, TypeError):
            return None
        with suppress(OSError):
            os.utime(path)
        return Kept(manifests, tuple(notes), digest)

    def save(self, identity: Sequence[str], kept: Kept) -> None:
        """Keeps a rendering; failing to is not an error."""
        if not identity:
            return
        entries = [(m.source.path, m.source.line, m.digest, m.body) for m in kept.manifests]
        body = orjson.dumps([entries, kept.notes, kept.digest])
        checksum = hashlib.blake2b(body, digest_size=_DIGEST_SIZE).digest()
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Somebody may have made it before with other rights.
            self.folder.chmod(0o700)
            write_private(self._path(identity), checksum + body)
            keep_latest(self.folder, "*.bin", _KEPT)

    def hold(self, identity: Sequence[str], kept: Kept) -> None:
        """Keeps nothing: these are files."""

    def _path(self, identity: Sequence[str]) -> Path:
        key = hashlib.sha256(orjson.dumps([_FORMAT, *identity])).hexdigest()
        return self.folder / f"{key}.bin"


class HeldRendering:
    """The last rendering held in memory before files: who looks again and again reads none."""

    def __init__(self, files: RenderedCache) -> None:
        self._files = files
        self._held: tuple[tuple[str, ...], Kept] | None = None

    def load(self, identity: Sequence[str]) -> Kept | None:
        """See `Renderings`."""
        held = self._held
        if held is not None and held[0] == tuple(identity):
            return held[1]
        # Not both at once: they may be all that this process has.
        self._held = held = None
        kept = self._files.load(identity)
        if kept is not None:
            self._held = (tuple(identity), kept)
        return kept

    def save(self, identity: Sequence[str], kept: Kept) -> None:
        """See `Renderings`."""
        self._files.save(identity, kept)
        self.hold(identity, kept)

    def hold(self, identity: Sequence[str], kept: Kept) -> None:
        """See `Renderings`."""
        self._held = (tuple(identity), kept) if identity else None


def body_digest(body: JsonObject) -> str:
    """Gives a digest of one manifest's body."""
    text = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=12).hexdigest()


def digest(manifests: Sequence[Manifest]) -> str:
    """Gives a digest of manifests that doesn't depend on where they are declared."""
    total = hashlib.sha256()
    for manifest in manifests:
        total.update(orjson.dumps(manifest.body, option=orjson.OPT_SORT_KEYS))
        total.update(b"\n")
    return total.hexdigest()


def digest_of(identity: Sequence[str]) -> str:
    """Gives a digest of all that a rendering depends on; one of nothing where that isn't known."""
    return hashlib.sha256(orjson.dumps(list(identity))).hexdigest()
