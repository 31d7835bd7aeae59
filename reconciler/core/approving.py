"""Whose yes counts for which plan: a pure function of policy, drifts and what people said.

An approval is for a plan's digest, which covers the writes, the revision and what was live: when
Git or the cluster moves, the plan is another one and the yes is for nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

from reconciler.core.annotated import is_of_annotation
from reconciler.core.drift import Drift
from reconciler.core.history import Event, EventType
from reconciler.core.moments import moment_of
from reconciler.core.selection import Selector
from reconciler.core.words import GROUPS, Speaker

#: What the history must be asked for.
VERDICTS: Final = frozenset({EventType.APPROVED, EventType.REJECTED})


@dataclass(frozen=True, slots=True)
class Person:
    """One person under all their names.

    Attributes:
        name: As rules name them.
        identities: As doors and the cluster name them, such as `slack:U0123`, `gitea:jane` or
            `jane@example.org`.
    """

    name: str
    identities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """Who may say yes to some drifts.

    Attributes:
        name: Shown where a yes is missing.
        selector: Which drifts.
        approvers: Persons, identities or groups, with `*`, `?` and `[...]`; empty for anybody.
        needed: How many of them must say yes.
        own: Whether somebody may say yes about what they changed themselves.
    """

    name: str
    selector: Selector
    approvers: tuple[str, ...] = ()
    needed: int = 1
    own: bool = False


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    """Whose yes counts, and for how long.

    Attributes:
        people: Who has several names.
        rules: The first that speaks of a drift decides. Where none does, one yes of anybody but
            who changed it is enough.
        lasts: For so long a yes counts, if nothing moves meanwhile.
    """

    people: tuple[Person, ...] = ()
    rules: tuple[ApprovalRule, ...] = ()
    lasts: timedelta = timedelta(hours=24)

    def person(self, identity: str) -> str:
        """Gives one name for all names of a person: their own where no other is known."""
        found = (each.name for each in self.people if identity in (each.name, *each.identities))
        return next(found, identity)

    def rule_for(self, drift: Drift, labels: Mapping[str, str]) -> ApprovalRule:
        """Gives the rule that says who may say yes to this drift."""
        speaking = (rule for rule in self.rules if rule.selector.matches_drift(drift, labels))
        return next(speaking, _DEFAULT)


_DEFAULT: Final = ApprovalRule("default", Selector())


@dataclass(frozen=True, slots=True)
class Weighed:
    """What people's words come to for one plan.

    Attributes:
        approvers: Whose yes counts, as they are told of; empty unless that is enough.
        missing: What is missing yet; empty where nothing is.
    """

    approvers: tuple[str, ...] = ()
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Concerned:
    """A drift that a plan puts right, and the object's labels.

    Attributes:
        drift: The drift.
        labels: Those by which rules select.
    """

    drift: Drift
    labels: Mapping[str, str]


def weigh(
    concerned: Sequence[Concerned], said: Iterable[Event], policy: ApprovalPolicy, now: datetime
) -> Weighed:
    """Says whether a plan is approved.

    Args:
        concerned: What the plan puts right.
        said: The verdicts about exactly this plan, in the order in which they were added. A no
            takes back every yes before it.
        policy: Whose yes counts.
        now: A moment with its zone.
    """
    yes = _standing_yes(said, policy, now)
    if not yes:
        return Weighed(missing="nobody has said yes")
    for each in concerned:
        missing = _missing(each, yes, policy)
        if missing:
            return Weighed(missing=missing)
    return Weighed(tuple(str(speaker) for speaker in yes.values()))


def why_not(speaker: Speaker, concerned: Sequence[Concerned], policy: ApprovalPolicy) -> str:
    """Says why the yes of somebody wouldn't count; empty where it would."""
    for each in concerned:
        refusal = _refusal(speaker, each, policy)
        if refusal:
            return refusal
    return ""


def no_say(speaker: Speaker, concerned: Sequence[Concerned], policy: ApprovalPolicy) -> str:
    """Says why somebody has no say in some drifts; empty where they have, be they their own."""
    return next(filter(None, (_no_say(speaker, each, policy) for each in concerned)), "")


def _standing_yes(
    said: Iterable[Event], policy: ApprovalPolicy, now: datetime
) -> Mapping[str, Speaker]:
    """Gives who has said yes and not taken it back, by person, in their order."""
    yes: dict[str, Speaker] = {}
    for event in said:
        at = moment_of(event.time)
        if event.type is EventType.REJECTED:
            yes.clear()
        elif event.type is EventType.APPROVED and at is not None and now < at + policy.lasts:
            speaker = speaker_of(event)
            yes[policy.person(speaker.identity)] = speaker
    return yes


def speaker_of(event: Event) -> Speaker:
    """Reads who said something from the event that tells of it; see `Speaker.__str__`."""
    name, bracket, rest = event.actor.rpartition(" (")
    groups = (event.after or {}).get(GROUPS)
    belongs = frozenset(map(str, groups)) if isinstance(groups, list) else frozenset[str]()
    if bracket and rest.endswith(")"):
        return Speaker(rest[:-1], name, belongs)
    return Speaker(event.actor, "", belongs)


def _missing(each: Concerned, yes: Mapping[str, Speaker], policy: ApprovalPolicy) -> str:
    rule = policy.rule_for(each.drift, each.labels)
    refusals = {person: _refusal(speaker, each, policy) for person, speaker in yes.items()}
    good = [person for person, refusal in refusals.items() if not refusal]
    if len(good) >= rule.needed:
        return ""
    why = next((refusal for refusal in refusals.values() if refusal), "")
    count = f"{len(good)} of {rule.needed} who must say yes to {each.drift.key} have"
    return f"{count} ({why})" if why else count


def _refusal(speaker: Speaker, each: Concerned, policy: ApprovalPolicy) -> str:
    """Says why a yes of somebody doesn't count for a drift; empty where it does."""
    refusal = _no_say(speaker, each, policy)
    if refusal:
        return refusal
    rule = policy.rule_for(each.drift, each.labels)
    person = policy.person(speaker.identity)
    if not rule.own and person in {policy.person(author) for author in _authors(each.drift)}:
        return f"{person} changed {each.drift.key} and may not say yes to it"
    return ""


def _no_say(speaker: Speaker, each: Concerned, policy: ApprovalPolicy) -> str:
    """Says why somebody is no approver of a drift; empty where they are."""
    rule = policy.rule_for(each.drift, each.labels)
    person = policy.person(speaker.identity)
    names = {person, speaker.identity, *speaker.groups}
    patterns = rule.approvers
    if not patterns or any(fnmatchcase(name, wanted) for name in names for wanted in patterns):
        return ""
    return f"{person} may not say yes to {each.drift.key} by the rule {rule.name}"


def _authors(drift: Drift) -> frozenset[str]:
    """Gives who may have done it, where persons are known."""
    edits = (change for change in drift.changes if not is_of_annotation(change))
    actors = [change.actor for change in edits] + [drift.actor]
    known = [actor for actor in actors if actor is not None]
    return frozenset(
        name for each in known for name in (each.user, each.impersonated, *each.others) if name
    )
