"""What registries are asked, before anything is judged."""

from collections.abc import Iterable, Iterator, Sequence

from reconciler.core.images.facts import Answers, Ask, ImageFacts
from reconciler.core.images.naming import ImageName, image_name
from reconciler.core.images.policy import ImagePolicy, policy_for
from reconciler.core.images.running import Container, Use
from reconciler.core.images.versions import newer_tags, version_of, within


def asked_first(
    uses: Iterable[Use], policies: Sequence[ImagePolicy]
) -> tuple[frozenset[Ask], frozenset[Ask]]:
    """Gives what is asked of the images that should run.

    Returns:
        Images whose facts are asked for, and images whose repositories' tags are.
    """
    facts: set[Ask] = set()
    tags: set[Ask] = set()
    for use, name in _named(uses):
        space = use.owner.namespace
        facts.add(Ask(name.at(name.reference), space))
        policy = policy_for(name, policies)
        if name.tag and name.digest and policy.newer is not None:
            facts.add(Ask(name.at(name.tag), space))
        if name.tag and (policy.tags.version(name.tag) or version_of(name.tag)):
            tags.add(repository_ask(name, space))
    return frozenset(facts), frozenset(tags)


def asked_of_running(uses: Iterable[Use], answers: Answers) -> frozenset[Ask]:
    """Gives the images that run and aren't those that should: registries count what is asked."""
    asks: set[Ask] = set()
    for use, name in _named(uses):
        resolved = answers.facts.get(Ask(name.at(name.reference), use.owner.namespace))
        for each in use.containers:
            known = isinstance(resolved, ImageFacts) and resolved.holds(each.running.digest)
            ask = running_ask(use, each)
            if ask is not None and not known:
                asks.add(ask)
    return frozenset(asks)


def asked_then(
    uses: Iterable[Use], policies: Sequence[ImagePolicy], answers: Answers
) -> tuple[frozenset[Ask], frozenset[Ask]]:
    """Gives what is asked once it is known which images they are.

    Returns:
        Base images whose facts are asked for, and images whose signatures are.
    """
    bases: set[Ask] = set()
    signed: set[Ask] = set()
    for use, name in _named(uses):
        space = use.owner.namespace
        asks = [Ask(name.at(name.reference), space)]
        asks += [ask for each in use.containers if (ask := running_ask(use, each))]
        for ask in asks:
            known = answers.facts.get(ask)
            if not isinstance(known, ImageFacts):
                continue
            signed.add(Ask(ask.image.at(known.digest), space))
            if policy_for(name, policies).base and known.base and known.base_digest:
                bases.add(Ask(known.base, space))
    return frozenset(bases), frozenset(signed)


def asked_of_newer(
    uses: Iterable[Use], policies: Sequence[ImagePolicy], answers: Answers
) -> frozenset[Ask]:
    """Gives the newer tags whose digests are to be declared with them."""
    asks: set[Ask] = set()
    for use, name in _named(uses):
        policy = policy_for(name, policies)
        tags = answers.tags.get(repository_ask(name, use.owner.namespace))
        if isinstance(tags, tuple) and (name.digest or policy.digest):
            best = within(newer_tags(name.tag, tags, policy.tags), policy.newer)
            if best is not None:
                asks.add(Ask(name.at(best.tag), use.owner.namespace))
    return frozenset(asks)


def _named(uses: Iterable[Use]) -> Iterator[tuple[Use, ImageName]]:
    for use in uses:
        name = use.name
        if name is not None:
            yield use, name


def repository_ask(name: ImageName, namespace: str) -> Ask:
    """Gives the question for all tags of an image's repository."""
    return Ask(ImageName(name.host, name.path), namespace)


def running_ask(use: Use, container: Container) -> Ask | None:
    """Gives the question for the image that a container runs; None where it can't be asked for."""
    if not container.running.repository:
        return None
    name = image_name(container.image) or use.name
    return Ask(name.at(container.running.digest), use.owner.namespace) if name else None
