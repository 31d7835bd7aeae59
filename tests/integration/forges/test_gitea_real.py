"""A real Gitea: what it makes of our texts, and what goes wrong with it."""

import itertools
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reconciler.adapters.forges.access import ForgeAccess
from reconciler.adapters.forges.choosing import open_forge
from reconciler.adapters.forges.place import ForgeKind, forge_place
from reconciler.adapters.sources.branches import GitBranches
from reconciler.adapters.sources.signing import Identity
from reconciler.core.errors import ForgeError, SourceError
from reconciler.core.pull_requests import BranchContent, PullRequestState
from reconciler.ports import Forge
from reconciler.render.proposals import (
    proposal_body,
    proposal_message,
    proposal_title,
    record_path,
    record_text,
)
from tests.tools.controlplane.toolbox import Toolbox
from tests.tools.gitea.program import ensure
from tests.tools.gitea.server import Gitea
from tests.unit.render.proposing import NOTICES, PLAN

BRANCH = "plumbline/revert/shop"

_names = (f"proposed-{number}" for number in itertools.count())
_users = (f"user-{number}" for number in itertools.count())


@dataclass(frozen=True)
class Repo:
    """A repository of a user's own, as we see it with a token of theirs."""

    gitea: Gitea
    owner: str
    name: str
    token: str
    cache: Path

    @property
    def url(self) -> str:
        return f"{self.gitea.url}/{self.owner}/{self.name}.git"

    def forge(self, token: str = "") -> Forge:
        place = forge_place(self.url, ForgeKind.GITEA)
        return open_forge(place, ForgeAccess(lambda: token or self.token, seconds=10))

    def branches(self, token: str = "") -> GitBranches:
        repo = self.url.replace("://", f"://{self.owner}:{token or self.token}@")
        identity = Identity("Plumbline", "plumbline@example.dev")
        return GitBranches(repo, self.cache, identity, environ=dict(os.environ))

    def main(self) -> str:
        path = f"/repos/{self.owner}/{self.name}/branches/main"
        return str(self.gitea.call("GET", path, user=self.owner)["commit"]["id"])

    def call(self, method: str, path: str, body: dict[str, object] | None = None) -> object:
        place = f"/repos/{self.owner}/{self.name}{path}"
        return self.gitea.call(method, place, body, user=self.owner)


def made_in(gitea: Gitea, cache: Path) -> Repo:
    owner, name = next(_users), next(_names)
    token = gitea.add_user(owner)
    gitea.add_repository(owner, name)
    return Repo(gitea, owner, name, token, cache)


@pytest.fixture
def repo(gitea: Gitea, tmp_path: Path) -> Repo:
    return made_in(gitea, tmp_path / "cache")


def content(repo: Repo, case: str = "edited") -> BranchContent:
    notice = NOTICES[case]
    files = {record_path("shop"): record_text(notice, PLAN)}
    return BranchContent(repo.main(), files, proposal_message(notice, PLAN))


