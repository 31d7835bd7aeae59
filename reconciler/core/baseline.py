"""Drift that is known and accepted for now, so that an old cluster can get no worse."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.core.drift import IN_PODS, Change, Drift, DriftType, Severity
from reconciler.core.errors import ConfigError
from reconciler.core.path import format_path
from reconciler.core.resource import JsonObject, ResourceKey

BASELINE: Final = "plumbline.dev/baseline/v1"

#: Stands in place of a digest where a value is masked: of a secret nothing is written down.
MASKED: Final = "masked"

_RANK: Final = {Severity.HIGH: 2, Severity.MEDIUM: 1, Severity.LOW: 0}
_FIX: Final = "write it anew with --write-baseline"


@dataclass(frozen=True, slots=True)
class KnownDrift:
    """One object that is known not to be as declared.

    Attributes:
        target: Of which target.
        type: The drift's type; never `Unreadable`.
        key: The object.
        severity: How much it mattered when it was written down.
        changes: By path as people write it, how the field differs: `added`, `removed` or
            `changed`, and the digest of its live value, or `masked`.
        reason: Why it is accepted; empty where nobody has said.
    """

    target: str
    type: DriftType
    key: ResourceKey
    severity: Severity
    changes: Mapping[str, str]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A drift that a baseline knows, and the reason that stands there."""

    drift: Drift
    reason: str


@dataclass(frozen=True, slots=True)
class Baselined:
    """A report's drifts beside a baseline.

    Attributes:
        known: Those that it knows, and that got no worse.
        worse: By drift id, what is worse than it says, in a sentence.
        fixed: What it knows and is as declared by now.
    """

    known: tuple[Known, ...] = ()
    worse: Mapping[str, str] = field(default_factory=dict)
    fixed: tuple[KnownDrift, ...] = ()


def judged(
    target: str, drifts: Sequence[Drift], baseline: Sequence[KnownDrift]
) -> tuple[tuple[Drift, ...], Baselined]:
    """Parts what is new or worse from what a baseline knows.

    No baseline knows what drifted in a running pod: pods come and go, and what somebody did in one
    is never the way that things have always been.

    Args:
        target: Whose drifts they are; what the baseline knows of others is left alone.
        drifts: All that were found.
        baseline: What is known.

    Returns:
        What is new or worse, in the same order; and all else.
    """
    mine = {each.key: each for each in baseline if each.target == target}
    new: list[Drift] = []
    known: list[Known] = []
    worse: dict[str, str] = {}
    for drift in drifts:
        entry = mine.get(drift.key)
        if entry is None or drift.type is DriftType.UNREADABLE or drift.is_in_pod:
            new.append(drift)
        elif why := _worse(drift, entry):
            new.append(drift)
            worse[drift.id] = why
        else:
            known.append(Known(drift, entry.reason))
    # What couldn't be read may have drifted still.
    gone = mine.keys() - {drift.key for drift in drifts if not drift.is_in_pod}
    fixed = tuple(entry for key, entry in mine.items() if key in gone)
    return tuple(new), Baselined(tuple(known), worse, fixed)


def _worse(drift: Drift, entry: KnownDrift) -> str:
    """Says what is worse than a baseline says; empty for nothing."""
    if drift.type is not entry.type:
        return f"worse than the baseline, which knows it as {entry.type.lower()}"
    if _RANK[drift.severity] > _RANK[entry.severity]:
        return f"worse than the baseline, which knows it as {entry.severity}"
    now = _changes(drift.changes)
    new = [path for path in now if path not in entry.changes]
    if new:
        return f"worse than the baseline, which doesn't know {_listed(new)}"
    other = [path for path, said in now.items() if said != entry.changes[path]]
    return f"not the value that the baseline knows: {_listed(other)}" if other else ""


def _listed(paths: Sequence[str]) -> str:
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


