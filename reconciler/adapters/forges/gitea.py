"""Pull requests on Gitea and Forgejo, by their REST API (served at /api/swagger)."""

from typing import Any, Final

from reconciler.adapters.forges.access import ForgeAccess, Token, fitting
from reconciler.adapters.forges.gitea_calls import GiteaCalls
from reconciler.adapters.forges.place import ForgePlace
from reconciler.core.errors import ForgeError
from reconciler.core.pull_requests import PullRequest, PullRequestState

_FIND: Final = "be asked for pull requests"
_OPEN: Final = "open a pull request"

#: Who a job of Gitea's own runner is, whose token may not ask that.
_ACTIONS: Final = "gitea-actions"


class GiteaForge:
    """See `ports.Forge`."""

    def __init__(self, place: ForgePlace, access: ForgeAccess, token: Token) -> None:
        """Asks nothing yet.

        Args:
            place: Which repository, where.
            access: How it is spoken to.
            token: By which right.
        """
        self._place = place
        self._access = access
        self._calls = GiteaCalls(f"{place.api}/repos/{place.project}", access, token)
        self._forge = GiteaCalls(place.api, access, token)
        #: By branch, up to which number all was looked through, and the latest of it there (0 for
        #: none). Gitea can't be asked for a branch: a repository is gone through only once.
        self._seen: dict[str, tuple[int, int]] = {}

    def find(self, branch: str) -> PullRequest | None:
        """Gives the latest pull request from a branch, whatever its state; None for none.

        Raises:
            ForgeError: Gitea can't be asked.
        """
        until, latest = self._seen.get(branch, (0, 0))
        newest = until
        # Newest first is Gitea's order where none is asked for.
        for each in self._calls.pages(_FIND, "/pulls", {"state": "all"}):
            number = self._number(each)
            newest = max(newest, number)
            if number <= until:
                break
            if _is_from(each, branch):
                latest = number
                break
        self._seen[branch] = (newest, latest)
        if not latest:
            return None
        # A list doesn't tell who merged.
        found = self._calls.call(_FIND, "GET", f"/pulls/{latest}", none_at=404)
        if found is None:
            # The repository is another one by now.
            del self._seen[branch]
            return self.find(branch)
        return self._told(found)

    def open(self, branch: str, base: str, title: str, body: str) -> PullRequest:
        """Opens a pull request, or gives the one that is open.

        Raises:
            ForgeError: Gitea refuses, or can't be asked.
        """
        found = self.find(branch)
        if found and found.state is PullRequestState.OPEN and found.base == base:
            return found
        wanted = {"head": branch, "base": base, "title": title, "body": body}
        # 409 where somebody has opened it meanwhile.
        made = self._calls.call(_OPEN, "POST", "/pulls", body=wanted, none_at=409)
        if made is not None:
            return self._told(made)
        again = self.find(branch)
        if again is None or again.state is not PullRequestState.OPEN:
            raise ForgeError("Gitea can't open a pull request: it says that there is one (409)")
        return again

    def update(self, number: int, title: str, body: str) -> None:
        """Says otherwise what a pull request is about.

        Raises:
            ForgeError: Gitea refuses, or can't be asked.
        """
        doing = f"update pull request {number}"
        self._calls.call(doing, "PATCH", f"/pulls/{number}", body={"title": title, "body": body})

    def close(self, number: int, comment: str) -> None:
        """Closes a pull request without merging it, and says why; once, however often called.

        Raises:
            ForgeError: Gitea refuses, or can't be asked.
        """
        doing, issue = f"close pull request {number}", f"/issues/{number}"
        found = self._calls.call(doing, "GET", f"/pulls/{number}")
        if not isinstance(found, dict) or found.get("state") != "open":
            return
        if comment and not self._said(doing, issue, comment):
            self._calls.call(doing, "POST", f"{issue}/comments", body={"body": comment})
        self._calls.call(doing, "PATCH", f"/pulls/{number}", body={"state": "closed"})

    def comment(self, number: int, mark: str, body: str) -> None:
        """Keeps one comment of ours on a pull request up to date.

        Raises:
            ForgeError: Gitea refuses, or can't be asked.
        """
        doing, comments = f"comment on pull request {number}", f"/issues/{number}/comments"
        me = _login(self._forge.call(doing, "GET", "/user", none_at=403)) or _ACTIONS
        text = f"{mark}\n{body}"
        # Not in pages: Gitea gives all comments at once.
        there = self._calls.call(doing, "GET", comments) or []
        if not isinstance(there, list) or not all(isinstance(each, dict) for each in there):
            raise self._calls.strange(doing)
        for each in there:
            said = str(each.get("body") or "")
            if said.startswith(mark) and _login(each.get("user")) == me:
                if said.strip() != text.strip():
                    place = f"/issues/comments/{each.get('id')}"
                    self._calls.call(doing, "PATCH", place, body={"body": text})
                return
        self._calls.call(doing, "POST", comments, body={"body": text})

    def mark(self, commit: str, *, good: bool, description: str) -> None:
        """Shows on a commit whether the cluster is as it says.

        Raises:
            ForgeError: Gitea refuses, or can't be asked.
        """
        doing, name = "mark a commit", self._access.status
        wanted = {
            "state": "success" if good else "failure",
            "description": fitting(description),
            "target_url": self._access.link,
        }
        together = self._calls.call(doing, "GET", f"/commits/{commit}/status")
        for each in (together.get("statuses") or ()) if isinstance(together, dict) else ():
            told = {**each, "state": each.get("status")}
            if each.get("context") == name and all(told.get(k) == v for k, v in wanted.items()):
                return
        self._calls.call(doing, "POST", f"/statuses/{commit}", body={**wanted, "context": name})

    def _said(self, doing: str, issue: str, comment: str) -> bool:
        comments = self._calls.call(doing, "GET", f"{issue}/comments")
        bodies = [each.get("body", "") for each in comments or () if isinstance(each, dict)]
        return any(each.strip() == comment.strip() for each in bodies)

    def _number(self, facts: Any) -> int:
        number = facts.get("number") if isinstance(facts, dict) else None
        if not isinstance(number, int):
            raise self._calls.strange(_FIND)
        return number

    def _told(self, facts: Any) -> PullRequest:
        number = self._number(facts)
        try:
            state, by = PullRequestState.OPEN, ""
            if facts["merged"]:
                state, by = PullRequestState.MERGED, _login(facts["merged_by"])
            elif facts["state"] == "closed":
                state, by = PullRequestState.CLOSED, self._closer(number)
            is_open = state is PullRequestState.OPEN
            return PullRequest(
                number=number,
                url=facts["html_url"],
                state=state,
                head=facts["head"]["sha"] if is_open else self._ended_at(number),
                title=facts["title"],
                body=facts["body"] or "",
                by=by,
                merged_as=facts["merge_commit_sha"] or "" if facts["merged"] else "",
                base=facts["base"]["ref"],
            )
        except (KeyError, TypeError):
            raise self._calls.strange(_FIND) from None

    def _ended_at(self, number: int) -> str:
        """Gives the commit that a pull request ended with.

        Its own `head` tells where the branch is now, which may have been pushed to again since.
        """
        refs = self._calls.call(_FIND, "GET", f"/git/refs/pull/{number}/head", none_at=404)
        name = f"refs/pull/{number}/head"
        found = [each for each in refs or () if each["ref"] == name]
        return str(found[0]["object"]["sha"]) if found else ""

    def _closer(self, number: int) -> str:
        events = self._calls.pages(_FIND, f"/issues/{number}/timeline", {})
        closings = [each for each in events if each and each.get("type") == "close"]
        return _login(closings[-1].get("user")) if closings else ""


def _is_from(facts: Any, branch: str) -> bool:
    """Whether a pull request is from the repository's own branch, none of a fork's."""
    head, base = facts.get("head") or {}, facts.get("base") or {}
    # `ref` is another one once the branch is gone.
    return bool(head.get("label") == branch and head.get("repo_id") == base.get("repo_id"))


def _login(user: Any) -> str:
    return str(user.get("login", "")) if isinstance(user, dict) else ""
