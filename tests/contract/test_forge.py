"""What every forge does, and every writer of branches: the fake's and a real Gitea's.

GitHub's and GitLab's clients speak with servers that know their public descriptions.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import pytest

from reconciler.adapters.forges.access import ForgeAccess
from reconciler.adapters.forges.choosing import open_forge
from reconciler.adapters.forges.place import ForgeKind, forge_place
from reconciler.adapters.sources.branches import GitBranches
from reconciler.adapters.sources.signing import Identity
from reconciler.core.errors import ForgeError
from reconciler.core.pull_requests import BranchContent, PullRequestState
from reconciler.ports import Branches, Forge
from tests.fakes.answering_http import AnsweringServer, Call, Reply
from tests.fakes.forge import FakeForge
from tests.fakes.github import FakeGitHub
from tests.fakes.gitlab import FakeGitLab
from tests.tools.gitea.server import Gitea

BRANCH = "plumbline/revert/shop"
FILE = ".plumbline/reverts/shop.json"


class World(Protocol):
    """A forge, and what people do there."""

    @property
    def forge(self) -> Forge: ...

    @property
    def branches(self) -> Branches: ...

    def content(self, text: str) -> BranchContent:
        """A branch on what is the main one's commit now."""
        ...

    def merge(self, number: int) -> str:
        """Merges as a person, and gives their name."""
        ...

    def close(self, number: int) -> str:
        """Closes as a person, and gives their name."""
        ...

    def say(self, number: int, text: str) -> None:
        """Comments as a person."""
        ...

    def comments(self, number: int) -> list[str]: ...

    def statuses(self, commit: str) -> list[tuple[bool, str]]: ...


@dataclass
class FakeWorld:
    """Two views of one memory: ours through an adapter, or none, and people's."""

    forge: Forge
    known: FakeForge

    @property
    def branches(self) -> FakeForge:
        return self.known

    def content(self, text: str) -> BranchContent:
        return BranchContent("a" * 40, {FILE: text}, "Record the drift of shop")

    def merge(self, number: int) -> str:
        self.known.end(number, "ben", PullRequestState.MERGED)
        return "ben"

    def close(self, number: int) -> str:
        self.known.end(number, "ben", PullRequestState.CLOSED)
        return "ben"

    def say(self, number: int, text: str) -> None:
        said = self.known.comments.setdefault(number, [])
        self.known.foreign.add((number, len(said)))
        said.append(text)

    def comments(self, number: int) -> list[str]:
        return self.known.comments.get(number, [])

    def statuses(self, commit: str) -> list[tuple[bool, str]]:
        return [self.known.statuses[commit]] if commit in self.known.statuses else []


@dataclass
class GiteaWorld:
    gitea: Gitea
    name: str
    forge: Forge
    branches: GitBranches

    def content(self, text: str) -> BranchContent:
        main = self.gitea.call("GET", f"/repos/ann/{self.name}/branches/main", user="ann")
        return BranchContent(main["commit"]["id"], {FILE: text}, "Record the drift of shop")

    def merge(self, number: int) -> str:
        self.gitea.merge(f"ann/{self.name}", number, "ben", "merge")
        return "ben"

    def close(self, number: int) -> str:
        path = f"/repos/ann/{self.name}/pulls/{number}"
        self.gitea.call("PATCH", path, {"state": "closed"}, user="ben")
        return "ben"

    def say(self, number: int, text: str) -> None:
        path = f"/repos/ann/{self.name}/issues/{number}/comments"
        self.gitea.call("POST", path, {"body": text}, user="ben")

    def comments(self, number: int) -> list[str]:
        path = f"/repos/ann/{self.name}/issues/{number}/comments"
        return [each["body"] for each in self.gitea.call("GET", path, user="ann")]

    def statuses(self, commit: str) -> list[tuple[bool, str]]:
        path = f"/repos/ann/{self.name}/statuses/{commit}"
        told = self.gitea.call("GET", path, user="ann")
        return [(each["status"] == "success", each["description"]) for each in told]


@pytest.fixture(scope="session")
def token(gitea: Gitea) -> str:
    """A token of ann's, who owns the repositories; ben may write to them."""
    gitea.add_user("ben")
    return gitea.add_user("ann")


_names = (f"shop-{number}" for number in itertools.count())


@contextmanager
def served(answer: Callable[[Call], Reply], known: FakeForge, place: str) -> Iterator[World]:
    """A world behind a server that speaks a forge's API."""
    with AnsweringServer(answer) as server:
        kind, project = place.split(":")
        where = forge_place(f"{server.url}/{project}", ForgeKind(kind))
        yield FakeWorld(open_forge(where, ForgeAccess(lambda: "t0ken")), known)
        assert not server.failures, server.failures


