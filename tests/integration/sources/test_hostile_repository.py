"""What a repository must not be able to do: run something, lead out, exhaust, or show secrets.

See the advisories of Argo CD (GHSA-63qx-x74g-jcr7, GHSA-q4w5-4gq2-98vm, GHSA-6gcg-hp2x-q54h,
GHSA-h6h5-6fmq-rh28, GHSA-jhqp-vf4w-rpwq) and of Git (CVE-2022-39253, CVE-2024-32021).
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.sources.manifests import Limits
from reconciler.adapters.sources.source import GitSource
from reconciler.core.errors import ConfigError, ManifestError
from tests.integration.sources.conftest import Repository, config_map

Make = Callable[..., GitSource]


def _trap(folder: Path) -> tuple[Path, Path]:
    """A program that leaves a trace when it is run."""
    trace = folder / "trace"
    program = folder / "trap.sh"
    program.write_text(f"#!/bin/sh\ntouch {trace}\ncat\n")
    program.chmod(0o755)
    return program, trace


def test_nothing_in_a_repositorys_configuration_runs(
    repository: Repository, source: Make, tmp_path: Path
) -> None:
    program, trace = _trap(tmp_path)
    repository.write("a.yaml", config_map("a"))
    repository.write(".gitattributes", "*.yaml filter=evil diff=evil\n")
    repository.commit()
    for name in ("filter.evil.clean", "filter.evil.smudge", "filter.evil.process",
                 "core.fsmonitor", "core.pager", "core.sshCommand", "diff.external",
                 "diff.evil.textconv", "core.alternateRefsCommand", "core.editor"):  # fmt: skip
        repository.git("config", name, str(program))
    repository.git("config", "filter.evil.required", "true")
    hooks = repository.folder / ".git" / "hooks"
    for hook in ("post-index-change", "post-checkout", "reference-transaction"):
        (hooks / hook).parent.mkdir(exist_ok=True)
        (hooks / hook).write_text(program.read_text())
        (hooks / hook).chmod(0o755)
    # Same size, another time: git must look into it to tell.
    repository.write("a.yaml", config_map("b"))

    rendered = source(repository.folder).fetch()

    assert [m.name for m in rendered.manifests] == ["a"]
    assert rendered.notes == ("uncommitted changes in a.yaml are left out",)
    assert not trace.exists()


def test_a_missing_object_of_a_partial_clone_is_not_fetched_by_what_its_configuration_says(
    repository: Repository, source: Make, tmp_path: Path
) -> None:
    program, trace = _trap(tmp_path)
    repository.write("a.yaml", config_map("a"))
    repository.commit()
    blob = repository.git("rev-parse", "HEAD:a.yaml")
    (repository.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    repository.git("config", "extensions.partialClone", "origin")
    repository.git("config", "core.repositoryFormatVersion", "1")
    repository.git("config", "remote.origin.promisor", "true")
    repository.git("config", "remote.origin.url", str(repository.folder))
    repository.git("config", "remote.origin.uploadpack", str(program))
    with pytest.raises(Exception, match=r"missing|can't be"):
        source(repository.folder).fetch()
    assert not trace.exists()


def test_the_users_environment_doesnt_lead_git_elsewhere(
    repository: Repository, source: Make, tmp_path: Path
) -> None:
    repository.write("a.yaml", config_map("a"))
    repository.commit()
    environ = {
        **os.environ,
        "GIT_DIR": str(tmp_path),
        "GIT_WORK_TREE": "/etc",
        "GIT_CONFIG_PARAMETERS": "'core.bare'='true'",
        "GIT_OBJECT_DIRECTORY": str(tmp_path),
    }
    assert source(repository.folder, environ=environ).fetch().manifests


@pytest.mark.parametrize(
    "repo",
    ["ext::sh -c 'touch x'", "fd::17", "-oProxyCommand=x", "--upload-pack=x", "ssh://-oProxy=x/y",
     "ssh://-x@host/y", "-x@host:y", "ftp://host/x", "https:///x", "git@-host:x", "",
     "https://ho st\n/x", "file://other/x", "https://host:port/x", "ssh://u:pw@host/x"],
)  # fmt: skip
def test_a_url_that_git_must_not_see(source: Make, repo: str) -> None:
    with pytest.raises(ConfigError, match="--repo") as caught:
        source(repo, "main").fetch()
    assert caught.value.fix
    assert "pw" not in str(caught.value)


def test_a_symlink_is_never_read_as_a_manifest(
    repository: Repository, source: Make, tmp_path: Path
) -> None:
    (tmp_path / "secret.yaml").write_text(config_map("stolen"))
    repository.write("a/good.yaml", config_map("good"))
    repository.link("a/out.yaml", "../../secret.yaml")
    repository.link("a/absolute.yaml", str(tmp_path / "secret.yaml"))
    repository.link("a/outfolder", "../..")
    repository.link("a/inside.yaml", "good.yaml")
    repository.commit()
    with pytest.raises(ManifestError) as caught:
        source(repository.folder, path="a").fetch()
    assert {(p.path, p.message) for p in caught.value.problems} == {
        ("a/out.yaml", "this symlink leads out of the repository"),
        ("a/absolute.yaml", "this symlink leads out of the repository"),
        ("a/outfolder", "this symlink leads out of the repository"),
        ("a/inside.yaml", "this is a symlink, and symlinks aren't followed"),
    }


def test_a_symlink_in_a_plain_folder(tmp_path: Path, source: Make) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    (tmp_path / "secret.yaml").write_text(config_map("stolen"))
    (folder / "a.yaml").symlink_to("../secret.yaml")
    (folder / "deeper").symlink_to("..")
    with pytest.raises(ManifestError, match="leads out"):
        source(folder).fetch()
    with pytest.raises(ConfigError, match="symlink"):
        source(folder, path="deeper/secret.yaml").fetch()


def test_a_pipe_in_a_plain_folder_blocks_nothing(tmp_path: Path, source: Make) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    os.mkfifo(folder / "a.yaml")
    with pytest.raises(ManifestError, match="not a regular file"):
        source(folder).fetch()


def test_a_symlinked_folder_inside_is_not_followed_and_said_so(
    repository: Repository, source: Make
) -> None:
    repository.write("a/good.yaml", config_map("good"))
    repository.link("a/again", "../a")
    repository.commit()
    rendered = source(repository.folder, path="a").fetch()
    assert len(rendered.manifests) == 1
    assert rendered.notes == ("the symlink a/again is not followed",)


def test_a_submodule_under_the_path(repository: Repository, source: Make) -> None:
    repository.write("a/good.yaml", config_map("good"))
    commit = repository.commit()
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},a/sub")
    repository.git("commit", "-q", "-m", "sub")
    with pytest.raises(ManifestError, match="a/sub: this is a submodule"):
        source(repository.folder, path="a").fetch()


def test_a_pointer_of_git_lfs(repository: Repository, source: Make) -> None:
    repository.write(
        "a.yaml",
        "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 12\n",
    )
    repository.commit()
    with pytest.raises(ManifestError, match=r"a\.yaml: this is a pointer of Git LFS"):
        source(repository.folder).fetch()


def test_limits(repository: Repository, source: Make) -> None:
    repository.write("a.yaml", config_map("a") + "# " + "x" * 2000)
    repository.write("b.yaml", config_map("b") + "---\n" + config_map("c"))
    repository.commit()
    with pytest.raises(ManifestError, match=r"a\.yaml: the file is larger than 1000 bytes"):
        source(repository.folder, limits=Limits(file=1000)).fetch()
    with pytest.raises(ManifestError, match="larger than 2100 bytes together"):
        source(repository.folder, limits=Limits(total=2100)).fetch()
    with pytest.raises(ManifestError, match="more than 2 manifests"):
        source(repository.folder, limits=Limits(manifests=2)).fetch()
    assert len(source(repository.folder, limits=Limits(manifests=3)).fetch().manifests) == 3


def test_limits_of_a_plain_folder(tmp_path: Path, source: Make) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "a.yaml").write_text(config_map("a") + "# " + "x" * 2000)
    with pytest.raises(ManifestError, match="larger than 1000 bytes"):
        source(folder, limits=Limits(file=1000)).fetch()


def test_anchors_that_explode(repository: Repository, source: Make) -> None:
    lines = ["apiVersion: v1", "kind: ConfigMap", "metadata: {name: a}", "data:", "  a0: &a0 [x]"]
    lines += [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    repository.write("bomb.yaml", "\n".join(lines) + "\n")
    repository.commit()
    with pytest.raises(ManifestError, match=r"bomb\.yaml:1[0-2]: aliases blow"):
        source(repository.folder).fetch()


def test_what_is_kept_is_for_this_user_alone(
    repository: Repository, source: Make, tmp_path: Path
) -> None:
    repository.write("a.yaml", config_map("a"))
    repository.commit()
    source(repository.folder).fetch()
    kept = list((tmp_path / "cache" / "rendered").iterdir())
    assert len(kept) == 1
    assert stat.S_IMODE(kept[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(kept[0].parent.stat().st_mode) == 0o700
