"""Manifests, indexes and configurations, as the OCI image specification has them.

https://github.com/opencontainers/image-spec: manifest.md, image-index.md, config.md; Docker's
own, older types read alike.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from reconciler.core.images.facts import Signature
from reconciler.core.images.naming import is_digest

INDEXES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS: Final = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
#: The platform whose configuration stands for an image of several: built together, they tell the
#: same age.
_PLATFORM: Final = ("linux", "amd64")

#: How signatures are marked (github.com/sigstore/cosign: specs; notaryproject/specifications).
_COSIGN: Final = frozenset(
    {
        "application/vnd.dev.cosign.artifact.sig.v1+json",
        "application/vnd.dev.cosign.simplesigning.v1+json",
    }
)
_BUNDLE: Final = "application/vnd.dev.sigstore.bundle."
_PREDICATE: Final = "dev.sigstore.bundle.predicateType"
_SIGNING: Final = "https://sigstore.dev/cosign/sign/"
_NOTATION: Final = "application/vnd.cncf.notary.signature"


def document(content: bytes) -> Mapping[str, Any] | None:
    """Reads a JSON object; None where it is none."""
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def digest_of(content: bytes, like: str = "") -> str:
    """Gives the digest of what was read, by the algorithm of another one."""
    algorithm = "sha512" if like.startswith("sha512:") else "sha256"
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def is_index(manifest: Mapping[str, Any]) -> bool:
    """Whether it names manifests, one for each platform."""
    return isinstance(manifest.get("manifests"), list)


def images_of(index: Mapping[str, Any]) -> tuple[str, ...]:
    """Gives the digests of an index's images; what is attested of them is none."""
    return tuple(digest for digest, _ in _images(index))


def chosen(index: Mapping[str, Any]) -> str:
    """Gives the image that stands for all of an index; empty where it holds none."""
    found = list(_images(index))
    of_platform = (digest for digest, platform in found if platform == _PLATFORM)
    return next(of_platform, found[0][0] if found else "")


def _images(index: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    for each in maps(index.get("manifests")):
        platform = mapping(each.get("platform"))
        place = str(platform.get("os") or ""), str(platform.get("architecture") or "")
        digest = str(each.get("digest") or "")
        if is_digest(digest) and place != ("unknown", "unknown"):
            yield digest, place


def config_digest(manifest: Mapping[str, Any]) -> str:
    """Gives the digest of a manifest's configuration; empty where it has none."""
    digest = str(mapping(manifest.get("config")).get("digest") or "")
    return digest if is_digest(digest) else ""


def annotations(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    """Gives what a manifest says about itself."""
    told = mapping(manifest.get("annotations"))
    return {name: value for name, value in told.items() if isinstance(value, str)}


def signature_in(referrers: Mapping[str, Any]) -> Signature:
    """Says whether a signature is among what refers to an image."""
    for each in maps(referrers.get("manifests")):
        kind = str(each.get("artifactType") or "")
        if kind in _COSIGN:
            return Signature.COSIGN
        predicate = annotations(each).get(_PREDICATE, _SIGNING)
        if kind.startswith(_BUNDLE) and predicate.startswith(_SIGNING):
            return Signature.COSIGN
        if kind == _NOTATION:
            return Signature.NOTATION
    return Signature.NONE


def mapping(value: Any) -> Mapping[str, Any]:
    """Gives a JSON object; an empty one in place of all else."""
    return value if isinstance(value, dict) else {}


def maps(value: Any) -> Iterator[Mapping[str, Any]]:
    """Gives the JSON objects of a list."""
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict):
            yield each