@pytest.fixture(params=["fake", "github", "gitlab", "gitea"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    known = FakeForge()
    if request.param == "fake":
        yield FakeWorld(known, known)
        return
    if request.param == "github":
        with served(FakeGitHub(known).answer, known, "github:ann/shop") as made:
            yield made
        return
    if request.param == "gitlab":
        with served(FakeGitLab(known).answer, known, "gitlab:group/sub/shop") as made:
            yield made
        return
    gitea: Gitea = request.getfixturevalue("gitea")
    token: str = request.getfixturevalue("token")
    name = next(_names)
    repo = gitea.add_repository("ann", name, "ben")
    place = forge_place(repo, ForgeKind.GITEA)
    yield GiteaWorld(
        gitea,
        name,
        open_forge(place, ForgeAccess(lambda: token)),
        GitBranches(
            repo=repo.replace("://", f"://ann:{token}@"),
            cache=tmp_path / "cache",
            identity=Identity("Plumbline", "plumbline@example.dev"),
            environ={"PATH": "/usr/bin:/bin"},
        ),
    )


def test_a_pull_request_is_opened_once(world: World) -> None:
    assert world.forge.find(BRANCH) is None
    commit = world.branches.push(BRANCH, world.content("1"))
    opened = world.forge.open(BRANCH, "main", "Restore shop", "Two fields **drifted**.")
    assert opened.state is PullRequestState.OPEN
    assert (opened.head, opened.base, opened.by) == (commit, "main", "")
    assert (opened.title, opened.body) == ("Restore shop", "Two fields **drifted**.")
    assert world.forge.open(BRANCH, "main", "Another", "one") == opened
    assert world.forge.find(BRANCH) == opened
    assert world.forge.find("plumbline/adopt/shop") is None


def test_a_pull_request_is_updated_in_place(world: World) -> None:
    first = world.branches.push(BRANCH, world.content("1"))
    opened = world.forge.open(BRANCH, "main", "Restore shop", "One field drifted.")
    second = world.branches.push(BRANCH, world.content("2"))
    assert second != first
    world.forge.update(opened.number, "Restore shop now", "Two fields drifted.")
    found = world.forge.find(BRANCH)
    told = replace(opened, head=second, title="Restore shop now", body="Two fields drifted.")
    assert found == told


def test_the_same_content_is_not_pushed_again(world: World) -> None:
    commit = world.branches.push(BRANCH, world.content("1"))
    assert world.branches.push(BRANCH, world.content("1")) == commit


def test_a_merge_tells_who_did_it_and_what_was_merged(world: World) -> None:
    commit = world.branches.push(BRANCH, world.content("1"))
    opened = world.forge.open(BRANCH, "main", "Restore shop", "One field drifted.")
    ben = world.merge(opened.number)
    # What is pushed to the branch afterwards was never agreed to.
    world.branches.push(BRANCH, world.content("2"))
    found = world.forge.find(BRANCH)
    assert found is not None
    assert (found.state, found.by, found.head) == (PullRequestState.MERGED, ben, commit)
    assert found.merged_as


def test_a_merge_is_known_when_the_branch_is_gone(world: World) -> None:
    commit = world.branches.push(BRANCH, world.content("1"))
    opened = world.forge.open(BRANCH, "main", "Restore shop", "One field drifted.")
    ben = world.merge(opened.number)
    world.branches.delete(BRANCH)
    world.branches.delete(BRANCH)
    found = world.forge.find(BRANCH)
    assert found is not None
    assert (found.state, found.by, found.head) == (PullRequestState.MERGED, ben, commit)


def test_a_no_tells_who_said_it(world: World) -> None:
    commit = world.branches.push(BRANCH, world.content("1"))
    opened = world.forge.open(BRANCH, "main", "Restore shop", "One field drifted.")
    ben = world.close(opened.number)
    found = world.forge.find(BRANCH)
    assert found is not None
    assert (found.state, found.by, found.merged_as) == (PullRequestState.CLOSED, ben, "")
    assert found.head == commit


def test_closing_says_why_once(world: World) -> None:
    world.branches.push(BRANCH, world.content("1"))
    opened = world.forge.open(BRANCH, "main", "Restore shop", "One field drifted.")
    world.forge.close(opened.number, "The drift is gone.")
    world.forge.close(opened.number, "The drift is gone.")
    assert world.comments(opened.number) == ["The drift is gone."]
    found = world.forge.find(BRANCH)
    assert found is not None
    assert found.state is PullRequestState.CLOSED


def test_after_the_end_of_one_there_is_another(world: World) -> None:
    world.branches.push(BRANCH, world.content("1"))
    first = world.forge.open(BRANCH, "main", "Restore shop", "One field drifted.")
    world.forge.close(first.number, "The drift is gone.")
    commit = world.branches.push(BRANCH, world.content("2"))
    second = world.forge.open(BRANCH, "main", "Restore shop", "It is back.")
    assert second.number != first.number
    assert second.head == commit
    assert world.forge.find(BRANCH) == second


def test_a_commit_shows_whether_the_cluster_is_as_it_says(world: World) -> None:
    commit = world.content("1").base
    world.forge.mark(commit, good=False, description="2 objects drifted")
    world.forge.mark(commit, good=False, description="2 objects drifted")
    assert world.statuses(commit) == [(False, "2 objects drifted")]
    world.forge.mark(commit, good=True, description="in sync")
    assert (True, "in sync") in world.statuses(commit)


def test_what_is_not_there_is_an_error(world: World) -> None:
    with pytest.raises(ForgeError):
        world.forge.update(404, "title", "body")
    with pytest.raises(ForgeError):
        world.forge.open("plumbline/revert/never-pushed", "main", "title", "body")


def test_one_comment_is_kept_up_to_date(world: World) -> None:
    world.branches.push(BRANCH, world.content("1"))
    number = world.forge.open(BRANCH, "main", "Restore shop", "One field drifted.").number
    world.say(number, "<!-- ours -->\nNothing drifted, trust me.")
    for body in ("Two fields drifted.", "Two fields drifted.", "One field drifted."):
        world.forge.comment(number, "<!-- ours -->", body)
    world.forge.comment(number, "<!-- another -->", "All is well.")
    assert [each.strip() for each in world.comments(number)] == [
        "<!-- ours -->\nNothing drifted, trust me.",
        "<!-- ours -->\nOne field drifted.",
        "<!-- another -->\nAll is well.",
    ]