def baseline_of(
    target: str, drifts: Iterable[Drift], before: Sequence[KnownDrift]
) -> tuple[KnownDrift, ...]:
    """Takes all of a target's drifts for known; reasons that were given before stay.

    Args:
        target: Whose drifts they are.
        drifts: All that were found; what couldn't be read stays as it was known, and what
            drifted in a running pod is left out.
        before: The baseline until now; what it knows of other targets stays.
    """
    mine = {each.key: each for each in before if each.target == target}
    made: list[KnownDrift] = []
    for drift in (each for each in drifts if not each.is_in_pod):
        entry = mine.get(drift.key)
        if drift.type is DriftType.UNREADABLE:
            made += [entry] if entry else []
            continue
        reason = entry.reason if entry else ""
        changes = _changes(drift.changes)
        made.append(KnownDrift(target, drift.type, drift.key, drift.severity, changes, reason))
    return sorted_entries([*(each for each in before if each.target != target), *made])


def sorted_entries(entries: Iterable[KnownDrift]) -> tuple[KnownDrift, ...]:
    """Sorts a baseline so that two branches' additions seldom meet on one line."""
    return tuple(sorted(entries, key=lambda each: (each.target, *_place(each.key))))


def _place(key: ResourceKey) -> tuple[str, str, str, str]:
    return (key.namespace, key.kind, key.name, key.group)


def _changes(changes: Iterable[Change]) -> dict[str, str]:
    """Gives each field's path with how it differs, sorted."""
    said = {format_path(each.path): f"{each.change} {_digest(each)}".strip() for each in changes}
    return dict(sorted(said.items()))


def _digest(change: Change) -> str:
    if change.masked is not None:
        return MASKED
    if change.live is None:
        return ""
    text = json.dumps(change.live, sort_keys=True, ensure_ascii=True, default=str)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def baseline_document(entries: Iterable[KnownDrift]) -> JsonObject:
    """Gives a baseline as data."""
    return {"schema": BASELINE, "drifts": [_document(entry) for entry in entries]}


def _document(entry: KnownDrift) -> JsonObject:
    document: JsonObject = {
        "target": entry.target,
        "kind": entry.key.kind,
        "group": entry.key.group,
        "namespace": entry.key.namespace,
        "name": entry.key.name,
        "type": entry.type.value,
        "severity": entry.severity.value,
        "reason": entry.reason,
        "changes": dict(entry.changes),
    }
    return {name: value for name, value in document.items() if value or name == "reason"}


def read_baseline(document: Any, file: str) -> tuple[KnownDrift, ...]:
    """Reads a baseline.

    Args:
        document: As `baseline_document` makes it.
        file: Its name, for errors.

    Raises:
        ConfigError: It is none.
    """
    if not isinstance(document, dict) or document.get("schema") != BASELINE:
        raise ConfigError(f"{file}: schema: {BASELINE} is missing", fix=_FIX)
    listed = document.get("drifts")
    if not isinstance(listed, list):
        raise ConfigError(f"{file}: drifts is no list", fix=_FIX)
    entries = [_entry(each, f"{file}: drifts[{n}]") for n, each in enumerate(listed)]
    seen: set[tuple[str, ResourceKey]] = set()
    for number, each in enumerate(entries):
        if (each.target, each.key) in seen:
            raise ConfigError(
                f"{file}: drifts[{number}]: {each.key} is there twice", fix="delete one of them"
            )
        seen.add((each.target, each.key))
    return tuple(entries)


def _entry(document: Any, where: str) -> KnownDrift:
    if not isinstance(document, dict):
        raise ConfigError(f"{where} is no map", fix=_FIX)
    texts = {
        name: _text(document.get(name, ""), f"{where}.{name}")
        for name in ("target", "group", "kind", "namespace", "name", "reason")
    }
    changes = document.get("changes", {})
    if not isinstance(changes, dict):
        raise ConfigError(f"{where}.changes is no map", fix=_FIX)
    try:
        entry = KnownDrift(
            target=texts["target"],
            type=DriftType(str(document.get("type"))),
            key=ResourceKey(texts["group"], texts["kind"], texts["namespace"], texts["name"]),
            severity=Severity(str(document.get("severity"))),
            changes={str(path): _text(said, f"{where}.changes") for path, said in changes.items()},
            reason=texts["reason"],
        )
    except ValueError:
        raise ConfigError(f"{where}: type or severity is none that is known", fix=_FIX) from None
    if entry.type is DriftType.UNREADABLE:
        raise ConfigError(f"{where}: what can't be read can't be accepted", fix="delete the entry")
    if entry.type in IN_PODS:
        raise ConfigError(f"{where}: drift in a pod can't be accepted", fix="delete the entry")
    return entry


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{where} is no text", fix=_FIX)
    return value
