"""What a node's agent says to the controller: its containers, those known by digest alone.

A look is written field by field, as `records` does it: names that aren't UTF-8 come back as they
were, which the documents for people and programs don't promise.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from reconciler.core.containers import ContainerLook, NodeLook, NodeReport
from reconciler.core.moments import moment_of
from reconciler.core.ranking import worst_looks_first
from reconciler.core.records import record_of, value_of
from reconciler.core.resource import JsonObject

WORD: Final = "plumbline.dev/node-word/v1"
#: So many containers a word may name: kubelet's default is 110 pods a node.
_CONTAINERS: Final = 5000
_ID: Final = 256
_DIGEST: Final = 64


@dataclass(frozen=True, slots=True)
class ContainerWord:
    """What is said of one container.

    Attributes:
        container_id: The runtime's id.
        digest: Of the look, 64 hex digits: the same while nothing in it moves.
        look: The look; None where the one with this digest was said before.
    """

    container_id: str
    digest: str
    look: ContainerLook | None = None


@dataclass(frozen=True, slots=True)
class NodeWord:
    """What is said of a whole node: what isn't named here isn't there any more.

    Attributes:
        node: The machine's name.
        checked_at: When the agent looked, RFC 3339.
        containers: All that it saw.
        notes: What a reader should know.
    """

    node: str
    checked_at: str
    containers: tuple[ContainerWord, ...]
    notes: tuple[str, ...] = ()


def look_text(look: ContainerLook) -> str:
    """Writes a look as JSON, in ASCII alone."""
    return json.dumps(record_of(look), separators=(",", ":"))


def look_of(text: str) -> ContainerLook:
    """Reads a look back.

    Raises:
        ValueError: It is none.
    """
    return value_of(ContainerLook, json.loads(text), "look")


def digest_of(text: str) -> str:
    """Gives the digest of a look that is written so."""
    return hashlib.sha256(text.encode()).hexdigest()


def whole(report: NodeReport) -> NodeWord:
    """Gives a report as a word that leaves nothing out."""
    look = report.look
    words = (
        ContainerWord(each.container.container_id, digest_of(look_text(each)), each)
        for each in look.looks
    )
    return NodeWord(look.node, look.checked_at, tuple(words), look.notes)


def report_of(
    node: str,
    checked_at: str,
    received_at: str,
    notes: tuple[str, ...],
    looks: Mapping[str, ContainerLook],
) -> NodeReport:
    """Gives a report of what was kept of a node.

    Args:
        node: The machine's name.
        checked_at: When the agent looked, RFC 3339.
        received_at: When it said so.
        notes: What a reader should know.
        looks: Its containers, by id.
    """
    ordered = worst_looks_first(tuple(looks.values()))
    return NodeReport(NodeLook(node, checked_at, ordered, notes), received_at)


def is_silent(report: NodeReport, now: datetime, stale_after: timedelta) -> bool:
    """Whether a report says nothing any more of what is now: the agent was silent for too long."""
    received = moment_of(report.received_at)
    return received is None or now - received > stale_after


def word_document(word: NodeWord) -> JsonObject:
    """Gives a word as a JSON object."""
    return {"schema": WORD, **record_of(word)}


def word_of(document: Any) -> NodeWord:
    """Reads a word.

    Raises:
        ValueError: It is none, contradicts itself or is too long; says where and why.
    """
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != WORD:
        raise ValueError(f"schema: {WORD} is wanted; let agent and controller be of one version")
    word = value_of(NodeWord, document, "")
    if moment_of(word.checked_at) is None:
        raise ValueError("checked_at: a moment as of RFC 3339 is wanted")
    if len(word.containers) > _CONTAINERS:
        raise ValueError(f"containers: at most {_CONTAINERS:,} are taken")
    if len({each.container_id for each in word.containers}) < len(word.containers):
        raise ValueError("containers: one is named twice")
    for place, each in enumerate(word.containers):
        _require_sound(word.node, each, f"containers[{place}]")
    return word


def _require_sound(node: str, word: ContainerWord, where: str) -> None:
    if not 0 < len(word.container_id) <= _ID:
        raise ValueError(f"{where}.container_id: a text of 1 to {_ID} characters is wanted")
    if len(word.digest) != _DIGEST or not set(word.digest) <= set("0123456789abcdef"):
        raise ValueError(f"{where}.digest: {_DIGEST} hex digits are wanted")
    if word.look is None:
        return
    container = word.look.container
    if container.container_id != word.container_id:
        raise ValueError(f"{where}.look: it is of another container")
    if container.node != node:
        raise ValueError(f"{where}.look: it is of another node")
