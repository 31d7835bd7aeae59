"""`plumbline init`: what it finds out and what it writes."""

import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.cli.configuration_file import configuration_text
from reconciler.cli.main import main
from reconciler.core.desired import Manifest, Rendered, SourceLocation
from reconciler.settings import (
    Renderer,
    ScopeSettings,
    Settings,
    SourceSettings,
    TargetSettings,
    load_settings,
)
from tests.fakes.cluster import FakeCluster

NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\n"
_TEXT = st.text(st.characters(codec="utf-8"), max_size=12)


@pytest.fixture
def home(alone: Path) -> Path:
    """A user with no cluster, in a folder with a repository `shop`."""
    (alone / "shop").mkdir()
    return alone


def _commit(repo: Path, **files: str) -> None:
    for name, text in files.items():
        (repo / f"{name}.yaml").write_text(text)
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for words in (("init", "-q"), ("add", "."), (*identity, "commit", "-qm", "first")):
        subprocess.run(["git", *words], cwd=repo, check=True)


def _read(file: Path) -> TargetSettings:
    (target,) = load_settings(str(file), {}, {}).targets
    return target


def test_the_file_says_what_was_found(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _commit(home / "shop", namespace=NAMESPACE, secret=SECRET)
    assert main(["init", "--repo", "shop"]) == 0
    assert _read(home / "plumbline.yaml") == TargetSettings(
        "shop",
        SourceSettings(str(home / "shop"), render=Renderer.PLAIN),
        namespace="default",
        scope=ScopeSettings(("shop",)),
    )
    assert "repo: shop" in (home / "plumbline.yaml").read_text()
    out = capsys.readouterr().out
    assert out.startswith("Wrote plumbline.yaml: target shop, 2 objects at ")
    assert "Unmanaged objects are looked for in shop." in out
    assert "The cluster couldn't be asked: no kubeconfig was found" in out
    assert "plumbline check" in out


def test_a_file_elsewhere_names_the_same_folder(home: Path) -> None:
    _commit(home / "shop", namespace=NAMESPACE)
    (home / "etc").mkdir()
    assert main(["init", "--repo", "shop", "--file", "etc/plumbline.yaml"]) == 0
    assert Path(_read(Path("etc/plumbline.yaml")).source.repo).samefile(home / "shop")


def test_the_renderer_is_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Source:
        def fetch(self) -> Rendered:
            body = yaml.safe_load(NAMESPACE)
            return Rendered("4f0c1a2b", (Manifest(body, SourceLocation("base/shop.yaml", 1)),))

        def renderer(self) -> str:
            return "kustomize"

    # The real one would need kustomize.
    monkeypatch.setattr("reconciler.bootstrap.open_source", lambda *_: Source())
    assert main(["init", "--repo", "shop"]) == 0
    assert _read(home / "plumbline.yaml").source.render is Renderer.KUSTOMIZE


def test_the_cluster_says_which_context_and_namespace(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Cluster(FakeCluster):
        context = "kind-shop"
        namespace = "kitchen"

        def close(self) -> None:
            """Has no connections."""

    monkeypatch.setattr("reconciler.bootstrap.open_cluster", lambda _: Cluster())
    _commit(home / "shop", namespace=NAMESPACE, secret=SECRET)
    assert main(["init", "--repo", "shop"]) == 0
    assert _read(home / "plumbline.yaml").namespace == "kitchen"
    read = load_settings(str(home / "plumbline.yaml"), {}, {})
    assert read.cluster.context == "kind-shop"
    assert "couldn't be asked" not in capsys.readouterr().out


def test_given_namespaces_beat_declared_ones(home: Path) -> None:
    _commit(home / "shop", namespace=NAMESPACE, secret=SECRET)
    assert main(["init", "--repo", "shop", "-n", "one", "-n", "two", "--file", "x.yaml"]) == 0
    target = _read(home / "x.yaml")
    assert target.namespace == "one"
    assert target.scope.namespaces == ("one", "two")


def test_the_namespace_that_all_live_in_is_the_scope(home: Path) -> None:
    text = SECRET.replace("name: key", "name: key, namespace: kitchen")
    _commit(home / "shop", secret=text)
    assert main(["init", "--repo", "shop"]) == 0
    target = _read(home / "plumbline.yaml")
    assert target.scope.namespaces == ("kitchen",)
    assert target.namespace == ""


def test_namespaces_of_kubernetes_itself_are_no_scope(home: Path) -> None:
    _commit(home / "shop", secret=SECRET.replace("name: key", "name: key, namespace: kube-system"))
    assert main(["init", "--repo", "shop"]) == 0
    assert _read(home / "plumbline.yaml").scope.namespaces == ()
    assert "# Not in scope: kube-system" in (home / "plumbline.yaml").read_text()


def test_a_file_that_is_there_is_left_as_it_is(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "plumbline.yaml").write_text("# mine\n")
    assert main(["init", "--repo", "shop"]) == 2
    assert (home / "plumbline.yaml").read_text() == "# mine\n"
    assert "is there already, and is left as it is\n  fix: name another" in capsys.readouterr().err


def test_a_link_to_nowhere_is_a_file_that_is_there(home: Path) -> None:
    (home / "plumbline.yaml").symlink_to(home / "elsewhere")
    assert main(["init", "--repo", "shop"]) == 2
    assert not (home / "elsewhere").exists()


def test_nothing_is_written_where_the_repository_cannot_be_read(home: Path) -> None:
    assert main(["init", "--repo", "nowhere"]) == 2
    assert not (home / "plumbline.yaml").exists()


def test_a_file_that_cannot_be_written_is_told_of(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _commit(home / "shop", namespace=NAMESPACE)
    assert main(["init", "--repo", "shop", "--file", "nowhere/plumbline.yaml"]) == 2
    assert "nowhere/plumbline.yaml can't be written: No such file" in capsys.readouterr().err


def test_another_file_s_name_is_part_of_what_comes_next(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _commit(home / "shop", namespace=NAMESPACE)
    assert main(["init", "--repo", "shop", "--file", "x.yaml"]) == 0
    assert "plumbline check --config x.yaml" in capsys.readouterr().out


def test_a_password_in_a_url_is_left_out() -> None:
    from reconciler.cli.init import _without_password

    assert _without_password("https://bot:hunter2@git.example/a.git") == (
        "https://bot@git.example/a.git"
    )
    assert _without_password("https://git.example/a.git") == "https://git.example/a.git"
    assert _without_password("git@git.example:a.git") == "git@git.example:a.git"


def test_the_context_is_written_down() -> None:
    target = TargetSettings("shop", SourceSettings("shop"))
    text = configuration_text(target, "kind-shop")
    assert yaml.safe_load(text)["cluster"] == {"context": "kind-shop"}


@given(
    st.builds(
        TargetSettings,
        name=_TEXT,
        source=st.builds(
            SourceSettings,
            repo=_TEXT,
            ref=_TEXT,
            path=_TEXT,
            render=st.sampled_from(Renderer),
            values=st.lists(_TEXT, max_size=2).map(tuple),
            release=_TEXT,
        ),
        namespace=_TEXT,
        scope=st.builds(ScopeSettings, st.lists(_TEXT, max_size=2).map(tuple)),
        ignore=st.just(()),
    ),
    st.sampled_from(["", "kube-system"]),
)
@example(TargetSettings(".0", SourceSettings("-.inf", path=".", release="0o7")), "")
@settings(max_examples=40, deadline=None)
def test_whatever_is_written_is_read_as_it_was(target: TargetSettings, left_out: str) -> None:
    from reconciler.settings.configuration import read_configuration

    text = configuration_text(target, "", [left_out] if left_out else [])
    content = yaml.load(text, yaml.CSafeLoader)
    assert read_configuration(None, content, {}) == Settings(targets=(target,))


@pytest.mark.parametrize(
    "word", ["1.30", ".5", ".inf", "true", "on", "null", "~", "1e3", "0x1f", "a: b", "#x"]
)
def test_words_that_yaml_reads_otherwise_are_quoted(word: str) -> None:
    text = configuration_text(TargetSettings(word, SourceSettings("shop")))
    assert yaml.safe_load(text)["targets"][0]["name"] == word
