"""From a repository's URL to its forge."""

import pytest

from reconciler.adapters.forges.place import ForgeKind, ForgePlace, forge_place
from reconciler.core.errors import ConfigError

GITHUB, GITLAB, GITEA = ForgeKind.GITHUB, ForgeKind.GITLAB, ForgeKind.GITEA


@pytest.mark.parametrize(
    ("repo", "place"),
    [
        ("https://github.com/shop/deploy.git", (GITHUB, "https://api.github.com", "shop/deploy")),
        ("https://ann:t0ken@GitHub.com/shop/deploy/",
         (GITHUB, "https://api.github.com", "shop/deploy")),
        ("git@github.com:shop/deploy.git", (GITHUB, "https://api.github.com", "shop/deploy")),
        ("https://acme.ghe.com/shop/deploy", (GITHUB, "https://api.acme.ghe.com", "shop/deploy")),
        ("ssh://git@github.acme.example:2222/shop/deploy.git",
         (GITHUB, "https://github.acme.example/api/v3", "shop/deploy")),
        ("https://gitlab.com/acme/teams/shop/deploy.git",
         (GITLAB, "https://gitlab.com/api/v4", "acme/teams/shop/deploy")),
        ("https://gitlab.acme.example:8443/shop/deploy",
         (GITLAB, "https://gitlab.acme.example:8443/api/v4", "shop/deploy")),
        ("https://codeberg.org/shop/deploy",
         (ForgeKind.FORGEJO, "https://codeberg.org/api/v1", "shop/deploy")),
        ("git://gitea.acme.example/shop/deploy.git",
         (GITEA, "https://gitea.acme.example/api/v1", "shop/deploy")),
        ("ssh://git@gitea.acme.example/shop/deploy",
         (GITEA, "https://gitea.acme.example/api/v1", "shop/deploy")),
    ],
)  # fmt: skip
def test_known_hosts_tell_the_kind(repo: str, place: tuple[ForgeKind, str, str]) -> None:
    assert forge_place(repo) == ForgePlace(*place)


@pytest.mark.parametrize(
    ("repo", "address", "api"),
    [
        ("git@git.example:shop/deploy.git", "", "https://git.example/api/v1"),
        ("http://[::1]:3000/shop/deploy", "", "http://[::1]:3000/api/v1"),
        ("ssh://git@[::1]:22/shop/deploy", "", "https://[::1]/api/v1"),
        ("git@[::1]:shop/deploy", "", "https://[::1]/api/v1"),
        ("git@git.example:shop/deploy", "https://www.example:444/",
         "https://www.example:444/api/v1"),
        ("https://git.example/forge/shop/deploy", "https://git.example/forge/",
         "https://git.example/forge/api/v1"),
        ("git@git.example:shop/deploy", "https://git.example/forge",
         "https://git.example/forge/api/v1"),
    ],
)  # fmt: skip
def test_a_forge_of_ones_own(repo: str, address: str, api: str) -> None:
    assert forge_place(repo, GITEA, address) == ForgePlace(GITEA, api, "shop/deploy")


def test_a_host_that_tells_nothing() -> None:
    with pytest.raises(ConfigError, match=r"git\.example doesn't tell") as caught:
        forge_place("https://git.example/shop/deploy")
    assert "github, gitlab, gitea or forgejo" in caught.value.fix


@pytest.mark.parametrize(
    "repo",
    [
        "/srv/repos/shop",
        "./shop",
        "file:///srv/repos/shop",
        "ext::sh -c id",
        "https://",
        "https://git.example:port/a/b",
        "https://git.example/shop",
        "https://git.example/shop/../deploy",
        "https://git.example/shop/deploy?x=1%2F..",
        "https://git.example/a%20b/c%3Fd",
    ],
)
def test_what_is_no_repository_of_a_forge(repo: str) -> None:
    if repo.endswith("x=1%2F.."):
        # A query isn't part of a name.
        assert forge_place(repo, GITEA).project == "shop/deploy"
        return
    with pytest.raises(ConfigError) as caught:
        forge_place(repo, GITEA)
    assert caught.value.fix


def test_only_gitlab_has_groups_in_groups() -> None:
    with pytest.raises(ConfigError, match="takes an owner and a name"):
        forge_place("https://github.com/acme/shop/deploy")


@pytest.mark.parametrize("address", ["git.example", "ssh://git.example", "https://a:b@git.example",
                                     "https://git.example:port"])  # fmt: skip
def test_an_address_is_a_web_address(address: str) -> None:
    with pytest.raises(ConfigError, match="address"):
        forge_place("git@git.example:shop/deploy", GITEA, address)


def test_no_password_is_told() -> None:
    for repo in ("https://ann:s3cret@git.example/shop", "https://ann:s3cret@git.example/a/b/c"):
        with pytest.raises(ConfigError) as caught:
            forge_place(repo, GITEA)
        assert "s3cret" not in str(caught.value)
