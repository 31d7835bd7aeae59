"""Registries that don't behave, and by which right they are asked."""

import base64
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.images.challenges import Challenge, challenges
from reconciler.adapters.images.credentials import Credential, Keychain
from reconciler.adapters.images.documents import chosen, digest_of, images_of, signature_in
from reconciler.adapters.images.endpoints import Endpoint, Endpoints
from reconciler.adapters.images.failing import Attempt
from reconciler.adapters.images.registry import OciRegistry
from reconciler.adapters.images.scanners import read_scans
from reconciler.adapters.images.tokens import Sent, Tokens
from reconciler.adapters.images.transport import Transport
from reconciler.core.errors import ConfigError, RegistryError
from reconciler.core.images.facts import Ask, Gone, ImageFacts, Signature
from reconciler.core.images.naming import ImageName
from reconciler.core.resource import JsonObject, ResourceKey
from tests.fakes.answering_http import AnsweringServer, Call, Reply

PASSWORD = "s3same-0pen"
CONFIG = json.dumps({"created": "2026-11-01T12:00:00Z"}).encode()
MANIFEST = json.dumps(
    {"schemaVersion": 2, "config": {"digest": digest_of(CONFIG)}, "layers": []}
).encode()
DIGEST = digest_of(MANIFEST)
UNKNOWN = Reply(404, {"errors": [{"code": "MANIFEST_UNKNOWN"}]})


def serving(call: Call) -> Reply:
    """Answers as a registry with the one image above does."""
    kind, _, last = call.path.rpartition("/")
    if kind.endswith("/manifests"):
        return Reply(200, MANIFEST) if last in ("1", DIGEST) else UNKNOWN
    if kind.endswith("/blobs"):
        return Reply(200, CONFIG)
    if call.path.endswith("/tags/list"):
        return Reply(200, {"name": "web", "tags": ["1", "latest"]})
    return Reply(404, b"404 page not found")


class World:
    """A registry that answers by a function, and how it is asked."""

    def __init__(self, server: AnsweringServer, keychain: Keychain) -> None:
        self.server = server
        self.host = server.url.removeprefix("http://")
        self.slept: list[float] = []
        self.now = 0.0
        endpoint = Endpoint(self.host, self.host, plain=True)
        self.endpoints = Endpoints({self.host: endpoint})
        self.registry = OciRegistry(
            self.endpoints, keychain, Transport(self.slept.append, lambda: self.now)
        )

    def ask(self, reference: str = "1", namespace: str = "") -> Ask:
        return Ask(ImageName(self.host, "shop/web").at(reference), namespace)

    @property
    def paths(self) -> list[str]:
        return [call.path for call in self.server.calls]


@contextmanager
def world(
    answer: Callable[[Call], Reply] = serving, keychain: Keychain | None = None
) -> Iterator[World]:
    with AnsweringServer(answer) as server:
        yield World(server, keychain or Keychain(None, {}))
        assert not server.failures, server.failures


def refused(answer: Callable[[Call], Reply], words: str) -> World:
    with world(answer) as made, pytest.raises(RegistryError, match=words) as caught:
        made.registry.facts(made.ask())
    assert "hostile" not in str(caught.value)
    return made


def test_the_same_is_asked_once() -> None:
    with world() as made:
        found = made.registry.facts(made.ask())
        assert isinstance(found, ImageFacts)
        assert (found.digest, found.created) == (DIGEST, "2026-11-01T12:00:00Z")
        assert made.registry.facts(made.ask(namespace="other")) == found
        assert (
            made.registry.tags(made.ask()) == made.registry.tags(made.ask("2")) == ("1", "latest")
        )
        assert made.registry.signature(made.ask(DIGEST)) is Signature.NONE
        assert made.registry.signature(made.ask(DIGEST)) is Signature.NONE
        assert len(made.paths) == len(set(made.paths))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "asked for 1 of shop/web: it answers 400"),
        (403, r"wants credentials \(403\)"),
        (404, "it answers 404"),
        (418, "it answers 418"),
    ],
)
def test_answers_that_are_neither_success_nor_absence(status: int, words: str) -> None:
    hostile = {"errors": [{"code": "hostile", "message": "hostile"}]}
    made = refused(lambda _: Reply(status, hostile), words)
    assert len(made.paths) == 1


