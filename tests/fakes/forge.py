"""A forge in memory, with the branches of its one repository."""

import hashlib
from dataclasses import dataclass, replace

from reconciler.core.errors import ForgeError, SourceError
from reconciler.core.pull_requests import BranchContent, PullRequest, PullRequestState

#: What servers before it let in, where a test names nothing else.
TOKEN = "t0ken"


class FakeForge:
    """See `ports.Forge` and `ports.Branches`: both, since a forge knows what was pushed.

    Attributes:
        down: Whether it answers nothing at present.
        pulls: All pull requests, by number.
        comments: By number of a pull request.
        foreign: Which of them are somebody else's, by number and place.
        statuses: By commit, whether it is good and what is said.
        pushes: How many pushes moved something.
    """

    def __init__(self) -> None:
        self.down = False
        self.pulls: dict[int, PullRequest] = {}
        self.comments: dict[int, list[str]] = {}
        self.statuses: dict[str, tuple[bool, str]] = {}
        self.foreign: set[tuple[int, int]] = set()
        self.pushes = 0
        self._branches: dict[str, _Branch] = {}
        self._from: dict[int, str] = {}

    def find(self, branch: str) -> PullRequest | None:
        self._answer()
        numbers = [number for number, name in self._from.items() if name == branch]
        return self.shown(max(numbers)) if numbers else None

    def open(self, branch: str, base: str, title: str, body: str) -> PullRequest:
        found = self.find(branch)
        if found and found.state is PullRequestState.OPEN and found.base == base:
            return found
        pushed = self._branches.get(branch)
        if pushed is None:
            raise ForgeError(f"there is no branch {branch}")
        number = len(self.pulls) + 1
        url = f"https://git.example/shop/deploy/pulls/{number}"
        self.pulls[number] = PullRequest(
            number, url, PullRequestState.OPEN, pushed.commit, title, body, base=base
        )
        self._from[number] = branch
        return self.pulls[number]

    def update(self, number: int, title: str, body: str) -> None:
        self._answer()
        self.pulls[number] = replace(self._known(number), title=title, body=body)

    def close(self, number: int, comment: str) -> None:
        self._answer()
        if self._known(number).state is not PullRequestState.OPEN:
            return
        if comment:
            self.comments.setdefault(number, []).append(comment)
        self.end(number, "plumbline", PullRequestState.CLOSED)

    def comment(self, number: int, mark: str, body: str) -> None:
        self._answer()
        self._known(number)
        said = self.comments.setdefault(number, [])
        for place, text in enumerate(said):
            if text.startswith(mark) and (number, place) not in self.foreign:
                said[place] = f"{mark}\n{body}"
                return
        said.append(f"{mark}\n{body}")

    def mark(self, commit: str, *, good: bool, description: str) -> None:
        self._answer()
        self.statuses[commit] = (good, description)

    def push(self, branch: str, content: BranchContent) -> str:
        if self.down:
            raise SourceError("the repository can't be reached")
        there = self._branches.get(branch)
        if there is not None and there.content == content:
            return there.commit
        self.pushes += 1
        told = f"{content.base}{sorted(content.files.items())}{content.message}{self.pushes}"
        made = _Branch(hashlib.sha1(told.encode(), usedforsecurity=False).hexdigest(), content)
        self._branches[branch] = made
        return made.commit

    def delete(self, branch: str) -> None:
        if self.down:
            raise SourceError("the repository can't be reached")
        self._branches.pop(branch, None)

    def end(self, number: int, by: str, state: PullRequestState) -> None:
        """Does what a person does: merges or closes a pull request."""
        found = self.shown(number)
        merged_as = found.head if state is PullRequestState.MERGED else ""
        self.pulls[number] = replace(found, state=state, by=by, merged_as=merged_as)

    def has(self, branch: str) -> bool:
        """Whether a branch was pushed."""
        return branch in self._branches

    def branch_of(self, number: int) -> str:
        """From which branch a pull request is."""
        return self._from[number]

    def shown(self, number: int) -> PullRequest:
        """A pull request as it is now."""
        found = self.pulls[number]
        pushed = self._branches.get(self._from[number])
        if found.state is PullRequestState.OPEN and pushed is not None:
            return replace(found, head=pushed.commit)
        return found

    def _known(self, number: int) -> PullRequest:
        if number not in self.pulls:
            raise ForgeError(f"there is no pull request {number}")
        return self.shown(number)

    def _answer(self) -> None:
        if self.down:
            raise ForgeError("the forge can't be reached", after=60.0)


@dataclass(frozen=True, slots=True)
class _Branch:
    commit: str
    content: BranchContent
