"""Proposes what was adopted by a pull request: one branch, one request a target, never doubled.

It is beside the one that `proposing` keeps, and asks for something else: its merge changes Git, and
approves nothing. Each time the branch is made anew from the revision that was looked at, so that a
commit which came in between is no conflict.
"""

from reconciler.core.adoption import Adoption
from reconciler.core.pull_requests import BranchContent, PullRequest, PullRequestState
from reconciler.proposing import Repository
from reconciler.render.adoptions import adoption_body, adoption_message, adoption_title


def branch_of(target: str) -> str:
    """Names the branch of a target's adoptions."""
    return f"plumbline/adopt/{target}"


def submit(adoption: Adoption, repository: Repository) -> PullRequest | None:
    """Opens the pull request of an adoption, or brings the open one up to date.

    Where nothing is adopted an open one is closed: there is nothing to merge any more.

    Args:
        adoption: What Git is to say.
        repository: Where it is proposed.

    Returns:
        The open pull request; None where there is nothing to propose.

    Raises:
        ForgeError: The forge can't be asked, or refuses.
        SourceError: The branch can't be pushed.
    """
    forge, branch = repository.forge, branch_of(adoption.target)
    there = forge.find(branch)
    is_open = there is not None and there.state is PullRequestState.OPEN
    if not adoption.files:
        if there is not None and is_open:
            forge.close(there.number, "Nothing is left to adopt: Git says what is live, or the "
                        "drift is gone, or it can't be adopted any more.")  # fmt: skip
            repository.branches.delete(branch)
        return None
    title, body = adoption_title(adoption), adoption_body(adoption)
    content = BranchContent(adoption.revision, adoption.files, adoption_message(adoption))
    repository.branches.push(branch, content)
    if there is None or not is_open:
        return forge.open(branch, repository.base, title, body)
    if (there.title, there.body) != (title, body):
        forge.update(there.number, title, body)
    return there