@pytest.mark.parametrize(
    ("status", "words"), [(429, "was asked too often"), (500, "has trouble"), (503, "has trouble")]
)
def test_a_tired_registry_is_asked_again_a_little_later(status: int, words: str) -> None:
    made = refused(lambda _: Reply(status, b"hostile"), words)
    assert (len(made.paths), made.slept) == (3, [1.0, 2.0])


def test_a_registry_that_stays_tired_is_not_waited_for_again() -> None:
    with world(lambda _: Reply(503, b"")) as made:
        for reference in ("1", "2", "3"):
            with pytest.raises(RegistryError, match="has trouble"):
                made.registry.facts(made.ask(reference))
        assert (len(made.paths), len(made.slept)) == (5, 2)


def test_a_registry_says_how_long_to_wait() -> None:
    def tired(call: Call) -> Reply:
        if len(made.paths) == 1:
            return Reply(429, b"", {"Retry-After": "7"})
        return serving(call)

    with world(tired) as made:
        assert isinstance(made.registry.facts(made.ask()), ImageFacts)
        assert made.slept == [7.0]
    long = refused(lambda _: Reply(429, b"", {"Retry-After": "3600"}), "too often")
    assert (long.slept, len(long.paths)) == ([], 1)
    odd = refused(lambda _: Reply(429, b"", {"Retry-After": "tomorrow"}), "too often")
    assert odd.slept == [1.0, 2.0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>hostile</html>", "no manifest that we know"),
        (b'["hostile"]', "no manifest that we know"),
        (b'{"schemaVersion": 1}', "no manifest that we know"),
        (b"x" * (5 << 20), "sends answers that break off or are too long"),
    ],
)
def test_answers_that_are_no_manifests(content: bytes, words: str) -> None:
    refused(lambda _: Reply(200, content), words)


def test_what_is_asked_for_by_digest_must_have_it() -> None:
    with world(lambda _: Reply(200, MANIFEST)) as made:
        with pytest.raises(RegistryError, match="isn't what its digest says"):
            made.registry.facts(made.ask(f"sha256:{'a' * 64}"))
        with pytest.raises(RegistryError, match="isn't what its digest says"):
            made.registry.facts(made.ask(f"sha512:{'a' * 128}"))
        with pytest.raises(RegistryError, match="the configuration of shop/web: its answer isn't"):
            made.registry.facts(made.ask())
    told = {"Docker-Content-Digest": f"sha256:{'a' * 64}"}
    refused(lambda _: Reply(200, MANIFEST, told), "isn't what its digest says")


def test_a_configuration_that_is_not_there_tells_no_age() -> None:
    def bare(call: Call) -> Reply:
        return (
            Reply(404, {"errors": [{"code": "BLOB_UNKNOWN"}]})
            if "/blobs/" in call.path
            else serving(call)
        )

    with world(bare) as made:
        found = made.registry.facts(made.ask())
        assert isinstance(found, ImageFacts)
        assert found.created == ""


def test_an_index_of_nothing() -> None:
    index = json.dumps({"schemaVersion": 2, "manifests": [{"digest": "hostile"}, None]}).encode()
    with world(lambda _: Reply(200, index)) as made:
        found = made.registry.facts(made.ask())
        assert found == ImageFacts(digest_of(index))


def test_tags_come_in_pages() -> None:
    def paged(call: Call) -> Reply:
        if "last" not in call.query:
            link = '</v2/shop/web/tags/list?last=b&n=2>; rel="next"'
            return Reply(200, {"tags": ["a", "b"]}, {"Link": link})
        return Reply(200, {"tags": ["c", "no tag\n", 7]})

    with world(paged) as made:
        assert made.registry.tags(made.ask()) == ("a", "b", "c")


def test_pages_without_an_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.adapters.images.registry._PAGES", 5)

    def endless(call: Call) -> Reply:
        return Reply(200, {"tags": ["a"]}, {"Link": f"<{call.path}?n=1>; rel=next"})

    with world(endless) as made, pytest.raises(RegistryError, match="more than 5 pages"):
        made.registry.tags(made.ask())


@pytest.mark.parametrize(
    "link", ["<http://elsewhere.invalid/x>; rel=next", "<//[/>; rel=next", "</x>; rel=last", "<"]
)
def test_a_next_page_is_never_elsewhere(link: str) -> None:
    with world(lambda _: Reply(200, {"tags": None}, {"Link": link})) as made:
        assert made.registry.tags(made.ask()) == ()


