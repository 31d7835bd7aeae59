"""Small private files: written whole or not at all, readable by their owner alone."""

import os
import tempfile
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
