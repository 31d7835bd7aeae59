"""Where repositories are: what is accepted, what is refused, and what is shown of it."""

import base64
from pathlib import Path

import pytest

from reconciler.adapters.sources.location import (
    LocalFolder,
    RemoteUrl,
    check_path,
    check_ref,
    locate,
    mask_url,
    printable,
)
from reconciler.core.errors import ConfigError


@pytest.mark.parametrize(
    "repo",
    ["https://git.example/shop.git", "http://h:8080/x", "ssh://git@h:22/x", "ssh://[::1]/x",
     "git://h/x", "git@github.com:org/repo.git", "host:path/x", "git@[::1]:x"],
)  # fmt: skip
def test_remote(repo: str) -> None:
    assert locate(repo) == RemoteUrl(repo, repo)


@pytest.mark.parametrize("repo", ["/srv/x", ".", "../x", "./-x", "a/b:c", "./a:b"])
def test_local(repo: str) -> None:
    assert locate(repo) == LocalFolder(Path(repo))


def test_a_folder_with_a_colon_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a:b").mkdir()
    monkeypatch.chdir(tmp_path)
    assert locate("a:b") == LocalFolder(Path("a:b"))


def test_file_urls() -> None:
    assert locate("file:///srv/a%20b") == LocalFolder(Path("/srv/a b"), is_url=True)
    assert locate("file://localhost/srv/x") == LocalFolder(Path("/srv/x"), is_url=True)


def test_credentials_leave_the_url() -> None:
    found = locate("https://ann:p%40ss%2F@git.example:8443/shop.git")
    assert isinstance(found, RemoteUrl)
    assert found.url == "https://git.example:8443/shop.git"
    assert found.header_scope == "https://git.example:8443/"
    scheme, _, token = found.authorization.removeprefix("Authorization: ").partition(" ")
    assert (scheme, base64.b64decode(token)) == ("Basic", b"ann:p@ss/")
    assert found.shown == "https://***@git.example:8443/shop.git"
    assert "p%40ss" not in repr(found)
    assert token not in repr(found)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("see https://u:p@h/x now", "see https://***@h/x now"),
        ("https://ghp_token@h/x", "https://***@h/x"),
        ("https://u:p@ss@h/x", "https://***@h/x"),
        ("ssh://git@h/x", "ssh://git@h/x"),
        ("ssh://git:pw@h/x", "ssh://git:***@h/x"),
        ("https://h/x?access_token=abc&y=1", "https://h/x?access_token=***&y=1"),
        ("https://h/x?private_token=abc'", "https://h/x?private_token=***'"),
        ("https://h/a@b", "https://h/a@b"),
        ("'https://u:p@h/' and https://v:q@i/", "'https://***@h/' and https://***@i/"),
    ],
)
def test_masking(text: str, masked: str) -> None:
    assert mask_url(text) == masked


@pytest.mark.parametrize(
    "repo",
    ["ext::sh -c x", "EXT::x", "fd::1", "foo::https://h/x", "-x", "--upload-pack=x",
     "ssh://-oProxyCommand=x/y", "ssh://-l@h/x", "-oX@h:x", "u@-oX:x", "ftp://h/x", "rsync://h/x",
     "file://host/x", "https://", "https://h:port/x", "https://[::1/x", "a\nb", "a\x00b", "", "  ",
     "ssh://u:pw@h/x", "git://u:pw@h/x"],
)  # fmt: skip
def test_refused(repo: str) -> None:
    with pytest.raises(ConfigError) as caught:
        locate(repo)
    assert caught.value.fix
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    "ref", ["", "main", "feature/x-1", "v1.2", "refs/pull/1/head", "HEAD~2", "a^", "main@{1}", "ä"]
)
def test_refs(ref: str) -> None:
    assert check_ref(ref) == ref


@pytest.mark.parametrize(
    "ref", ["-x", "--exec=x", "a b", "a:b", "a..b", "a\n", "a*", "a?", "[a", "a\\b"]
)
def test_refs_refused(ref: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_ref(ref)
    assert caught.value.fix


@pytest.mark.parametrize(
    ("path", "shortest"),
    [
        ("", ""),
        (".", ""),
        ("./", ""),
        ("a", "a"),
        ("./a//b/", "a/b"),
        ("-a", "-a"),
        ("a..b", "a..b"),
    ],
)
def test_paths(path: str, shortest: str) -> None:
    assert check_path(path) == shortest


@pytest.mark.parametrize("path", ["..", "a/../b", "../a", "/a", "//a", "a\x00", "a/.."])
def test_paths_refused(path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_path(path)
    assert caught.value.fix


def test_foreign_text_is_one_harmless_line() -> None:
    shown = printable("\x1b[31mred\x1b[0m\r\nhttps://u:pw@h/ \u2028x" + "y" * 500)
    assert shown.startswith(" [31mred".strip())
    assert "\x1b" not in shown
    assert "\n" not in shown
    assert "pw" not in shown
    assert len(shown) == 301
