"""Keeps one copy of what many objects say alike, for as long as they are kept."""

import hashlib
from typing import Any

import orjson

from reconciler.core.resource import JsonObject, metadata_of

#: Different field sets remembered; beyond that it begins anew, which costs only memory.
_REMEMBERED = 4096
_WORDS = ("manager", "operation", "apiVersion", "fieldsType", "subresource", "time")


class Sharing:
    """Shares managedFields, most of an object in memory: a controller's objects are much alike.

    What is shared is never changed by anybody; nor is anything else of a live object.
    """

    def __init__(self) -> None:
        self._fields: dict[bytes, Any] = {}
        self._words: dict[str, str] = {}

    def shared(self, body: JsonObject) -> JsonObject:
        """Gives an object that was just decoded, with its parts replaced by equal known ones."""
        if len(self._fields) > _REMEMBERED or len(self._words) > _REMEMBERED:
            self._fields, self._words = {}, {}
        for entry in metadata_of(body).get("managedFields") or ():
            fields = entry.get("fieldsV1")
            if fields:
                digest = hashlib.blake2b(orjson.dumps(fields), digest_size=16).digest()
                entry["fieldsV1"] = self._fields.setdefault(digest, fields)
            for name in _WORDS:
                word = entry.get(name)
                if isinstance(word, str):
                    entry[name] = self._words.setdefault(word, word)
        return body
