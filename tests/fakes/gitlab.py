"""GitLab's API before a forge in memory, as docs.gitlab.com/api has merge requests, notes and
commit statuses. What that doesn't name is refused."""

import re
from typing import Any

from reconciler.core.pull_requests import PullRequest, PullRequestState
from tests.fakes.answering_http import Call, Reply
from tests.fakes.forge import TOKEN, FakeForge

#: By its path, and by its number, which answers tell.
_PROJECTS = re.compile(r"/api/v4/projects/(?:group/sub/shop|3)/")

#: What each call takes, by the documentation's tables.
_TAKEN = {
    ("GET", "merge_requests"): {"source_branch", "state", "order_by", "sort", "per_page", "page"},
    ("POST", "merge_requests"): {"source_branch", "target_branch", "title", "description"},
    ("GET", "merge_requests/N"): set(),
    ("PUT", "merge_requests/N"): {"title", "description", "state_event"},
    ("GET", "merge_requests/N/notes"): {"per_page", "page", "order_by", "sort"},
    ("POST", "merge_requests/N/notes"): {"body"},
    ("PUT", "merge_requests/N/notes/N"): {"body"},
    ("GET", "repository/commits/N/statuses"): {"name", "per_page", "page"},
    ("POST", "statuses/N"): {"state", "name", "description", "target_url"},
}


class FakeGitLab:
    """The calls of one project, `group/sub/shop`.

    Attributes:
        forge: What it knows.
        token: The only one that it lets in.
        more: Further merge requests in its lists, the newest first, such as those of forks.
    """

    def __init__(self, forge: FakeForge, token: str = TOKEN) -> None:
        self.forge = forge
        self.token = token
        self.more: list[Any] = []

    def answer(self, call: Call) -> Reply:
        if call.headers.get("PRIVATE-TOKEN", call.headers.get("Private-Token")) != self.token:
            return Reply(401, {"message": "401 Unauthorized"})
        if (call.method, call.path) == ("GET", "/api/v4/user"):
            return Reply(200, {"id": 1, "username": "plumbline"})
        assert _PROJECTS.match(call.path), call.path
        parts = _PROJECTS.sub("", call.path).split("/")
        place = "/".join("N" if _is_name(part) else part for part in parts)
        given = {**call.query, **(call.body or {})}
        taken = _TAKEN[call.method, place]
        assert set(given) <= taken, f"{call.method} {place} takes no {set(given) - taken}"
        match (call.method, parts):
            case ("GET", ["merge_requests"]):
                return Reply(200, [*self.more, *self._from(given["source_branch"])])
            case ("POST", ["merge_requests"]):
                return self._opened(given)
            case (method, ["merge_requests", number]):
                return self._one(method, int(number), given)
            case ("GET", ["merge_requests", number, "notes"]):
                said = self.forge.comments.get(int(number), [])
                authors = [7 if (int(number), n) in self.forge.foreign else 1
                           for n in range(len(said))]  # fmt: skip
                return Reply(200, [{"id": n + 1, "body": text, "author": {"id": authors[n]}}
                                   for n, text in enumerate(said)])  # fmt: skip
            case ("PUT", ["merge_requests", number, "notes", place]):
                self.forge.comments[int(number)][int(place) - 1] = given["body"]
                return Reply(200, {"id": int(place), "body": given["body"]})
            case ("POST", ["merge_requests", number, "notes"]):
                self.forge.comments.setdefault(int(number), []).append(given["body"])
                return Reply(201, {"id": 1, "body": given["body"]})
            case ("GET", ["repository", "commits", commit, "statuses"]):
                known = self.forge.statuses.get(commit)
                return Reply(200, [_status(*known)] if known else [])
        assert given["state"] in ("success", "failed")
        commit, good = parts[1], given["state"] == "success"
        self.forge.mark(commit, good=good, description=given["description"])
        return Reply(201, _status(good, given["description"]))

    def request(self, found: PullRequest, **facts: Any) -> Any:
        """A merge request as GitLab shows it."""
        state = {"open": "opened"}.get(found.state.value, found.state.value)
        user = {"id": 2, "username": found.by, "name": found.by.title()}
        return {
            "id": 1000 + found.number,
            "iid": found.number,
            "project_id": 3,
            "source_project_id": 3,
            "target_project_id": 3,
            "source_branch": self.forge.branch_of(found.number),
            "target_branch": found.base,
            "title": found.title,
            "description": found.body,
            "state": state,
            "sha": found.head,
            "web_url": found.url,
            "merge_user": user if state == "merged" else None,
            "merged_by": user if state == "merged" else None,
            "closed_by": user if state == "closed" else None,
            "merge_commit_sha": found.merged_as or None,
            "squash_commit_sha": None,
            **facts,
        }

    def _from(self, branch: str) -> list[Any]:
        numbers = sorted(self.forge.pulls, reverse=True)
        ours = [number for number in numbers if self.forge.branch_of(number) == branch]
        return [self.request(self.forge.shown(number)) for number in ours]

    def _opened(self, given: dict[str, str]) -> Reply:
        branch, base = given["source_branch"], given["target_branch"]
        there = self.forge.find(branch)
        if there and there.state is PullRequestState.OPEN and there.base == base:
            message = (
                f"Another open merge request already exists for this source branch: !{there.number}"
            )
            return Reply(409, {"message": [message]})
        if not self.forge.has(branch):
            return Reply(400, {"message": {"source_branch": ["does not exist"]}})
        made = self.forge.open(branch, base, given["title"], given["description"])
        return Reply(201, self.request(made))

    def _one(self, method: str, number: int, given: dict[str, str]) -> Reply:
        if number not in self.forge.pulls:
            return Reply(404, {"message": "404 Not found"})
        if method == "PUT" and given.get("state_event") == "close":
            self.forge.end(number, "plumbline", PullRequestState.CLOSED)
        elif method == "PUT":
            self.forge.update(number, given["title"], given["description"])
        return Reply(200, self.request(self.forge.shown(number)))


def _is_name(part: str) -> bool:
    return part.isdigit() or len(part) == 40


def _status(good: bool, description: str) -> dict[str, Any]:
    state = "success" if good else "failed"
    return {"id": 1, "status": state, "name": "plumbline", "description": description,
            "target_url": None}  # fmt: skip
