"""What is known of one container's image, before it is judged."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, assert_never

from reconciler.core.drift import Severity
from reconciler.core.images.facts import Answers, Ask, Gone, ImageFacts, Signature, Unknown
from reconciler.core.images.naming import ImageName, image_name
from reconciler.core.images.policy import ImagePolicy
from reconciler.core.images.questions import repository_ask, running_ask
from reconciler.core.images.report import ImageDrift, ImageRule
from reconciler.core.images.running import Container, Use
from reconciler.core.images.versions import Newer, newer_tags, version_of
from reconciler.core.moments import moment_of

#: Builds that can be repeated write a fixed time in the past, which tells no age; Docker's first
#: release was in this year.
_BEFORE_CONTAINERS: Final = 2013

#: Why nothing is known of an image that a registry doesn't have.
GONE: Final = "the registry has it no more"


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of one container of a workload, before it is judged.

    Attributes:
        target: The target's name.
        use: The container.
        name: The image that should run.
        policy: What is wanted of it.
        resolved: What the registry says of the image that should run.
        answers: All that registries said.
        now: The time, with its zone.
    """

    target: str
    use: Use
    name: ImageName
    policy: ImagePolicy
    resolved: ImageFacts | Gone | Unknown
    answers: Answers
    now: datetime

    @property
    def space(self) -> str:
        """The workload's namespace."""
        return self.use.owner.namespace

    def facts(self, container: Container) -> ImageFacts | Gone | Unknown:
        """Gives what the registry says of the image that a container runs."""
        if isinstance(self.resolved, ImageFacts) and self.resolved.holds(container.running.digest):
            return self.resolved
        ask = running_ask(self.use, container)
        if ask is None:
            return Unknown("the runtime tells an image's own id, which no registry knows")
        return self.answers.facts.get(ask, Unknown("it was not asked for"))

    def same(self, container: Container) -> bool:
        """Whether a pod names the image that should run; a digest may have been added to it."""
        name = image_name(container.image)
        if name is None or name.repository != self.name.repository:
            return False
        if self.name.digest:
            return name.digest == self.name.digest
        return name.tag == self.name.tag or (bool(name.digest) and not name.tag)

    @property
    def running(self) -> tuple[Container, ...]:
        """The containers of which the runtime says what they run."""
        return tuple(each for each in self.use.containers if each.running.digest)

    @property
    def told(self) -> tuple[ImageFacts | Gone | Unknown, ...]:
        """What is known of each image that runs; of the one that should, where none runs."""
        each = {every.running: self.facts(every) for every in self.running}
        return tuple(each.values()) or (self.resolved,)

    @property
    def shown(self) -> ImageFacts | None:
        """The oldest of these images, as far as that is known."""
        known = [each for each in self.told if isinstance(each, ImageFacts)]
        return max(known, key=lambda each: self.age_of(each) or timedelta.min, default=None)

    @property
    def age(self) -> timedelta | None:
        """How old that image is; None where that isn't known."""
        return self.age_of(self.shown)

    def age_of(self, facts: ImageFacts | Gone | Unknown | None) -> timedelta | None:
        """Says how old an image is; None where that isn't known."""
        built = moment_of(facts.created) if isinstance(facts, ImageFacts) else None
        if built is None or built.year < _BEFORE_CONTAINERS:
            return None
        return self.now - built

    @property
    def newer(self) -> tuple[Newer, ...] | Unknown:
        """The newest tag of each step; Unknown where tags can't be had."""
        if not self.name.tag or not (
            self.policy.tags.version(self.name.tag) or version_of(self.name.tag)
        ):
            return ()
        tags = self.answers.tags.get(
            repository_ask(self.name, self.space), Unknown("it was not asked for")
        )
        return (
            tags if isinstance(tags, Unknown) else newer_tags(self.name.tag, tags, self.policy.tags)
        )

    def signature(self) -> Signature | Unknown:
        """Says whether all these images are signed: the worst of what is known."""
        found = [self._signature_of(each) for each in self.told]
        if Signature.NONE in found:
            return Signature.NONE
        return next((each for each in found if isinstance(each, Unknown)), found[0])

    def _signature_of(self, facts: ImageFacts | Gone | Unknown) -> Signature | Unknown:
        match facts:
            case ImageFacts():
                asked = Ask(self.name.at(facts.digest), self.space)
                return self.answers.signatures.get(asked, Unknown("it was not asked for"))
            case Gone():
                return Unknown(GONE)
            case Unknown():
                return facts
            case _:
                assert_never(facts)

    def drift(
        self,
        rule: ImageRule,
        severity: Severity,
        text: str,
        containers: Iterable[Container] = (),
        latest: str = "",
    ) -> ImageDrift:
        """Makes a drift of this container.

        Args:
            rule: What found it.
            severity: How much it matters.
            text: What is the matter, in one line.
            containers: Those concerned; all that run of it where none is named.
            latest: The image to run in its place; empty where none is known.
        """
        digests = Counter(each.running.digest for each in containers or self.running)
        return ImageDrift(
            id=drift_id(self.target, self.use, rule),
            rule=rule,
            severity=severity,
            use=self.use,
            text=text,
            running=tuple(digest for digest, _ in digests.most_common() if digest),
            latest=latest,
            age=self.age,
            policy=self.policy.name,
        )


def drift_id(target: str, use: Use, rule: ImageRule) -> str:
    """Gives the id that stays the same while a drift lasts: `d-` and 12 digits."""
    owner = use.owner
    parts = (target, "Image", rule, owner.group, owner.kind, owner.namespace, owner.name)
    text = "\0".join((*parts, use.kind, use.container))
    return f"d-{hashlib.blake2b(text.encode(), digest_size=6).hexdigest()}"
