"""What people are told: a drift's episode, from its sighting to its end, as the history has it.

A notice is a level, not an event: what a notifier shows is brought up to date with it, so that a
notifier which was away, or a process that was restarted, loses nothing and says nothing twice.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from reconciler.core.drift import DriftType, Severity
from reconciler.core.history import Event, EventType
from reconciler.core.resource import JsonObject, ResourceKey

#: How `events.events_of_look` says in a sighting's reason what kind of drift it is.
_KIND: Final = re.compile(r"(?P<type>\w+) \((?P<severity>\w+)\)(?:: (?P<note>.*))?", re.DOTALL)


class Standing(StrEnum):
    """How a drift stands, for people."""

    FOUND = "found"  # nothing was decided that a person must know of
    WAITS = "waits"  # it waits for the clock: a grace, a window, the end of a suspension
    ASKED = "asked"  # it waits for a person's yes
    REFUSED = "refused"  # a person said no
    APPROVED = "approved"  # a person said yes, and it isn't carried out yet
    FAILED = "failed"  # a restore was tried, and the drift is still there
    RESTORED = "restored"  # a restore put it right
    GONE = "gone"  # it went away by itself, or somebody else put it right


#: Nothing more will happen to such an episode.
ENDED: Final = frozenset({Standing.RESTORED, Standing.GONE})


@dataclass(frozen=True, slots=True)
class Episode:
    """One drift from its sighting to its end. All values are masked.

    Attributes:
        target: The target's name.
        drift: The drift's id. Together with `first_seen` it names the episode: the same drift may
            come back.
        first_seen: When it was seen, RFC 3339 in UTC, to the second.
        key: The object.
        type: Which kind of drift.
        severity: How much it matters.
        note: What a reader must know beyond that; empty for nothing.
        actor: Who did it, as far as is known; empty for nobody knows.
        revision: What Git said when it was seen last.
        before: By path, what Git wants; as in `history.Event`.
        after: By path, what is live; as in `history.Event`.
        standing: How it stands.
        action: What policy decided: `observe`, `propose`, `approve`, `restore` or `wait`; empty
            before it did.
        reason: Why it stands so, in a sentence.
        plan: Digest of the plan that a person may say yes to; empty where nothing is asked.
        life: All that happened to it, in order.
    """

    target: str
    drift: str
    first_seen: str
    key: ResourceKey
    type: DriftType
    severity: Severity
    note: str = ""
    actor: str = ""
    revision: str = ""
    before: JsonObject | None = None
    after: JsonObject | None = None
    standing: Standing = Standing.FOUND
    action: str = ""
    reason: str = ""
    plan: str = ""
    life: tuple[Event, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.standing in ENDED


@dataclass(frozen=True, slots=True)
class Notice:
    """What one message shows: one episode, or many of one target that began together.

    Attributes:
        subject: The same for as long as the message is to be updated, whoever asks.
        target: The target's name.
        episodes: At least one, the worst first.
        reminder: How many times it has been told again though nothing had happened; 0 for never.
    """

    subject: str
    target: str
    episodes: tuple[Episode, ...]
    reminder: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to what it shows."""
        return all(episode.is_over for episode in self.episodes)

    @property
    def severity(self) -> Severity:
        """That of the worst."""
        return min((episode.severity for episode in self.episodes), key=list(Severity).index)


def episodes_of(events: Iterable[Event]) -> tuple[Episode, ...]:
    """Gives the episodes that events tell of.

    Args:
        events: Of any targets, in the order in which they were added. An episode whose sighting
            isn't among them is left out.
    """
    ended: list[Episode] = []
    running: dict[tuple[str, str], Episode] = {}
    for event in (each for each in events if each.drift):
        if event.key is None:
            continue
        place = (event.target, event.drift)
        episode = running.get(place)
        if event.type is EventType.SEEN:
            if episode is not None:
                ended.append(episode)
            running[place] = _begun(event, event.key)
        elif episode is not None:
            running[place] = _continued(episode, event)
            if event.type is EventType.GONE:
                ended.append(running.pop(place))
    return tuple(sorted((*ended, *running.values()), key=lambda each: each.first_seen))


def kind_of(event: Event) -> tuple[DriftType, Severity, str]:
    """Reads from a sighting which kind of drift it is, how much it matters, and its note.

    Raises:
        ValueError: It isn't the sighting of a drift, as `events` writes it.
    """
    match = _KIND.fullmatch(event.reason)
    if match is None:
        raise ValueError("this event doesn't say which kind of drift it is")
    return DriftType(match["type"]), Severity(match["severity"]), match["note"] or ""


def _begun(event: Event, key: ResourceKey) -> Episode:
    type_, severity, note = kind_of(event)
    return Episode(
        target=event.target,
        drift=event.drift,
        first_seen=event.time,
        key=key,
        type=type_,
        severity=severity,
        note=note,
        actor=event.actor,
        revision=event.revision,
        before=event.before,
        after=event.after,
        life=(event,),
    )


def _continued(episode: Episode, event: Event) -> Episode:
    episode = replace(episode, life=(*episode.life, event), revision=event.revision)
    match event.type:
        case EventType.CHANGED:
            type_, severity, note = kind_of(event)
            return replace(
                episode,
                type=type_,
                severity=severity,
                note=note,
                actor=event.actor,
                before=_wanted(episode.before, event),
                after=event.after,
            )
        case EventType.DECIDED:
            return _decided(episode, event)
        case EventType.APPROVED:
            return replace(episode, standing=Standing.APPROVED, reason=_said("agreed", event))
        case EventType.REJECTED:
            return replace(episode, standing=Standing.REFUSED, reason=_said("said no", event))
        case EventType.RESTORED:
            by = event.actor or "somebody"
            return replace(episode, standing=Standing.RESTORED, reason=f"restored by {by}", plan="")
        case EventType.CONFLICT | EventType.REFUSED | EventType.UNVERIFIED | EventType.SKIPPED:
            return replace(episode, standing=Standing.FAILED, reason=event.reason)
        case EventType.GONE if episode.standing is not Standing.RESTORED:
            return replace(episode, standing=Standing.GONE, reason=event.reason, plan="")
        case _:
            return episode


_STANDINGS: Final = {
    "approve": Standing.ASKED,
    "propose": Standing.ASKED,
    "wait": Standing.WAITS,
}


def _decided(episode: Episode, event: Event) -> Episode:
    action, _, reason = event.reason.partition(", by the rule ")
    standing = _STANDINGS.get(action, Standing.FOUND)
    plan = event.plan if standing is Standing.ASKED else ""
    reason = reason.partition(": ")[2] or event.reason
    return replace(episode, action=action, standing=standing, reason=reason, plan=plan)


def _wanted(before: JsonObject | None, event: Event) -> JsonObject | None:
    """Gives what Git wants of the fields that differ now, as far as it was told."""
    known = before or {}
    return {path: known.get(path) for path in event.after or {}} or None


def _said(what: str, event: Event) -> str:
    return f"{event.actor} {what}" + (f": {event.reason}" if event.reason else "")


def notice_of(episodes: Sequence[Episode]) -> Notice:
    """Puts episodes of one target into one notice, the worst first."""
    rank = list(Severity).index
    worst = sorted(
        episodes,
        key=lambda each: (rank(each.severity), str(each.key), each.first_seen, each.drift),
    )
    first = min(episodes, key=lambda each: (each.first_seen, each.drift))
    subject = f"{first.target}/{first.drift}/{first.first_seen}"
    return Notice(subject, first.target, tuple(worst))
