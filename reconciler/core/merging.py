"""What merging would do: how live differs from the base, and how from the head, side by side.

A field that differs from the base was changed in the cluster. Where the head differs from live
there, too, and touches the object, rolling it out puts its own value there: the change is lost.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.core.desired import Manifest
from reconciler.core.detect import Detection, drift_id
from reconciler.core.drift import Change, ChangeType, Drift, DriftType, Severity
from reconciler.core.merge import Effect, Merge, MergeEffect
from reconciler.core.path import Path
from reconciler.core.policy import severity_of, worst_first
from reconciler.core.resource import ResourceKey
from reconciler.core.sides import Sides

_DROPPED = "the head no longer declares it: it goes where whoever deploys prunes"
_LOST_WITH_IT = f"{_DROPPED}, and what was changed by hand goes with it"
_MADE_AGAIN = "deleted in the cluster; rolling out the head makes it again"
_MADE_BY_HAND = "made in the cluster; the head declares it otherwise"
_DECLARED_NOW = "made in the cluster; the head declares it as it is"
_GONE_FROM_BOTH = "deleted in the cluster; the head no longer declares it"
_UNMENTIONED = (
    "neither commit says anything of it: an apply leaves it, a replace or `plumbline restore` "
    "takes it away"
)


@dataclass(frozen=True, slots=True)
class Revision:
    """One commit beside the cluster: what was read, and how the two differ."""

    sides: Sides
    found: Detection


def merge_of(target: str, base: Revision, head: Revision) -> Merge:
    """Says what merging the head into the base would do to what is live.

    Args:
        target: The target's name; part of the ids.
        base: What is merged by now.
        head: What would be, beside the same live state.
    """
    judge = _Judge(target, base, head, _by_key(base.found), _by_key(head.found))
    declared = dict.fromkeys((*head.sides.desired.resources, *base.sides.desired.resources))
    found = [effect for key in declared for effect in judge.of(key)]
    ordered = [
        MergeEffect(effect, drift)
        for effect in Effect
        for drift in worst_first([each.drift for each in found if each.effect is effect])
    ]
    return Merge(base.sides.desired.revision, head.sides.desired.revision, tuple(ordered))


def _by_key(found: Detection) -> dict[ResourceKey, Drift]:
    return {drift.key: drift for drift in found.drifts if not drift.is_in_pod}


@dataclass(frozen=True, slots=True)
class _Judge:
    target: str
    base: Revision
    head: Revision
    before: Mapping[ResourceKey, Drift]
    after: Mapping[ResourceKey, Drift]

    def of(self, key: ResourceKey) -> Iterator[MergeEffect]:
        """Gives all effects on an object that either commit declares."""
        was = self.base.sides.desired.resources.get(key)
        head = self.head.sides.desired.resources
        before, after = self.before.get(key), self.after.get(key)
        unread = next((d for d in (after, before) if d and d.type is DriftType.UNREADABLE), None)
        if unread is not None:
            yield MergeEffect(Effect.UNKNOWN, unread)
        elif was is None:
            yield from self._added(key, head[key], before, after)
        elif key in head:
            yield from self._kept(before, after, is_touched=was.body != head[key].body)
        else:
            yield self._dropped(key, was, before)

    def _dropped(self, key: ResourceKey, was: Manifest, before: Drift | None) -> MergeEffect:
        """Judges an object that only the base declares."""
        if before is None or before.type is DriftType.PENDING:
            gone = self._made(key, was, self.base)
            return MergeEffect(Effect.CHANGE, replace(gone, note=_DROPPED))
        if before.type is DriftType.MISSING:
            return MergeEffect(Effect.ADOPT, _noted(before, _GONE_FROM_BOTH))
        return MergeEffect(Effect.OVERWRITE, _noted(before, _LOST_WITH_IT))

    def _added(
        self, key: ResourceKey, will: Manifest, before: Drift | None, after: Drift | None
    ) -> Iterator[MergeEffect]:
        """Judges an object that only the head declares."""
        if after is None:
            stranger = before or self._made(key, will, self.head)
            stranger = replace(stranger, source=will.source)
            yield MergeEffect(Effect.ADOPT, _noted(stranger, _DECLARED_NOW))
            return
        if after.type is DriftType.MISSING:
            yield MergeEffect(Effect.CHANGE, after)
            return
        lost = [each for each in after.changes if each.change is not ChangeType.ADDED]
        left = [each for each in after.changes if each.change is ChangeType.ADDED]
        yield from _effect(Effect.OVERWRITE, after, lost, _MADE_BY_HAND)
        yield from _effect(Effect.KEEP, after, left, _UNMENTIONED)

    def _kept(
        self, before: Drift | None, after: Drift | None, *, is_touched: bool
    ) -> Iterator[MergeEffect]:
        """Judges an object that both declare."""
        if before is None or before.type is DriftType.PENDING:
            # What the base still has to roll out is not this pull request's doing.
            if after is not None and is_touched:
                yield MergeEffect(Effect.CHANGE, replace(after, type=DriftType.MODIFIED))
            return
        if before.type is DriftType.MISSING:
            effect, note = (Effect.OVERWRITE, _MADE_AGAIN) if is_touched else (Effect.KEEP, "")
            yield MergeEffect(effect, _noted(after or before, note))
            return
        if not is_touched:
            yield MergeEffect(Effect.KEEP, before)
            return
        differing = after.changes if after is not None else ()
        yield from _effect(
            Effect.ADOPT, before, [each for each in before.changes if not _hit(each, differing)]
        )
        if after is not None:
            yield from _touched(before, after)

    def _made(self, key: ResourceKey, manifest: Manifest, revision: Revision) -> Drift:
        """Speaks of a live object of which only one commit has anything to say."""
        live = revision.sides.live.find(manifest.api_version, key) or {"metadata": {}}
        drift = Drift(
            id="",
            type=DriftType.UNMANAGED,
            severity=Severity.MEDIUM,
            key=key,
            api_version=manifest.api_version,
            uid=str(live["metadata"].get("uid") or ""),
            source=manifest.source,
        )
        return replace(drift, id=drift_id(self.target, drift), severity=severity_of(drift))


def _touched(before: Drift, after: Drift) -> Iterator[MergeEffect]:
    """Judges an object that drifted from the base, and that the head declares anew."""
    rolled_out: list[Change] = []
    lost: list[Change] = []
    left: list[Change] = []
    for change in after.changes:
        edits = [each for each in before.changes if _overlap(each.path, change.path)]
        if not edits:
            rolled_out.append(change)
        elif all(each.change is ChangeType.ADDED for each in (change, *edits)):
            left.append(change)
        else:
            lost.append(change)
    yield from _effect(Effect.OVERWRITE, after, lost)
    yield from _effect(Effect.CHANGE, after, rolled_out)
    yield from _effect(Effect.KEEP, after, left, _UNMENTIONED)


def _effect(
    effect: Effect, drift: Drift, changes: Sequence[Change], note: str = ""
) -> Iterator[MergeEffect]:
    if changes:
        part = replace(drift, type=DriftType.MODIFIED, changes=tuple(changes), hidden=())
        yield MergeEffect(effect, _noted(replace(part, severity=severity_of(part)), note))


def _noted(drift: Drift, note: str) -> Drift:
    return replace(drift, note="; ".join(filter(None, (drift.note, note))))


def _hit(change: Change, others: Sequence[Change]) -> bool:
    return any(_overlap(change.path, other.path) for other in others)


def _overlap(one: Path, other: Path) -> bool:
    """Whether one path is the other, or leads to it."""
    length = min(len(one), len(other))
    return one[:length] == other[:length]
