"""The rules by which an image is stale. Each looks at one container of a workload."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from reconciler.core.drift import Severity
from reconciler.core.images.facts import Ask, Gone, ImageFacts, Signature, Unknown
from reconciler.core.images.known import GONE, Known
from reconciler.core.images.naming import short_digest
from reconciler.core.images.report import ImageDrift, ImageRule
from reconciler.core.images.running import Container
from reconciler.core.images.versions import Newer, Step, within
from reconciler.core.images.vulnerabilities import Grade, Scan, Vulnerability


def findings(known: Known, scans: Sequence[Scan]) -> Iterator[ImageDrift]:
    """Gives all that is wrong with, or can't be told of, one container's image."""
    untold: dict[str, list[str]] = {}
    for what, reason in _untold(known):
        untold.setdefault(reason, []).append(what)
    if untold:
        text = "; ".join(f"{', '.join(whats)}: {reason}" for reason, whats in untold.items())
        yield known.drift(ImageRule.UNREADABLE, Severity.MEDIUM, f"unknown {text}")
    yield from _differing(known)
    yield from _moved(known)
    yield from _diverged(known)
    yield from _gone(known)
    yield from _old(known)
    yield from _newer(known)
    yield from _mutable(known)
    yield from _unsigned(known)
    yield from _based(known)
    yield from _vulnerable(known, scans)


def _untold(known: Known) -> Iterator[tuple[str, str]]:
    """Gives what is asked for by a policy, or always, and couldn't be told; and why."""
    policy = known.policy
    if isinstance(known.resolved, Unknown):
        yield "what its name means now", known.resolved.reason
    elif any(_is_ambiguous(known, each) for each in known.running):
        reason = "the runtime tells only an image's own id, of which each platform has another"
        yield "whether it runs as declared", reason
    if policy.max_age is not None and (why := _why_ageless(known)):
        yield "how old it is", why
    if policy.newer is not None and isinstance(newer := known.newer, Unknown):
        yield "which tags are newer", newer.reason
    if policy.signature and isinstance(signed := known.signature(), Unknown):
        yield "whether it is signed", signed.reason
    if policy.base and isinstance(base := _base(known), Unknown):
        yield "what its base image is now", base.reason


def _why_ageless(known: Known) -> str:
    """Says why the age of one of the images isn't known; empty where all are."""
    for each in known.told:
        if known.age_of(each) is None:
            match each:
                case ImageFacts():
                    return "the image doesn't say when it was built"
                case Gone():
                    return GONE
                case Unknown():
                    return each.reason
                case _:
                    assert_never(each)
    return ""


def _is_ambiguous(known: Known, container: Container) -> bool:
    """Whether a container may run the image that should run, and nobody can tell."""
    return (
        isinstance(known.resolved, ImageFacts)
        and bool(known.resolved.manifests)
        and not container.running.repository
        and not known.resolved.holds(container.running.digest)
    )


def _differing(known: Known) -> Iterator[ImageDrift]:
    others = [each for each in known.use.containers if not known.same(each)]
    if not others:
        return
    names = Counter(each.image for each in others)
    listed = ", ".join(f"{name} ({count})" for name, count in names.most_common())
    said = "Git declares" if known.use.declared else "another pod has"
    text = f"{said} {known.use.image}, {_pods(others)} {listed}"
    yield known.drift(ImageRule.DIFFERS, Severity.MEDIUM, text, others, known.use.image)


def _moved(known: Known) -> Iterator[ImageDrift]:
    resolved = known.resolved
    if not isinstance(resolved, ImageFacts):
        return
    others = [
        each
        for each in known.running
        if known.same(each)
        and not resolved.holds(each.running.digest)
        and not _is_ambiguous(known, each)
    ]
    if not others:
        return
    digests = ", ".join(dict.fromkeys(short_digest(each.running.digest) for each in others))
    latest = str(replace(known.name, implied=False, digest=resolved.digest))
    if known.name.digest:
        text = f"declared by digest, and {_pods(others)} {digests} all the same"
        yield known.drift(ImageRule.DIFFERS, Severity.HIGH, text, others, latest)
        return
    # Where runtimes tell images' own ids, so is what the tag means now: people compare the two.
    by_id = not any(each.running.repository for each in others)
    now = short_digest(resolved.config if by_id and resolved.config else resolved.digest)
    text = f"tag {known.name.tag} is {now} by now, {_pods(others)} {digests}"
    yield known.drift(ImageRule.MOVED, Severity.MEDIUM, text, others, latest)


def _pods(containers: Sequence[Container]) -> str:
    return "1 pod runs" if len(containers) == 1 else f"{len(containers)} pods run"


def _diverged(known: Known) -> Iterator[ImageDrift]:
    alike = [each for each in known.running if known.same(each)]
    digests = Counter(each.running.digest for each in alike)
    facts = [known.resolved, *(known.facts(each) for each in alike)]
    if len(digests) < 2 or any(_holds_all(each, digests) for each in facts):
        return
    listed = ", ".join(f"{short_digest(each)} ({n})" for each, n in digests.most_common())
    text = f"its pods run {len(digests)} images under one name: {listed}"
    yield known.drift(ImageRule.DIVERGED, Severity.MEDIUM, text, alike)


def _holds_all(facts: ImageFacts | Gone | Unknown, digests: Iterable[str]) -> bool:
    return isinstance(facts, ImageFacts) and all(facts.holds(each) for each in digests)


