"""What changes in files, as `git diff` would show it, without what nobody is to be shown."""

from collections.abc import Iterator, Mapping
from difflib import unified_diff

from reconciler.core.redact import MASK
from reconciler.render.terminal import Ink, Line, Span


def files_diff(
    before: Mapping[str, str | None], files: Mapping[str, str | None], secrets: frozenset[str]
) -> str:
    """Writes what changes in files; empty where nothing does.

    Args:
        before: By path, what each file holds; None for one that isn't there.
        files: What each is to hold; None for one that goes.
        secrets: Texts in them that are masked.
    """
    lines: list[str] = []
    for path in sorted(files):
        old, new = before[path], files[path]
        lines += unified_diff(
            _shown(old, secrets),
            _shown(new, secrets),
            f"a/{path}" if old is not None else "/dev/null",
            f"b/{path}" if new is not None else "/dev/null",
            lineterm="",
        )
    return "".join(f"{line}\n" for line in lines)


def _shown(text: str | None, secrets: frozenset[str]) -> list[str]:
    if text is None:
        return []
    for secret in sorted(secrets, key=len, reverse=True):
        # Of a text of several lines each is one.
        for line in secret.split("\n"):
            if len(line.strip()) > 1:
                text = text.replace(line.strip(), MASK)
    return text.split("\n")[:-1] if text.endswith("\n") else text.split("\n")


def diff_lines(diff: str) -> Iterator[Line]:
    """Gives a difference's lines in colour."""
    inks = {"+": Ink.GREEN, "-": Ink.RED, "@": Ink.CYAN}
    for line in diff.split("\n")[:-1]:
        is_head = line.startswith(("+++ ", "--- "))
        yield (Span(line, Ink.BOLD if is_head else inks.get(line[:1], Ink.PLAIN)),)
