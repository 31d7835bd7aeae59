import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.core.errors import ConfigError
from reconciler.settings import (
    ClusterSettings,
    IgnoreSettings,
    ProgramSettings,
    Renderer,
    ScopeSettings,
    Settings,
    SourceSettings,
    TargetSettings,
    VerifyMode,
    VerifySettings,
    load_settings,
    surroundings,
    target_named,
)
from reconciler.settings.configuration import configuration_schema

TARGET = """
targets:
  - name: shop
    source: {repo: https://git.example/shop.git, ref: main, path: deploy, render: kustomize}
    scope: {namespaces: [shop]}
    ignore:
      - {kind: Deployment, path: spec.replicas, reason: by the on-call team, until: 2027-01-31}
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Works where there is no plumbline.yaml but the test's own."""
    monkeypatch.chdir(tmp_path)


def loaded(
    text: str | None = None,
    flags: Mapping[str, Any] | None = None,
    *,
    file: str | None = None,
    **environ: str,
) -> Settings:
    if text is not None:
        Path(file or "plumbline.yaml").write_text(text)
    return load_settings(file, flags or {}, environ)


def refused(text: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(text, None, **environ)
    return str(caught.value)


def test_without_anything_the_defaults_hold() -> None:
    assert loaded() == Settings()
    assert loaded("") == Settings()


def test_a_file_is_read_into_the_same_settings_that_flags_make() -> None:
    rule = IgnoreSettings(
        "by the on-call team", "spec.replicas", "Deployment", until=date(2027, 1, 31)
    )
    source = SourceSettings("https://git.example/shop.git", "main", "deploy", Renderer.KUSTOMIZE)
    target = TargetSettings("shop", source, scope=ScopeSettings(("shop",)), ignore=(rule,))
    assert loaded(TARGET) == Settings(targets=(target,))
    assert target_named(loaded(TARGET), "shop") == target


@pytest.mark.parametrize(
    ("repo", "taken"),
    [
        ("shop", "deep/shop"),
        (".", "deep"),
        ("../shop", "deep/../shop"),
        ("/srv/shop", "/srv/shop"),
        ("https://git.example/shop.git", "https://git.example/shop.git"),
        ("git@git.example:shop.git", "git@git.example:shop.git"),
    ],
)
def test_a_path_in_the_file_is_taken_from_the_files_folder(repo: str, taken: str) -> None:
    Path("deep").mkdir()
    text = f"targets: [{{name: shop, source: {{repo: '{repo}'}}}}]\nstate_dir: state\n"
    text += "cluster: {kubeconfig: admin.conf}\n"
    settings = loaded(text, file="deep/plumbline.yaml")
    assert settings.targets[0].source.repo == taken
    assert (settings.state_dir, settings.cache_dir) == ("deep/state", "")
    assert settings.cluster.kubeconfig == "deep/admin.conf"


def test_keys_are_taken_from_the_files_folder() -> None:
    Path("deep").mkdir()
    source = "{repo: 'https://git.example/shop.git', verify: {keys: [team.asc, /etc/keys]}}"
    settings = loaded(f"targets: [{{name: shop, source: {source}}}]", file="deep/plumbline.yaml")
    verify = settings.targets[0].source.verify
    assert verify == VerifySettings(("deep/team.asc", "/etc/keys"), VerifyMode.FORWARD)


def test_flags_beat_variables_and_those_beat_the_file() -> None:
    text = "cache_dir: file\nstate_dir: file\ncluster: {kubeconfig: file, context: file}\n"
    flags = {"cluster": {"context": "flag"}}
    settings = loaded(text, flags, PLUMBLINE_STATE_DIR="variable", PLUMBLINE_CLUSTER__CONTEXT="x")
    assert settings.cluster == ClusterSettings("file", "flag")
    assert (settings.cache_dir, settings.state_dir) == ("file", "variable")


def test_flags_alone_need_no_file() -> None:
    flags = {"cluster": {"context": "a"}, "programs": {"helm": "helm3"}, "state_dir": "b"}
    assert loaded(flags=flags) == Settings(
        cluster=ClusterSettings(context="a"),
        programs=ProgramSettings(helm="helm3"),
        state_dir="b",
    )


def test_a_file_may_be_named() -> None:
    Path("plumbline.yaml").write_text("state_dir: default\n")
    assert loaded("state_dir: named\n", file="other.yaml").state_dir == "named"
    assert loaded(PLUMBLINE_CONFIG="other.yaml").state_dir == "named"
    assert loaded().state_dir == "default"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("target: []\n", "plumbline.yaml: target is no setting\n  fix: did you mean targets?"),
        ("cluster: {contxt: x}\n", "cluster.contxt is no setting\n  fix: did you mean context?"),
        (
            "cluster: {zzzzzz: x}\n",
            "cluster.zzzzzz is no setting\n  fix: it may be any of context, dry_runs, kubeconfig",
        ),
        (
            "targets: [{name: a, source: {repos: x, repo: y}}]\n",
            "targets.0.source.repos is no setting\n  fix: did you mean repo?",
        ),
        ("targets: [{name: a, source: {repo: y, render: jsonnet}}]\n", "render"),
        ("- a\n", "must hold one map of settings\n  fix: begin it with `targets:`"),
        ("a: [\n", "plumbline.yaml:2: "),
        ("a: &a\n  b: *c\n", "plumbline.yaml:2: found undefined alias"),
        (TARGET.replace("by the on-call team", "' '"), "the reason is empty"),
        (TARGET.replace("spec.replicas", "spec..x"), "a field's name is missing"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_fix(text: str, message: str) -> None:
    assert message in refused(text)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    message = refused("cluster: {contxt: x}\nprograms: {hell: y}\n")
    assert "cluster.contxt" in message
    assert "programs.hell" in message


def test_a_value_is_never_quoted() -> None:
    assert "hunter2" not in refused("cluster: {context: [hunter2]}\ntargets: hunter2\n")


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"no\.yaml can't be read.*\n.*--config"):
        load_settings("no.yaml", {}, {})


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("PLUMBLINE_STATEDIR", "did you mean PLUMBLINE_STATE_DIR?"),
        ("PLUMBLINE_CLUSTER__CONTXT", "did you mean PLUMBLINE_CLUSTER__CONTEXT?"),
    ],
)
def test_a_misspelt_variable_is_refused(name: str, fix: str) -> None:
    message = refused("", **{name: "x"})
    assert message == f"the environment variable {name} is no setting\n  fix: {fix}"


