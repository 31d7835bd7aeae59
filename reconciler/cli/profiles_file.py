"""The file of images' profiles: read at the start, and again when it changes."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.core.errors import ConfigError
from reconciler.core.profiles import Profiles, profiles_of

if TYPE_CHECKING:
    from reconciler.core.learned import Window

#: Thousands of profiles, with long reasons.
_LONGEST = 8 << 20


def read_profiles(file: str, flag: str = "--profiles") -> Profiles:
    """Reads profiles of images; tells on standard error of those that have ended.

    Args:
        file: Its name.
        flag: What named it, for messages.

    Raises:
        ConfigError: It can't be read, or something in it is wrong.
    """
    profiles = _profiles(_document(file, flag), file, flag)
    for ended in profiles.ended(datetime.now(UTC).date()):
        sys.stderr.write(f"plumbline: {flag} {file}: {ended}, and allows nothing any more\n")
    return profiles


def read_learned(file: str, flag: str) -> "tuple[Profiles, tuple[Window, ...]]":
    """Reads profiles, and what they were learned from.

    Raises:
        ConfigError: As for `read_profiles`.
    """
    from reconciler.core.learned import windows_of

    document = _document(file, flag)
    profiles = _profiles(document, file, flag)
    try:
        return profiles, windows_of(document)
    except ConfigError as error:
        raise ConfigError(f"{flag} {file}: {error.message}", fix=error.fix) from None


def _document(file: str, flag: str) -> Any:
    try:
        with Path(file).open("rb") as opened:
            held = opened.read(_LONGEST + 1)
    except OSError as error:
        raise ConfigError(f"{flag} {file}: {error.strerror}", fix="name a file") from None
    if len(held) > _LONGEST:
        raise ConfigError(f"{flag} {file}: it is too long", fix="have `image: NAME*` fit several")
    try:
        return json.loads(held)
    except (ValueError, RecursionError) as error:
        line = f" in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ConfigError(
            f"{flag} {file}: this is no JSON{line}",
            fix='begin with {"profiles": [{"image": "NAME", "write": []}]}',
        ) from None


def _profiles(document: object, file: str, flag: str) -> Profiles:
    try:
        return profiles_of(document)
    except ConfigError as error:
        raise ConfigError(f"{flag} {file}: {error.message}", fix=error.fix) from None


def rereading(file: str | None, use: Callable[[Profiles], None]) -> Callable[[], None]:
    """Gives what reads the file again if it changed; what is wrong leaves the earlier one in force.

    Args:
        file: Its name; None for no file.
        use: Is given what was read.
    """
    known = version_of(file)

    def reread() -> None:
        nonlocal known
        if file is None or (version := version_of(file)) == known:
            return
        known = version
        try:
            profiles = read_profiles(file)
        except ConfigError as error:
            sys.stderr.write(f"plumbline: {error}\n  what it said before holds\n")
            return
        use(profiles)
        # What it allows by now is gone from the drifts, and nobody mended it.
        sys.stderr.write(f"plumbline: {file} was read again: {len(profiles.images)} profiles\n")

    return reread


def version_of(file: str | None) -> tuple[int, int, int]:
    """Gives what is another when a file was written anew; zeros where there is none."""
    try:
        status = Path(file).stat() if file is not None else None
    except OSError:
        status = None
    return (status.st_ino, status.st_mtime_ns, status.st_size) if status else (0, 0, 0)
