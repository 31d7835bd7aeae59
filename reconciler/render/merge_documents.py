"""What merging would do, and what a baseline knows, as data: parts of a report's document."""

from collections.abc import Mapping
from typing import Any, Final

from reconciler.core.baseline import Baselined, baseline_document
from reconciler.core.merge import Effect, Merge
from reconciler.core.resource import JsonObject
from reconciler.render.json_values import encodable, json_value
from reconciler.render.schema_fields import (
    choice,
    count,
    listed,
    maybe_text,
    part,
    text,
)

#: How a merge's part of a report is described.
MERGE_PARTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "merge": {
        "base": text("The commit that is merged by now; all of the report but this is about it."),
        "head": text("The commit that would be merged."),
        "overwrites": count("Objects of which live drift would be overwritten."),
        "effects": listed("effect", "What merging would do, what asks most of a reader first."),
    },
    "effect": {
        "effect": choice(
            Effect,
            "overwrite: live drift would be lost; change: as the pull request says; adopt: it "
            "declares what is live; keep: drift that it leaves; unknown: could not be told.",
        ),
        "drift": part(
            "drift",
            "The object, with the changes that this is about, seen from the head to live; for "
            "adopt, from the base to live.",
        ),
    },
}

#: How a baseline's part of a report is described.
BASELINE_PARTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "baseline": {
        "known": listed("known", "Drifts that it knows; they are in no other list and no count."),
        "worse": listed("worse", "Those of `drifts` that it knows otherwise."),
        "fixed": {
            "type": "array",
            "items": {"type": "object"},
            "description": "What it knows and is as declared by now, as the file has it.",
        },
    },
    "known": {
        "reason": maybe_text("Why it is accepted; null where nobody has said."),
        "drift": part("drift", "The drift."),
    },
    "worse": {
        "id": text("The drift's id."),
        "reason": text("What is worse than the baseline says."),
    },
}


def merge_document(merge: Merge, drifts: list[JsonObject]) -> JsonObject:
    """Gives a merge as a JSON object.

    Args:
        merge: What merging would do.
        drifts: The documents of its effects' drifts, in the same order.
    """
    return {
        "base": encodable(merge.base),
        "head": encodable(merge.head),
        "overwrites": len({each.drift.key for each in merge.of(Effect.OVERWRITE)}),
        "effects": [
            {"effect": each.effect.value, "drift": drift}
            for each, drift in zip(merge.effects, drifts, strict=True)
        ],
    }


def baselined_document(baseline: Baselined, drifts: list[JsonObject]) -> JsonObject:
    """Gives what a baseline knows of a report as a JSON object.

    Args:
        baseline: What it knows.
        drifts: The documents of the known drifts, in the same order.
    """
    return {
        "known": [
            {"reason": encodable(each.reason) or None, "drift": drift}
            for each, drift in zip(baseline.known, drifts, strict=True)
        ],
        "worse": [{"id": drift, "reason": encodable(why)} for drift, why in baseline.worse.items()],
        "fixed": json_value(baseline_document(baseline.fixed)["drifts"]),
    }
