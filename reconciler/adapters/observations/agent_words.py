"""Reads what agents send: JSON, perhaps compressed, within bounds."""

import json
import zlib
from typing import Any, Final

from reconciler.core.node_words import NodeWord, word_of

_GZIP: Final = 16 + zlib.MAX_WBITS


class BodyError(Exception):
    """A body isn't taken; says why, for whoever sent it."""


def word_in(body: bytes, encoding: str, limit: int) -> NodeWord:
    """Reads a word out of a request's body.

    Args:
        body: As it came.
        encoding: Its `Content-Encoding`; empty for none.
        limit: So many bytes it may have once it is unpacked.

    Raises:
        BodyError: It is none.
    """
    plain = _unpacked(body, encoding, limit)
    try:
        # Not orjson's: names that aren't UTF-8 are written as lone surrogates.
        document = json.loads(plain, parse_constant=_no_number)
    except RecursionError:
        raise BodyError("the body is nested too deep") from None
    except ValueError:
        raise BodyError("the body is no JSON") from None
    try:
        return word_of(document)
    except ValueError as error:
        raise BodyError(str(error)) from None


def _unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise BodyError("Content-Encoding: only gzip is taken")
    unpacking = zlib.decompressobj(_GZIP)
    try:
        plain = unpacking.decompress(body, limit + 1)
    except zlib.error:
        raise BodyError("the body is no gzip") from None
    if len(plain) > limit:
        raise BodyError(f"the body is longer than {limit:,} bytes once it is unpacked")
    if not unpacking.eof or unpacking.unused_data:
        raise BodyError("the body isn't one whole gzip")
    return plain


def _no_number(name: str) -> Any:
    raise ValueError(name)
