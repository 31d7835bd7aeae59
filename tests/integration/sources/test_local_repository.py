"""Repositories and plain folders on this machine."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.sources.source import GitSource
from reconciler.core.errors import ConfigError, ManifestError, SourceError
from reconciler.render.proposals import record_path
from tests.integration.sources.conftest import Repository, config_map

Make = Callable[..., GitSource]


def test_a_work_tree_is_read_at_its_commit_and_not_at_its_changes(
    repository: Repository, source: Make
) -> None:
    repository.write("deploy/a.yaml", config_map("a"))
    commit = repository.commit()
    repository.write("deploy/a.yaml", config_map("a", "edited"))
    repository.write("deploy/new.yaml", config_map("new"))

    rendered = source(repository.folder, path="deploy").fetch()

    assert rendered.revision == commit
    assert [m.body["data"]["value"] for m in rendered.manifests] == ["1"]
    assert rendered.notes == ("uncommitted changes in deploy/a.yaml, deploy/new.yaml are left out",)


def test_a_change_outside_of_the_path_is_no_news(repository: Repository, source: Make) -> None:
    repository.write("deploy/a.yaml", config_map("a"))
    repository.commit()
    repository.write("README.md", "new")
    assert source(repository.folder, path="deploy").fetch().notes == ()


def test_branch_tag_annotated_tag_and_commit(repository: Repository, source: Make) -> None:
    repository.write("a.yaml", config_map("a", "first"))
    first = repository.commit()
    repository.git("tag", "light")
    repository.git("tag", "-a", "-m", "heavy", "heavy")
    repository.git("branch", "old")
    repository.write("a.yaml", config_map("a", "second"))
    second = repository.commit()

    for ref in ("light", "heavy", "old", first, first[:10], "refs/tags/heavy", "HEAD~1"):
        rendered = source(repository.folder, ref).fetch()
        assert rendered.revision == first, ref
        assert rendered.manifests[0].body["data"]["value"] == "first"
    assert source(repository.folder, "main").fetch().revision == second
    assert source(repository.folder.as_uri()).fetch().revision == second


def test_a_branch_and_a_tag_of_one_name_are_told_apart(
    repository: Repository, source: Make
) -> None:
    repository.commit(a=config_map("a"))
    repository.git("tag", "v1")
    repository.commit(b=config_map("b"))
    repository.git("branch", "v1")
    with pytest.raises(ConfigError, match="both a branch and a tag"):
        source(repository.folder, "v1").fetch()


@pytest.mark.parametrize("ref", ["nowhere", "main:a.yaml", "--upload-pack=x", "-x", "a b", "a..b"])
def test_a_ref_that_is_none(repository: Repository, source: Make, ref: str) -> None:
    repository.write("a.yaml", config_map("a"))
    repository.commit()
    with pytest.raises(ConfigError, match="--ref") as caught:
        source(repository.folder, ref).fetch()
    assert caught.value.fix


def test_a_bare_repository_and_a_linked_work_tree(
    repository: Repository, source: Make, tmp_path: Path
) -> None:
    repository.write("a.yaml", config_map("a"))
    commit = repository.commit()
    bare = tmp_path / "bare.git"
    repository.git("clone", "-q", "--bare", str(repository.folder), str(bare))
    assert source(bare).fetch().revision == commit
    linked = tmp_path / "linked"
    repository.git("worktree", "add", "-q", "--detach", str(linked))
    assert source(linked).fetch().revision == commit


def test_a_repository_without_a_commit(repository: Repository, source: Make) -> None:
    with pytest.raises(ConfigError) as caught:
        source(repository.folder).fetch()
    assert "first commit" in caught.value.fix


def test_a_sha256_repository(tmp_path: Path, source: Make) -> None:
    folder = tmp_path / "sha256"
    folder.mkdir()
    repository = Repository(folder)
    repository.git("init", "-q", "--object-format=sha256")
    repository.write("a.yaml", config_map("a"))
    assert source(folder).fetch is not None
    commit = repository.commit()
    assert len(commit) == 64
    assert source(folder).fetch().revision == commit


def test_a_single_file(repository: Repository, source: Make) -> None:
    repository.write("deploy/a.yaml", config_map("a"))
    repository.write("deploy/b.yaml", config_map("b"))
    repository.commit()
    rendered = source(repository.folder, path="deploy/b.yaml").fetch()
    assert [str(m.source) for m in rendered.manifests] == ["deploy/b.yaml:1"]


@pytest.mark.parametrize("path", ["nowhere", "../repo", "/etc", "a/../../b", "a.yaml/b"])
def test_a_path_that_is_not_there(repository: Repository, source: Make, path: str) -> None:
    repository.write("a.yaml", config_map("a"))
    repository.commit()
    with pytest.raises(ConfigError, match="--path"):
        source(repository.folder, path=path).fetch()


def test_names_that_are_hard_to_pass_on(repository: Repository, source: Make) -> None:
    names = ["-dash/-a.yaml", "spa ce/ä é.yaml", "star*[x]/q?.yaml", ':(glob)/"x".yaml']
    for index, name in enumerate(names):
        repository.write(name, config_map(f"n{index}"))
    repository.commit()
    assert {m.source.path for m in source(repository.folder).fetch().manifests} == set(names)
    for name in names:
        folder = name.partition("/")[0]
        for path in (folder, name):
            (manifest,) = source(repository.folder, path=path).fetch().manifests
            assert manifest.source.path == name


def test_a_folder_outside_git_is_read_as_it_is(tmp_path: Path, source: Make) -> None:
    folder = tmp_path / "plain"
    (folder / "deploy").mkdir(parents=True)
    (folder / "deploy" / "a.yaml").write_text(config_map("a"))
    first = source(folder, path="deploy").fetch()
    assert re.match(r"sha256:[0-9a-f]{64}\Z", first.revision)
    assert [str(m.source) for m in first.manifests] == ["deploy/a.yaml:1"]
    assert "not a Git repository" in first.notes[0]
    assert source(folder, path="deploy").fetch() == first
    (folder / "deploy" / "a.yaml").write_text(config_map("a", "2"))
    assert source(folder, path="deploy").fetch().revision != first.revision
    with pytest.raises(ConfigError, match="not a Git repository"):
        source(folder, "main", "deploy").fetch()


def test_a_folder_below_a_work_tree_is_not_mistaken_for_it(
    repository: Repository, source: Make
) -> None:
    repository.write("deploy/a.yaml", config_map("a"))
    repository.commit()
    with pytest.raises(ConfigError) as caught:
        source(repository.folder / "deploy", "main").fetch()
    assert "--path" in caught.value.fix


def test_no_such_folder(tmp_path: Path, source: Make) -> None:
    with pytest.raises(ConfigError, match="isn't a folder"):
        source(tmp_path / "nowhere").fetch()


def test_without_git(repository: Repository, source: Make, tmp_path: Path) -> None:
    repository.write("a.yaml", config_map("a"))
    repository.commit()
    with pytest.raises(SourceError, match="git isn't on PATH") as caught:
        source(repository.folder, environ={"PATH": str(tmp_path)}).fetch()
    assert "install git" in caught.value.fix


def test_nothing_there(repository: Repository, source: Make) -> None:
    repository.write("docs/readme.md", "text")
    repository.write("docs/.hidden/a.yaml", config_map("a"))
    repository.write("docs/empty.yaml", "# nothing\n---\n")
    repository.commit()
    with pytest.raises(ManifestError, match=r"docs: no manifest is there.*\.yaml") as caught:
        source(repository.folder, path="docs").fetch()
    assert caught.value.problems[0].fix


@pytest.mark.parametrize("in_git", [True, False])
def test_the_record_of_a_drift_is_no_manifest(
    repository: Repository, source: Make, in_git: bool
) -> None:
    # A record that were read would be a Secret here.
    record = '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "recorded"}}'
    repository.write("a.yaml", config_map("a"))
    repository.write(record_path("shop"), record)
    repository.commit()
    if not in_git:
        shutil.rmtree(repository.folder / ".git")
    rendered = source(repository.folder).fetch()
    assert [m.body["metadata"]["name"] for m in rendered.manifests] == ["a"]


def test_all_problems_are_told_at_once_with_file_line_and_fix(
    repository: Repository, source: Make
) -> None:
    repository.write("a/tab.yaml", "apiVersion: v1\nkind: ConfigMap\ndata:\n\tx: s3cret\n")
    repository.write("a/dup.yaml", config_map("x") + "data:\n  password: s3cret\n")
    repository.write("a/noname.yaml", config_map("x") + "---\nkind: Secret\nmetadata: {}\n")
    repository.write("a/text.yaml", "s3cret\n")
    repository.write("a/good.yaml", config_map("good"))
    repository.write("a/bytes.yaml", b"a: b\nx: \xff\xfe\n")
    repository.commit()
    with pytest.raises(ManifestError) as caught:
        source(repository.folder, path="a").fetch()
    places = [(problem.path, problem.line) for problem in caught.value.problems]
    assert places == [
        ("a/bytes.yaml", 2),
        ("a/dup.yaml", 7),
        ("a/noname.yaml", 8),
        ("a/tab.yaml", 4),
        ("a/text.yaml", 1),
    ]
    assert all(problem.fix for problem in caught.value.problems)
    assert "s3cret" not in str(caught.value)


def test_what_git_reads_is_what_was_committed_though_a_clone_lost_an_object(
    repository: Repository, source: Make
) -> None:
    repository.write("a.yaml", config_map("a"))
    repository.commit()
    blob = repository.git("rev-parse", "HEAD:a.yaml")
    place = repository.folder / ".git" / "objects" / blob[:2] / blob[2:]
    place.unlink()
    with pytest.raises(SourceError, match=r"missing|can't be"):
        source(repository.folder).fetch()
    shutil.rmtree(repository.folder)


def test_the_real_git_is_at_hand() -> None:
    assert subprocess.run(["git", "--version"], check=True, capture_output=True).stdout
