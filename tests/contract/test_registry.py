"""What every registry does: the fake's, and real ones that are asked over HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import pytest

from reconciler.adapters.images.credentials import Keychain
from reconciler.adapters.images.endpoints import Endpoint, Endpoints
from reconciler.adapters.images.registry import OciRegistry
from reconciler.core.errors import RegistryError
from reconciler.core.images.facts import (
    BASE_DIGEST,
    BASE_NAME,
    Ask,
    Gone,
    ImageFacts,
    Signature,
)
from reconciler.core.images.naming import ImageName, image_name
from reconciler.ports import Registry
from tests.fakes.registry import FakeRegistry
from tests.tools.registry import RegistryServer

pytestmark = pytest.mark.xdist_group("registry")

BUILT = "2026-11-01T12:00:00Z"
BASE = f"sha256:{'b' * 64}"


class World(Protocol):
    """A registry, and what people do with it."""

    @property
    def host(self) -> str: ...

    def registry(self) -> Registry:
        """One that has asked nothing yet."""
        ...

    def push(self, name: str, words: str, **annotations: str) -> str:
        """Pushes an image that was built at `BUILT`; gives its digest."""
        ...

    def push_index(self, name: str, *names: str) -> str: ...

    def sign(self, name: str, digest: str) -> None: ...

    def stop(self) -> None: ...


@dataclass
class FakeWorld:
    known: FakeRegistry
    host: str = "registry.example"

    def registry(self) -> Registry:
        return self.known

    def push(self, name: str, words: str, **annotations: str) -> str:
        told = {BASE_NAME: annotations["base"], BASE_DIGEST: BASE} if annotations else {}
        full = f"{self.host}/{name}"
        return self.known.push(full, words, created=BUILT, annotations=told).digest

    def push_index(self, name: str, *names: str) -> str:
        images = []
        for each in names:
            found = image_name(f"{self.host}/{each}")
            assert found is not None
            facts = self.known.facts(Ask(found))
            assert isinstance(facts, ImageFacts)
            images.append(facts)
        return self.known.push_index(f"{self.host}/{name}", *images).digest

    def sign(self, name: str, digest: str) -> None:
        self.known.signatures[digest] = Signature.COSIGN

    def stop(self) -> None:
        self.known.down.add(self.host)


class RealWorld:
    def __init__(self, server: RegistryServer) -> None:
        self.server = server

    @property
    def host(self) -> str:
        return self.server.host

    def registry(self) -> Registry:
        endpoint = Endpoint(self.host, self.host, plain=True)
        return OciRegistry(Endpoints({self.host: endpoint}), Keychain(None, {}))

    def push(self, name: str, words: str, **annotations: str) -> str:
        told = {BASE_NAME: annotations["base"], BASE_DIGEST: BASE} if annotations else {}
        return self.server.push(name, words, created=BUILT, annotations=told).digest

    def push_index(self, name: str, *names: str) -> str:
        images = [self.server.push(each, f"words of {each}", created=BUILT) for each in names]
        return self.server.push_index(name, dict(zip(("amd64", "arm64"), images, strict=True)))

    def sign(self, name: str, digest: str) -> None:
        self.server.sign(name.partition(":")[0], digest)

    def stop(self) -> None:
        self.server.stop()


@pytest.fixture(scope="module")
def server() -> Iterator[RegistryServer]:
    with RegistryServer() as started:
        yield started


@pytest.fixture(params=["fake", "real"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "fake":
        return FakeWorld(FakeRegistry())
    return RealWorld(request.getfixturevalue("server"))


def ask(world: World, name: str) -> Ask:
    image = image_name(f"{world.host}/{name}")
    assert image is not None
    return Ask(image)


def test_a_tag_and_a_digest_give_the_same_image(world: World) -> None:
    digest = world.push("same/web:1", "one", base="debian:12")
    found = world.registry().facts(ask(world, "same/web:1"))
    assert isinstance(found, ImageFacts)
    assert (found.digest, found.created, found.manifests) == (digest, BUILT, ())
    assert found.base == ImageName("docker.io", "library/debian", "12")
    assert found.base_digest == BASE
    assert found.holds(digest)
    assert found.holds(found.config)
    assert not found.holds(BASE)
    assert world.registry().facts(ask(world, f"same/web@{digest}")) == found


def test_a_tag_moves(world: World) -> None:
    before = world.push("moving/web:1", "one")
    after = world.push("moving/web:1", "two")
    found = world.registry().facts(ask(world, "moving/web:1"))
    assert isinstance(found, ImageFacts)
    assert found.digest == after != before
    # What ran under it is still there.
    old = world.registry().facts(ask(world, f"moving/web@{before}"))
    assert isinstance(old, ImageFacts)
    assert old.digest == before


def test_an_index_holds_its_images(world: World) -> None:
    for each in ("many/web:amd64", "many/web:arm64"):
        world.push(each, f"words of {each}")
    digest = world.push_index("many/web:1", "many/web:amd64", "many/web:arm64")
    found = world.registry().facts(ask(world, "many/web:1"))
    assert isinstance(found, ImageFacts)
    assert (found.digest, found.created, len(found.manifests)) == (digest, BUILT, 2)
    for each in ("many/web:amd64", "many/web:arm64"):
        one = world.registry().facts(ask(world, each))
        assert isinstance(one, ImageFacts)
        assert found.holds(one.digest)


def test_what_is_not_there_is_gone(world: World) -> None:
    world.push("there/web:1", "one")
    assert world.registry().facts(ask(world, "there/web:2")) == Gone()
    assert world.registry().facts(ask(world, f"there/web@{BASE}")) == Gone()
    assert world.registry().facts(ask(world, "not/there:1")) == Gone()
    assert world.registry().tags(ask(world, "not/there")) == ()


def test_all_tags_of_a_repository(world: World) -> None:
    for tag in ("1.0.0", "1.1.0", "latest"):
        world.push(f"tagged/web:{tag}", "one")
    world.push("tagged/other:3", "one")
    assert set(world.registry().tags(ask(world, "tagged/web"))) == {"1.0.0", "1.1.0", "latest"}


def test_whether_a_signature_is_there(world: World) -> None:
    digest = world.push("signed/web:1", "one")
    other = world.push("signed/web:2", "two")
    world.sign("signed/web:1", digest)
    registry = world.registry()
    assert registry.signature(ask(world, f"signed/web@{digest}")) is Signature.COSIGN
    assert registry.signature(ask(world, f"signed/web@{other}")) is Signature.NONE


@pytest.mark.parametrize("param", ["fake", "real"])
def test_who_cannot_be_reached_tells_nothing(param: str) -> None:
    if param == "fake":
        _asked_in_vain(FakeWorld(FakeRegistry()))
        return
    with RegistryServer() as server:
        _asked_in_vain(RealWorld(server))


def _asked_in_vain(world: World) -> None:
    digest = world.push("down/web:1", "one")
    world.stop()
    registry = world.registry()
    for question in (registry.facts, registry.tags, registry.signature):
        with pytest.raises(RegistryError, match=f"registry {world.host} can't be reached"):
            question(ask(world, f"down/web@{digest}"))
