"""Bugs of our own, told of without what they may quote."""

import traceback


def place_of(bug: Exception) -> str:
    """Says where a bug is; what its message quotes may be secret."""
    last = traceback.extract_tb(bug.__traceback__)[-1]
    return f"a bug in Plumbline: {type(bug).__name__} at {last.filename}:{last.lineno}"
