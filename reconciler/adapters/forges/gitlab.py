"""Merge requests on GitLab, gitlab.com or self-hosted, by python-gitlab."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from gitlab import Gitlab
from gitlab.exceptions import GitlabError, GitlabParsingError
from requests import Response, Session
from requests.exceptions import RequestException

from reconciler.adapters.forges.access import ForgeAccess, Token, fitting
from reconciler.adapters.forges.failing import Attempt
from reconciler.adapters.forges.place import ForgePlace
from reconciler.core.pull_requests import PullRequest, PullRequestState

if TYPE_CHECKING:
    from gitlab.v4.objects import Project

_RIGHTS: Final = "the scope api and the role Developer"

#: Whoever calls tries again later; python-gitlab would wait for a rate limit's end.
_ONCE: Final[dict[str, Any]] = {"obey_rate_limit": False}

#: How many of one branch are looked through at most; the latest comes first.
_PAGE: Final = 20


class GitLabForge:
    """See `ports.Forge`."""

    def __init__(self, place: ForgePlace, access: ForgeAccess, token: Token) -> None:
        """Asks nothing yet.

        Args:
            place: Which project, where.
            access: How it is spoken to.
            token: By which right.
        """
        self._place = place
        self._access = access
        self._token = token

    def find(self, branch: str) -> PullRequest | None:
        """Gives the latest merge request from a branch, whatever its state; None for none.

        Raises:
            ForgeError: GitLab can't be asked.
        """
        with self._asked(f"be asked for merge requests of {self._place.project}") as project:
            return _latest(project, branch)

    def open(self, branch: str, base: str, title: str, body: str) -> PullRequest:
        """Opens a merge request, or gives the one that is open.

        Raises:
            ForgeError: GitLab refuses, or can't be asked.
        """
        with self._asked(f"open a merge request in {self._place.project}") as project:
            found = _latest(project, branch)
            if found and found.state is PullRequestState.OPEN and found.base == base:
                return found
            made = project.mergerequests.create(
                {
                    "source_branch": branch,
                    "target_branch": base,
                    "title": title,
                    "description": body,
                },
                **_ONCE,
            )
            return _told(made.attributes)

    def update(self, number: int, title: str, body: str) -> None:
        """Says otherwise what a merge request is about.

        Raises:
            ForgeError: GitLab refuses, or can't be asked.
        """
        with self._asked(f"update merge request {number} of {self._place.project}") as project:
            news = {"title": title, "description": body}
            project.mergerequests.update(number, news, **_ONCE)

    def close(self, number: int, comment: str) -> None:
        """Closes a merge request without merging it, and says why; once, however often called.

        Raises:
            ForgeError: GitLab refuses, or can't be asked.
        """
        with self._asked(f"close merge request {number} of {self._place.project}") as project:
            found = project.mergerequests.get(number, **_ONCE)
            if found.state != "opened":
                return
            said = [each.body for each in found.notes.list(iterator=True, **_ONCE)]
            if comment and not any(each.strip() == comment.strip() for each in said):
                found.notes.create({"body": comment}, **_ONCE)
            project.mergerequests.update(number, {"state_event": "close"}, **_ONCE)

    def comment(self, number: int, mark: str, body: str) -> None:
        """Keeps one comment of ours on a merge request up to date.

        Raises:
            ForgeError: GitLab refuses, or can't be asked.
        """
        with self._asked(f"comment on merge request {number} of {self._place.project}") as project:
            me: Any = project.manager.gitlab.http_get("/user", **_ONCE)
            notes = project.mergerequests.get(number, lazy=True).notes
            text = f"{mark}\n{body}"
            for each in notes.list(iterator=True, **_ONCE):
                if each.body.startswith(mark) and each.author["id"] == me["id"]:
                    if each.body.strip() != text.strip():
                        notes.update(each.id, {"body": text}, **_ONCE)
                    return
            notes.create({"body": text}, **_ONCE)

    def mark(self, commit: str, *, good: bool, description: str) -> None:
        """Shows on a commit whether the cluster is as it says.

        Raises:
            ForgeError: GitLab refuses, or can't be asked.
        """
        name, link = self._access.status, self._access.link
        wanted = ("success" if good else "failed", fitting(description), link)
        with self._asked(f"mark a commit of {self._place.project}") as project:
            statuses = project.commits.get(commit, lazy=True).statuses
            for each in statuses.list(name=name, get_all=False, **_ONCE):
                if (each.status, each.description or "", each.target_url or "") == wanted:
                    return
            news = {"state": wanted[0], "name": name, "description": wanted[1]}
            statuses.create(news | ({"target_url": link} if link else {}), **_ONCE)

    @contextmanager
    def _asked(self, doing: str) -> Iterator["Project"]:
        """Gives the project, and says in our words what goes wrong with it."""
        token = self._token()
        attempt = Attempt("GitLab", doing, _RIGHTS, (token, token.strip()))
        session, headers = _listened()
        try:
            with Gitlab(
                self._place.api.removesuffix("/api/v4"),
                private_token=token.strip(),
                ssl_verify=self._access.verify,
                timeout=self._access.seconds,
                user_agent="plumbline",
                # Further pages are asked for where the first one was, not where GitLab says.
                keep_base_url=True,
                session=session,
            ) as client:
                yield client.projects.get(self._place.project, lazy=True)
        except GitlabParsingError:
            raise attempt.strange() from None
        except GitlabError as error:
            if not error.response_code:
                raise attempt.strange() from None
            raise attempt.refused(error.response_code, headers, _words(error)) from None
        except RequestException as error:
            raise attempt.unreachable(error) from None
        except (AttributeError, KeyError, TypeError, ValueError):
            raise attempt.strange() from None


def _listened() -> tuple[Session, dict[str, str]]:
    """Gives a session, and the headers of its last answer, which python-gitlab's errors lack."""
    session = Session()
    headers: dict[str, str] = {}

    def remember(response: Response, **_: Any) -> None:
        headers.clear()
        headers.update(response.headers)

    session.hooks["response"].append(remember)
    return session, headers


def _latest(project: "Project", branch: str) -> PullRequest | None:
    """Gives the latest merge request from the project's own branch, none of a fork's."""
    found = project.mergerequests.list(
        source_branch=branch,
        state="all",
        order_by="created_at",
        sort="desc",
        per_page=_PAGE,
        get_all=False,
        **_ONCE,
    )
    for each in found:
        facts = each.attributes
        if facts["source_project_id"] == facts["target_project_id"]:
            return _told(facts)
    return None


def _told(facts: dict[str, Any]) -> PullRequest:
    match facts["state"]:
        case "merged":
            state, by = PullRequestState.MERGED, facts.get("merge_user") or facts.get("merged_by")
        case "closed":
            state, by = PullRequestState.CLOSED, facts.get("closed_by")
        case _:  # opened, or locked while it is merged
            state, by = PullRequestState.OPEN, None
    # A fast-forward makes no commit of its own.
    merged_as = facts.get("merge_commit_sha") or facts.get("squash_commit_sha") or facts["sha"]
    return PullRequest(
        number=facts["iid"],
        url=facts["web_url"],
        state=state,
        head=facts["sha"] or "",
        title=facts["title"],
        body=facts.get("description") or "",
        by=by["username"] if by else "",
        merged_as=merged_as if state is PullRequestState.MERGED else "",
        base=facts["target_branch"],
    )


def _words(error: GitlabError) -> str:
    words: Any = error.error_message  # a list, where several things are wrong
    return "; ".join(map(str, words)) if isinstance(words, list) else str(words)
