"""Writes edited files into a folder of this machine, over exactly what was edited."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from reconciler.adapters.sources.location import check_path
from reconciler.core.errors import ConfigError, SourceError


def write_files(
    top: Path, before: Mapping[str, str | None], files: Mapping[str, str | None]
) -> None:
    """Writes files; none of them where one isn't what it was.

    Args:
        top: The folder; nothing outside is written, and no symlink is followed.
        before: What each file must hold now; None for one that mustn't be there.
        files: What each is to hold; None for one that goes.

    Raises:
        ConfigError: A file isn't what was edited: it was changed since, or isn't committed.
        SourceError: It can't be written; files before it in the order of their paths were.
    """
    for path in files:
        if _content(_place(top, path)) != before[path]:
            raise ConfigError(
                f"{path} isn't what was compared: it holds changes that aren't committed, or was "
                "changed meanwhile; nothing was written",
                fix="commit or undo them, and propose again",
            )
    for path, text in sorted(files.items()):
        try:
            _write(_place(top, path), text)
        except OSError as error:
            raise SourceError(
                f"{path} can't be written: {error.strerror}", fix="check its rights"
            ) from None


def _place(top: Path, path: str) -> Path:
    place = top
    for part in check_path(path, "a file's path").split("/"):
        place /= part
        if place.is_symlink():
            raise ConfigError(
                f"{path} goes through a symlink, and none is followed",
                fix="make it a file or folder of its own",
            )
    return place


def _content(place: Path) -> str | None:
    try:
        return place.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise SourceError(f"{place.name} can't be read: {reason}", fix="check its rights") from None


def _write(place: Path, text: str | None) -> None:
    if text is None:
        place.unlink()
        return
    mode = place.stat().st_mode & 0o777 if place.exists() else 0o644
    place.parent.mkdir(parents=True, exist_ok=True)
    # Beside it, so that it takes its place at once or not at all.
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=".plumbline-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        Path(name).chmod(mode)
        Path(name).replace(place)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
