"""Files of a revision, tried with edits that nobody has made; and edits made in place."""

import subprocess
from pathlib import Path

import pytest

from reconciler.adapters.sources.chunks import Chunks
from reconciler.adapters.sources.document import AliasBudget, DocumentError
from reconciler.adapters.sources.inplace import write_files
from reconciler.adapters.sources.manifests import read_documents
from reconciler.adapters.sources.rendering import RenderChoice
from reconciler.adapters.sources.source import GitSource
from reconciler.core.errors import ConfigError, ManifestError, SourceError
from reconciler.ports import Making
from tests.unit.cli.conftest import commit

ONE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n"
TWO = ONE.replace("one", "two")


def source(folder: Path, path: str = "", render: RenderChoice = RenderChoice.AUTO) -> GitSource:
    return GitSource(str(folder / "repo"), "", path, render, folder / "cache")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    files = {
        "deploy/a.yaml": f"{ONE}---\n{TWO}",
        "deploy/sub/b.yaml": ONE.replace("one", "three"),
        "deploy/.hidden.yaml": "x",
        "base/kustomization.yaml": "resources: [one.yaml]\n",
        "base/one.yaml": ONE,
        "lone/kustomization.yaml": "resources: [../base, own.yaml]\n",
        "lone/own.yaml": TWO,
        "other/kustomization.yaml": "resources: [../base]\n",
    }
    for name, text in files.items():
        file = tmp_path / "repo" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def _revision(repo: Path) -> str:
    words = ["git", "rev-parse", "HEAD"]
    done = subprocess.run(words, cwd=repo / "repo", check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_symlink_in_git_is_no_text(repo: Path) -> None:
    (repo / "repo" / "deploy" / "link.yaml").symlink_to("a.yaml")
    commit(repo / "repo")
    made = source(repo, "base")
    with (
        made.draft(_revision(repo)) as draft,
        pytest.raises(ManifestError, match="regular file"),
    ):
        draft.text("deploy/link.yaml")


@pytest.mark.parametrize("in_git", [False, True])
def test_edits_are_rendered_and_nothing_is_written(repo: Path, in_git: bool) -> None:
    if in_git:
        commit(repo / "repo")
    made = source(repo, "deploy")
    revision = made.fetch().revision
    with made.draft(revision) as draft:
        assert (draft.path, draft.making, draft.shared) == ("deploy", Making.PLAIN, [])
        assert "deploy/sub/b.yaml" in draft.own
        edits = {
            "deploy/a.yaml": TWO.replace("two", "new"),
            "deploy/sub/b.yaml": None,
            "deploy/c/d.yaml": TWO,
        }
        manifests = draft.rendered(edits).manifests
        assert [(m.name, str(m.source)) for m in manifests] == [
            ("new", "deploy/a.yaml:1"),
            ("two", "deploy/c/d.yaml:1"),
        ]
        again = [m.name for m in draft.rendered({}).manifests]
        assert again == ["one", "two", "three"]
        assert draft.text("deploy/a.yaml") == f"{ONE}---\n{TWO}"
        assert draft.text("deploy/none.yaml") is None
        assert draft.text("deploy") is None
        written = draft.documents(f"{ONE}---\n{TWO}")
        assert [(each.value["metadata"]["name"], each.line) for each in written] == [
            ("one", 1),
            ("two", 5),
        ]
        with pytest.raises(ManifestError):
            draft.documents("a: [")
        with pytest.raises(ManifestError):
            draft.rendered({"deploy/a.yaml": "a: ["})
        with pytest.raises(ConfigError, match="isn't there any more"):
            draft.rendered({"deploy/a.yaml": None, "deploy/sub/b.yaml": None,
                            "deploy/.hidden.yaml": None})  # fmt: skip


def test_what_others_build_on_is_shared(repo: Path) -> None:
    made = source(repo, "lone")
    with made.draft("sha256:0") as draft:
        assert draft.making is Making.KUSTOMIZE
        assert draft.own == ["lone/kustomization.yaml", "lone/own.yaml"]
        assert sorted(draft.shared) == ["base/kustomization.yaml", "base/one.yaml"]


def test_a_chart_is_edited_in_its_values(tmp_path: Path) -> None:
    chart = tmp_path / "repo" / "chart"
    chart.mkdir(parents=True)
    (chart / "Chart.yaml").write_text("name: x\n")
    (chart / "values.yaml").write_text("a: b\n")
    (chart / "prod.yaml").write_text("a: c\n")
    made = GitSource(
        str(tmp_path / "repo"), "", "chart", RenderChoice.AUTO, tmp_path, ("prod.yaml",)
    )
    with made.draft("sha256:0") as draft:
        assert draft.making is Making.HELM
        assert (draft.own, draft.shared) == (["chart/prod.yaml", "chart/values.yaml"], [])


def test_what_is_no_text_is_said_so(repo: Path) -> None:
    (repo / "repo" / "deploy" / "bad.yaml").write_bytes(b"\xff")
    (repo / "repo" / "deploy" / "link.yaml").symlink_to("a.yaml")
    with source(repo, "deploy").draft("sha256:0") as draft:
        with pytest.raises(ManifestError, match="isn't text"):
            draft.text("deploy/bad.yaml")
        # A symlink is followed by nobody.
        assert draft.text("deploy/link.yaml") is None


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE}---\n{TWO}",
        f"# head\n---\n{ONE}--- # x\n{TWO}...\n",
        f"---\n{ONE}",
        f"%YAML 1.1\n---\n{ONE}---\n{TWO}",
        "a: |\n  ---\n  b\n",
        "",
        "a\r\n---\r\nb\r\n",
        '{"a": 1}\n',
    ],
)
def test_a_file_read_in_chunks_is_read_as_a_whole(text: str) -> None:
    chunks = Chunks()
    for _ in range(2):
        read = chunks.documents(text.encode(), AliasBudget())
        whole = read_documents(text.encode(), AliasBudget())
        kept = [each for each in read if each.value is not None]
        wanted = [each for each in whole if each.value is not None]
        assert [(each.value, each.line) for each in kept] == [(e.value, e.line) for e in wanted]
        assert [sorted(each.lines.values()) for each in kept] == [
            sorted(each.lines.values()) for each in wanted
        ]


