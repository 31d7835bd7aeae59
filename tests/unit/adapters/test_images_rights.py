"""By which right registries are asked."""

import base64
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.images.credentials import Credential, Keychain
from reconciler.adapters.images.endpoints import Endpoint, Endpoints
from reconciler.adapters.images.registry import OciRegistry
from reconciler.core.errors import RegistryError
from reconciler.core.images.facts import Ask, ImageFacts
from reconciler.core.images.naming import ImageName
from reconciler.core.resource import JsonObject, ResourceKey
from tests.fakes.answering_http import AnsweringServer, Call, Reply
from tests.unit.adapters.test_images import (
    CONFIG,
    PASSWORD,
    basic,
    docker,
    refused,
    serving,
    world,
)


def guarded(call: Call) -> Reply:
    if call.headers.get("Authorization") != f"Basic {basic()}":
        return Reply(401, b"hostile", {"WWW-Authenticate": 'Basic realm="x"'})
    return serving(call)


def secret(
    host: str, name: str = "pull", namespace: str = "shop", **auth: str
) -> dict[ResourceKey, JsonObject]:
    content = json.dumps({"auths": {host: auth}}).encode()
    body = {
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(content).decode()},
    }
    return {ResourceKey("", "Secret", namespace, name): body}


def test_a_right_is_shown_only_where_it_is_asked_for(tmp_path: Path) -> None:
    with world(guarded) as made:
        keychain = Keychain(docker(tmp_path, auths={made.host: {"auth": basic()}}), {})
        registry = OciRegistry(made.endpoints, keychain)
        assert isinstance(registry.facts(made.ask()), ImageFacts)
        registry.tags(made.ask())
        shown = [call.headers.get("Authorization") for call in made.server.calls]
        # Once refused, it is shown from then on.
        assert shown == [None] + [f"Basic {basic()}"] * 3


def test_a_namespace_s_pull_secret_is_for_that_namespace_alone() -> None:
    with world(guarded) as made:
        keychain = Keychain(None, {}, secret(made.host, username="ann", password=PASSWORD))
        registry = OciRegistry(made.endpoints, keychain)
        assert isinstance(registry.facts(made.ask(namespace="shop")), ImageFacts)
        with pytest.raises(RegistryError, match=r"wants credentials \(401\)"):
            registry.facts(made.ask(namespace="other"))


def test_several_rights_are_tried_in_turn() -> None:
    with world(guarded) as made:
        secrets = secret(made.host, "a", auth=basic("ann", "old"))
        secrets |= secret(made.host, "b", auth=basic())
        registry = OciRegistry(made.endpoints, Keychain(None, {}, secrets))
        assert isinstance(registry.facts(made.ask(namespace="shop")), ImageFacts)
        with pytest.raises(RegistryError, match="doesn't accept our credentials") as caught:
            wrong = Keychain(None, {}, secret(made.host, auth=basic("ann", "old")))
            OciRegistry(made.endpoints, wrong).facts(made.ask(namespace="shop"))
        assert basic("ann", "old") not in str(caught.value)


def test_what_a_home_folder_holds_is_not_shown_to_registries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login ann password {PASSWORD}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with world(guarded) as made, pytest.raises(RegistryError, match="wants credentials"):
        made.registry.facts(made.ask())
    assert all("Authorization" not in call.headers for call in made.server.calls)


def test_where_blobs_are_nothing_is_shown(tmp_path: Path) -> None:
    with AnsweringServer(lambda _: Reply(200, CONFIG)) as store:

        def sending(call: Call) -> Reply:
            reply = guarded(call)
            if "/blobs/" in call.path and reply.status == 200:
                return Reply(307, b"", {"Location": f"{store.url}/bucket?signed"})
            return reply

        with world(sending) as made:
            keychain = Keychain(docker(tmp_path, auths={made.host: {"auth": basic()}}), {})
            found = OciRegistry(made.endpoints, keychain).facts(made.ask())
            assert isinstance(found, ImageFacts)
            assert found.created
    assert [call.headers.get("Authorization") for call in store.calls] == [None]


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("file:///etc/passwd", "where no https is spoken"),
        ("ftp://elsewhere.invalid/", "where no https is spoken"),
        ("http://[/", "it can't be asked"),
        ("/v2/", "in circles"),
        ("", "in circles"),
    ],
)
def test_where_a_registry_may_not_send_us(location: str, words: str) -> None:
    refused(lambda _: Reply(302, b"", {"Location": location}), words)


