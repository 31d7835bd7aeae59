"""What a report finds, one sentence and one place each: what every format for machines is made of.

Texts are harmless to a terminal and bounded; markup is for each format to escape.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from reconciler.core.desired import SourceLocation
from reconciler.core.drift import Change, ChangeType, Drift, DriftType, Severity
from reconciler.core.merge import Effect, MergeEffect
from reconciler.core.path import format_path
from reconciler.core.report import Report
from reconciler.core.resource import ResourceKey
from reconciler.render.changes import digest_words
from reconciler.render.credits import actor_and_when, credit, maker
from reconciler.render.terminal import safe
from reconciler.render.values import inline

#: Characters of one value, and of one line: enough to know it by.
_VALUE: Final = 120
_LINE: Final = 400
#: How many changes of one object are told.
_CHANGES: Final = 20


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of finding.

    Attributes:
        id: Stays the same for good.
        name: For lists of rules.
        short: In a sentence.
        help: What it means, and what can be done.
    """

    id: str
    name: str
    short: str
    help: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a report finds.

    Attributes:
        rule: Which kind of thing.
        severity: How much it matters.
        key: The object.
        title: The object and what is wrong with it, in a few words.
        lines: What a reader must know beyond that, a line each.
        place: Where it is declared; for what isn't, where its neighbours are.
        fingerprint: The same as long as the finding lasts.
        fails: Whether a gate stops at it.
        is_unknown: Whether it says that something couldn't be told.
    """

    rule: Rule
    severity: Severity
    key: ResourceKey
    title: str
    lines: tuple[str, ...]
    place: SourceLocation | None
    fingerprint: str
    fails: bool = True
    is_unknown: bool = False

    @property
    def text(self) -> str:
        """The title and all lines."""
        return "\n".join((self.title, *self.lines))


_RESTORE: Final = (
    "`plumbline explain KIND/NAME` accounts for every field; `plumbline restore` shows the plan "
    "that puts it right. If what is live is right, declare it; if it is nobody's business, write "
    "an ignore rule with its reason."
)

DRIFT_RULES: Final = {
    DriftType.MODIFIED: Rule(
        "drift-modified",
        "Modified",
        "A live object differs from what the server would make of its declaration.",
        f"Fields were changed, added or removed in the cluster. {_RESTORE}",
    ),
    DriftType.MISSING: Rule(
        "drift-missing",
        "Missing",
        "An object is declared and not live.",
        f"It was deleted, or never applied. {_RESTORE}",
    ),
    DriftType.UNMANAGED: Rule(
        "drift-unmanaged",
        "Unmanaged",
        "An object is live in the target's scope, and nobody declared it.",
        "Declare it, ignore it by a rule with its reason, or delete it.",
    ),
    DriftType.PENDING: Rule(
        "drift-pending",
        "Pending",
        "Live is what an earlier commit declared, and Git has moved on.",
        "Nobody edited it by hand: it is not rolled out yet. Look at whoever deploys.",
    ),
    DriftType.UNREADABLE: Rule(
        "drift-unreadable",
        "Unreadable",
        "An object could not be read, so whether it drifted is unknown.",
        "`plumbline doctor` checks access and rights, each with its fix.",
    ),
}

EFFECT_RULES: Final = {
    Effect.OVERWRITE: Rule(
        "merge-overwrites",
        "MergeOverwrites",
        "Merging would overwrite what somebody changed in the cluster.",
        "Find out why it was changed there. If it is to stay, declare it in this pull request "
        "(`plumbline propose` knows how it is written); else merge, and it is gone.",
    ),
    Effect.UNKNOWN: Rule(
        "merge-unknown",
        "MergeUnknown",
        "What merging would do to an object could not be told.",
        "`plumbline doctor` checks access and rights, each with its fix.",
    ),
    Effect.CHANGE: Rule(
        "merge-changes",
        "MergeChanges",
        "Merging would change what is live, as the pull request says.",
        "This is what the pull request is for; nothing is lost by it.",
    ),
    Effect.ADOPT: Rule(
        "merge-adopts",
        "MergeAdopts",
        "The pull request declares what was changed in the cluster.",
        "Nothing changes live; after the merge it is no drift any more.",
    ),
    Effect.KEEP: Rule(
        "merge-keeps",
        "MergeKeeps",
        "An object drifted, and the pull request leaves that as it is.",
        f"It is drift before and after the merge. {_RESTORE}",
    ),
}

RULES: Final = (*DRIFT_RULES.values(), *EFFECT_RULES.values())


def findings_of(report: Report, now: datetime) -> tuple[Finding, ...]:
    """Gives what a report finds: its drifts, or where commits were compared, the merge's effects.

    Args:
        report: What was found; secrets in it are masked already.
        now: The time of writing, with its zone; ages count from it.
    """
    if report.merge is not None:
        return tuple(_of_effect(report, each, now) for each in report.merge.effects)
    return tuple(_of_drift(report, each, now) for each in report.drifts)


def _of_drift(report: Report, drift: Drift, now: datetime) -> Finding:
    worse = report.baseline.worse.get(drift.id, "") if report.baseline else ""
    lines = [*drift_lines(drift, now), *([f"worse than before: {worse}"] if worse else [])]
    return Finding(
        rule=DRIFT_RULES[drift.type],
        severity=drift.severity,
        key=drift.key,
        title=_line(f"{drift.key}: {_state(drift)}"),
        lines=tuple(_line(line) for line in lines),
        place=_place(report, drift),
        fingerprint=drift.id,
        is_unknown=drift.type is DriftType.UNREADABLE,
    )


def _of_effect(report: Report, each: MergeEffect, now: datetime) -> Finding:
    drift = each.drift
    loses = each.effect is Effect.OVERWRITE
    unknown = each.effect is Effect.UNKNOWN
    return Finding(
        rule=EFFECT_RULES[each.effect],
        severity=drift.severity if loses or unknown else Severity.LOW,
        key=drift.key,
        title=_line(f"{drift.key}: {effect_words(each)}"),
        lines=tuple(_line(line) for line in drift_lines(drift, now)),
        place=_place(report, drift),
        fingerprint=f"{drift.id}-{each.effect}",
        fails=loses or unknown,
        is_unknown=unknown,
    )


def effect_words(each: MergeEffect) -> str:
    """Says in a few words what merging would do to an object."""
    drift = each.drift
    match each.effect:
        case Effect.OVERWRITE:
            return "merging overwrites what was changed in the cluster"
        case Effect.UNKNOWN:
            return "what merging does is unknown"
        case Effect.CHANGE if drift.type is DriftType.MISSING:
            return "merging makes it"
        case Effect.CHANGE if drift.type is DriftType.UNMANAGED:
            return "merging no longer declares it"
        case Effect.CHANGE:
            return "merging changes it"
        case Effect.ADOPT:
            return "merging declares what is live"
        case Effect.KEEP:
            return f"{drift.type.lower()}, and merging leaves that as it is"
        case _:
            assert_never(each.effect)


def _state(drift: Drift) -> str:
    match drift.type:
        case DriftType.MODIFIED:
            return "it differs from its declaration"
        case DriftType.MISSING:
            return "declared but not live"
        case DriftType.UNMANAGED:
            return "live but not declared"
        case DriftType.PENDING:
            return "not rolled out yet"
        case DriftType.UNREADABLE:
            return "it could not be read"
        case _:
            assert_never(drift.type)


def drift_lines(drift: Drift, now: datetime) -> Iterator[str]:
    """Says of a drift what there is to say: its note, who did it, each of its changes."""
    if drift.note:
        yield drift.note
    if drift.type is DriftType.UNMANAGED and (made := maker(drift, now)):
        yield f"made by {made}"
    if drift.type is DriftType.MISSING and drift.actor is not None:
        yield f"deleted by {actor_and_when(drift.actor, now)}"
    yield from (change_line(change, now) for change in drift.changes[:_CHANGES])
    if len(drift.changes) > _CHANGES:
        yield f"{len(drift.changes) - _CHANGES} more changes: -o json names them all"


def change_line(change: Change, now: datetime) -> str:
    """Writes a change on one line: the field, its values, who did it."""
    desired, live = _value(change.desired), _value(change.live)
    match change.change:
        case ChangeType.ADDED:
            what = f"added {live}"
        case ChangeType.REMOVED:
            what = f"removed, was {desired}"
        case ChangeType.CHANGED:
            what = f"{desired} → {live}"
        case _:
            assert_never(change.change)
    digests = digest_words(change.masked)
    what = f"{what} ({digests})" if digests else what
    return f"{format_path(change.path)}: {what}, {credit(change, now)}"


def _value(value: object) -> str:
    text = inline(value)
    return text if len(text) <= _VALUE else f"{text[:_VALUE]}…"


def _line(text: str) -> str:
    shown = safe(text)
    return shown if len(shown) <= _LINE else f"{shown[:_LINE]}…"


def _place(report: Report, drift: Drift) -> SourceLocation | None:
    """Gives where a drift is shown: formats for code have no other place than a file."""
    if drift.source is not None:
        return drift.source
    near = (at for key, at in report.declared.items() if key.namespace == drift.key.namespace)
    return next(near, next(iter(report.declared.values()), None))
