"""What is shown of a notice in Slack, as it is kept between calls."""

import hashlib
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Shown:
    """A message, and how far it and its thread tell of a notice.

    Attributes:
        channel: Where, by Slack's ID.
        ts: Which message.
        look: Digest of what the message shows; empty where that isn't known.
        told: Digests of the events of which the thread tells, or which are older.
        file: Digest of the file in the thread; empty for none.
        reminder: As in `Notice`, of the last one that was told.
    """

    channel: str
    ts: str
    look: str = ""
    told: tuple[str, ...] = ()
    file: str = ""
    reminder: int = 0

    def __str__(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


def read_shown(text: str) -> Shown | None:
    """Reads what `str` wrote; None where nothing is shown yet."""
    if not text:
        return None
    values = json.loads(text)
    return Shown(**{**values, "told": tuple(values["told"])})


def digest(*values: object) -> str:
    """Gives 16 hex digits that are the same for the same values."""
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
