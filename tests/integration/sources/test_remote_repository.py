"""Remote repositories, on real servers."""

import importlib
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest

from reconciler.adapters.sources.source import GitSource
from reconciler.core.errors import ConfigError, SourceError
from tests.integration.sources.conftest import Repository, config_map
from tests.integration.sources.servers import (
    HttpBackend,
    free_port,
    git_daemon,
)

Make = Callable[..., GitSource]


@pytest.fixture
def daemon(repository: Repository) -> Iterator[str]:
    repository.write("deploy/a.yaml", config_map("a", "first"))
    repository.commit()
    with git_daemon(repository.folder.parent) as address:
        yield f"{address}/repo"


def _clone(tmp_path: Path) -> Path:
    (clone,) = (tmp_path / "cache" / "repos").glob("*.git")
    return clone


def _packs(clone: Path) -> set[str]:
    return {place.name for place in (clone / "objects" / "pack").glob("*.pack")}


def test_branch_tag_commit_and_the_default_branch(
    daemon: str, repository: Repository, source: Make
) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.git("tag", "light")
    repository.git("tag", "-a", "-m", "heavy", "heavy")
    repository.git("branch", "dev/old")
    repository.write("deploy/a.yaml", config_map("a", "second"))
    second = repository.commit()

    for ref in ("light", "heavy", "dev/old", "refs/heads/dev/old", first):
        rendered = source(daemon, ref, "deploy").fetch()
        assert (rendered.revision, rendered.manifests[0].body["data"]["value"]) == (first, "first")
    for ref in ("", "HEAD", "main"):
        assert source(daemon, ref, "deploy").fetch().revision == second


def test_a_fetch_is_shallow_and_an_unchanged_ref_is_not_fetched_again(
    daemon: str, repository: Repository, source: Make, tmp_path: Path
) -> None:
    for number in range(5):
        repository.write("deploy/a.yaml", config_map("a", str(number)))
        repository.commit()
    source(daemon, "main").fetch()
    clone = Repository(_clone(tmp_path))
    assert clone.git("rev-list", "--count", "refs/fetched") == "1"
    before = {place: place.stat().st_mtime_ns for place in clone.folder.rglob("*")}
    source(daemon, "main").fetch()
    assert {place: place.stat().st_mtime_ns for place in clone.folder.rglob("*")} == before
    repository.write("deploy/a.yaml", config_map("a", "new"))
    new = repository.commit()
    assert source(daemon, "main").fetch().revision == new


def test_a_rewritten_branch(daemon: str, repository: Repository, source: Make) -> None:
    source(daemon, "main").fetch()
    repository.git("commit", "-q", "--amend", "--allow-empty", "-m", "rewritten")
    assert source(daemon, "main").fetch().revision == repository.git("rev-parse", "HEAD")


def test_a_commit_that_is_here_needs_no_server(repository: Repository, source: Make) -> None:
    repository.write("a.yaml", config_map("a"))
    commit = repository.commit()
    with git_daemon(repository.folder.parent) as address:
        url = f"{address}/repo"
        source(url, commit).fetch()
    assert source(url, commit).fetch().revision == commit
    with pytest.raises(SourceError, match="can't be asked"):
        source(url, "main").fetch()


@pytest.mark.parametrize("ref", ["nowhere", "refs/heads/nowhere", "abcdef1"])
def test_no_such_ref(daemon: str, source: Make, ref: str) -> None:
    with pytest.raises(ConfigError, match="has no branch or tag") as caught:
        source(daemon, ref).fetch()
    assert "full hash" in caught.value.fix


def test_a_branch_and_a_tag_of_one_name(daemon: str, repository: Repository, source: Make) -> None:
    repository.git("tag", "v1")
    repository.commit()
    repository.git("branch", "v1")
    with pytest.raises(ConfigError, match="is both refs/heads/v1 and refs/tags/v1"):
        source(daemon, "v1").fetch()


def test_no_such_repository(daemon: str, source: Make) -> None:
    with pytest.raises(SourceError, match="can't be asked"):
        source(f"{daemon}-not", "main").fetch()


def test_nobody_listens(source: Make) -> None:
    with pytest.raises(SourceError, match="unable to connect"):
        source(f"git://127.0.0.1:{free_port()}/repo").fetch()


def test_a_commit_that_the_server_doesnt_have(daemon: str, source: Make) -> None:
    with pytest.raises(ConfigError, match="has no commit"):
        source(daemon, "1" * 40).fetch()


def test_a_tag_of_something_else_than_a_commit(
    daemon: str, repository: Repository, source: Make
) -> None:
    repository.git("tag", "blob", "HEAD:deploy/a.yaml")
    with pytest.raises(ConfigError, match="names no commit"):
        source(daemon, "blob").fetch()


def test_a_server_that_hands_out_no_single_commit(repository: Repository, source: Make) -> None:
    repository.write("a.yaml", config_map("a", "first"))
    first = repository.commit()
    repository.write("a.yaml", config_map("a", "second"))
    repository.commit()
    # Protocol 0 refuses a commit that no ref points to.
    with HttpBackend(repository.folder.parent, protocol=False) as server:
        url = f"http://{server.host}/repo"
        source(url, "main").fetch()
        assert source(url, first).fetch().revision == first


