"""Files that settings name, such as mounted Secrets: what is in them, or what is wrong there."""

from pathlib import Path

from reconciler.core.errors import ConfigError

#: What helps where a Secret holds the file.
MOUNT = "mount the Secret that holds it"


def bytes_named(setting: str, file: str, fix: str = MOUNT, *, if_empty: str = "") -> bytes:
    """Reads a file that a setting names, without the white space around what is in it.

    Args:
        setting: The setting's name, for the message.
        file: Where the file is.
        fix: What to do where it can't be read.
        if_empty: What to do where nothing is in it; empty where that is no mistake.

    Raises:
        ConfigError: It can't be read, or nothing is in it and something must be.
    """
    content = _content(setting, file, fix).strip()
    if if_empty and not content:
        raise _empty(setting, file, if_empty)
    return content


def text_named(setting: str, file: str, fix: str = MOUNT, *, if_empty: str = "") -> str:
    """Reads a text file that a setting names; as `bytes_named`, and it must be UTF-8.

    Raises:
        ConfigError: It can't be read, is no text, or is empty though `if_empty` says what to write.
    """
    try:
        text = _content(setting, file, fix).decode().strip()
    except UnicodeDecodeError:
        raise _unreadable(setting, file, "it is no text", fix) from None
    if if_empty and not text:
        raise _empty(setting, file, if_empty)
    return text


def _content(setting: str, file: str, fix: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise _unreadable(setting, file, error.strerror, fix) from None


def _unreadable(setting: str, file: str, reason: str | None, fix: str) -> ConfigError:
    return ConfigError(f"{setting}: {file} can't be read: {reason}", fix=fix)


def _empty(setting: str, file: str, fix: str) -> ConfigError:
    return ConfigError(f"{setting}: {file} is empty", fix=fix)
