"""What registries say of images."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from reconciler.core.images.naming import ImageName

#: Where an image says what it was made of, and when (OCI image specification, annotations).
BASE_NAME: Final = "org.opencontainers.image.base.name"
BASE_DIGEST: Final = "org.opencontainers.image.base.digest"
CREATED: Final = "org.opencontainers.image.created"


class Signature(StrEnum):
    """Whether a registry holds a signature of an image. It is looked for, and not verified."""

    COSIGN = "cosign"
    NOTATION = "notation"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that a registry couldn't be asked. It is never taken for absent.

    Attributes:
        reason: Why, in a sentence without secrets.
        fix: What can be done about it, where that is known.
    """

    reason: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Gone:
    """The registry answers that it has no such image."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """One image, or one image for several platforms, as its registry has it.

    Attributes:
        digest: Of its manifest, or of the index of its manifests.
        manifests: Digests of the manifests in the index; empty where it isn't one.
        config: Digest of the configuration; of an index that of the platform looked at.
        created: When it was built, RFC 3339; empty where it doesn't say.
        base: What it was built on, where it says so; None where it doesn't.
        base_digest: Digest of that, when it was built; empty where it doesn't say.
    """

    digest: str
    manifests: tuple[str, ...] = ()
    config: str = ""
    created: str = ""
    base: ImageName | None = None
    base_digest: str = ""

    def holds(self, digest: str) -> bool:
        """Whether a running digest is this image, be it for one platform."""
        return digest in (self.digest, self.config, *self.manifests)


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to a registry.

    Attributes:
        image: Which image.
        namespace: Whose pull secrets may be used besides the operator's own.
    """

    image: ImageName
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """All that was asked.

    Attributes:
        facts: By image, asked for by tag or by digest.
        tags: By image without tag and digest, all tags of its repository.
        signatures: By image, asked for by digest.
    """

    facts: Mapping[Ask, ImageFacts | Gone | Unknown] = field(default_factory=dict)
    tags: Mapping[Ask, tuple[str, ...] | Unknown] = field(default_factory=dict)
    signatures: Mapping[Ask, Signature | Unknown] = field(default_factory=dict)

    @property
    def fixes(self) -> tuple[str, ...]:
        """What can be done about what couldn't be asked, each once."""
        told = (*self.facts.values(), *self.tags.values(), *self.signatures.values())
        unknown = sorted({(e.reason, e.fix) for e in told if isinstance(e, Unknown) and e.fix})
        return tuple(f"{reason}: {fix}" for reason, fix in unknown)
