"""Flags that verbs share: which go together, and which targets they make."""

import argparse
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.cli.options import (
    add_output_options,
    add_target_options,
    settings_of,
    targets_of,
)
from reconciler.core.errors import ConfigError
from reconciler.settings import (
    IgnoreSettings,
    Mode,
    Renderer,
    ScopeSettings,
    Settings,
    SourceSettings,
    TargetSettings,
)

SHOP = TargetSettings(
    "shop",
    SourceSettings("shop", path="deploy"),
    namespace="kitchen",
    scope=ScopeSettings(("kitchen",)),
    ignore=(IgnoreSettings("scaled by hand", path="spec.replicas"),),
    mode=Mode.PROPOSE,
    prune=True,
    grace="2m",
)
SHED = TargetSettings("shed", SourceSettings("shed"))
BOTH = Settings(targets=(SHOP, SHED))


def _options(*words: str, many: bool = True) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
    add_target_options(parser, many=many)
    add_output_options(parser, ("text", "json"))
    return parser.parse_args(words)


def _targets(settings: Settings, *words: str) -> tuple[TargetSettings, ...]:
    options = _options(*words)
    return targets_of(options, settings, options.targets)


def _made(*words: str) -> TargetSettings:
    (target,) = _targets(Settings(), *words)
    return target


def _refusal(settings: Settings, *words: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        _targets(settings, *words)
    return caught.value


def test_without_words_all_configured_targets_are_meant() -> None:
    assert _targets(BOTH) == (SHOP, SHED)


def test_named_targets_come_in_the_order_of_the_words() -> None:
    assert _targets(BOTH, "shed", "shop") == (SHED, SHOP)


def test_a_target_that_is_not_configured_is_refused() -> None:
    assert "configured: shop, shed" in _refusal(BOTH, "shop", "barn").message


def test_a_verb_of_one_target_wants_one() -> None:
    with pytest.raises(ConfigError, match="several targets are configured: shop, shed"):
        targets_of(_options(many=False), BOTH, ())
    assert targets_of(_options("shed", many=False), BOTH, ["shed"]) == (SHED,)
    assert targets_of(_options(many=False), Settings(targets=(SHOP,)), ()) == (SHOP,)


def test_with_no_target_at_all_the_fix_says_how_to_have_one() -> None:
    assert "--repo DIR" in _refusal(Settings()).fix


def test_repo_makes_a_target_whatever_is_configured() -> None:
    words = ("--repo", "a/b", "--ref", "main", "--path", "deploy", "--render", "helm")
    more = ("--values", "one.yaml", "--values", "two.yaml", "--release", "blue")
    source = SourceSettings(
        "a/b", "main", "deploy", Renderer.HELM, ("one.yaml", "two.yaml"), "blue"
    )
    assert _targets(BOTH, *words, *more) == (TargetSettings("b", source),)


def test_repo_and_a_target_s_name_do_not_go_together() -> None:
    assert "--repo makes a target of its own" in _refusal(BOTH, "shop", "--repo", "b").message


@pytest.mark.parametrize(
    "words",
    [
        ("--ref", "main"),
        ("--path", "deploy"),
        ("--render", "helm"),
        ("--values", "one.yaml"),
        ("--release", "blue"),
    ],
)
def test_flags_about_a_repository_want_one(words: tuple[str, str]) -> None:
    assert _refusal(BOTH, *words).message.startswith(f"{words[0]} goes with --repo")


@pytest.mark.parametrize(
    ("repo", "name"),
    [
        ("https://git.example/team/shop.git", "shop"),
        ("https://git.example/team/shop/", "shop"),
        ("https://git.example/shop.git?ref=main", "shop"),
        ("git@git.example:team/shop.git", "shop"),
        ("git@git.example:shop", "shop"),
        ("file:///srv/shop.git", "shop"),
        ("deploy/shop", "shop"),
        ("deploy/shop/.git", "shop"),
        ("shop@2", "shop@2"),
        (r"C:\deploy\shop", "shop"),
        ("/", "target"),
    ],
)
def test_a_target_is_named_by_its_repository(repo: str, name: str) -> None:
    assert _made("--repo", repo).name == name


@pytest.mark.parametrize(
    ("repo", "name"), [(".", "deploy"), ("./", "deploy"), ("..", "shop"), ("x/../..", "shop")]
)
def test_a_folder_that_has_no_name_here_is_named_by_where_it_is(
    repo: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shop" / "deploy"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    assert _made("--repo", repo).name == name


@pytest.mark.parametrize(
    "repo",
    [
        "https://bot:hunter2@git.example",
        "https://hunter2@git.example/",
        "https://git.example/shop?token=hunter2",
    ],
)
def test_a_target_is_never_named_by_credentials(repo: str) -> None:
    assert "hunter2" not in _made("--repo", repo).name


def test_the_first_namespace_is_for_manifests_and_all_are_the_scope() -> None:
    target = _made("--repo", "b", "-n", "one", "--namespace", "two")
    assert target.namespace == "one"
    assert target.scope == ScopeSettings(("one", "two"))


def test_namespaces_beat_those_of_every_configured_target() -> None:
    shop, shed = _targets(BOTH, "-n", "one")
    assert shop == replace(SHOP, namespace="one", scope=ScopeSettings(("one",)))
    assert (shed.name, shed.namespace) == ("shed", "one")


def test_without_namespaces_a_made_target_looks_nowhere_for_unmanaged() -> None:
    assert _made("--repo", "b") == TargetSettings("b", SourceSettings("b"))


def test_flags_beat_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "settings.yaml"
    file.write_text("cluster: {kubeconfig: /from/file, context: file}\ncache_dir: /from/file\n")
    monkeypatch.setenv("PLUMBLINE_CLUSTER__CONTEXT", "variable")
    words = ("--config", str(file), "--kubeconfig", "/from/flag", "--state-dir", "/from/flag")
    settings = settings_of(_options(*words))
    assert settings.cluster.kubeconfig == "/from/flag"
    assert settings.cluster.context == "variable"
    assert settings.cache_dir == "/from/file"
    assert settings.state_dir == "/from/flag"


def test_without_file_and_flags_all_is_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PLUMBLINE_CONFIG", raising=False)
    assert settings_of(_options()) == Settings()
