"""Who saw what was done, and who is told of it or asked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from reconciler.core.resource import Catalog, ResourceKey

if TYPE_CHECKING:
    # Only the controller needs these, and a check imports no more than it must.
    from reconciler.core.actors import AuditEvent
    from reconciler.core.cycle import Cycle
    from reconciler.core.notices import Notice
    from reconciler.core.pull_requests import BranchContent, PullRequest


class Witnesses(Protocol):
    """Tell who sent the requests that changed an object: an audit log, a webhook, or several."""

    def learn(self, catalog: Catalog) -> None:
        """Learns by which words the kinds go in requests; without it they are guessed."""
        ...

    def events_of(self, key: ResourceKey) -> "Sequence[AuditEvent]":
        """Gives what was witnessed of an object, in any order; empty where nothing was.

        Deletions of whole collections that it may have been in are among them.
        """
        ...


class Observer(Protocol):
    """Tells of cycles: in logs, in metrics."""

    def saw(self, cycle: "Cycle") -> None:
        """Tells of a finished cycle. Must not raise."""
        ...


class Notifier(Protocol):
    """Tells people, in one place: a Slack channel, a mailbox, a webhook."""

    def show(self, notice: "Notice", shown: str) -> str:
        """Shows a notice, or brings what it shows of it up to date.

        Called again with the same `shown` where the last call's answer was lost: better twice
        than never, and once wherever the other side can tell.

        Args:
            notice: What is to be seen.
            shown: What the last call for this subject returned; empty before the first one.

        Returns:
            What must be known to bring it up to date later: any text, nothing secret.

        Raises:
            NotifierError: It couldn't be shown.
        """
        ...


class Forge(Protocol):
    """Where pull requests of one repository are: GitHub, GitLab, Gitea or Forgejo."""

    def find(self, branch: str) -> "PullRequest | None":
        """Gives the latest pull request from a branch, whatever its state; None for none.

        Raises:
            ForgeError: The forge can't be asked.
        """
        ...

    def open(self, branch: str, base: str, title: str, body: str) -> "PullRequest":
        """Opens a pull request from a branch that was pushed, into another one.

        Raises:
            ForgeError: The forge refuses, or can't be asked.
        """
        ...

    def update(self, number: int, title: str, body: str) -> None:
        """Says otherwise what a pull request is about.

        Raises:
            ForgeError: The forge refuses, or can't be asked.
        """
        ...

    def close(self, number: int, comment: str) -> None:
        """Closes a pull request without merging it, and says why.

        Raises:
            ForgeError: The forge refuses, or can't be asked.
        """
        ...

    def comment(self, number: int, mark: str, body: str) -> None:
        """Keeps one comment of ours on a pull request up to date; makes it where there is none.

        Args:
            number: The pull request's.
            mark: What the comment begins with, and no other of ours. A comment of somebody else's
                that begins so isn't ours, and stays as it is.
            body: What it says below the mark.

        Raises:
            ForgeError: The forge refuses, or can't be asked.
        """
        ...

    def mark(self, commit: str, *, good: bool, description: str) -> None:
        """Shows on a commit whether the cluster is as it says (a commit status).

        Raises:
            ForgeError: The forge refuses, or can't be asked.
        """
        ...


class Branches(Protocol):
    """Writes branches of one repository, and nothing else in it."""

    def push(self, branch: str, content: "BranchContent") -> str:
        """Makes a branch exactly its base and one commit, in place of what it was.

        Returns:
            The commit; the one that is there already where it has the same content.

        Raises:
            SourceError: The repository can't be reached, or refuses.
        """
        ...

    def delete(self, branch: str) -> None:
        """Takes a branch away; one that isn't there is fine.

        Raises:
            SourceError: The repository can't be reached, or refuses.
        """
        ...