def _gone(known: Known) -> Iterator[ImageDrift]:
    if isinstance(known.resolved, Gone):
        text = f"the registry has no {known.name}: a pod that has to pull it can't start"
        yield known.drift(ImageRule.GONE, Severity.MEDIUM, text)


def _old(known: Known) -> Iterator[ImageDrift]:
    age, most = known.age, known.policy.max_age
    if age is not None and most is not None and age > most:
        text = f"built {days(age)} ago, {days(most)} are allowed"
        best = within(_listed(known), Step.MAJOR)
        latest = str(known.name.at(best.tag)) if best else ""
        yield known.drift(ImageRule.OLD, Severity.LOW, text, latest=latest)


def days(age: timedelta) -> str:
    """Writes an age in days, a short one in hours."""
    count, unit = (age.days, "day") if age.days > 1 else (age // timedelta(hours=1), "hour")
    return f"{count:,} {unit}" if count == 1 else f"{count:,} {unit}s"


def _listed(known: Known) -> Sequence[Newer]:
    newer = known.newer
    return () if isinstance(newer, Unknown) else newer


def _newer(known: Known) -> Iterator[ImageDrift]:
    best = within(_listed(known), known.policy.newer)
    if best is not None:
        name = known.name.at(best.tag)
        facts = known.answers.facts.get(Ask(name, known.space))
        # It is asked for where a digest is declared or wanted.
        digest = facts.digest if isinstance(facts, ImageFacts) else ""
        latest = str(replace(name, digest=digest))
        text = f"{best.tag} is newer ({best.step})"
        yield known.drift(ImageRule.NEWER, Severity.LOW, text, latest=latest)
        return
    if known.policy.newer is None or not (known.name.tag and known.name.digest):
        return
    tagged = known.answers.facts.get(Ask(known.name.at(known.name.tag), known.space))
    if isinstance(tagged, ImageFacts) and not tagged.holds(known.name.digest):
        latest = str(replace(known.name, digest=tagged.digest))
        text = f"tag {known.name.tag} has been built anew: {short_digest(tagged.digest)}"
        yield known.drift(ImageRule.NEWER, Severity.LOW, text, latest=latest)


def _mutable(known: Known) -> Iterator[ImageDrift]:
    if known.policy.digest and not known.name.digest:
        latest = ""
        if isinstance(known.resolved, ImageFacts):
            latest = str(replace(known.name, implied=False, digest=known.resolved.digest))
        text = f"declared by tag {known.name.tag} alone, which may move: a digest is wanted"
        yield known.drift(ImageRule.MUTABLE, Severity.LOW, text, latest=latest)


def _unsigned(known: Known) -> Iterator[ImageDrift]:
    if known.policy.signature and known.signature() is Signature.NONE:
        text = "no signature of it is in its registry"
        yield known.drift(ImageRule.UNSIGNED, Severity.HIGH, text)


def _base(known: Known) -> ImageFacts | Gone | Unknown | None:
    """Gives what the base image is now; None where the image doesn't say what it is."""
    shown = known.shown
    if shown is None or shown.base is None or not shown.base_digest:
        return None
    asked = Ask(shown.base, known.space)
    return known.answers.facts.get(asked, Unknown("it was not asked for"))


def _based(known: Known) -> Iterator[ImageDrift]:
    base, shown = _base(known), known.shown
    if not known.policy.base or not isinstance(base, ImageFacts) or shown is None:
        return
    if not base.holds(shown.base_digest):
        text = f"built on {shown.base} as it was; it is {short_digest(base.digest)} by now"
        yield known.drift(ImageRule.BASE, Severity.LOW, text)


def _vulnerable(known: Known, scans: Sequence[Scan]) -> Iterator[ImageDrift]:
    found: dict[Vulnerability, None] = {}
    by_name = True
    for scan in scans:
        exact = concerns(known, scan)
        if exact is None:
            continue
        by_name = by_name and not exact
        found |= dict.fromkeys(scan.vulnerabilities)
    least = known.policy.vulnerabilities
    grades = list(Grade)
    worst = sorted(
        (v for v in found if v.grade.reaches(least)), key=lambda v: grades.index(v.grade)
    )
    if not worst:
        return
    counts = Counter(each.grade for each in worst)
    listed = ", ".join(f"{counts[grade]} {grade}" for grade in Grade if counts[grade])
    kind = "vulnerability" if len(worst) == 1 else "vulnerabilities"
    text = f"{len(worst)} known {kind} ({listed})"
    if by_name:
        text += ", by name: the report has no digest, so another build may have been scanned"
    drift = known.drift(ImageRule.VULNERABLE, worst[0].grade.severity, text)
    yield replace(drift, vulnerabilities=tuple(worst))


def concerns(known: Known, scan: Scan) -> bool | None:
    """Says whether a scan is of an image that runs: True by digest, False by name alone."""
    if not known.running:
        return None
    digests = {each.running.digest for each in known.running}
    for each in known.running:
        facts = known.facts(each)
        if isinstance(facts, ImageFacts):
            digests |= {facts.digest, facts.config}
    if scan.digests & digests:
        return True
    named = any(
        (name.repository, name.tag) == (known.name.repository, known.name.tag)
        for name in scan.names
    )
    return False if named and not scan.digests else None