def test_a_sha256_repository(tmp_path: Path, source: Make) -> None:
    folder = tmp_path / "sha256"
    folder.mkdir()
    repository = Repository(folder)
    repository.git("init", "-q", "-b", "main", "--object-format=sha256")
    repository.write("a.yaml", config_map("a"))
    commit = repository.commit()
    with git_daemon(tmp_path) as address:
        assert source(f"{address}/sha256").fetch().revision == commit


def test_many_runs_at_once_share_a_clone(daemon: str, repository: Repository, source: Make) -> None:
    commit = repository.git("rev-parse", "HEAD")
    with ThreadPoolExecutor(6) as pool:
        runs = [pool.submit(source(daemon, "main", "deploy").fetch) for _ in range(6)]
    assert {run.result().revision for run in runs} == {commit}


def test_an_old_clone_is_tidied_and_stays_good(
    daemon: str, repository: Repository, source: Make, tmp_path: Path
) -> None:
    for number in range(33):
        repository.write("deploy/a.yaml", config_map("a", str(number)))
        commit = repository.commit()
        assert source(daemon, "main").fetch().revision == commit
    assert len(_packs(_clone(tmp_path))) < 10
    assert source(daemon, "main").fetch().revision == commit


def test_a_password_in_the_url_works_and_shows_nowhere(
    repository: Repository, source: Make, tmp_path: Path
) -> None:
    password = "hunter2 /@:"  # as awkward as they come
    repository.write("a.yaml", config_map("a"))
    commit = repository.commit()
    with HttpBackend(repository.folder.parent, password) as server:
        url = f"http://ann:{quote(password, safe='')}@{server.host}/repo"
        assert source(url, "main").fetch().revision == commit
        with pytest.raises(SourceError) as missing:
            source(f"{url}-not", "main").fetch()
        with pytest.raises(SourceError) as refused:
            source(url.replace("hunter2", "wrongpw"), "main").fetch()
    everything = "\n".join(
        (*server.seen, str(missing.value), str(refused.value), repr(source(url)))
    )
    kept = b"".join(p.read_bytes() for p in (tmp_path / "cache").rglob("*") if p.is_file())
    assert "git\0fetch" in "".join(server.seen)
    assert "credential" in refused.value.fix
    for secret in ("hunter2", "wrongpw", "YW5uOm"):  # the last is base64 of "ann:"
        assert secret not in everything
        assert secret.encode() not in kept


def test_credentials_by_a_helper_that_the_operator_names(
    repository: Repository, source: Make
) -> None:
    repository.write("a.yaml", config_map("a"))
    commit = repository.commit()
    helper = "!f() { echo username=ann; echo password=pw; }; f"
    with HttpBackend(repository.folder.parent, "pw") as server:
        url = f"http://{server.host}/repo"
        with pytest.raises(SourceError, match="can't be asked") as caught:
            source(url, "main").fetch()
        assert "credential helper" in caught.value.fix
        rendered = source(url, "main", credential_helper=helper).fetch()
    assert rendered.revision == commit


def test_the_processs_own_git_variables_dont_reach_the_fetch(
    daemon: str, source: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # GitPython asks git for its version when it's first imported, and not by us.
    importlib.import_module("git.cmd")
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'core.bare'='x'")
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    assert source(daemon, "main").fetch().manifests
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("form", ["ssh://git@example.dev{}", "git@example.dev:{}"])
def test_ssh(repository: Repository, source: Make, tmp_path: Path, form: str) -> None:
    # No server: the operator's GIT_SSH_COMMAND stands in for ssh, and runs what the server would.
    repository.write("a.yaml", config_map("a"))
    commit = repository.commit()
    asked = tmp_path / "asked"
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\necho "$@" >> {asked}\nfor last; do :; done\nexec sh -c "$last"\n')
    ssh.chmod(0o755)
    environ = {**os.environ, "GIT_SSH_COMMAND": str(ssh), "GIT_SSH_VARIANT": "simple"}
    rendered = source(form.format(repository.folder), "main", environ=environ).fetch()
    assert rendered.revision == commit
    assert "git@example.dev git-upload-pack" in asked.read_text()


def test_a_cache_that_cant_be_written(daemon: str, tmp_path: Path) -> None:
    from reconciler.adapters.sources.rendering import RenderChoice

    (tmp_path / "file").write_text("")
    source = GitSource(
        daemon, "", "", RenderChoice.AUTO, tmp_path / "file" / "x", environ=dict(os.environ)
    )
    with pytest.raises(SourceError, match="can't be written"):
        source.fetch()


def test_git_knows_http(repository: Repository) -> None:
    found = subprocess.run(["git", "--exec-path"], check=True, capture_output=True, text=True)
    assert Path(found.stdout.strip(), "git-http-backend").exists()
