"""Whether a hook comes from a forge that knows a secret of ours."""

import base64
import binascii
import hmac
from collections.abc import Iterator, Sequence
from email.message import Message
from typing import Final

#: By which headers hooks prove where they come from; without any of them none is believed.
PROOFS: Final = (
    "X-Hub-Signature-256",
    "X-Gitea-Signature",
    "X-Forgejo-Signature",
    "X-Gitlab-Token",
    "webhook-signature",
)

#: Begins GitLab's signing tokens, as Standard Webhooks has it; base64 of the key follows.
_SIGNING_TOKEN = b"whsec_"


def has_proof(headers: Message) -> bool:
    """Whether a hook has anything by which it could be believed."""
    return any(name in headers for name in PROOFS)


def is_genuine(body: bytes, headers: Message, secrets: Sequence[bytes]) -> bool:
    """Whether a hook was made by somebody who knows one of some secrets.

    Every proof that it brings must hold: a forged one isn't made up for by another.

    Args:
        body: As it was sent, to the byte.
        headers: Those of the request. Times in them aren't looked at: a hook that is sent again
            causes a look and nothing else.
        secrets: What the forges were given, none of them empty.
    """
    given = {name: _bytes(headers[name]) for name in PROOFS if name in headers}
    return bool(given) and any(
        all(_proves(name, value, body, headers, secret) for name, value in given.items())
        for secret in secrets
    )


def _proves(name: str, value: bytes, body: bytes, headers: Message, secret: bytes) -> bool:
    match name:
        case "X-Hub-Signature-256":  # GitHub; Gitea and Forgejo send it, too
            expected = b"sha256=" + hmac.digest(secret, body, "sha256").hex().encode()
            return hmac.compare_digest(value, expected)
        case "X-Gitlab-Token":  # no signature, but the secret itself
            return hmac.compare_digest(value, secret)
        case "webhook-signature":  # GitLab's since 19.0, by Standard Webhooks
            return _is_signed(value, body, headers, secret)
        case _:
            expected = hmac.digest(secret, body, "sha256").hex().encode()
            return hmac.compare_digest(value, expected)


def _is_signed(value: bytes, body: bytes, headers: Message, secret: bytes) -> bool:
    """Checks signatures by Standard Webhooks, of which there may be several."""
    if not secret.startswith(_SIGNING_TOKEN):
        return False
    try:
        key = base64.b64decode(secret.removeprefix(_SIGNING_TOKEN), validate=True)
    except binascii.Error:
        return False
    head = b".".join(_bytes(headers.get(f"webhook-{name}", "")) for name in ("id", "timestamp"))
    made = base64.b64encode(hmac.digest(key, head + b"." + body, "sha256"))
    return any(hmac.compare_digest(each, made) for each in _first_versions(value))


def _first_versions(value: bytes) -> Iterator[bytes]:
    for each in value.split(b" "):
        version, _, signature = each.partition(b",")
        if version == b"v1":
            yield signature


def _bytes(header: object) -> bytes:
    return str(header).encode("utf-8", "surrogateescape")