def test_a_chunk_that_can_not_be_read_has_its_line() -> None:
    with pytest.raises(DocumentError) as error:
        Chunks().documents(f"{ONE}---\na: [\n".encode(), AliasBudget())
    assert error.value.line > 4


def test_files_are_written_in_place(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a")
    (tmp_path / "a.yaml").chmod(0o640)
    (tmp_path / "b.yaml").write_text("b")
    before = {"a.yaml": "a", "b.yaml": "b", "new/c.yaml": None}
    write_files(tmp_path, before, {"a.yaml": "A", "b.yaml": None, "new/c.yaml": "C"})
    assert (tmp_path / "a.yaml").read_text() == "A"
    assert (tmp_path / "a.yaml").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "new" / "c.yaml").read_text() == "C"
    names = sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*"))
    assert names == ["a.yaml", "new", "new/c.yaml"]


@pytest.mark.parametrize("before", [{"a.yaml": "b"}, {"a.yaml": None}])
def test_what_was_changed_meanwhile_is_not_written_over(
    tmp_path: Path, before: dict[str, str | None]
) -> None:
    (tmp_path / "a.yaml").write_text("a")
    with pytest.raises(ConfigError, match="nothing was written"):
        write_files(tmp_path, before, {"a.yaml": "x"})
    assert (tmp_path / "a.yaml").read_text() == "a"


def test_nothing_outside_is_written(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path)
    with pytest.raises(ConfigError, match="symlink"):
        write_files(inside, {"link/x.yaml": None}, {"link/x.yaml": "x"})
    with pytest.raises(ConfigError, match="leads out"):
        write_files(inside, {"../x.yaml": None}, {"../x.yaml": "x"})
    (inside / "folder").mkdir()
    with pytest.raises(SourceError, match="can't be read"):
        write_files(inside, {"folder": None}, {"folder": "x"})
    (inside / "file").write_text("x")
    with pytest.raises(SourceError, match="can't be"):
        write_files(inside, {"file/x.yaml": None}, {"file/x.yaml": "x"})
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in"]
