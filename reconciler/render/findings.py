"""What a report finds, one sentence and one place each: what every format for machines is made of.

Texts are harmless to a terminal and bounded; markup is for each format to escape.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from reconciler.core.desired import SourceLocation
from reconciler.core.drift import Change, ChangeType, Drift, DriftType, Severity
from reconciler.core.merge import Effect, MergeEffect
from reconciler.core.path import format_path
from reconciler.core.report import Report
from reconciler.core.resource import ResourceKey
from reconciler.render.changes import digest_words, inverted
from reconciler.render.credits import actor_and_when, credit, maker
from reconciler.render.in_pods import STATES
from reconciler.render.rules import DRIFT_RULES, EFFECT_RULES, Rule
from reconciler.render.terminal import safe
from reconciler.render.values import inline

#: Characters of one value, and of one line: enough to know it by.
_VALUE: Final = 120
_LINE: Final = 400
#: How many changes of one object are told.
_CHANGES: Final = 20


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
    return Finding(
        rule=DRIFT_RULES[drift.type],
        severity=drift.severity,
        key=drift.key,
        title=_line(f"{drift.key}: {_state(drift)}"),
        lines=tuple(_line(line) for line in drift_lines(drift, now)),
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
        lines=tuple(_line(line) for line in effect_lines(each, now)),
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
        case (
            DriftType.POD_SPEC
            | DriftType.FILE
            | DriftType.PROCESS
            | DriftType.SESSION
            | DriftType.PORT
            | DriftType.IMAGE
        ):
            return _in_pod(drift)
        case _:
            assert_never(drift.type)


def _in_pod(drift: Drift) -> str:
    """Says what drifted in a pod: which file, say, not only that one did."""
    if drift.seen is None:
        return f"it {STATES[drift.type]}"
    from reconciler.render.pod_words import seen_title

    return seen_title(drift)


def drift_lines(drift: Drift, now: datetime) -> Iterator[str]:
    """Says of a drift what there is to say: its note, who did it, each of its changes."""
    if drift.note:
        yield drift.note
    if drift.seen is not None:
        from reconciler.render.pod_words import seen_lines

        yield from seen_lines(drift, now)
    if drift.type is DriftType.UNMANAGED and (made := maker(drift, now)):
        yield f"made by {made}"
    if drift.type is DriftType.MISSING and drift.actor is not None:
        yield f"deleted by {actor_and_when(drift.actor, now)}"
    yield from _limited([_change_line(each, credit(each, now)) for each in drift.changes])


def effect_lines(each: MergeEffect, now: datetime) -> Iterator[str]:
    """Says of a merge's effect what there is to say; values as the merge changes them."""
    if each.effect not in (Effect.CHANGE, Effect.OVERWRITE):
        yield from drift_lines(each.drift, now)
        return
    if each.drift.note:
        yield each.drift.note
    lines: list[str] = []
    for change in each.drift.changes:
        # Who once rolled out what is to be replaced is of no interest.
        whose = edited_words(change, now) if each.effect is Effect.OVERWRITE else ""
        lines.append(_change_line(inverted(change), whose))
    yield from _limited(lines)


def edited_words(change: Change, now: datetime) -> str:
    """Says who made a change in the cluster, where its values stand the other way round."""
    whose = credit(change, now)
    return f"edited live {whose}" if whose.startswith("by ") else f"edited live; {whose}"


def _limited(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_CHANGES]
    if len(lines) > _CHANGES:
        yield f"{len(lines) - _CHANGES} more changes: -o json names them all"


def _change_line(change: Change, whose: str) -> str:
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
    return f"{format_path(change.path)}: {what}" + (f", {whose}" if whose else "")


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
