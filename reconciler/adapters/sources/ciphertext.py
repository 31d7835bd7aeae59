"""Tells what sops has encrypted, and finds what came through rendering as ciphertext."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from reconciler.adapters.sources.document import AliasBudget, Document, DocumentError
from reconciler.core.resource import JsonObject, split_api_version
from reconciler.core.sealing import leaves

#: How sops writes an encrypted value (getsops/sops aes/cipher.go).
_BEGIN = b"ENC[AES256_GCM,data:"
_VALUE = re.compile(rb"ENC\[AES256_GCM,data:[^,\]]*,iv:[^,\]]*,tag:[^,\]]*,type:\w+\]")

#: Metadata as flat files have it: dotenv's, and ini's section (stores/dotenv, stores/ini).
_DOTENV = re.compile(rb"^sops_mac=", re.MULTILINE)
_INI = re.compile(rb"^\[sops\]", re.MULTILINE)

#: Kinds that a cluster is to hold encrypted, since an operator there decrypts them
#: (https://github.com/isindir/sops-secrets-operator).
_MEANT = ("isindir.github.com", "SopsSecret")

PROBLEM = (
    "it is encrypted by sops, and ciphertext is never compared",
    "name what decrypts it in the target's source.decrypt, as {provider: sops, age_key_file: …}",
)


def is_ciphertext(value: Any) -> bool:
    """Whether a value is one that sops encrypted."""
    return isinstance(value, str) and _VALUE.fullmatch(_bytes(value)) is not None


def metadata_of_sops(value: Any) -> Mapping[str, Any] | None:
    """Gives what sops wrote into a document about its keys; None where it didn't."""
    if not isinstance(value, Mapping) or is_meant(value):
        return None
    metadata = value.get("sops")
    return metadata if isinstance(metadata, Mapping) and "mac" in metadata else None


def is_meant(body: Any) -> bool:
    """Whether the cluster is to hold an object as it is, encrypted."""
    if not isinstance(body, Mapping):
        return False
    group, _ = split_api_version(str(body.get("apiVersion") or ""))
    return (group, body.get("kind")) == _MEANT


def is_encrypted(path: str, content: bytes) -> bool:
    """Whether a file is one that sops encrypted."""
    if b"sops" not in content or _BEGIN not in content:
        return False
    if path.endswith(".env"):
        return _DOTENV.search(content) is not None
    if path.endswith(".ini"):
        return _INI.search(content) is not None
    return any(metadata_of_sops(each.value) is not None for each in documents_of(content))


def documents_of(content: bytes) -> list[Document]:
    """Reads a file's documents; none where it is no YAML and no JSON."""
    from reconciler.adapters.sources.manifests import read_documents

    try:
        return read_documents(content, AliasBudget())
    except DocumentError:
        return []


def holds_ciphertext(body: JsonObject, content: bytes) -> bool:
    """Whether a manifest is encrypted, or a file that is was put into it by a generator.

    Args:
        body: The manifest.
        content: All that it was read from: most of it needn't be looked at closely.
    """
    holds_base64 = body.get("kind") == "Secret" or "binaryData" in body
    if (_BEGIN not in content and not holds_base64) or is_meant(body):
        return False
    return metadata_of_sops(body) is not None or any(
        isinstance(value, str) and _VALUE.search(_decoded(path, value)) is not None
        for path, value in leaves(body)
    )


def _decoded(path: tuple[Any, ...], value: str) -> bytes:
    text = _bytes(value)
    if path[0] not in ("data", "binaryData"):
        return text
    try:
        # kustomize breaks long ones into lines.
        return base64.b64decode(b"".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return text


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
