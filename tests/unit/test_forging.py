"""Forges by their settings."""

from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.forges.gitea import GiteaForge
from reconciler.adapters.forges.github import GitHubForge
from reconciler.adapters.forges.gitlab import GitLabForge
from reconciler.core.deciding import Mode, Policy, PolicyRule
from reconciler.core.errors import ConfigError
from reconciler.core.redact import Redaction
from reconciler.core.selection import Selector
from reconciler.forging import follower_of, pull_request_at, repository_of
from reconciler.settings import (
    ForgeSettings,
    GitHubAppSettings,
    Settings,
    SourceSettings,
    TargetSettings,
)


@pytest.fixture
def token(tmp_path: Path) -> str:
    file = tmp_path / "token"
    file.write_text("s3cret-token\n")
    return str(file)


def target(repo: str = "https://github.com/shop/deploy.git", ref: str = "main") -> TargetSettings:
    return TargetSettings("shop", SourceSettings(repo, ref))


def settings(**forge: Any) -> Settings:
    return Settings(forge=ForgeSettings(**forge))


def follower(made: Settings, policy: Policy) -> Any:
    class Memory:
        def notices(self, name: str) -> None:
            return None

    redaction = Redaction(b"a key")
    return follower_of(made, target(), policy, Memory(), redaction, lambda: True, print)  # type: ignore[arg-type]


def test_a_repository_is_where_its_host_says(token: str) -> None:
    made = repository_of(settings(token_file=token), target())
    assert isinstance(made.forge, GitHubForge)
    assert (made.base, made.door) == ("main", "github")


def test_a_forge_can_be_named(token: str) -> None:
    made = repository_of(
        settings(token_file=token, kind="gitea", url="http://git.example:3000"),
        target("http://git.example:3000/shop/deploy.git", "stable"),
    )
    assert isinstance(made.forge, GiteaForge)
    assert (made.base, made.door) == ("stable", "gitea")


def test_an_app_takes_the_place_of_a_token(token: str) -> None:
    app = GitHubAppSettings("12", 34, token)
    made = repository_of(settings(app=app, signing_key_file=token), target())
    assert isinstance(made.forge, GitHubForge)


@pytest.mark.parametrize(
    ("forge", "repo", "ref", "message"),
    [
        ({"kind": "sourcehut"}, "", "main", "forge.kind: 'sourcehut' is none that is known"),
        ({}, "", "", "source.ref names none"),
        ({"token_file": "there-is-none"}, "", "main", "forge.token_file: .* can't be read"),
        ({}, "https://git.example/shop/deploy", "main", "doesn't tell which kind of forge"),
        ({}, "/srv/shop", "main", "forge"),
    ],
)
def test_what_cannot_be_is_said(
    forge: dict[str, str], repo: str, ref: str, message: str, token: str
) -> None:
    made = target(ref=ref) if not repo else target(repo, ref)
    with pytest.raises(ConfigError, match=message):
        repository_of(settings(**{"token_file": token, **forge}), made)


def test_an_empty_token_is_said(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        repository_of(settings(token_file=str(tmp_path / "token")), target())


PROPOSES = PolicyRule("rules[1]", Selector(), Mode.PROPOSE, "because")


def test_nothing_is_followed_where_nothing_is_proposed(token: str) -> None:
    assert follower(settings(token_file=token), Policy(Mode.APPROVE)) is None
    assert follower(settings(statuses=True), Policy(Mode.APPROVE)) is None
    assert follower(settings(token_file=token, statuses=True), Policy()) is not None
    assert follower(settings(token_file=token), Policy(Mode.PROPOSE)) is not None
    assert follower(settings(token_file=token), Policy(rules=(PROPOSES,))) is not None


def test_who_proposes_needs_a_forge() -> None:
    with pytest.raises(ConfigError, match="no forge is configured"):
        follower(settings(), Policy(Mode.PROPOSE))


@pytest.mark.parametrize(
    ("url", "kind", "number"),
    [
        ("https://github.com/shop/deploy/pull/7", GitHubForge, 7),
        ("https://git.example/shop/deploy/pull/7/files?w=1", GitHubForge, 7),
        ("http://git.example:3000/shop/deploy/pulls/12#issuecomment-1", GiteaForge, 12),
        ("https://git.example/a/b/shop/-/merge_requests/3/diffs", GitLabForge, 3),
        ("https://git.example/a/shop/merge_requests/3", GitLabForge, 3),
    ],
)
def test_a_pull_request_is_found_by_its_page(
    token: str, url: str, kind: type[object], number: int
) -> None:
    forge, found = pull_request_at(settings(token_file=token), url)
    assert isinstance(forge, kind)
    assert found == number


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://git.example/shop/deploy",
        "https://git.example/shop/deploy/pulls/x",
        "file:///shop/deploy/pulls/1",
        "https://git.example/pulls/1 2",
        "https://user:secret@git.example/-/pulls/",
    ],
)
def test_a_page_of_no_pull_request_is_refused(token: str, url: str) -> None:
    with pytest.raises(ConfigError, match="names no pull request") as caught:
        pull_request_at(settings(token_file=token), url)
    assert "secret" not in str(caught.value)


def test_to_comment_takes_a_right(token: str) -> None:
    page = "https://git.example/shop/deploy/pulls/1"
    with pytest.raises(ConfigError, match="needs a right to comment"):
        pull_request_at(Settings(), page)
    with pytest.raises(ConfigError, match="'sourcehut' is none that is known"):
        pull_request_at(settings(token_file=token, kind="sourcehut"), page)
