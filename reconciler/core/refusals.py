"""Commits that may not be acted on, told as drift is: in the history, and to people."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from reconciler.core.drift import DriftType, Severity
from reconciler.core.history import Event, EventType, KnownDrift
from reconciler.core.resource import ResourceKey

#: In place of an object's kind, where it is a commit that people are told of.
COMMIT: Final = "Commit"


def events_of_refusal(
    known: Mapping[str, KnownDrift], target: str, commit: str, why: str, now: str
) -> tuple[Event, ...]:
    """Says, once, that a commit may not be acted on: whoever is told of drift is told of that.

    It ends as a drift does, by the next look that could be made; or by another commit's refusal.

    Args:
        known: The target's drifts as they were known before, by id.
        target: The target's name.
        commit: What was refused.
        why: In a sentence, and what to do.
        now: When, RFC 3339 in UTC, to the second.
    """
    key = ResourceKey("", COMMIT, "", commit[:12] or "none")
    drift = f"d-{_digest(target, commit)}"
    if drift in known:
        return ()
    kind = f"{DriftType.UNREADABLE.value} ({Severity.HIGH.value})"
    seen = Event(now, target, EventType.SEEN, drift, key, revision=commit)
    seen = replace(seen, reason=f"{kind}: {why}", digest=_digest(target, commit))
    others = [(each, k) for each, k in known.items() if k.key.kind == COMMIT and not k.key.group]
    gone = Event(now, target, EventType.GONE, revision=commit, reason="another commit came")
    return (seen, *(replace(gone, drift=each, key=k.key) for each, k in others))


def _digest(*words: str) -> str:
    text = json.dumps([COMMIT, *words])
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