def test_a_registry_over_tls_may_not_send_us_where_there_is_none() -> None:
    # It isn't reached: no certificate holds for it.
    with AnsweringServer(serving) as server:
        host = server.url.removeprefix("http://")
        registry = OciRegistry(Endpoints(), Keychain(None, {}))
        for _ in range(2):
            with pytest.raises(RegistryError, match="isn't trusted, or speaks no TLS"):
                registry.facts(Ask(ImageName(host, "web", "1")))


def test_docker_hub_and_mirrors_have_addresses_of_their_own() -> None:
    hub = Endpoints().of("docker.io")
    assert (hub.url, hub.repository("library/nginx")) == (
        "https://registry-1.docker.io",
        "library/nginx",
    )

    def only_there(call: Call) -> Reply:
        return serving(call) if call.path.startswith("/v2/hub/library/web/") else Reply(403, {})

    with world(only_there) as made:
        mirror = Endpoint(made.host, made.host, "hub", plain=True)
        registry = OciRegistry(Endpoints({"docker.io": mirror}), Keychain(None, {}))
        assert isinstance(
            registry.facts(Ask(ImageName("docker.io", "library/web", "1"))), ImageFacts
        )
        with pytest.raises(RegistryError, match=rf"registry docker.io \(by {made.host}\) wants"):
            bare = replace(mirror, prefix="")
            OciRegistry(Endpoints({"docker.io": bare}), Keychain(None, {})).facts(
                Ask(ImageName("docker.io", "library/web", "1"))
            )


def test_a_certificate_file_that_is_gone_is_told(tmp_path: Path) -> None:
    gone = Endpoint("registry.invalid", "127.0.0.1:1", authority=tmp_path / "gone")
    registry = OciRegistry(Endpoints({"registry.invalid": gone}), Keychain(None, {}))
    with pytest.raises(RegistryError, match=r"registry registry\.invalid"):
        registry.facts(Ask(ImageName("registry.invalid", "web", "1")))


@pytest.mark.parametrize(
    ("key", "host", "path"),
    [
        ("https://index.docker.io/v1/", "docker.io", "library/nginx"),
        ("docker.io", "docker.io", "library/nginx"),
        ("registry.example:5000", "registry.example:5000", "web"),
        ("https://registry.example", "registry.example", "web"),
        ("https://registry.example/v2/", "registry.example", "web"),
        ("registry.example/shop", "registry.example", "shop/web"),
        ("registry.example/shop/web", "registry.example", "shop/web"),
    ],
)
def test_under_which_names_rights_are_kept(tmp_path: Path, key: str, host: str, path: str) -> None:
    keychain = Keychain(docker(tmp_path, auths={key: {"auth": basic()}}), {})
    assert keychain.find(host, path, "") == (Credential("ann", PASSWORD),)
    assert keychain.find("elsewhere.example", path, "") == ()
    assert PASSWORD not in repr(keychain.find(host, path, ""))


@pytest.mark.parametrize(
    ("auth", "found"),
    [
        ({"identitytoken": "refresh"}, Credential(identity_token="refresh")),
        ({"username": "ann", "password": PASSWORD}, Credential("ann", PASSWORD)),
        ({"auth": basic("ann", "a:b")}, Credential("ann", "a:b")),
        ({"auth": "no base64!"}, None),
        ({"auth": base64.b64encode(b"\xff").decode()}, None),
        ({"auth": base64.b64encode(b"no colon").decode()}, None),
        ({}, None),
        ("text", None),
    ],
)
def test_how_rights_are_written(tmp_path: Path, auth: Any, found: Credential | None) -> None:
    keychain = Keychain(docker(tmp_path, auths={"registry.example": auth}), {})
    assert keychain.find("registry.example", "web", "") == ((found,) if found else ())


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "Opaque", "data": {".dockerconfigjson": "e30="}},
        {"type": "kubernetes.io/dockerconfigjson", "data": None},
        {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "!"}},
        {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "e30="}},
        {"type": "kubernetes.io/dockercfg", "data": {".dockercfg": "bm8="}},
    ],
)
def test_secrets_without_rights(body: JsonObject) -> None:
    keychain = Keychain(None, {}, {ResourceKey("", "Secret", "shop", "pull"): body})
    assert keychain.find("registry.example", "web", "shop") == ()


