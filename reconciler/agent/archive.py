"""An archive of evidence: each content once, by its SHA-256, and what is known of it all."""

import hashlib
import json
import os
import tarfile
import tempfile
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, Any

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class EvidenceBounds:
    """How much of a pod is kept; what was left out is listed.

    Attributes:
        file_bytes: Content of a longer file isn't kept.
        total_bytes: So much content is kept.
        files: Content of so many files.
        processes: So many processes of a container are listed.
    """

    file_bytes: int = 64 << 20
    total_bytes: int = 256 << 20
    files: int = 10_000
    processes: int = 5_000


@dataclass(slots=True)
class Archive:
    """An archive that is being written."""

    tar: tarfile.TarFile
    bounds: EvidenceBounds
    folder: Path
    contents: list[dict[str, Any]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    size: int = 0

    def keep(self, what: dict[str, Any], name: str, content: int) -> None:
        """Keeps the content of an open file, if the bounds allow.

        Raises:
            OSError: It can't be read, or the archive not be written.
        """
        expected = os.fstat(content).st_size
        if expected > self.bounds.file_bytes:
            self.left.append(f"{name}: longer than {self.bounds.file_bytes} bytes")
        elif len(self.contents) >= self.bounds.files:
            self.left.append(f"{name}: only {self.bounds.files} contents are kept")
        elif self.size + expected > self.bounds.total_bytes:
            self.left.append(f"{name}: only {self.bounds.total_bytes} bytes are kept")
        else:
            self._copy(what, name, content)

    def _copy(self, what: dict[str, Any], name: str, content: int) -> None:
        """Copies it first: what is read twice may be two things."""
        with tempfile.TemporaryFile(dir=self.folder) as copy:
            hashed, size = hashlib.sha256(), 0
            while chunk := os.read(content, _CHUNK):
                hashed.update(chunk)
                size += copy.write(chunk)
                if size > self.bounds.file_bytes:
                    self.left.append(f"{name}: it grew beyond {self.bounds.file_bytes} bytes")
                    return
            copy.seek(0)
            digest = hashed.hexdigest()
            if digest not in self.held:
                self.held.add(digest)
                self.size += size
                self._add(f"blobs/sha256/{digest}", size, copy)
        self.contents.append({**what, "sha256": digest, "size": size})

    def say(self, document: dict[str, Any]) -> None:
        """Adds what is known of it all."""
        # ASCII alone: names that aren't UTF-8 stand as escaped lone surrogates.
        held = json.dumps(document, indent=1, sort_keys=True).encode("ascii")
        self._add("evidence.json", len(held), BytesIO(held))

    def _add(self, name: str, size: int, content: IO[bytes]) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, 0o400
        self.tar.addfile(entry, content)
