"""`check --comment`: one comment on a pull request, kept up to date."""

from collections.abc import Sequence

from reconciler.core.report import Report
from reconciler.settings import Settings

#: Bytes of a comment that every forge takes; GitHub's limit is the lowest (65,536 characters).
_LIMIT = 65_000


def comment(url: str, reports: Sequence[Report], errors: Sequence[str], settings: Settings) -> None:
    """Says on a pull request what was found; a later call brings that up to date.

    Args:
        url: The pull request's page.
        reports: What was found.
        errors: Of which targets nothing could be said, and why.
        settings: By which right the forge is spoken to.

    Raises:
        ConfigError: It is no pull request's, or no forge is configured.
        ForgeError: The forge refuses, or can't be asked.
    """
    from reconciler.cli.output import markdown_of
    from reconciler.forging import pull_request_at
    from reconciler.render.markdown import code

    forge, number = pull_request_at(settings, url)
    body = markdown_of(reports)
    body += "".join(f"\n❔ {code(error)}\n" for error in errors)
    if len(body) > _LIMIT:
        # Each target alone fits; several together may not.
        body = f"{body[:_LIMIT].rpartition(chr(10) * 2)[0]}\n\n**The rest is left out.**\n"
    forge.comment(number, comment_mark([report.target for report in reports]), body)


def comment_mark(targets: Sequence[str]) -> str:
    """Gives what our comment begins with, which no reader sees: one comment for these targets."""
    import hashlib

    named = hashlib.sha256("\0".join(sorted(targets)).encode("utf-8", "replace")).hexdigest()[:12]
    return f"<!-- plumbline check {named} -->"
