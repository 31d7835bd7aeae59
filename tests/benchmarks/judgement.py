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
        attributed: Those of the exact ones that were laid to the manager that made them; of
            removals those that were laid to nobody, which is all that can be known.
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
        wrong = misattributed(drift, edit)
        if wrong:
            misses.append(f"{edit}: {wrong}")
        else:
            attributed += 1
    false = tuple(
        f"{ObjectName.of(drift['resource'])}: {drift['type']} "
        f"{', '.join(change['path'] for change in drift.get('changes') or ())}"
        for identity, drift in drifts.items()
        if identity not in edited | known
    )
    return Judgement(found, exact, attributed, false, tuple(misses))


def is_of(path: str, edit: DoneEdit) -> bool:
    """Whether a path is where an edit was made, or in what the server changed with it."""
    if path == edit.edit.path:
        return True
    return any(path == each or path.startswith(f"{each}.") for each in edit.edit.consequences)


def inexact(drift: Mapping[str, Any], edit: DoneEdit) -> str:
    """Says how a drift differs from the edit; empty where it's exactly that."""
    if drift["type"] != "Modified":
        return f"found as {drift['type']}: {drift.get('note', '')}"
    changes = {change["path"]: change["change"] for change in drift["changes"]}
    there = [path for path in changes if is_of(path, edit)]
    if not there:
        return f"found at {', '.join(changes)}"
    if edit.edit.path in changes and changes[edit.edit.path] != edit.edit.change:
        return f"found as {changes[edit.edit.path]}, not {edit.edit.change}"
    others = [path for path in changes if not is_of(path, edit)]
    return f"found with others: {', '.join(others)}" if others else ""


def misattributed(drift: Mapping[str, Any], edit: DoneEdit) -> str:
    """Says to whom an edit is laid in place of who made it; empty where that is right.

    Of a removal, and where the server doesn't remember who wrote, nobody can know who did it: right
    is to say so, and to name among those who could have whoever did, if they are remembered.
    """
    changes = [change for change in drift["changes"] if is_of(change["path"], edit)]
    if edit.edit.change != "removed" and edit.recorded:
        named = [(change.get("by") or {}).get("manager") for change in changes]
        return "" if edit.manager in named else f"laid to {named}"
    named = [(change.get("by") or {}).get("manager") for change in changes if change.get("by")]
    if named:
        return f"laid to {named}, though nobody can know"
    could = [each["manager"] for change in changes for each in change.get("candidates") or ()]
    return f"could be {could}" if edit.recorded and edit.manager not in could else ""
