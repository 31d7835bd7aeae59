"""Asks the person at the terminal."""

import sys

from reconciler.core.errors import ConfigError


def agreed(question: str, fix: str = "add --yes") -> bool:
    """Asks, where there is somebody to ask.

    Args:
        question: To be answered by yes or no.
        fix: What to do where there is nobody.

    Raises:
        ConfigError: There is nobody.
    """
    if not sys.stdin.isatty():
        raise ConfigError(
            "there is nobody to ask: standard input is no terminal, and nothing was written",
            fix=fix,
        )
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    # As bytes: what isn't text in this locale is a no like any other.
    answer = sys.stdin.buffer.readline()
    if not answer.endswith(b"\n"):
        sys.stderr.write("\n")  # the input ended: the cursor still stands behind the question
    return answer.strip().lower() in (b"y", b"yes")
