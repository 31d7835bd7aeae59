"""Masks secrets once, before anything is rendered. What is masked shows only a keyed digest."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.core.drift import Change, MaskedDigest
from reconciler.core.path import Item, Path, Step, named_step, value_at
from reconciler.core.resource import ResourceKey
from reconciler.core.sealing import Seal, covers

#: What a masked value looks like (DESIGN, section 6).
MASK = "***"

#: Names under which people keep secrets in the open: environment variables, ConfigMap keys, fields
#: of custom resources. A name that ends in Name, Ref, Key(Ref) or File only points to one.
_SENSITIVE = re.compile(
    r"(?i)(password|passwd|passphrase|pwd|secret|token|credentials?|secret[_.-]key|"
    r"(?:api|access|private|signing|encryption|client)[_.-]?key)(?:[_.-]?(?:value|data|base64|b64))?\Z"
)
#: A private key in PEM, or that in base64: `LS0tLS1CRUdJTi` is `-----BEGIN `, and what follows it
#: in a certificate or a public key is told apart.
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|LS0tLS1CRUdJTi(?!BDRVJUSUZJQ0FUR|BQVUJMSUMg)"
)
#: A secret inside a longer text: `--password=…`, `token: …`, `"apiKey": "…"`, as in arguments and
#: in whole configuration files. A variable in its place, such as `$(PASSWORD)`, is none.
_ASSIGNED = re.compile(
    r"(?i)((?:password|passwd|passphrase|pwd|secret|token|secret[_.-]?key|client[_.-]?key[_.-]?data|"
    r"(?:api|access|private|signing|encryption)[_.-]?key)[\"']?[ \t]*[:=][ \t]*[\"']?|"
    r"authorization[\"']?[ \t]*[:=][ \t]*[\"']?(?:basic|bearer)[ \t]+)"
    r"(?![$\s])[^\s\"',;&]+"
)
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

    def change(
        self,
        resource: ResourceKey,
        change: Change,
        desired: object = None,
        live: object = None,
        seals: Sequence[Seal] = (),
    ) -> Change:
        """Masks a change's values where they hold a secret; else gives the change as it is.

        Args:
            resource: The object.
            change: What differs.
            desired: The whole expected object, and
            live: the whole live one: a list's item that has no merge keys is named there.
            seals: What of the object came encrypted.
        """
        desired = mask(resource, named(change.path, desired), change.desired, seals)
        live = mask(resource, named(change.path, live), change.live, seals)
        if desired == change.desired and live == change.live:
            return change
        masked = MaskedDigest(self.digest(change.desired), self.digest(change.live))
        return replace(change, desired=desired, live=live, masked=masked)


def mask(resource: ResourceKey, path: Path, value: Any, seals: Sequence[Seal] = ()) -> Any:
    """Gives the value at a path with every secret in it replaced by `***`.

    Whether something is a secret depends on its names, so a list's items should be named in the
    path; see `named`. What is sealed is one whatever its name.
    """
    if value is None:
        return None
    if _is_secret_place(resource, path):
        return dict.fromkeys(value, MASK) if isinstance(value, Mapping) else MASK
    if isinstance(value, Mapping):
        return {name: mask(resource, (*path, name), child, seals) for name, child in value.items()}
    if isinstance(value, list):
        return [
            mask(resource, (*path, named_step(index, child)), child, seals)
            for index, child in enumerate(value)
        ]
    if seals and covers(seals, path):
        return MASK
    if isinstance(value, bool):
        return value
    if _is_sensitive(path) or (isinstance(value, str) and _looks_secret(value)):
        return MASK
    return _ASSIGNED.sub(rf"\g<1>{MASK}", value) if isinstance(value, str) else value


def mask_text(text: str) -> str:
    """Gives a text of any sort with every secret in it that can be told replaced by `***`."""
    if _PRIVATE_KEY.search(text) is not None:
        return MASK
    text = _URL_PASSWORD.sub(lambda match: _without_password(match[0]), text)
    return _ASSIGNED.sub(rf"\g<1>{MASK}", text)


def is_sensitive_name(name: str) -> bool:
    """Whether something of this name, such as a flag, is a secret."""
    return _SENSITIVE.search(name) is not None


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition(':')[0]}:{MASK}@"


def named(path: Path, body: object) -> Path:
    """Gives a path with every list's item by its own name, as far as the body has it."""
    steps: list[Step] = []
    for step in path:
        body = value_at(body, (step,))
        steps.append(named_step(step, body))
    return tuple(steps)


def _is_secret_place(resource: ResourceKey, path: Path) -> bool:
    # kubectl apply, and others after it, repeat the whole object in an annotation of such a name.
    if any(isinstance(step, str) and "last-applied" in step for step in path):
        return True
    is_secret = resource.kind == "Secret" and resource.group == ""
    return is_secret and path[:1] in (("data",), ("stringData",))


def _is_sensitive(path: Path) -> bool:
    """Whether a scalar at this path is named like a secret."""
    steps = [step for step in path if not isinstance(step, int)]
    if len(steps) > 1 and steps[-1] == "value":
        # An environment variable, or anything else that has a name and a value.
        steps.pop()
    match steps[-1:]:
        case [Item(keys=keys)]:
            return any(_SENSITIVE.search(str(name)) for _, name in keys)
        case [str(name)]:
            return _SENSITIVE.search(name) is not None
        case _:
            return False


def _looks_secret(value: str) -> bool:
    return _PRIVATE_KEY.search(value) is not None or (
        "://" in value and _URL_PASSWORD.search(value) is not None
    )
