"""Registries in memory."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from reconciler.core.errors import RegistryError
from reconciler.core.images.facts import (
    BASE_DIGEST,
    BASE_NAME,
    Ask,
    Gone,
    ImageFacts,
    Signature,
)
from reconciler.core.images.naming import image_name


class FakeRegistry:
    """See `ports.Registry`: all registries there are, and whose images they hold.

    Attributes:
        down: Hosts that answer nothing at present.
        asked: All questions, in turn.
        signatures: By digest.
    """

    def __init__(self) -> None:
        self.down: set[str] = set()
        self.asked: list[tuple[str, Ask]] = []
        self.signatures: dict[str, Signature] = {}
        self._images: dict[tuple[str, str], ImageFacts] = {}

    def facts(self, ask: Ask) -> ImageFacts | Gone:
        self._answer("facts", ask)
        return self._images.get((ask.image.repository, ask.image.reference), Gone())

    def tags(self, ask: Ask) -> tuple[str, ...]:
        self._answer("tags", ask)
        return tuple(
            reference
            for repository, reference in self._images
            if repository == ask.image.repository and not reference.startswith("sha256:")
        )

    def signature(self, ask: Ask) -> Signature:
        self._answer("signature", ask)
        return self.signatures.get(ask.image.digest, Signature.NONE)

    def push(
        self,
        name: str,
        words: str,
        *,
        created: str = "",
        annotations: Mapping[str, str] | None = None,
    ) -> ImageFacts:
        """Does what whoever builds does: pushes an image, which moves its tag."""
        told = annotations or {}
        return self._keep(
            name,
            ImageFacts(
                digest=_digest(f"{name.rpartition(':')[0]} {words} {created}"),
                config=_digest(f"{words} {created}"),
                created=created,
                base=image_name(told.get(BASE_NAME, "")),
                base_digest=told.get(BASE_DIGEST, ""),
            ),
        )

    def push_index(self, name: str, *images: ImageFacts) -> ImageFacts:
        """Pushes an index of images; the first stands for all."""
        digests = tuple(each.digest for each in images)
        return self._keep(name, replace(images[0], digest=_digest(str(digests)), manifests=digests))

    def tag(self, name: str, facts: ImageFacts) -> None:
        """Gives an image a further tag, or moves one to it."""
        self._keep(name, facts)

    def delete(self, name: str) -> None:
        """Deletes a tag."""
        image = image_name(name)
        assert image is not None
        del self._images[image.repository, image.tag]

    def _keep(self, name: str, facts: ImageFacts) -> ImageFacts:
        image = image_name(name)
        assert image is not None
        self._images[image.repository, image.tag] = facts
        self._images[image.repository, facts.digest] = facts
        return facts

    def _answer(self, question: str, ask: Ask) -> None:
        self.asked.append((question, ask))
        if ask.image.host in self.down:
            raise RegistryError(f"registry {ask.image.host} can't be reached")


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