class Tags(HTMLParser):
    """What a browser would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("case", list(NOTICES))
def test_gitea_makes_no_markup_of_what_the_cluster_says(repo: Repo, case: str) -> None:
    notice = NOTICES[case]
    repo.branches().push(BRANCH, content(repo, case))
    title, body = proposal_title(notice), proposal_body(notice, PLAN)
    opened = repo.forge().open(BRANCH, "main", title, body)
    assert (opened.title, opened.body) == (title, body)
    shown = repo.gitea.read_markdown(body, f"{repo.owner}/{repo.name}")
    tags = Tags()
    tags.feed(shown)
    links = [attrs.get("href") or "" for tag, attrs in tags.found if tag == "a"]
    # Headings have anchors of their own.
    assert [link for link in links if not link.startswith("#")] == []
    assert not {tag for tag, _ in tags.found} & {"img", "script", "iframe", "form", "input"}
    assert "mention" not in shown
    assert "Merge" in shown


def test_a_commit_on_main_does_not_undo_the_proposal(repo: Repo, gitea: Gitea) -> None:
    first = repo.branches().push(BRANCH, content(repo))
    opened = repo.forge().open(BRANCH, "main", "Restore shop", "body")
    other: dict[str, object] = {"content": "YQ==", "message": "Somebody else's", "branch": "main"}
    repo.call("POST", "/contents/other.txt", other)
    second = repo.branches().push(BRANCH, content(repo))
    assert second != first
    found = repo.forge().find(BRANCH)
    assert found is not None
    assert (found.number, found.state, found.head) == (opened.number, PullRequestState.OPEN, second)
    gitea.merge(f"{repo.owner}/{repo.name}", opened.number, repo.owner, "squash")
    found = repo.forge().find(BRANCH)
    assert found is not None
    assert (found.state, found.head) == (PullRequestState.MERGED, second)
    assert found.merged_as == repo.main()


def test_a_merge_by_rebase_tells_what_was_merged(repo: Repo, gitea: Gitea) -> None:
    commit = repo.branches().push(BRANCH, content(repo))
    opened = repo.forge().open(BRANCH, "main", "Restore shop", "body")
    place = f"{repo.owner}/{repo.name}"
    gitea.merge(place, opened.number, repo.owner, "rebase", delete_branch_after_merge=True)
    found = repo.forge().find(BRANCH)
    assert found is not None
    assert (found.state, found.head, found.by) == (PullRequestState.MERGED, commit, repo.owner)


@pytest.mark.parametrize(
    ("scopes", "words"),
    [(("read:repository", "read:issue"), "write:repository"), (("read:user",), "write:repository")],
)
def test_a_token_without_rights(repo: Repo, scopes: tuple[str, ...], words: str) -> None:
    repo.branches().push(BRANCH, content(repo))
    weak = repo.gitea.add_token(repo.owner, scopes)
    with pytest.raises(ForgeError) as caught:
        repo.forge(weak).open(BRANCH, "main", "Restore shop", "body")
    assert caught.value.lasting
    assert words in caught.value.fix
    with pytest.raises(SourceError) as refused:
        repo.branches(weak).push(BRANCH, BranchContent(repo.main(), {"a": "b"}, "message"))
    assert weak not in f"{caught.value}{refused.value}"


def test_a_token_that_is_none(repo: Repo) -> None:
    with pytest.raises(ForgeError, match="doesn't know us"):
        repo.forge("0" * 40).find(BRANCH)


def test_somebody_who_may_not_see_the_repository(repo: Repo, gitea: Gitea, tmp_path: Path) -> None:
    stranger = made_in(gitea, tmp_path / "other")
    with pytest.raises(ForgeError, match="may not see it"):
        repo.forge(stranger.token).find(BRANCH)


def test_a_forge_that_is_away_and_comes_back(toolbox: Toolbox, tmp_path: Path) -> None:
    folder = tmp_path / "gitea"
    folder.mkdir()
    with Gitea(ensure(toolbox), folder) as gitea:
        repo = made_in(gitea, tmp_path / "cache")
        wanted = content(repo)
        commit = repo.branches().push(BRANCH, wanted)
        forge = repo.forge()
        opened = forge.open(BRANCH, "main", "Restore shop", "body")
        gitea.stop()
        asked: tuple[Callable[[], object], ...] = (
            lambda: forge.find(BRANCH),
            lambda: forge.update(opened.number, "title", "body"),
            lambda: forge.close(opened.number, "gone"),
            lambda: forge.mark(commit, good=True, description="in sync"),
        )
        for ask in asked:
            with pytest.raises(ForgeError, match="can't be reached") as caught:
                ask()
            assert caught.value.after > 0
        with pytest.raises(SourceError):
            repo.branches().push(BRANCH, wanted)
        gitea.restart()
        assert forge.find(BRANCH) == opened
        assert repo.branches().push(BRANCH, wanted) == commit
        assert forge.open(BRANCH, "main", "Restore shop", "body") == opened


def test_the_record_is_what_a_reviewer_sees(repo: Repo) -> None:
    repo.branches().push(BRANCH, content(repo))
    opened = repo.forge().open(BRANCH, "main", "Restore shop", "body")
    files = repo.call("GET", f"/pulls/{opened.number}/files")
    assert isinstance(files, list)
    told = [(each["filename"], each["status"]) for each in files]
    assert told == [(".plumbline/reverts/shop.json", "added")]
    commits = repo.call("GET", f"/pulls/{opened.number}/commits")
    assert isinstance(commits, list)
    (commit,) = commits
    assert re.search(r"^Signed-off-by: Plumbline", commit["commit"]["message"], re.M)
