"""Registries that don't behave; and one that does."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.images.credentials import Keychain
from reconciler.adapters.images.documents import chosen, digest_of, images_of, signature_in
from reconciler.adapters.images.endpoints import Endpoint, Endpoints
from reconciler.adapters.images.registry import OciRegistry
from reconciler.adapters.images.transport import Transport
from reconciler.core.errors import RegistryError
from reconciler.core.images.facts import Ask, Gone, ImageFacts, Signature
from reconciler.core.images.naming import ImageName
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

    with world(endless) as made, pytest.raises(RegistryError, match="more than 5,000 of them"):
        made.registry.tags(made.ask())


def test_more_tags_than_anybody_has_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.adapters.images.registry._PAGE", 2)

    def many(call: Call) -> Reply:
        return Reply(200, {"tags": ["a"] * 500}, {"Link": f"<{call.path}?n=1>; rel=next"})

    with world(many) as made, pytest.raises(RegistryError, match="more than 400 of them"):
        made.registry.tags(made.ask())
    assert len(made.paths) == 1


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


def docker(folder: Path, **config: Any) -> Path:
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def basic(user: str = "ann", password: str = PASSWORD) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def test_gone_is_gone() -> None:
    with world() as made:
        assert made.registry.facts(made.ask("2")) == Gone()
