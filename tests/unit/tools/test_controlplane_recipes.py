import shutil
from pathlib import Path

import pytest

from tests.tools.controlplane.recipes import MODULES, RECIPES, Tool, cache_key


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    for name in {recipe.module for recipe in RECIPES.values()}:
        shutil.copytree(MODULES / name, tmp_path / name)
    return tmp_path


def test_every_tool_has_a_recipe_whose_version_is_in_go_mod() -> None:
    assert set(RECIPES) == set(Tool)
    for recipe in RECIPES.values():
        assert recipe.version().startswith("v")
        text = (MODULES / recipe.module / "go.mod").read_text()
        assert recipe.package in [line.split()[-1] for line in text.splitlines() if line.strip()]


def test_kubernetes_programs_are_stamped_with_the_version_of_go_mod() -> None:
    recipe = RECIPES[Tool.KUBE_APISERVER]
    major, minor, _ = recipe.version()[1:].split(".")
    flags = recipe.build_flags()
    assert flags[:2] == ["-trimpath", "-ldflags"]
    linker = flags[2]
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"):
        assert f"-X {package}.gitVersion={recipe.version()} " in f"{linker} "
        assert f"-X {package}.gitMajor={major} " in f"{linker} "
        assert f"-X {package}.gitMinor={minor} " in f"{linker} "
    assert linker.startswith("-s -w")


def test_the_key_depends_on_every_go_mod_go_sum_and_the_platform(modules: Path) -> None:
    keys = {cache_key(modules, "linux-amd64"), cache_key(modules, "linux-arm64")}
    for name in ("kubernetes/go.mod", "kubernetes/go.sum", "etcd/go.sum", "helm/go.mod"):
        with (modules / name).open("a") as file:
            file.write("\n// changed\n")
        keys.add(cache_key(modules, "linux-amd64"))
    assert len(keys) == 6
    assert cache_key(modules, "linux-amd64") == cache_key(modules, "linux-amd64")


def test_a_go_mod_without_the_program_is_an_error(modules: Path) -> None:
    (modules / "etcd" / "go.mod").write_text("module x\n")
    with pytest.raises(ValueError, match="does not require"):
        RECIPES[Tool.ETCD].version(modules)
