"""Proposes edits of Git by a pull request: one branch, one request a target, never doubled.

They are beside the one that `proposing` keeps, and ask for something else: their merge changes Git,
and approves nothing. Each time the branch is made anew from the revision that was looked at, so
that a commit which came in between is no conflict.
"""

from dataclasses import dataclass

from reconciler.core.adoption import Adoption
from reconciler.core.fixes import Fixing
from reconciler.core.learned import ProfileProposal
from reconciler.core.pull_requests import BranchContent, PullRequest, PullRequestState
from reconciler.proposing import Repository
from reconciler.render.adoptions import adoption_body, adoption_message, adoption_title
from reconciler.render.fixes import fixing_body, fixing_message, fixing_title
from reconciler.render.profile_proposals import proposal_body, proposal_message, proposal_title


def branch_of(target: str) -> str:
    """Names the branch of a target's adoptions."""
    return f"plumbline/adopt/{target}"


@dataclass(frozen=True, slots=True)
class _Request:
    """A pull request as it is to be.

    Attributes:
        branch: Its branch.
        title: Its title.
        body: What it says.
        content: What the branch is to hold; without files there is nothing to propose.
        over: What is said where an open one is closed for that.
    """

    branch: str
    title: str
    body: str
    content: BranchContent
    over: str


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
    request = _Request(
        branch=branch_of(adoption.target),
        title=adoption_title(adoption),
        body=adoption_body(adoption),
        content=BranchContent(adoption.revision, adoption.files, adoption_message(adoption)),
        over="Nothing is left to adopt: Git says what is live, or the drift is gone, or it can't "
        "be adopted any more.",
    )
    return _kept(request, repository)


def submit_fixes(fixing: Fixing, repository: Repository) -> PullRequest | None:
    """Opens the pull request of fixes, or brings the open one up to date, as `submit` does.

    Raises:
        ForgeError: The forge can't be asked, or refuses.
        SourceError: The branch can't be pushed.
    """
    request = _Request(
        branch=fixing.purpose.branch(fixing.target),
        title=fixing_title(fixing),
        body=fixing_body(fixing),
        content=BranchContent(fixing.revision, fixing.files, fixing_message(fixing)),
        over="Nothing is left to fix here: it is done, or can't be written any more.",
    )
    return _kept(request, repository)


def submit_profile(proposal: ProfileProposal, repository: Repository) -> PullRequest | None:
    """Opens the pull request of learned profiles, or brings it up to date, as `submit` does.

    Raises:
        ForgeError: The forge can't be asked, or refuses.
        SourceError: The branch can't be pushed.
    """
    request = _Request(
        branch=f"plumbline/profiles/{proposal.target}",
        title=proposal_title(proposal),
        body=proposal_body(proposal),
        content=BranchContent(proposal.revision, proposal.files, proposal_message(proposal)),
        over="Nothing is left to propose: Git allows all that was learned.",
    )
    return _kept(request, repository)


def _kept(request: _Request, repository: Repository) -> PullRequest | None:
    forge, branch = repository.forge, request.branch
    there = forge.find(branch)
    is_open = there is not None and there.state is PullRequestState.OPEN
    if not request.content.files:
        if there is not None and is_open:
            forge.close(there.number, request.over)
            repository.branches.delete(branch)
        return None
    repository.branches.push(branch, request.content)
    if there is None or not is_open:
        return forge.open(branch, repository.base, request.title, request.body)
    if (there.title, there.body) != (request.title, request.body):
        forge.update(there.number, request.title, request.body)
    return there
