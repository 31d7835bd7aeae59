"""Registries of images, by the OCI distribution specification.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from reconciler.adapters.images.credentials import Credential, Keychain
from reconciler.adapters.images.documents import (
    INDEXES,
    MANIFESTS,
    annotations,
    chosen,
    config_digest,
    digest_of,
    document,
    images_of,
    is_index,
    maps,
    signature_in,
)
from reconciler.adapters.images.endpoints import Endpoint, Endpoints
from reconciler.adapters.images.failing import Attempt
from reconciler.adapters.images.transport import Question, Reply, Transport
from reconciler.core.images.facts import (
    BASE_DIGEST,
    BASE_NAME,
    CREATED,
    Ask,
    Gone,
    ImageFacts,
    Signature,
)
from reconciler.core.images.naming import image_name, is_digest

#: How registries say that there is none (distribution-spec, error codes; Harbor has its own).
_ABSENT: Final = frozenset({"MANIFEST_UNKNOWN", "NAME_UNKNOWN", "BLOB_UNKNOWN", "NOT_FOUND"})
#: A page of tags, and how many pages are read: no repository that is kept has more.
_PAGE: Final = 1000
_PAGES: Final = 200
_NEXT: Final = re.compile(r'<([^<>]*)>\s*;\s*rel="?next"?')
_CONFIG_LIMIT: Final = 8 << 20
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")


@dataclass(frozen=True, slots=True)
class _Place:
    """One repository, and by which right it is asked."""

    endpoint: Endpoint
    path: str
    host: str
    credentials: tuple[Credential, ...]

    def question(self, what: str, path: str, accept: str = "", limit: int = 4 << 20) -> Question:
        mirror = "" if self.endpoint.host == self.host else f" (by {self.endpoint.address})"
        attempt = Attempt(f"{self.host}{mirror}", f"{what} of {self.path}")
        return Question(self.endpoint, path, attempt, self.credentials, accept, limit)


class OciRegistry:
    """All registries; see `ports.Registry`."""

    def __init__(
        self, endpoints: Endpoints, keychain: Keychain, transport: Transport | None = None
    ) -> None:
        """Asks nothing yet.

        Args:
            endpoints: Which registries are asked elsewhere or otherwise.
            keychain: By which right.
            transport: Makes the requests; one of its own if None.
        """
        self._endpoints = endpoints
        self._keychain = keychain
        self._transport = transport or Transport()
        # The same image runs in many namespaces. Two threads may ask the same: no harm.
        self._known: dict[tuple[str, str, _Place], Any] = {}

    def facts(self, ask: Ask) -> ImageFacts | Gone:
        """Gives what an image is now; see `ports.Registry`."""
        place, key = self._place(ask), ("facts", ask.image.reference)
        if (*key, place) not in self._known:
            self._known[*key, place] = self._facts(place, ask.image.reference)
        found: ImageFacts | Gone = self._known[*key, place]
        return found

    def tags(self, ask: Ask) -> tuple[str, ...]:
        """Gives all tags of a repository; see `ports.Registry`."""
        place = self._place(ask)
        if ("tags", "", place) not in self._known:
            self._known["tags", "", place] = tuple(self._tags(place))
        found: tuple[str, ...] = self._known["tags", "", place]
        return found

    def signature(self, ask: Ask) -> Signature:
        """Says whether a signature is there; see `ports.Registry`."""
        place, digest = self._place(ask), ask.image.digest
        if ("signature", digest, place) not in self._known:
            self._known["signature", digest, place] = self._signature(place, digest)
        found: Signature = self._known["signature", digest, place]
        return found

    def _place(self, ask: Ask) -> _Place:
        name = ask.image
        endpoint = self._endpoints.of(name.host)
        path = endpoint.repository(name.path)
        return _Place(
            endpoint, path, name.host, self._keychain.find(endpoint.host, path, ask.namespace)
        )

    def _facts(self, place: _Place, reference: str) -> ImageFacts | Gone:
        found = self._manifest(place, reference)
        if found is None:
            return Gone()
        digest, manifest = found
        told = dict(annotations(manifest))
        manifests: tuple[str, ...] = ()
        if is_index(manifest):
            manifests = images_of(manifest)
            one = chosen(manifest)
            inner = self._manifest(place, one) if one else None
            if inner is not None:
                manifest = inner[1]
                told = {**annotations(manifest), **told}
        config = config_digest(manifest)
        base = told.get(BASE_DIGEST, "")
        return ImageFacts(
            digest=digest,
            manifests=manifests,
            config=config,
            created=(self._created(place, config) if config else "") or told.get(CREATED, ""),
            base=image_name(told.get(BASE_NAME, "")),
            base_digest=base if is_digest(base) else "",
        )

    def _manifest(self, place: _Place, reference: str) -> tuple[str, Mapping[str, Any]] | None:
        """Gives a manifest or an index, and its digest; None where there is none."""
        path = f"/v2/{place.path}/manifests/{reference}"
        question = place.question(reference, path, ", ".join((*INDEXES, *MANIFESTS)))
        reply = self._present(question, place)
        if reply is None:
            return None
        found = document(reply.content)
        if found is None or found.get("schemaVersion") != 2:
            raise question.attempt.strange("its answer is no manifest that we know")
        digest = digest_of(reply.content, reference)
        told = reply.headers.get("docker-content-digest", digest)
        asked = reference if is_digest(reference) else digest
        algorithm, _, _ = digest.partition(":")
        if asked != digest or (told != digest and told.startswith(f"{algorithm}:")):
            raise question.attempt.strange("its answer isn't what its digest says")
        return digest, found

    def _created(self, place: _Place, digest: str) -> str:
        path = f"/v2/{place.path}/blobs/{digest}"
        question = place.question("the configuration", path, limit=_CONFIG_LIMIT)
        reply = self._present(question, place)
        if reply is None:
            return ""
        if digest_of(reply.content, digest) != digest:
            raise question.attempt.strange("its answer isn't what its digest says")
        created = (document(reply.content) or {}).get("created")
        return created if isinstance(created, str) else ""

    def _tags(self, place: _Place) -> Iterator[str]:
        path = f"/v2/{place.path}/tags/list?n={_PAGE}"
        count = 0
        for _ in range(_PAGES):
            question = place.question("tags", path)
            reply = self._present(question, place)
            if reply is None:
                return
            found = document(reply.content)
            if found is None or not isinstance(found.get("tags"), list | None):
                raise question.attempt.strange("its answer is no list of tags")
            tags = found.get("tags") or ()
            count += len(tags)
            # What is no tag can't be asked for, and isn't shown.
            yield from (each for each in tags if isinstance(each, str) and _TAG.match(each))
            path = _following(path, reply)
            if not path:
                return
            if count > _PAGES * _PAGE:
                break
        raise question.attempt.strange(f"there are more than {_PAGES * _PAGE:,} of them")

    def _signature(self, place: _Place, digest: str) -> Signature:
        """Looks where signatures are: by what refers to an image, and by tags before that was."""
        path = f"/v2/{place.path}/referrers/{digest}"
        question = place.question("signatures", path, INDEXES[0])
        reply = self._transport.ask(question, place.path)
        listed = document(reply.content) if reply.status == 200 else None
        if reply.status not in (200, 400, 404, 405, 406):
            raise question.attempt.refused(reply.status, known=bool(place.credentials))
        if listed is None or not is_index(listed):
            # Before version 1.1 of the specification (referrers tag schema).
            tagged = self._manifest(place, digest.replace(":", "-"))
            listed = tagged[1] if tagged else {}
        found = signature_in(listed)
        if found is not Signature.NONE:
            return found
        # github.com/sigstore/cosign: specs/SIGNATURE_SPEC.md, tag-based discovery.
        signed = self._manifest(place, f"{digest.replace(':', '-')}.sig")
        return Signature.COSIGN if signed and any(maps(signed[1].get("layers"))) else found

    def _present(self, question: Question, place: _Place) -> Reply | None:
        """Gives an answer that is a success; None where there is no such thing.

        Raises:
            RegistryError: It is neither.
        """
        reply = self._transport.ask(question, place.path)
        if reply.status == 200:
            return reply
        if reply.status == 404 and _codes(reply) & _ABSENT:
            return None
        raise question.attempt.refused(reply.status, known=bool(place.credentials))


def _codes(reply: Reply) -> set[str]:
    told = document(reply.content) or {}
    return {str(each.get("code")) for each in maps(told.get("errors"))}


def _following(path: str, reply: Reply) -> str:
    """Gives the path of the next page; empty behind the last. Never another server's."""
    found = _NEXT.search(reply.headers.get("link", "")[:8192])
    if found is None:
        return ""
    try:
        parts = urlsplit(urljoin(path, found[1]))
    except ValueError:
        return ""
    return f"{parts.path}?{parts.query}" if parts.path.startswith("/v2/") else ""