@pytest.mark.parametrize("content", [b"hostile", {"tags": "hostile"}])
def test_answers_that_are_no_tags(content: Any) -> None:
    with (
        world(lambda _: Reply(200, content)) as made,
        pytest.raises(RegistryError, match="no list"),
    ):
        made.registry.tags(made.ask())


def test_a_repository_that_is_not_there_has_no_tags() -> None:
    with world(lambda _: Reply(404, {"errors": [{"code": "NAME_UNKNOWN"}]})) as made:
        assert made.registry.tags(made.ask()) == ()


@pytest.mark.parametrize(
    ("kind", "annotations", "signature"),
    [
        ("application/vnd.dev.cosign.artifact.sig.v1+json", {}, Signature.COSIGN),
        ("application/vnd.dev.sigstore.bundle.v0.3+json", {}, Signature.COSIGN),
        (
            "application/vnd.dev.sigstore.bundle.v0.3+json",
            {"dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1"},
            Signature.COSIGN,
        ),
        (
            "application/vnd.dev.sigstore.bundle.v0.3+json",
            {"dev.sigstore.bundle.predicateType": "https://slsa.dev/provenance/v1"},
            Signature.NONE,
        ),
        ("application/vnd.cncf.notary.signature", {}, Signature.NOTATION),
        ("application/spdx+json", {}, Signature.NONE),
    ],
)
def test_signatures_by_what_refers_to_an_image(
    kind: str, annotations: dict[str, str], signature: Signature
) -> None:
    referrers = {"manifests": [None, {"artifactType": kind, "annotations": annotations}]}
    assert signature_in(referrers) is signature

    def referring(call: Call) -> Reply:
        return Reply(200, referrers) if "/referrers/" in call.path else UNKNOWN

    with world(referring) as made:
        assert made.registry.signature(made.ask(DIGEST)) is signature


def test_whether_it_is_signed_is_not_guessed() -> None:
    with world(lambda _: Reply(403, {})) as made, pytest.raises(RegistryError, match="credentials"):
        made.registry.signature(made.ask(DIGEST))


def test_of_an_index_linux_on_amd64_stands_for_all() -> None:
    a, b, c = (f"sha256:{letter * 64}" for letter in "abc")
    entries = [
        {"digest": a, "platform": {"os": "linux", "architecture": "arm64"}},
        {"digest": b, "platform": {"os": "linux", "architecture": "amd64"}},
        {"digest": c, "platform": {"os": "unknown", "architecture": "unknown"}},
    ]
    assert images_of({"manifests": entries}) == (a, b)
    assert chosen({"manifests": entries}) == b
    assert chosen({"manifests": entries[:1]}) == a
    assert chosen({"manifests": []}) == ""


# By which right


def docker(folder: Path, **config: Any) -> Path:
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def basic(user: str = "ann", password: str = PASSWORD) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


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


# Tokens


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", ()),
        ('Basic realm="x"', (Challenge("basic", "x"),)),
        ("basic", (Challenge("basic"),)),
        ("=", ()),
        (
            'Bearer realm="https://auth.example/token",service="r",scope="repository:a:pull,push"',
            (Challenge("bearer", "https://auth.example/token", "r", "repository:a:pull,push"),),
        ),
        (
            'Bearer realm=x, error="invalid_token", Basic realm="a \\"b\\""',
            (Challenge("bearer", "x"), Challenge("basic", 'a "b"')),
        ),
        ("Negotiate, Basic realm=x", (Challenge("negotiate"), Challenge("basic", "x"))),
        ('Bearer realm="unclosed', (Challenge("bearer"),)),
    ],
)
def test_what_a_registry_wants_to_see(header: str, found: tuple[Challenge, ...]) -> None:
    assert challenges(header) == found


BEARER = Challenge("bearer", "https://auth.example/token", "registry", "repository:web:pull")
ENDPOINT = Endpoint("registry.example", "registry.example")
ATTEMPT = Attempt("registry.example", "1 of web")
ANN = Credential("ann", PASSWORD)


class Server:
    """A token server that gives what it is told to."""

    def __init__(self, *replies: tuple[int, Any]) -> None:
        self.replies = list(replies)
        self.sent: list[Sent] = []

    def __call__(self, sent: Sent) -> tuple[int, bytes]:
        self.sent.append(sent)
        status, content = self.replies.pop(0)
        return status, content if isinstance(content, bytes) else json.dumps(content).encode()


