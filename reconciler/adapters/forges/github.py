"""Pull requests on GitHub and GitHub Enterprise, by PyGithub."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from github import Auth, Github, GithubException
from github.GithubObject import NotSet
from requests.exceptions import RequestException

from reconciler.adapters.forges.access import ForgeAccess, GitHubApp, fitting
from reconciler.adapters.forges.failing import Attempt
from reconciler.adapters.forges.place import ForgePlace
from reconciler.core.errors import ForgeError
from reconciler.core.pull_requests import PullRequest, PullRequestState

if TYPE_CHECKING:
    from github.NamedUser import NamedUser
    from github.Repository import Repository

_RIGHTS: Final = "the permissions Pull requests: write and Commit statuses: write (classic: repo)"

#: How many of one branch are looked through at most; the latest comes first.
_PAGE: Final = 30

#: What PyGithub raises where an answer doesn't read as GitHub's: it has no family for that.
_STRANGE: Final = (
    AssertionError,
    AttributeError,
    KeyError,
    RuntimeError,
    TypeError,
    ValueError,
)


class GitHubForge:
    """See `ports.Forge`."""

    def __init__(self, place: ForgePlace, access: ForgeAccess) -> None:
        """Asks nothing yet.

        Args:
            place: Which repository, where.
            access: By which right.
        """
        self._place = place
        self._access = access
        self._token = ""
        self._client: Github | None = None

    def find(self, branch: str) -> PullRequest | None:
        """Gives the latest pull request from a branch, whatever its state; None for none.

        Raises:
            ForgeError: GitHub can't be asked.
        """
        with self._asked(f"be asked for pull requests of {self._place.project}") as repo:
            found = self._latest(repo, branch)
            return None if found is None else _told(repo, found)

    def open(self, branch: str, base: str, title: str, body: str) -> PullRequest:
        """Opens a pull request, or gives the one that is open.

        Raises:
            ForgeError: GitHub refuses, or can't be asked.
        """
        with self._asked(f"open a pull request in {self._place.project}") as repo:
            found = self._latest(repo, branch)
            if found is None or found["state"] != "open" or found["base"]["ref"] != base:
                # Who opens the same one meanwhile makes this fail, never a second one.
                made = repo.create_pull(base=base, head=branch, title=title, body=body)
                found = made.raw_data
            return _told(repo, found)

    def update(self, number: int, title: str, body: str) -> None:
        """Says otherwise what a pull request is about.

        Raises:
            ForgeError: GitHub refuses, or can't be asked.
        """
        with self._asked(f"update pull request {number} of {self._place.project}") as repo:
            repo.get_pull(number).edit(title=title, body=body)

    def close(self, number: int, comment: str) -> None:
        """Closes a pull request without merging it, and says why; once, however often called.

        Raises:
            ForgeError: GitHub refuses, or can't be asked.
        """
        with self._asked(f"close pull request {number} of {self._place.project}") as repo:
            pull = repo.get_pull(number)
            if pull.state != "open":
                return
            said = (each.body or "" for each in pull.get_issue_comments())
            if comment and not any(each.strip() == comment.strip() for each in said):
                pull.create_issue_comment(comment)
            pull.edit(state="closed")

    def comment(self, number: int, mark: str, body: str) -> None:
        """Keeps one comment of ours on a pull request up to date.

        Raises:
            ForgeError: GitHub refuses, or can't be asked.
        """
        with self._asked(f"comment on pull request {number} of {self._place.project}") as repo:
            is_mine, text = self._mine(), f"{mark}\n{body}"
            pull = repo.get_pull(number)
            for each in pull.get_issue_comments():
                if (each.body or "").startswith(mark) and is_mine(each.user):
                    if each.body.strip() != text.strip():
                        each.edit(text)
                    return
            pull.create_issue_comment(text)

    def _mine(self) -> Callable[[Any], bool]:
        """Gives what tells whether a comment's author is us.

        A workflow's token, and an App's, may not ask who it is; what they write is a bot's.
        """
        try:
            me = self._signed_in(self._secret()).get_user().login
        except GithubException as error:
            if error.status != 403:
                raise
            return lambda user: bool(user.type == "Bot")
        return lambda user: bool(user.login == me)

    def mark(self, commit: str, *, good: bool, description: str) -> None:
        """Shows on a commit whether the cluster is as it says.

        Raises:
            ForgeError: GitHub refuses, or can't be asked.
        """
        wanted = ("success" if good else "failure", fitting(description), self._access.link)
        with self._asked(f"mark a commit of {self._place.project}") as repo:
            # GitHub keeps 1,000 statuses of one name a commit, and no more.
            there = repo.get_commit(commit)
            for each in there.get_combined_status().statuses:
                facts = (each.state, each.description or "", each.target_url or "")
                if each.context == self._access.status and facts == wanted:
                    return
            state, words, link = wanted
            there.create_status(state, link or NotSet, words, self._access.status)

    def _latest(self, repo: "Repository", branch: str) -> dict[str, Any] | None:
        # GitHub's filter is by the fork's owner, who may have two forks of one repository.
        owner = self._place.project.partition("/")[0]
        query = {"state": "all", "head": f"{owner}:{branch}", "sort": "created",
                 "direction": "desc", "per_page": _PAGE}  # fmt: skip
        # PyGithub's own list is empty for an answer that isn't one, such as a redirection.
        _, pulls = repo.requester.requestJsonAndCheck("GET", f"{repo.url}/pulls", query)
        if not isinstance(pulls, list):
            raise TypeError("a list was asked for")
        return next((each for each in pulls if _is_from(each, branch)), None)

    @contextmanager
    def _asked(self, doing: str) -> Iterator["Repository"]:
        """Gives the repository, and says in our words what goes wrong with it."""
        secret = self._secret()
        attempt = Attempt("GitHub", doing, _RIGHTS, (secret, secret.strip()))
        try:
            yield self._signed_in(secret).get_repo(self._place.project)
        except GithubException as error:
            words = error.data.get("message", "") if isinstance(error.data, dict) else ""
            details = error.data.get("errors", ()) if isinstance(error.data, dict) else ()
            more = [str(each.get("message", "")) for each in details if isinstance(each, dict)]
            said = "; ".join(filter(None, (str(words), *more)))
            raise attempt.refused(error.status, error.headers or {}, said) from None
        except RequestException as error:
            raise attempt.unreachable(error) from None
        except _STRANGE:
            raise attempt.strange() from None

    def _secret(self) -> str:
        sign_in = self._access.sign_in
        return sign_in.private_key() if isinstance(sign_in, GitHubApp) else sign_in()

    def _signed_in(self, secret: str) -> Github:
        if self._client is None or secret != self._token:
            self._token, self._client = secret, self._connected(secret)
        return self._client

    def _connected(self, secret: str) -> Github:
        sign_in = self._access.sign_in
        auth: Auth.Auth = Auth.Token(secret.strip())
        if isinstance(sign_in, GitHubApp):
            try:
                app = Auth.AppAuth(sign_in.app, secret)
                _ = app.token  # signs, so that a wrong key is known as one
            except Exception as error:  # jwt and cryptography have many, and no root in common
                raise ForgeError(
                    "the GitHub App's private key can't be used",
                    fix="give the PEM file as GitHub made it",
                    lasting=True,
                ) from error
            auth = app.get_installation_auth(sign_in.installation)
        return Github(
            auth=auth,
            base_url=self._place.api,
            timeout=self._access.seconds,
            verify=self._access.verify,
            user_agent="plumbline",
            # Whoever calls tries again later: nothing else waits for a forge meanwhile.
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            lazy=True,
        )


def _is_from(pull: dict[str, Any], branch: str) -> bool:
    """Whether a pull request is from the repository's own branch, none of a fork's."""
    head, base = pull["head"], pull["base"]
    # A fork that is gone is null.
    is_own = head["repo"] is not None and head["repo"]["id"] == base["repo"]["id"]
    return bool(is_own and head["ref"] == branch)


def _told(repo: "Repository", pull: dict[str, Any]) -> PullRequest:
    """Reads a pull request; who ended it is only in the answers about it alone."""
    number: int = pull["number"]
    by, state = "", PullRequestState.OPEN
    if pull["merged_at"] is not None:
        state = PullRequestState.MERGED
        merger: NamedUser | None = repo.get_pull(number).merged_by
        by = merger.login if merger is not None else ""
    elif pull["state"] == "closed":
        state = PullRequestState.CLOSED
        closer = repo.get_issue(number).closed_by
        by = closer.login if closer is not None else ""
    merged = state is PullRequestState.MERGED
    return PullRequest(
        number=number,
        url=pull["html_url"],
        state=state,
        head=pull["head"]["sha"],
        title=pull["title"],
        body=pull["body"] or "",
        by=by,
        merged_as=(pull["merge_commit_sha"] or "") if merged else "",
        base=pull["base"]["ref"],
    )
