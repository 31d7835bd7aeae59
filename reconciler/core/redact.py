"""Masks secrets once, before anything is rendered. What is masked shows only a keyed digest."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.core.drift import Change, MaskedDigest
from reconciler.core.path import Item, Path, Step
from reconciler.core.resource import ResourceKey

#: What a masked value looks like (DESIGN, section 6).
MASK = "***"

#: kubectl apply repeats the whole object there, secrets included.
_LAST_APPLIED: Path = (
    "metadata",
    "annotations",
    "kubectl.kubernetes.io/last-applied-configuration",
)

#: Names under which people keep secrets in the open: environment variables, ConfigMap keys, fields
#: of custom resources. A name that ends in Name, Ref, Key(Ref) or File only points to one.
_SENSITIVE = re.compile(
    r"(?i)(password|passwd|passphrase|pwd|secret|token|credentials?|"
    r"(?:api|access|private|signing|encryption|client)[_.-]?key)(?:[_.-]?(?:value|data|base64|b64))?\Z"
)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
#: The password of a URL's user, as in postgres://user:password@host.
_URL_PASSWORD = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:[^\s/@]+@")


@dataclass(frozen=True, slots=True)
class Redaction:
    """Masks values, and tells by digests whether two masked values are the same.

    Attributes:
        key: The secret key of the digests, at most 64 bytes. Without it nobody can try values
            against a digest.
    """

    key: bytes

    def digest(self, value: object) -> str:
        """Gives 12 hex digits that are the same for the same value; empty for None."""
        if value is None:
            return ""
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.blake2b(
            text.encode("utf-8", "surrogatepass"), key=self.key, digest_size=6
        ).hexdigest()

    def change(self, resource: ResourceKey, change: Change) -> Change:
        """Masks a change's values where they hold a secret; else gives the change as it is."""
        desired = mask(resource, change.path, change.desired)
        live = mask(resource, change.path, change.live)
        if desired == change.desired and live == change.live:
            return change
        masked = MaskedDigest(self.digest(change.desired), self.digest(change.live))
        return replace(change, desired=desired, live=live, masked=masked)


def mask(resource: ResourceKey, path: Path, value: Any) -> Any:
    """Gives the value at a path with every secret in it replaced by `***`."""
    if value is None:
        return None
    if _is_secret_place(resource, path):
        return dict.fromkeys(value, MASK) if isinstance(value, Mapping) else MASK
    if isinstance(value, Mapping):
        return {name: mask(resource, (*path, name), child) for name, child in value.items()}
    if isinstance(value, list):
        return [mask(resource, (*path, step), child) for step, child in _items(value)]
    if isinstance(value, str) and (_is_sensitive(path) or _looks_secret(value)):
        return MASK
    return value


def _is_secret_place(resource: ResourceKey, path: Path) -> bool:
    if path[:3] == _LAST_APPLIED:
        return True
    is_secret = resource.kind == "Secret" and resource.group == ""
    return is_secret and path[:1] in (("data",), ("stringData",))


def _is_sensitive(path: Path) -> bool:
    """Whether a string at this path is named like a secret."""
    last = path[-1] if path else ""
    if last == "value" and len(path) > 1 and isinstance(path[-2], Item):
        # An environment variable, or anything else that is a list of names and values.
        return any(_SENSITIVE.search(str(name)) for key, name in path[-2].keys if key == "name")
    return isinstance(last, str) and _SENSITIVE.search(last) is not None


def _looks_secret(value: str) -> bool:
    return _PRIVATE_KEY.search(value) is not None or (
        "://" in value and _URL_PASSWORD.search(value) is not None
    )


def _items(items: list[Any]) -> Iterator[tuple[Step, Any]]:
    for index, item in enumerate(items):
        named = isinstance(item, Mapping) and isinstance(item.get("name"), str)
        yield (Item((("name", item["name"]),)) if named else index), item