def test_a_token_is_kept_as_long_as_it_holds() -> None:
    now = [0.0]
    tokens = Tokens(lambda: now[0])
    server = Server((200, {"token": "one", "expires_in": 300}), (200, {"access_token": "two"}))
    for moment, header in ((0.0, "Bearer one"), (289.0, "Bearer one"), (290.0, "Bearer two")):
        now[0] = moment
        assert tokens.header(BEARER, ANN, ENDPOINT, ATTEMPT, server) == header
    query = {"service": "registry", "scope": "repository:web:pull"}
    assert server.sent[0] == Sent(BEARER.realm, query, None, f"Basic {basic()}")
    nobody = Server((200, {"token": "three"}))
    assert tokens.header(BEARER, None, ENDPOINT, ATTEMPT, nobody) == "Bearer three"
    assert nobody.sent[0].authorization == ""


def test_a_refresh_token_is_posted() -> None:
    server = Server((200, {"access_token": "one"}))
    refreshing = Credential(identity_token="refresh")
    bare = replace(BEARER, scope="")
    assert Tokens().header(bare, refreshing, ENDPOINT, ATTEMPT, server) == "Bearer one"
    (sent,) = server.sent
    assert sent.form is not None
    assert (sent.form["grant_type"], sent.form["refresh_token"]) == ("refresh_token", "refresh")
    assert "scope" not in sent.form
    assert (sent.query, sent.authorization) == ({}, "")
    with_basic = Tokens().header(Challenge("basic"), refreshing, ENDPOINT, ATTEMPT, server)
    assert with_basic is None


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_token_server_that_does_not_know_us(status: int) -> None:
    assert Tokens().header(BEARER, ANN, ENDPOINT, ATTEMPT, Server((status, b""))) is None


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ((500, b"hostile"), "its token server answers 500"),
        ((200, b"hostile"), "gives no token"),
        ((200, ["hostile"]), "gives no token"),
        ((200, {"token": 7}), "gives no token"),
        ((200, {"token": "a\r\nX-Hostile: yes"}), "gives no token"),
    ],
)
def test_token_servers_that_do_not_behave(reply: tuple[int, Any], words: str) -> None:
    with pytest.raises(RegistryError, match=words) as caught:
        Tokens().header(BEARER, None, ENDPOINT, ATTEMPT, Server(reply))
    assert "hostile" not in str(caught.value)


@pytest.mark.parametrize("realm", ["http://auth.example/", "file:///x", "//[/", "", "https://"])
def test_a_password_goes_nowhere_but_over_tls(realm: str) -> None:
    server = Server()
    with pytest.raises(RegistryError, match="isn't reached by https"):
        Tokens().header(replace(BEARER, realm=realm), ANN, ENDPOINT, ATTEMPT, server)
    assert server.sent == []


def test_ways_in_that_we_do_not_know() -> None:
    assert Tokens().header(Challenge("negotiate"), ANN, ENDPOINT, ATTEMPT, Server()) is None
    assert Tokens().header(Challenge("basic"), None, ENDPOINT, ATTEMPT, Server()) is None


# Reports of scanners


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("no JSON", "is no vulnerability report"),
        ("{}", "is no vulnerability report"),
        ('{"ArtifactName": "./src", "Results": []}', "doesn't say which image was scanned"),
    ],
)
def test_files_that_are_no_reports(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "report.json"
    file.write_text(content)
    with pytest.raises(ConfigError, match=words):
        read_scans(file)


def test_a_report_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read: No such file"):
        read_scans(tmp_path / "none.json")
    with pytest.raises(ConfigError, match="can't be read: Is a directory"):
        read_scans(tmp_path)
    file = tmp_path / "huge.json"
    with file.open("wb") as sparse:
        sparse.truncate((512 << 20) + 1)
    with pytest.raises(ConfigError, match="larger than 512 MiB"):
        read_scans(file)


def test_a_report_is_read(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text('{"ArtifactName": "web:1", "Results": []}')
    (scan,) = read_scans(file)
    assert scan.image == "web:1"


def test_gone_is_gone() -> None:
    with world() as made:
        assert made.registry.facts(made.ask("2")) == Gone()
