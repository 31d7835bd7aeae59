"""GitHub's API before a forge in memory, each call and answer judged by GitHub's description."""

from typing import Any

from reconciler.core.pull_requests import PullRequest, PullRequestState
from tests.fakes.answering_http import Call, Reply
from tests.fakes.forge import TOKEN, FakeForge
from tests.tools.openapi.described import Described

_REPOSITORY = "/repos/ann/shop"

_LASTING = {"expires_at": "2099-01-01T00:00:00Z"}


class FakeGitHub:
    """The calls of one repository, `ann/shop`, below a path such as `/api/v3`.

    Attributes:
        forge: What it knows.
        token: The only one that it lets in; also what an App's installation gets.
        more: Further pull requests in its lists, the newest first, such as those of forks.
        is_workflow: Whether the token is a workflow's, which may not ask who it is.
    """

    def __init__(self, forge: FakeForge, token: str = TOKEN, below: str = "/api/v3") -> None:
        self.forge = forge
        self.token = token
        self.more: list[Any] = []
        self.is_workflow = False
        self._below = below
        self._address = ""
        self._described = Described()

    def answer(self, call: Call) -> Reply:
        # Addresses in its answers are its own.
        self._address = f"http://{call.headers['Host']}{self._below}"
        path = call.path.removeprefix(self._below)
        self._described.judge_call(call.method, path, call.query, call.body)
        if path.startswith("/app/installations/"):
            return Reply(201, self._made("POST", path, token=self.token, **_LASTING))
        if call.headers.get("Authorization") not in (f"token {self.token}", f"Bearer {self.token}"):
            return Reply(401, {"message": "Bad credentials"})
        match (call.method, path.removeprefix(_REPOSITORY).strip("/").split("/")):
            case ("GET", ["pulls"]):
                return Reply(200, [*self.more, *self._from(call.query["head"])])
            case ("POST", ["pulls"]):
                return self._opened(call)
            case (method, ["pulls", number]):
                return self._one(method, path, int(number), call.body)
            case ("GET", ["issues", number]):
                return Reply(200, self._issue(path, int(number)))
            case (method, ["issues", *places]):
                return self._said(method, path, places, call.body)
            case ("GET", ["user"]):
                return self._me(path)
            case ("GET", ["commits", commit]):
                return Reply(200, self._made("GET", path, sha=commit))
            case ("GET", ["commits", commit, "status"]):
                return Reply(200, self._status(path, commit))
            case ("POST", ["statuses", commit]):
                good, description = call.body["state"] == "success", call.body["description"]
                self.forge.mark(commit, good=good, description=description)
                return Reply(201, self._made("POST", path))
        return Reply(404, {"message": "Not Found"})

    def pull(self, found: PullRequest, **facts: Any) -> Any:
        """A pull request as GitHub's lists have it."""
        return self._made("GET", f"{_REPOSITORY}/pulls", **self._facts(found, "GET", "s"), **facts)

    def _said(self, method: str, path: str, places: list[str], body: Any) -> Reply:
        """Answers about comments: those of a pull request, or one of them."""
        if places[0] == "comments":
            number, at = divmod(int(places[1]), 1000)
            self.forge.comments[number][at] = body["body"]
            return Reply(200, self._made(method, path, body=body["body"]))
        said = self.forge.comments.setdefault(int(places[0]), [])
        if method == "GET":
            numbers = range(len(said))
            return Reply(200, [self._comment(path, int(places[0]), n) for n in numbers])
        said.append(body["body"])
        return Reply(201, self._made(method, path, body=body["body"]))

    def _me(self, path: str) -> Reply:
        if self.is_workflow:
            return Reply(403, {"message": "Resource not accessible by integration"})
        return Reply(200, self._made("GET", path, login="plumbline"))

    def _comment(self, path: str, number: int, place: int) -> Any:
        example = self._made("GET", path)
        is_foreign = (number, place) in self.forge.foreign
        kind = "Bot" if self.is_workflow and not is_foreign else "User"
        user = {**example["user"], "login": "mallory" if is_foreign else "plumbline", "type": kind}
        identity = number * 1000 + place
        here = f"{self._address}{_REPOSITORY}/issues/comments/{identity}"
        body = self.forge.comments[number][place]
        return {**example, "id": identity, "url": here, "user": user, "body": body}

    def _from(self, head: str) -> list[Any]:
        branch = head.removeprefix("ann:")
        numbers = [n for n in sorted(self.forge.pulls, reverse=True)
                   if self.forge.branch_of(n) == branch]  # fmt: skip
        return [self.pull(self.forge.shown(number)) for number in numbers]

    def _opened(self, call: Call) -> Reply:
        branch, base = call.body["head"], call.body["base"]
        there = self.forge.find(branch)
        if there and there.state is PullRequestState.OPEN and there.base == base:
            message = f"A pull request already exists for ann:{branch}."
            return Reply(422, {"message": "Validation Failed", "errors": [{"message": message}]})
        if not self.forge.has(branch):
            errors = [{"resource": "PullRequest", "field": "head", "code": "invalid"}]
            return Reply(422, {"message": "Validation Failed", "errors": errors})
        made = self.forge.open(branch, base, call.body["title"], call.body["body"])
        path = f"{_REPOSITORY}/pulls"
        return Reply(201, self._made("POST", path, **self._facts(made, "POST", "s")))

    def _one(self, method: str, path: str, number: int, body: Any) -> Reply:
        if number not in self.forge.pulls:
            return Reply(404, {"message": "Not Found"})
        if method == "PATCH" and body.get("state") == "closed":
            self.forge.end(number, "plumbline", PullRequestState.CLOSED)
        elif method == "PATCH":
            self.forge.update(number, body["title"], body["body"])
        found = self.forge.shown(number)
        merged = found.state is PullRequestState.MERGED
        user = self._made("GET", f"{_REPOSITORY}/pulls")["user"]
        facts = self._facts(found, method, f"s/{number}")
        merged_by = {**user, "login": found.by} if merged else None
        return Reply(200, self._made(method, path, **facts, merged=merged, merged_by=merged_by))

    def _issue(self, path: str, number: int) -> Any:
        found = self.forge.shown(number)
        user = self._made("GET", f"{_REPOSITORY}/pulls")["user"]
        closed_by = {**user, "login": found.by} if found.by else None
        return self._made("GET", path, number=number, closed_by=closed_by)

    def _status(self, path: str, commit: str) -> Any:
        example = self._made("GET", path)["statuses"][0]
        known = self.forge.statuses.get(commit)
        statuses = []
        if known:
            state = "success" if known[0] else "failure"
            facts = {"state": state, "description": known[1], "context": "plumbline",
                     "target_url": None}  # fmt: skip
            statuses.append({**example, **facts})
        return self._made("GET", path, sha=commit, statuses=statuses)

    def _facts(self, found: PullRequest, method: str, suffix: str) -> dict[str, Any]:
        example = self._made(method, f"{_REPOSITORY}/pull{suffix}")
        repository = {**example["base"]["repo"], "id": 1}
        head = {"ref": self.forge.branch_of(found.number), "sha": found.head, "repo": repository}
        base = {"ref": found.base, "repo": repository}
        is_open = found.state is PullRequestState.OPEN
        merged = found.state is PullRequestState.MERGED
        here = f"{self._address}{_REPOSITORY}"
        return {
            "number": found.number,
            "url": f"{here}/pulls/{found.number}",
            "issue_url": f"{here}/issues/{found.number}",
            "html_url": found.url,
            "state": "open" if is_open else "closed",
            "title": found.title,
            "body": found.body,
            "head": {**example["head"], **head},
            "base": {**example["base"], **base},
            "merged_at": "2026-11-24T12:00:00Z" if merged else None,
            "merge_commit_sha": found.merged_as or "f" * 40,
        }

    def _made(self, method: str, path: str, **facts: Any) -> Any:
        return self._described.answer(method, path, **facts)
