"""Small private files: written whole or not at all, readable by their owner alone."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson


def read_json(path: Path) -> Any:
    """Gives a file's JSON, or None where there is none or where it's damaged."""
    try:
        return orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None


def write_private(path: Path, content: bytes) -> None:
    """Replaces a file at once, so that no reader sees half of it.

    Raises:
        OSError: The folder can't be written.
    """
    # Late: a warm run writes nothing, and this takes some milliseconds.
    import tempfile

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # mkstemp makes files of mode 0600.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def keep_latest(folder: Path, pattern: str, count: int) -> None:
    """Deletes files of a cache but for those that were used last; failing to is not an error."""
    with suppress(OSError):
        found = [(path.stat().st_mtime_ns, path) for path in folder.glob(pattern)]
        for _, path in sorted(found, reverse=True)[count:]:
            path.unlink(missing_ok=True)
