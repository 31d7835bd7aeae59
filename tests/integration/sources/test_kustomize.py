"""Kustomizations, built by the real kubectl."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.sources.rendering import RenderChoice
from reconciler.adapters.sources.source import GitSource
from reconciler.core.errors import ConfigError, ManifestError, SourceError
from tests.integration.sources.conftest import Repository, config_map
from tests.tools.controlplane.recipes import Tool
from tests.tools.controlplane.toolbox import Toolbox

Make = Callable[..., GitSource]


@pytest.fixture
def kustomize(source: Make, toolbox: Toolbox) -> Make:
    program = str(toolbox.tool(Tool.KUBECTL))
    return lambda repo, path, **options: source(repo, path=path, kustomize=program, **options)


@pytest.fixture
def shop(repository: Repository) -> Repository:
    repository.write(
        "base/kustomization.yaml",
        "resources: [all.yaml]\nconfigMapGenerator:\n  - name: made\n    literals: [a=b]\n",
    )
    repository.write("base/all.yaml", f"# a comment\n{config_map('one')}---\n{config_map('two')}")
    repository.write(
        "overlay/kustomization.yaml",
        "resources:\n  - ../base\n  - own.yaml\nnamePrefix: pre-\nnamespace: shop\n",
    )
    repository.write("overlay/own.yaml", config_map("own"))
    repository.commit()
    return repository


def test_an_overlay_with_the_places_of_its_objects(shop: Repository, kustomize: Make) -> None:
    rendered = kustomize(shop.folder, "overlay").fetch()
    places = {m.name.split("-")[1]: str(m.source) for m in rendered.manifests}
    assert places == {
        "one": "base/all.yaml:2",
        "two": "base/all.yaml:9",
        "own": "overlay/own.yaml:1",
        "made": "base/kustomization.yaml",
    }
    assert {m.namespace for m in rendered.manifests} == {"shop"}
    # The trace of where they came from isn't left in them.
    assert all("annotations" not in m.body["metadata"] for m in rendered.manifests)


def test_origins_that_the_author_asked_for_stay(shop: Repository, kustomize: Make) -> None:
    shop.write(
        "base/kustomization.yaml", "resources: [all.yaml]\nbuildMetadata: [originAnnotations]\n"
    )
    shop.commit()
    (one, two) = kustomize(shop.folder, "base").fetch().manifests
    assert "config.kubernetes.io/origin" in one.body["metadata"]["annotations"]
    assert str(two.source) == "base/all.yaml:9"


def test_a_base_that_changes_is_built_again_and_nothing_else_is(
    shop: Repository, kustomize: Make, tmp_path: Path
) -> None:
    first = kustomize(shop.folder, "overlay").fetch()
    shop.write("base/all.yaml", config_map("one", "changed"))
    shop.commit()
    second = kustomize(shop.folder, "overlay").fetch()
    assert len(first.manifests) == 4
    assert len(second.manifests) == 3
    kustomize(shop.folder, "overlay").fetch()
    assert len(list((tmp_path / "cache" / "rendered").iterdir())) == 2


def test_a_kustomization_in_a_plain_folder(
    shop: Repository, kustomize: Make, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    for name in ("base", "overlay"):
        (plain / name).mkdir(parents=True)
        for file in (shop.folder / name).iterdir():
            (plain / name / file.name).write_bytes(file.read_bytes())
    rendered = kustomize(plain, "overlay").fetch()
    assert len(rendered.manifests) == 4
    assert rendered.revision.startswith("sha256:")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("https://example.dev/x.yaml", "isn't in this repository"),
        ("github.com/org/repo//deploy?ref=v1", "isn't in this repository"),
        ("ssh://git@example.dev/x", "isn't in this repository"),
        ("nowhere.yaml", "isn't in this repository"),
        ("../../outside", "leads out of the repository"),
        ("/etc", "leads out of the repository"),
    ],
)
def test_a_base_that_the_revision_doesnt_pin(
    shop: Repository, kustomize: Make, name: str, says: str
) -> None:
    shop.write("base/kustomization.yaml", f"namePrefix: a\nresources:\n  - {name}\n")
    shop.commit()
    with pytest.raises(ManifestError, match=rf"base/kustomization\.yaml:1: .*{says}") as caught:
        kustomize(shop.folder, "overlay").fetch()
    assert caught.value.problems[0].fix


def test_nothing_is_fetched_by_any_other_field(shop: Repository, kustomize: Make) -> None:
    shop.write(
        "base/kustomization.yaml",
        "resources: [all.yaml]\npatches:\n  - path: https://example.dev/patch.yaml\n",
    )
    shop.commit()
    with pytest.raises(SourceError, match="base can't be built") as caught:
        kustomize(shop.folder, "base").fetch()
    assert "127.0.0.1:1" in caught.value.message or "no such file" in caught.value.message


def test_a_file_above_the_kustomization_is_refused(shop: Repository, kustomize: Make) -> None:
    shop.write("secret.env", "password=s3cret")
    shop.write(
        "base/kustomization.yaml", "secretGenerator:\n  - name: x\n    envs: [../secret.env]\n"
    )
    shop.commit()
    with pytest.raises(SourceError, match="base can't be built") as caught:
        kustomize(shop.folder, "base").fetch()
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("target", ["../../../etc/passwd", "/etc/passwd", "link2/../../../x"])
def test_a_symlink_that_leads_out(shop: Repository, kustomize: Make, target: str) -> None:
    shop.link("base/data.txt", target)
    shop.commit()
    with pytest.raises(ManifestError, match=r"base/data\.txt: this symlink leads out"):
        kustomize(shop.folder, "base").fetch()


def test_symlinks_that_lead_out_together(shop: Repository, kustomize: Make) -> None:
    # By its text alone each stays inside.
    shop.write("base/a/b/c/file", "x")
    shop.link("base/up", "a/b/..")
    shop.link("base/deep/way", "../..")
    shop.link("base/deep/out", "way/../..")
    shop.commit()
    with pytest.raises(ManifestError, match="this symlink leads out"):
        kustomize(shop.folder, "base").fetch()


def test_a_symlink_that_stays_inside_works(shop: Repository, kustomize: Make) -> None:
    shop.write("base/kustomization.yaml", "resources: [again.yaml]\n")
    shop.link("base/again.yaml", "all.yaml")
    shop.commit()
    assert len(kustomize(shop.folder, "base").fetch().manifests) == 2


def test_a_broken_kustomization_quotes_nothing(shop: Repository, kustomize: Make) -> None:
    shop.write("base/kustomization.yaml", "resources: [all.yaml]\n\tpassword: s3cret\n")
    shop.commit()
    with pytest.raises(
        ManifestError, match=r"base/kustomization\.yaml:2: this isn't YAML"
    ) as caught:
        kustomize(shop.folder, "base").fetch()
    assert "s3cret" not in str(caught.value)
    shop.write("base/kustomization.yaml", "resources: [all.yaml]\nunknown: {password: s3cret}\n")
    shop.commit()
    with pytest.raises(SourceError, match="unknown field") as refused:
        kustomize(shop.folder, "base").fetch()
    assert "s3cret" not in str(refused.value)


def test_a_broken_resource_quotes_nothing(shop: Repository, kustomize: Make) -> None:
    shop.write("base/all.yaml", "kind: Secret\nstringData:\n  password: s3cret-value-1\n")
    shop.commit()
    with pytest.raises(SourceError) as caught:
        kustomize(shop.folder, "base").fetch()
    assert "s3cret" not in str(caught.value)
    assert "all.yaml" in str(caught.value)
    assert "/tmp/" not in str(caught.value)


def test_what_builds_nothing(shop: Repository, kustomize: Make) -> None:
    shop.write("base/kustomization.yaml", "resources: []\n")
    shop.commit()
    with pytest.raises((ManifestError, SourceError)):
        kustomize(shop.folder, "base").fetch()


def test_asked_for_where_there_is_none(shop: Repository, kustomize: Make) -> None:
    with pytest.raises(ConfigError, match=r"no kustomization\.yaml right in"):
        kustomize(shop.folder, "", render=RenderChoice.KUSTOMIZE).fetch()


def test_among_plain_manifests(shop: Repository, source: Make) -> None:
    with pytest.raises(ManifestError, match="this is a kustomization, among") as caught:
        source(shop.folder).fetch()
    assert "--path at base" in caught.value.problems[0].fix


def test_the_program_is_found_on_path_or_said_to_be_missing(
    shop: Repository, source: Make, toolbox: Toolbox, tmp_path: Path
) -> None:
    git = next(Path(p, "git") for p in os.environ["PATH"].split(":") if Path(p, "git").exists())
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(git)
    environ = {"PATH": str(tmp_path / "bin")}
    with pytest.raises(SourceError, match="kustomize or kubectl isn't there") as caught:
        source(shop.folder, path="base", environ=environ).fetch()
    assert "PATH" in caught.value.fix
    (tmp_path / "bin" / "kubectl").symlink_to(toolbox.tool(Tool.KUBECTL))
    assert source(shop.folder, path="base", environ=environ).fetch().manifests


def test_values_are_for_charts_alone(shop: Repository, kustomize: Make) -> None:
    with pytest.raises(ConfigError, match="values files are given"):
        kustomize(shop.folder, "base", values=("values.yaml",)).fetch()
