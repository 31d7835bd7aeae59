"""Which cluster is meant, and what is said where a kubeconfig lacks something."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.adapters.cluster.access import ServiceAccount
from reconciler.adapters.cluster.credentials import (
    ClientCertificate,
    ExecCredentials,
    FixedCredentials,
    ProviderCredentials,
    TokenFileCredentials,
)
from reconciler.adapters.cluster.kubeconfig import find_access
from reconciler.core.errors import ConfigError

NOWHERE = ServiceAccount(Path("/no/such/folder"))


def document(user: dict[str, Any] | None = None, **cluster: Any) -> dict[str, Any]:
    return {
        "current-context": "shop",
        "contexts": [
            {"name": "shop", "context": {"cluster": "c", "user": "u", "namespace": "web"}},
            {"name": "other", "context": {"cluster": "c"}},
        ],
        "clusters": [{"name": "c", "cluster": {"server": "https://api.example:6443/", **cluster}}],
        "users": [{"name": "u", "user": user or {}}],
    }


def write(folder: Path, content: dict[str, Any] | str, name: str = "config") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_the_current_context_is_meant(tmp_path: Path) -> None:
    ca = b64("PEM")
    options = {"certificate-authority-data": ca, "tls-server-name": "k8s", "proxy-url": "http://p"}
    access = find_access(str(write(tmp_path, document({"token": "t"}, **options))), None, [])
    assert access.server == "https://api.example:6443"
    assert access.ca == "PEM"
    assert access.verify
    assert (access.server_name, access.proxy) == ("k8s", "http://p")
    assert (access.context, access.namespace) == ("shop", "web")
    assert access.described == "context 'shop'"
    assert access.credentials.authorization() == "Bearer t"
    assert access.credentials.certificate() is None


def test_another_context_may_be_named(tmp_path: Path) -> None:
    access = find_access(str(write(tmp_path, document({"token": "t"}))), "other", [])
    assert access.context == "other"
    assert access.namespace == ""
    assert access.credentials.authorization() is None


def test_a_kubeconfig_may_be_json(tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps(document({"token": "t"})))
    assert find_access(str(path), None, []).context == "shop"


def test_a_flow_map_that_is_not_json_is_yaml(tmp_path: Path) -> None:
    path = write(tmp_path, yaml.safe_dump(document(), default_flow_style=True, width=10_000))
    assert path.read_text().startswith("{")
    assert find_access(str(path), None, []).context == "shop"


def test_of_several_files_the_first_wins_entry_by_entry(tmp_path: Path) -> None:
    first = write(tmp_path, {"users": [{"name": "u", "user": {"token": "first"}}]}, "a")
    second = write(tmp_path, document({"token": "second"}), "b")
    third = write(tmp_path, {"current-context": "other"}, "d")
    access = find_access(None, None, [first, tmp_path / "missing", second, third])
    assert access.context == "shop"
    assert access.credentials.authorization() == "Bearer first"


def test_paths_are_relative_to_the_file_they_stand_in(tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    for name in ("ca", "cert", "key"):
        (folder / name).write_text(name.upper())
    user = {"client-certificate": "cert", "client-key": str(folder / "key")}
    path = write(folder, document(user, **{"certificate-authority": "ca"}))
    access = find_access(str(path), None, [])
    assert access.ca == "CA"
    pair = access.credentials.certificate()
    assert pair == ClientCertificate(b"CERT", b"KEY")


@pytest.mark.parametrize(
    ("user", "kind"),
    [
        ({}, FixedCredentials),
        ({"token": "t", "exec": {"command": "x"}}, FixedCredentials),
        ({"token": "t", "tokenFile": "f"}, TokenFileCredentials),
        ({"exec": {"command": "x"}}, ExecCredentials),
        ({"auth-provider": {"name": "oidc"}}, ProviderCredentials),
    ],
)
def test_which_credentials_are_taken(tmp_path: Path, user: dict[str, Any], kind: type) -> None:
    access = find_access(str(write(tmp_path, document(user))), None, [])
    assert isinstance(access.credentials, kind)


def test_a_name_and_a_password(tmp_path: Path) -> None:
    path = write(tmp_path, document({"username": "me", "password": "it's"}))
    header = find_access(str(path), None, []).credentials.authorization()
    assert header == f"Basic {b64(chr(109) + 'e:it' + chr(39) + 's')}"


def test_a_pods_account_where_there_is_no_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("pod-token\n")
    (tmp_path / "namespace").write_text("prod")
    access = find_access(None, None, [tmp_path / "missing"], ServiceAccount(tmp_path))
    assert access.server == "https://kubernetes.default.svc"
    assert access.credentials.authorization() == "Bearer pod-token"
    assert access.namespace == "prod"
    assert access.described == "this pod's service account"


def test_nothing_at_all(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(ConfigError, match="no kubeconfig was found") as caught:
        find_access(None, None, [missing], NOWHERE)
    assert str(missing) in caught.value.message
    assert "--kubeconfig" in caught.value.fix


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing can't be read"):
        find_access(str(tmp_path / "missing"), None, [])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"current-context": ""}, "no current context is set"),
        ({"current-context": "nope"}, "the context is named 'nope'"),
        ({"clusters": []}, "cluster of context 'shop' is named 'c'"),
        ({"users": None}, "user of context 'shop' is named 'u'"),
        ({"clusters": [{"name": "c", "cluster": {}}]}, "no usable server address"),
        ({"clusters": [{"name": "c", "cluster": {"server": "api:6443"}}]}, "no usable server"),
        ({"clusters": [{"name": "c", "cluster": {"server": "https://a:x"}}]}, "no usable server"),
        ({"users": [{"name": "u", "user": {"client-key-data": "eA=="}}]}, "only one of client"),
        ({"users": [{"name": "u", "user": {"client-key-data": "s3cret!"}}]}, "isn't base64"),
        ({"users": [{"name": "u", "user": {"client-key": "gone"}}]}, "gone"),
    ],
)
def test_what_is_missing_is_named_with_its_file(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    path = write(tmp_path, {**document(), **change})
    with pytest.raises(ConfigError) as caught:
        find_access(str(path), None, [])
    assert said in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.fix
    assert "s3cret" not in str(caught.value)


def test_what_is_not_yaml_is_not_quoted(tmp_path: Path) -> None:
    path = write(tmp_path, "users:\n- token: s3cret\n  bad: [")
    with pytest.raises(ConfigError, match="isn't YAML, line") as caught:
        find_access(str(path), None, [])
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_is_yaml_and_no_kubeconfig(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="isn't a map"):
        find_access(str(write(tmp_path, "just a text")), None, [])


def test_credentials_are_not_shown(tmp_path: Path) -> None:
    access = find_access(str(write(tmp_path, document({"token": "s3cret"}))), None, [])
    assert "s3cret" not in f"{access!r} {access.credentials!r}"


def test_an_address_is_shown_without_its_password(tmp_path: Path) -> None:
    path = write(tmp_path, document(server="https://me:s3cret@[::1]:6443/clusters/a"))
    assert find_access(str(path), None, []).address == "https://[::1]:6443/clusters/a"


def test_a_token_file_is_read_again_after_a_minute(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one")
    now = [0.0]
    credentials = TokenFileCredentials(path, clock=lambda: now[0])
    assert credentials.authorization() == "Bearer one"
    path.write_text("two")
    assert credentials.authorization() == "Bearer one"
    now[0] = 61.0
    assert credentials.authorization() == "Bearer two"
    path.write_text("three")
    assert credentials.renew()
    assert not credentials.renew()


@pytest.mark.parametrize(("content", "said"), [(None, "can't be read"), (" \n", "is empty")])
def test_a_token_file_that_has_no_token(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=said):
        TokenFileCredentials(path).authorization()
