"""Judges images: what is declared, what runs and what registries say, put side by side."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from reconciler.core.drift import Severity
from reconciler.core.images.facts import Answers, Ask, ImageFacts, Unknown
from reconciler.core.images.known import Known, drift_id
from reconciler.core.images.policy import ImagePolicy, policy_for
from reconciler.core.images.report import ImageDrift, ImageEntry, ImageRule
from reconciler.core.images.rules import concerns, findings
from reconciler.core.images.running import Use
from reconciler.core.images.vulnerabilities import Scan

_RANK: Final = tuple(Severity)


def judge(
    target: str,
    uses: Iterable[Use],
    answers: Answers,
    policies: Sequence[ImagePolicy],
    scans: Sequence[Scan],
    now: datetime,
) -> tuple[ImageEntry, ...]:
    """Judges every container of every workload.

    Args:
        target: The target's name; part of the drifts' ids.
        uses: What is declared and runs.
        answers: What registries said.
        policies: What is wanted of images; the first that fits counts.
        scans: What scanners said.
        now: The time, with its zone.
    """
    return tuple(_entry(target, use, answers, policies, scans, now) for use in uses)


def _entry(
    target: str,
    use: Use,
    answers: Answers,
    policies: Sequence[ImagePolicy],
    scans: Sequence[Scan],
    now: datetime,
) -> ImageEntry:
    name = use.name
    if name is None:
        return _nameless(target, use)
    resolved = answers.facts.get(
        Ask(name.at(name.reference), use.owner.namespace), Unknown("it was not asked for")
    )
    known = Known(target, use, name, policy_for(name, policies), resolved, answers, now)
    counts = Counter(each.running.digest for each in known.running)
    shown, newer = known.shown, known.newer
    started = sorted(each.started_at for each in use.containers if each.started_at)
    return ImageEntry(
        use=use,
        digests=tuple(counts.most_common()),
        since=started[0] if started else "",
        resolved=resolved.digest if isinstance(resolved, ImageFacts) else "",
        created=shown.created if shown else "",
        age=known.age,
        newer=() if isinstance(newer, Unknown) else newer,
        unlisted=newer.reason if isinstance(newer, Unknown) else "",
        signature=known.signature(),
        base=str(shown.base) if shown and shown.base else "",
        policy=known.policy.name,
        drifts=worst_first(findings(known, scans)),
        scanned=tuple(each for each in scans if concerns(known, each) is not None),
    )


def _nameless(target: str, use: Use) -> ImageEntry:
    drift = ImageDrift(
        id=drift_id(target, use, ImageRule.UNREADABLE),
        rule=ImageRule.UNREADABLE,
        severity=Severity.MEDIUM,
        use=use,
        text=f"{use.kind.field}[name={use.container}].image is no name of an image",
    )
    return ImageEntry(use, (), "", "", "", None, (), "", None, "", "", (drift,))


def worst_first(drifts: Iterable[ImageDrift]) -> tuple[ImageDrift, ...]:
    """Orders drifts of one container; of those that matter as much, as the rules are ordered."""
    rules = tuple(ImageRule)
    return tuple(sorted(drifts, key=lambda d: (_RANK.index(d.severity), rules.index(d.rule))))