def test_the_older_kind_of_pull_secret() -> None:
    content = base64.b64encode(json.dumps({"registry.example": {"auth": basic()}}).encode())
    body = {"type": "kubernetes.io/dockercfg", "data": {".dockercfg": content.decode()}}
    keychain = Keychain(None, {}, {ResourceKey("", "Secret", "shop", "pull"): body})
    assert keychain.find("registry.example", "web", "shop") == (Credential("ann", PASSWORD),)


def test_docker_s_configuration_need_not_be_there_but_must_be_one(tmp_path: Path) -> None:
    assert Keychain(tmp_path / "nowhere", {}).find("x.example", "web", "") == ()
    (tmp_path / "config.json").write_text("[]")
    assert Keychain(tmp_path, {}).find("x.example", "web", "") == ()
    (tmp_path / "config.json").write_text(f"{{{PASSWORD}")
    with pytest.raises(RegistryError, match="it is no JSON") as caught:
        Keychain(tmp_path, {}).find("x.example", "web", "")
    assert PASSWORD not in str(caught.value)


def helper(folder: Path, script: str) -> dict[str, str]:
    """Writes a credential helper, and gives the environment in which it is found."""
    file = folder / "docker-credential-tests"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "PLUMBLINE_FORGE__TOKEN_FILE": "/nothing/for/others"}


@pytest.mark.parametrize("how", ["credHelpers", "credsStore"])
def test_credential_helpers(tmp_path: Path, how: str) -> None:
    script = (
        'read host; [ "$1" = get ] && [ -z "$PLUMBLINE_FORGE__TOKEN_FILE" ] || exit 1\n'
        f'printf \'{{"ServerURL": "%s", "Username": "ann", "Secret": "{PASSWORD}"}}\' "$host"'
    )
    named = {"registry.example": "tests"} if how == "credHelpers" else "tests"
    keychain = Keychain(docker(tmp_path, **{how: named}), helper(tmp_path, script))
    assert keychain.find("registry.example", "web", "") == (Credential("ann", PASSWORD),)


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("echo credentials not found in native keychain; exit 1", ()),
        ('echo \'{"Username": "ann", "Secret": ""}\'', ()),
        (
            'echo \'{"Username": "<token>", "Secret": "refresh"}\'',
            (Credential(identity_token="refresh"),),
        ),
    ],
)
def test_what_helpers_answer(tmp_path: Path, script: str, found: tuple[Credential, ...]) -> None:
    environ = helper(tmp_path, f"cat >/dev/null; {script}")
    keychain = Keychain(docker(tmp_path, credsStore="tests"), environ)
    assert keychain.find("registry.example", "web", "") == found


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (f"echo {PASSWORD}; exit 1", "docker-credential-tests fails"),
        (f"echo {PASSWORD}", "no credentials that can be read"),
        ("echo '[]'", "no credentials that can be read"),
    ],
)
def test_helpers_that_fail_are_told_of(tmp_path: Path, script: str, words: str) -> None:
    environ = helper(tmp_path, f"cat >/dev/null; {script}")
    keychain = Keychain(docker(tmp_path, credsStore="tests"), environ)
    with pytest.raises(RegistryError, match=words) as caught:
        keychain.find("registry.example", "web", "")
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"), [("missing", "can't be run"), ("../../bin/sh", "no name of a credential")]
)
def test_helpers_that_are_none(tmp_path: Path, name: str, words: str) -> None:
    keychain = Keychain(docker(tmp_path, credsStore=name), {"PATH": str(tmp_path)})
    with pytest.raises(RegistryError, match=words):
        keychain.find("registry.example", "web", "")
