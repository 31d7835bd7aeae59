"""Pull requests and what they are made of, as every forge has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


def revert_branch(target: str) -> str:
    """Names the branch of a target's pull request that proposes to restore."""
    return f"plumbline/revert/{target}"


class PullRequestState(StrEnum):
    """How a pull request stands."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"  # without being merged


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request (GitLab: merge request).

    Attributes:
        number: Within its repository.
        url: Where people look at it.
        state: How it stands.
        head: The commit that it would merge, or did.
        title: Its title.
        body: What it says, in Markdown.
        by: Who merged or closed it, by the forge's name; empty while it is open.
        merged_as: The commit that the merge made; empty where it isn't merged.
        base: The branch that it goes into.
    """

    number: int
    url: str
    state: PullRequestState
    head: str
    title: str = ""
    body: str = ""
    by: str = ""
    merged_as: str = ""
    base: str = ""


@dataclass(frozen=True, slots=True)
class BranchContent:
    """What a branch is to be: a base, and one commit on it.

    Attributes:
        base: The commit that it begins from.
        files: By path inside the repository, what each file is to hold; None for one that goes.
        message: The commit's message, without sign-off.
    """

    base: str
    files: Mapping[str, str | None]
    message: str
