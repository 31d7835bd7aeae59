"""What is remembered of a target for years: events, and the drifts that are known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from reconciler.core.resource import JsonObject, ResourceKey

#: In an event's `before` and `after`, the path of the whole object.
WHOLE: Final = ""

#: Beside the fields of an event's `before` and `after`, the keyed digests of those that are
#: masked, by path. No path reads like this one: that of a field `***` is `["***"]`.
DIGESTS: Final = "***"


#: In an event's `after`, instead of a path: which declared object makes a new pod in place of one
#: that was evicted or put into quarantine.
OWNER: Final = "(made anew by)"
#: In such an event's `after`, likewise: what was kept of the pod first.
EVIDENCE: Final = "(evidence)"


#: How the reason of a write begins that rolls out a commit: nobody had to be put right.
ROLL_OUT: Final = "roll out"


#: How the id begins of an episode of break-glass, which stands beside the drifts' own.
GLASS: Final = "g-"


class EventType(StrEnum):
    """What can happen."""

    SEEN = "seen"  # a drift was found for the first time
    CHANGED = "changed"  # it differs in other fields, or by other values, than before
    GONE = "gone"  # it was looked for, and is no longer found
    DECIDED = "decided"  # policy said what is to be done about it, otherwise than before
    APPROVED = "approved"  # a person said yes to a plan
    REJECTED = "rejected"  # a person said no to a plan
    INTENDED = "intended"  # about to be written: the next event of the plan says what came of it
    RESTORED = "restored"  # written, and a fresh comparison found the object in sync
    CONFLICT = "conflict"  # the object moved since the plan was made; nothing was written
    REFUSED = "refused"  # the API server said no; nothing was written
    UNVERIFIED = "unverified"  # written, perhaps; a fresh comparison finds drift or failed
    SKIPPED = "skipped"  # not tried, since something it needs failed
    WRITTEN = "written"  # written, and not yet compared again
    SUSPENDED = "suspended"  # from now on nothing is written
    RESUMED = "resumed"  # from now on policy says again what is written


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. Values are masked; nothing here is secret.

    Attributes:
        time: When, RFC 3339 in UTC, to the second.
        target: The target's name.
        type: What happened.
        drift: The drift's id; empty where none is meant.
        key: The object; None where the whole target is meant.
        actor: Who did it, as far as is known: a person, or the field managers that wrote.
        revision: What Git said then.
        plan: Digest of the plan that it belongs to; empty where there was none.
        reason: Why, or what kind of drift it is, in a sentence.
        before: By path as people write it, what each field was: of a seen drift what Git wants,
            of a write what was live. None stands for a field that wasn't there. See also `WHOLE`
            and `DIGESTS`. None where nothing is told.
        after: What each field is since then, likewise.
        digest: Of a seen or changed drift, a digest of what differs; of a decision, one of that.
            It tells whether the next look finds the same.
    """

    time: str
    target: str
    type: EventType
    drift: str = ""
    key: ResourceKey | None = None
    actor: str = ""
    revision: str = ""
    plan: str = ""
    reason: str = ""
    before: JsonObject | None = None
    after: JsonObject | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class KnownDrift:
    """A drift that was there when a target was last looked at.

    Attributes:
        key: The object.
        first_seen: When it was first seen, RFC 3339.
        digest: As in `Event`, of what differed.
        decision: As in `Event`, of what was decided; empty where nothing was.
        live: The differing fields' live values, as in `Event.after`.
    """

    key: ResourceKey
    first_seen: str
    digest: str
    decision: str = ""
    live: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Which events are asked for; what is empty doesn't matter.

    Attributes:
        target: The target's name.
        since: Not before this time, RFC 3339 in UTC to the second, as events have it.
        until: Not after this time, likewise.
        kinds: The object's kind is one of these, in any case.
        name: The object's name.
        namespace: The object's namespace.
        actor: What the actor's name contains, in any case.
        types: What happened.
        drift: The drift's id.
        drifts: The drift's id is one of these.
        plan: The plan's digest.
        limit: So many of the latest; 0 for all.
    """

    target: str = ""
    since: str = ""
    until: str = ""
    kinds: frozenset[str] = field(default_factory=frozenset)
    name: str = ""
    namespace: str = ""
    actor: str = ""
    types: frozenset[EventType] = field(default_factory=frozenset)
    drift: str = ""
    drifts: frozenset[str] = field(default_factory=frozenset)
    plan: str = ""
    limit: int = 0

    def matches(self, event: Event) -> bool:
        """Whether an event is asked for, the limit aside."""
        key = event.key or ResourceKey("", "", "", "")
        return (
            self.target in ("", event.target)
            and self.since <= event.time
            and (not self.until or event.time <= self.until)
            and (not self.kinds or key.kind.casefold() in {k.casefold() for k in self.kinds})
            and self.name in ("", key.name)
            and self.namespace in ("", key.namespace)
            and self.actor.casefold() in event.actor.casefold()
            and (not self.types or event.type in self.types)
            and self.drift in ("", event.drift)
            and (not self.drifts or event.drift in self.drifts)
            and self.plan in ("", event.plan)
        )


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a history is as it was written.

    Attributes:
        checked: How many events are in order, from the first one that is kept.
        first: The first event's number; greater than 1 where older ones have been let go.
        last: The last event's number, as the head record has it.
        head: The head record's hash: who keeps it elsewhere can later tell a whole history that
            was put in place of this one.
        broken_at: Number of the first event that isn't as it was written, or is missing; 0 where
            it is another record that isn't.
        problem: What is wrong; empty where nothing is.
    """

    checked: int
    first: int
    last: int
    head: str
    broken_at: int = 0
    problem: str = ""

    @property
    def sound(self) -> bool:
        """Whether all is as it was written."""
        return not self.problem


def remembered(
    known: Mapping[str, KnownDrift], events: Iterable[Event]
) -> Mapping[str, KnownDrift]:
    """Gives the drifts of a target that are known once these events of it have happened."""
    after = dict(known)
    for event in (each for each in events if each.drift):
        earlier = after.get(event.drift)
        match event.type:
            case EventType.SEEN | EventType.CHANGED if event.key is not None:
                first_seen = earlier.first_seen if earlier else event.time
                decision = earlier.decision if earlier else ""
                after[event.drift] = KnownDrift(
                    event.key, first_seen, event.digest, decision, event.after
                )
            case EventType.DECIDED if earlier is not None:
                after[event.drift] = replace(earlier, decision=event.digest)
            case EventType.GONE:
                after.pop(event.drift, None)
            case _:
                pass
    return after
