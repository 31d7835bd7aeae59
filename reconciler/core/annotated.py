"""A yes by annotation, on the drifted object itself: `plumbline.dev/approve: p-… the reason`.

Whoever may edit an object may annotate it, so an annotation alone says nothing of who it was: it
is the yes of the person who was witnessed to write it, and of nobody where no one was. It is no
part of what a plan's digest covers, and the restore that it agrees to takes it away.
"""

from dataclasses import dataclass
from typing import Final

from reconciler.core.drift import Change, Drift
from reconciler.core.live import APPROVE_ANNOTATION
from reconciler.core.path import Path
from reconciler.core.resource import JsonObject, metadata_of
from reconciler.core.words import Speaker

_PLACE: Final[Path] = ("metadata", "annotations", APPROVE_ANNOTATION)
#: How much of the reason is kept: whoever may edit the object wrote it.
_KEPT: Final = 200


@dataclass(frozen=True, slots=True)
class Annotated:
    """What an object's annotation says.

    Attributes:
        plan: The digest of the plan that it agrees to.
        reason: In the person's words.
        speaker: Who was seen to write it; None where nobody was, or where it may have been another.
    """

    plan: str
    reason: str = ""
    speaker: Speaker | None = None


def annotated_yes(drift: Drift, live: JsonObject | None) -> Annotated | None:
    """Reads the annotation of a drifted object; None where there is none.

    Args:
        drift: With who made each change, where that was witnessed.
        live: The object; None where it isn't live.
    """
    text = (metadata_of(live).get("annotations") or {}).get(APPROVE_ANNOTATION) if live else None
    if text is None:
        return None
    plan, _, reason = str(text).strip().partition(" ")
    return Annotated(plan, reason.strip()[:_KEPT], _writer(drift))


def why_void(said: Annotated, is_there: bool) -> str:
    """Says why an annotation agrees to nothing; empty where it may."""
    void = f"its annotation {APPROVE_ANNOTATION} agrees to nothing"
    if not is_there:
        return f"{void}: no plan of that digest is there"
    if said.speaker is None:
        return f"{void}: nobody saw who wrote it, which takes `witnesses`"
    return ""


def is_of_annotation(change: Change) -> bool:
    """Whether a change is that of the annotation: to say yes to an edit is no part of it."""
    return change.path == _PLACE


def unwitnessed_at(drift: Drift) -> str:
    """Says when an annotation was written that nobody was seen to write; empty where none was."""
    change = next(filter(is_of_annotation, drift.changes), None)
    if change is None or change.by is None or _speaker(change) is not None:
        return ""
    return change.by.time


def _writer(drift: Drift) -> Speaker | None:
    change = next(filter(is_of_annotation, drift.changes), None)
    return _speaker(change) if change is not None else None


def _speaker(change: Change) -> Speaker | None:
    actor = change.actor
    if actor is None or not actor.certain:
        return None
    groups = frozenset(f"group:{group}" for group in actor.groups)
    return Speaker(actor.impersonated or actor.user, "", groups)