def test_variables_of_other_programs_are_left_alone() -> None:
    assert loaded(PLUMB="x", HOME="/root", STATE_DIR="y") == Settings()


def test_a_target_that_is_not_configured_is_named_beside_those_that_are() -> None:
    with pytest.raises(ConfigError, match="no target is named 'x'; configured: shop"):
        target_named(loaded(TARGET), "x")
    with pytest.raises(ConfigError, match="configured: none"):
        target_named(Settings(), "x")


def test_the_schema_accepts_what_the_program_accepts() -> None:
    schema = configuration_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    valid = {"targets": [{"name": "a", "source": {"repo": "x", "render": "helm"}}]}
    jsonschema.validate(valid, schema)
    refused: list[dict[str, Any]] = [{"target": []}, {"targets": [{"name": "a"}]}]
    for wrong in refused:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_the_surroundings_follow_the_conventions() -> None:
    around = surroundings({"HOME": "/home/me"})
    assert around.kubeconfig_files == (Path("/home/me/.kube/config"),)
    assert (around.cache_dir, around.state_dir) == (
        Path("/home/me/.cache/plumbline"),
        Path("/home/me/.local/state/plumbline"),
    )
    assert not around.no_color


def test_the_surroundings_can_be_moved() -> None:
    around = surroundings(
        {
            "HOME": "/home/me",
            "KUBECONFIG": os.pathsep.join(["/a", "", "/b"]),
            "NO_COLOR": "1",
            "XDG_CACHE_HOME": "/cache",
            "XDG_STATE_HOME": "relative/is/ignored",
        }
    )
    assert around.kubeconfig_files == (Path("/a"), Path("/b"))
    assert around.no_color
    assert around.cache_dir == Path("/cache/plumbline")
    assert around.state_dir == Path("/home/me/.local/state/plumbline")


@pytest.mark.parametrize(
    ("host", "port", "address"),
    [
        ("10.96.0.1", "443", "https://10.96.0.1:443"),
        ("fd00::1", "6443", "https://[fd00::1]:6443"),
        ("api.example", "443", "https://api.example:443"),
        ("10.96.0.1", "", ""),
        ("", "443", ""),
    ],
)
def test_a_pod_is_told_where_the_api_server_is(host: str, port: str, address: str) -> None:
    told = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
    assert surroundings({"HOME": "/home/me", **told}).api_server == address


def test_the_process_is_its_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PLUMBLINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PLUMBLINE_STATE_DIR", "mine")
    monkeypatch.setenv("NO_COLOR", "1")
    assert load_settings(None, {}).state_dir == "mine"
    assert surroundings().no_color
