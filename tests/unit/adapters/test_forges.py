"""How forges fail, whichever it is, and what only one of them has."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests import exceptions

from reconciler.adapters.forges.access import ForgeAccess, GitHubApp, fitting
from reconciler.adapters.forges.choosing import open_forge
from reconciler.adapters.forges.failing import Attempt
from reconciler.adapters.forges.place import ForgeKind, forge_place
from reconciler.core.errors import ConfigError, ForgeError
from reconciler.core.pull_requests import BranchContent, PullRequestState
from reconciler.ports import Forge
from tests.fakes.answering_http import AnsweringServer, Call, Reply
from tests.fakes.forge import FakeForge
from tests.fakes.github import FakeGitHub
from tests.fakes.gitlab import FakeGitLab

KINDS = (ForgeKind.GITHUB, ForgeKind.GITLAB, ForgeKind.GITEA)
TOKEN = "gh-t0ken-that-nobody-sees"
BRANCH = "plumbline/revert/shop"
COMMIT = "c" * 40

#: Everything that a forge is asked for.
ASKED: tuple[Callable[[Forge], object], ...] = (
    lambda forge: forge.find(BRANCH),
    lambda forge: forge.open(BRANCH, "main", "title", "body"),
    lambda forge: forge.update(1, "title", "body"),
    lambda forge: forge.close(1, "comment"),
    lambda forge: forge.comment(1, "<!-- ours -->", "body"),
    lambda forge: forge.mark(COMMIT, good=True, description="in sync"),
)


def forge_at(url: str, kind: ForgeKind, **access: object) -> Forge:
    project = "group/sub/shop" if kind is ForgeKind.GITLAB else "ann/shop"
    facts: dict[str, object] = {"sign_in": lambda: f"{TOKEN}\n", "seconds": 2, **access}
    return open_forge(forge_place(f"{url}/{project}", kind), ForgeAccess(**facts))  # type: ignore[arg-type]


@contextmanager
def answering(reply: Reply) -> Iterator[str]:
    with AnsweringServer(lambda _: reply) as server:
        yield server.url


def failures(url: str, kind: ForgeKind) -> list[ForgeError]:
    found = []
    for ask in ASKED:
        with pytest.raises(ForgeError) as caught:
            ask(forge_at(url, kind))
        found.append(caught.value)
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("status", "words", "fix"),
    [
        (401, "doesn't know us", "hasn't expired"),
        (403, "has no right to it", "give a token with"),
        (404, "may not see it", "check the repository's name"),
    ],
)
def test_what_somebody_must_mend(kind: ForgeKind, status: int, words: str, fix: str) -> None:
    with answering(Reply(status, {"message": f"no: {TOKEN}"})) as url:
        errors = failures(url, kind)
    for error in errors:
        assert error.lasting
        assert words in error.message
        assert fix in error.fix
        assert TOKEN not in str(error)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("status", "headers", "after"),
    [
        (429, {"Retry-After": "17"}, 17),
        (429, {}, 60),
        (403, {"Retry-After": "17"}, 17),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "0"}, 1),
        (500, {}, 60),
        (502, {"Retry-After": "999999"}, 3600),
        (503, {"Retry-After": "5"}, 5),
        (503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 60),
    ],
)
def test_what_is_tried_again(
    kind: ForgeKind, status: int, headers: dict[str, str], after: float
) -> None:
    with answering(Reply(status, {"message": "no"}, headers)) as url:
        for error in failures(url, kind):
            assert (error.after, error.lasting) == (after, False)
            assert "tried again by itself" in error.fix


def test_a_limit_that_only_words_tell() -> None:
    message = "You have exceeded a secondary rate limit."
    with answering(Reply(403, {"message": message})) as url:
        assert failures(url, ForgeKind.GITHUB)[0].after == 60


def test_a_limits_end_is_a_time() -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 600)}
    error = Attempt("GitHub", "be asked", "rights").refused(403, headers, "")
    assert 500 < error.after <= 600


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"<html>Please sign in</html>", {"Content-Type": "text/html"}),
        Reply(200, b"{"),
        Reply(200, {"message": "hello"}),
        Reply(200, [1]),
        Reply(302, b"", {"Location": "https://elsewhere.example/login"}),
    ],
)
def test_what_does_not_speak_its_api(kind: ForgeKind, reply: Reply) -> None:
    with answering(reply) as url, pytest.raises(ForgeError) as caught:
        forge_at(url, kind).find(BRANCH)
    assert caught.value.fix


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_answers(kind: ForgeKind) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for error in failures(f"http://127.0.0.1:{port}", kind):
        assert "can't be reached" in error.message
        assert error.after > 0


@pytest.mark.parametrize("kind", KINDS)
def test_somebody_takes_the_call_and_says_nothing(kind: ForgeKind) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ForgeError, match="didn't answer in time"):
            forge_at(url, kind, seconds=1).find(BRANCH)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (exceptions.SSLError(), "certificate isn't trusted"),
        (exceptions.ProxyError(), "proxy"),
        (exceptions.ReadTimeout(), "in time"),
        (exceptions.ChunkedEncodingError(), "broke off"),
    ],
)
def test_an_error_on_the_way_is_told_apart(error: exceptions.RequestException, words: str) -> None:
    told = Attempt("Gitea", "be asked", "rights").unreachable(error)
    assert words in told.message
    assert told.fix


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    token=st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=8).filter(
        lambda text: text == text.strip()
    ),
    before=st.text(),
    after=st.text(),
    status=st.integers(400, 599),
)
def test_no_token_is_in_any_error(token: str, before: str, after: str, status: int) -> None:
    attempt = Attempt("GitHub", "be asked", "rights", (token,))
    error = attempt.refused(status, {}, f"{before}{token}{after}")
    shown = str(error).replace("***", "\0")
    plain = str(attempt.refused(status, {}, ""))
    assert token not in shown or token in plain
    assert "\n" not in error.message
    assert token not in repr(attempt)


def test_nothing_secret_is_shown_by_repr() -> None:
    app = GitHubApp("1", 2, lambda: "key")
    assert "key" not in repr(ForgeAccess(app)).replace("private_key", "")
    assert "lambda" not in repr(ForgeAccess(lambda: TOKEN))


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_is_read_anew(kind: ForgeKind) -> None:
    tokens = iter(("first-token", "second-token"))
    with AnsweringServer(lambda _: Reply(200, [])) as server:
        forge = forge_at(server.url, kind, sign_in=lambda: next(tokens))
        assert forge.find(BRANCH) is None
        assert forge.find(BRANCH) is None
    first, second = ({v for v in call.headers.values() if "-token" in v} for call in server.calls)
    assert "first-token" in str(first)
    assert "second-token" in str(second)


def test_only_github_has_apps() -> None:
    with pytest.raises(ConfigError, match="knows no GitHub Apps"):
        forge_at("https://git.example", ForgeKind.GITEA, sign_in=GitHubApp("1", 2, lambda: "key"))


def opened(forge: FakeForge) -> None:
    forge.push(BRANCH, BranchContent("a" * 40, {"a": "b"}, "message"))
    forge.open(BRANCH, "main", "ours", "body")


def test_a_workflows_comments_are_a_bots() -> None:
    known = FakeForge()
    opened(known)
    known.comments[1] = ["<!-- ours -->\nAll is well, trust me."]
    known.foreign.add((1, 0))
    fake = FakeGitHub(known, TOKEN)
    fake.is_workflow = True
    with AnsweringServer(fake.answer) as server:
        for body in ("one", "two"):
            forge_at(server.url, ForgeKind.GITHUB).comment(1, "<!-- ours -->", body)
        assert not server.failures, server.failures
    assert known.comments[1][1:] == ["<!-- ours -->\ntwo"]


def test_githubs_forks_are_not_ours() -> None:
    known = FakeForge()
    opened(known)
    fake = FakeGitHub(known, TOKEN)
    with AnsweringServer(fake.answer) as server:
        forge = forge_at(server.url, ForgeKind.GITHUB)
        assert forge.find(BRANCH)
        theirs = fake.pull(replace(known.pulls[1], number=1, title="theirs"))
        theirs["head"] = {**theirs["head"], "repo": {**theirs["head"]["repo"], "id": 2}}
        gone = {**theirs, "head": {**theirs["head"], "repo": None}}
        fake.more = [theirs, gone]
        found = forge.find(BRANCH)
    assert found is not None
    assert found.title == "ours"


def test_gitlabs_forks_are_not_ours() -> None:
    known = FakeForge()
    opened(known)
    fake = FakeGitLab(known, TOKEN)
    with AnsweringServer(fake.answer) as server:
        fake.more = [fake.request(known.pulls[1], title="theirs", source_project_id=4)]
        found = forge_at(server.url, ForgeKind.GITLAB).find(BRANCH)
    assert found is not None
    assert found.title == "ours"


def test_gitlabs_fast_forward_is_merged_as_its_head() -> None:
    known = FakeForge()
    opened(known)
    known.end(1, "ben", PullRequestState.MERGED)
    fake = FakeGitLab(known, TOKEN)
    request = fake.request(known.pulls[1], merge_commit_sha=None)
    with answering(Reply(200, [request])) as url:
        found = forge_at(url, ForgeKind.GITLAB).find(BRANCH)
    assert found is not None
    assert found.merged_as == found.head != ""


def test_a_github_app_signs_in_as_its_installation() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()
    known = FakeForge()
    opened(known)
    with AnsweringServer(FakeGitHub(known, "ghs-of-the-installation").answer) as server:
        forge = forge_at(server.url, ForgeKind.GITHUB, sign_in=GitHubApp("12", 34, lambda: pem))
        assert forge.find(BRANCH)
        assert forge.find(BRANCH)
    assert not server.failures
    paths = [call.path for call in server.calls]
    assert paths.count("/api/v3/app/installations/34/access_tokens") == 1


def test_a_github_apps_key_that_is_none() -> None:
    app = GitHubApp("12", 34, lambda: "no key at all")
    with pytest.raises(ForgeError, match="private key can't be used") as caught:
        forge_at("http://127.0.0.1:1", ForgeKind.GITHUB, sign_in=app).find(BRANCH)
    assert caught.value.lasting
    assert "no key" not in str(caught.value)


def test_gitea_is_gone_through_once() -> None:
    def pull(number: int, branch: str) -> dict[str, object]:
        return {
            "number": number, "html_url": "u", "title": "t", "body": "", "state": "open",
            "merged": False, "merged_by": None, "merge_commit_sha": None,
            "head": {"label": branch, "repo_id": 1, "sha": COMMIT, "ref": branch},
            "base": {"ref": "main", "repo_id": 1},
        }  # fmt: skip

    pulls = [pull(number, "other") for number in range(120, 0, -1)]

    def answer(call: Call) -> Reply:
        if call.path.endswith("/pulls"):
            begin = (int(call.query["page"]) - 1) * 50
            return Reply(200, pulls[begin : begin + 50])
        number = int(call.path.rpartition("/")[2])
        return Reply(200, next(each for each in pulls if each["number"] == number))

    with AnsweringServer(answer) as server:
        forge = forge_at(server.url, ForgeKind.GITEA)
        assert forge.find(BRANCH) is None
        assert len(server.calls) == 4
        assert forge.find(BRANCH) is None
        assert len(server.calls) == 5
        pulls.insert(0, pull(121, BRANCH))
        pulls.insert(0, {**pull(122, BRANCH), "head": {"label": BRANCH, "repo_id": 2}})
        found = forge.find(BRANCH)
        assert found is not None
        assert found.number == 121
        pulls.insert(0, pull(123, "other"))
        found = forge.find(BRANCH)
        assert found is not None
        assert (found.number, len(server.calls)) == (121, 9)


def test_a_description_fits() -> None:
    assert fitting("in sync") == "in sync"
    assert len(fitting("x" * 141)) == 140


def test_the_description_says_where_it_is_from() -> None:
    file = Path(__file__).parents[2] / "testdata" / "forges" / "github.openapi.json"
    assert json.loads(file.read_text())["info"]["license"]["name"] == "MIT"
