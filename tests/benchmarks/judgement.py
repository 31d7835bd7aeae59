"""Holds a report against the edits that were made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.application import ObjectName
from tests.benchmarks.hand_edits import DoneEdit


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a report got right.

    Attributes:
        found: Edits whose object was reported.
        exact: Those of them that were reported at their path, as what they are, and nothing else
            of the object.
        attributed: Those of the exact ones that were laid to the manager that made them.
        false: Objects that were reported though nobody edited them.
        misses: A line for every edit that wasn't reported exactly or rightly attributed.
    """

    found: int
    exact: int
    attributed: int
    false: tuple[str, ...]
    misses: tuple[str, ...]


def drifts_by_object(report: Mapping[str, Any]) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    """Gives a report's drifts by the identity of their objects."""
    return {ObjectName.of(drift["resource"]).identity: drift for drift in report["drifts"]}


def judge(
    report: Mapping[str, Any],
    edits: Sequence[DoneEdit],
    known: frozenset[tuple[str, str, str, str]] = frozenset(),
) -> Judgement:
    """Compares a report with what was done.

    Args:
        report: The report as JSON.
        edits: What was done.
        known: Objects that were reported before any edit; they are told as false elsewhere.
    """
    drifts = drifts_by_object(report)
    edited = {edit.target.identity for edit in edits}
    misses: list[str] = []
    found = exact = attributed = 0
    for edit in edits:
        drift = drifts.get(edit.target.identity)
        if drift is None:
            misses.append(f"{edit}: not found")
            continue
        found += 1
        wrong = inexact(drift, edit)
        if wrong:
            misses.append(f"{edit}: {wrong}")
            continue
        exact += 1
        culprits = authors(drift, edit)
        if edit.manager in culprits:
            attributed += 1
        else:
            misses.append(f"{edit}: laid to {', '.join(culprits) or 'nobody'}")
    false = tuple(
        f"{ObjectName.of(drift['resource'])}: {drift['type']} "
        f"{', '.join(change['path'] for change in drift.get('changes') or ())}"
        for identity, drift in drifts.items()
        if identity not in edited | known
    )
    return Judgement(found, exact, attributed, false, tuple(misses))


def inexact(drift: Mapping[str, Any], edit: DoneEdit) -> str:
    """Says how a drift differs from the edit; empty where it's exactly that."""
    if drift["type"] != "Modified":
        return f"found as {drift['type']}: {drift.get('note', '')}"
    changes = {change["path"]: change["change"] for change in drift["changes"]}
    allowed = {edit.edit.path, *edit.edit.consequences}
    there = [path for path in changes if path in allowed]
    if not there:
        return f"found at {', '.join(changes)}"
    if edit.edit.path in changes and changes[edit.edit.path] != edit.edit.change:
        return f"found as {changes[edit.edit.path]}, not {edit.edit.change}"
    others = [path for path in changes if path not in allowed]
    return f"found with others: {', '.join(others)}" if others else ""


def authors(drift: Mapping[str, Any], edit: DoneEdit) -> list[str]:
    """Names to whom the edit is laid: of a removal, whoever is told to have written last."""
    names: list[str] = []
    for change in drift["changes"]:
        if change["path"] not in {edit.edit.path, *edit.edit.consequences}:
            continue
        if change.get("by"):
            names.append(change["by"]["manager"])
        elif change.get("candidates"):
            names.append(change["candidates"][0]["manager"])
    return names
