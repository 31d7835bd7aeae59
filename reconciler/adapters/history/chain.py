"""The chain of hashes that makes a change of the history show.

Every event's hash covers the event and the hash before it; the last event and the last one that
was let go have sealed records of their own. With a key, who can write to the database but doesn't
know the key can't make a chain that fits. What nobody can tell is that a whole database was put
back as it was earlier: for that, keep the head's hash elsewhere.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

#: What an event's hash covers, in this order. It stays as it is: a column that is added later
#: needs a hash of another kind.
COVERED: Final = (
    "number",
    "time",
    "target",
    "type",
    "drift",
    "group",
    "kind",
    "namespace",
    "name",
    "actor",
    "revision",
    "plan",
    "reason",
    "before",
    "after",
    "digest",
)

#: Stands for the hash before the first event.
GENESIS: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Walk:
    """How far a chain is in order.

    Attributes:
        number: The last event that is.
        hash: Its hash.
        checked: How many events are.
        broken_at: The number of the first one that isn't, or that is missing; 0 for none.
        problem: What is wrong there; empty where nothing is.
    """

    number: int
    hash: str
    checked: int = 0
    broken_at: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    """Makes and tries hashes.

    Attributes:
        key: The secret key; empty for none, which shows accidents and careless hands only.
    """

    key: bytes

    def link(self, previous: str, row: Mapping[str, Any]) -> str:
        """Gives the hash of an event's row, given the one before it."""
        return self._hash("event", previous, *(row[name] for name in COVERED))

    def seal(self, end: str, number: int, hash_: str) -> str:
        """Gives the seal of one of the chain's ends."""
        return self._hash("end", end, number, hash_)

    def is_sealed(self, end: Mapping[str, Any]) -> bool:
        """Whether a record of an end is as it was written, with this key."""
        seal = self.seal(end["end"], end["number"], end["hash"])
        return _same(seal, end["seal"])

    def walk(self, number: int, hash_: str, rows: Iterable[Mapping[str, Any]]) -> Walk:
        """Tries events, which come in their order, until one isn't as it was written.

        Args:
            number: The number before the first one.
            hash_: The hash before the first one.
            rows: The events' rows.
        """
        checked = 0
        for row in rows:
            expected = number + 1
            if row["number"] != expected:
                return Walk(number, hash_, checked, expected, f"event {expected} is missing")
            link = self.link(hash_, row)
            if not _same(link, row["hash"]):
                problem = (
                    f"event {expected} isn't as it was written, or it was written with another key"
                )
                return Walk(number, hash_, checked, expected, problem)
            number, hash_, checked = expected, link, checked + 1
        return Walk(number, hash_, checked)

    def _hash(self, *parts: object) -> str:
        # What JSON can't hold, such as bytes in a column of texts, was put there by somebody else.
        content = json.dumps(parts, separators=(",", ":"), default=repr).encode()
        if self.key:
            return hmac.new(self.key, content, hashlib.sha256).hexdigest()
        return hashlib.sha256(content).hexdigest()


def _same(hash_: str, kept: object) -> bool:
    return hmac.compare_digest(hash_.encode(), str(kept).encode())
