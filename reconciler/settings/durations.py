"""Times as people write them: `90s`, `3m`, `1h30m`."""

import re

from reconciler.core.errors import ConfigError

#: Go's units, and days; the library below takes more, such as `mm` for months.
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d))+")


def seconds_of(field: str, text: str) -> float:
    """Reads a duration.

    Args:
        field: The setting's name, for the message.
        text: As Go writes durations, such as `1h30m`, or in days; empty for 0.

    Raises:
        ConfigError: It is none, or is negative.
    """
    from durationpy import DurationError, from_str  # what the official client uses, too

    if not text:
        return 0.0
    try:
        if _DURATION.fullmatch(text):
            return float(from_str(text).total_seconds())
    except DurationError:  # too long
        pass
    raise ConfigError(f"{field}: {text!r} is no duration", fix="write it as 90s, 3m or 1h30m")
