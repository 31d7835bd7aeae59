"""Looks at the images of a target: reads everything, then judges. Writes nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from reconciler.controller import Target
from reconciler.core.desired import DesiredState, desired_state
from reconciler.core.errors import RegistryError
from reconciler.core.images.facts import Answers, Ask, Unknown
from reconciler.core.images.judging import judge
from reconciler.core.images.policy import ImagePolicy
from reconciler.core.images.questions import (
    asked_first,
    asked_of_newer,
    asked_of_running,
    asked_then,
)
from reconciler.core.images.report import ImageReport
from reconciler.core.images.running import Use, listings, pull_secrets, uses
from reconciler.core.images.summing import summed
from reconciler.core.images.vulnerabilities import Scan
from reconciler.core.live import LiveState
from reconciler.core.moments import rfc3339
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.ports import Registry

#: Registries answer in tens of milliseconds, and are asked a few things of each image.
_THREADS = 8

T = TypeVar("T")

#: Reads a Secret that pods name for pulling; None where there is none, or we may not read it.
SecretReader = Callable[[ResourceKey], JsonObject | None]


@dataclass(frozen=True, slots=True)
class Watchman:
    """What looks at the images of targets.

    Attributes:
        open_registry: Gives the registries, for the pull secrets that were read.
        policies: What is wanted of images.
        scans: What scanners said.
        read_secret: Reads a pull secret; None where they aren't to be used.
    """

    open_registry: Callable[[Mapping[ResourceKey, JsonObject]], Registry]
    policies: tuple[ImagePolicy, ...] = ()
    scans: tuple[Scan, ...] = ()
    read_secret: SecretReader | None = None


def look_at_images(target: Target, watchman: Watchman) -> ImageReport:
    """Looks at the images of a target once.

    Raises:
        PlumblineError: Git or the cluster couldn't be read at all.
    """
    desired, live = _read(target)
    found = uses(desired, live, target.scope)
    secrets = _secrets(live, watchman.read_secret)
    answers = _ask(watchman.open_registry(secrets), found, watchman.policies)

    now = target.clock()
    entries = judge(target.name, found, answers, watchman.policies, watchman.scans, now)
    return summed(
        target=target.name,
        revision=desired.revision,
        checked_at=rfc3339(now),
        entries=entries,
        unread=live.unread,
        scans=watchman.scans,
        notes=(*desired.notes, *answers.fixes),
    )


def _read(target: Target) -> tuple[DesiredState, LiveState]:
    with ThreadPoolExecutor(1, "catalog") as pool:
        asked = pool.submit(target.live.catalog)
        rendered = target.source.fetch()
        catalog = asked.result()
    desired = desired_state(rendered, catalog, target.namespace)
    wanted = listings(desired, target.scope)
    return desired, target.live.read(wanted) if wanted else LiveState({})


def _secrets(live: LiveState, read: SecretReader | None) -> Mapping[ResourceKey, JsonObject]:
    if read is None:
        return {}
    found = {key: read(key) for key in pull_secrets(live)}
    return {key: body for key, body in found.items() if body is not None}


def _ask(registry: Registry, found: Sequence[Use], policies: Sequence[ImagePolicy]) -> Answers:
    """Asks registries: what should run, what else runs, and then what belongs to these."""
    with ThreadPoolExecutor(_THREADS, "registries") as pool:

        def each(question: Callable[[Ask], T], asks: Iterable[Ask]) -> Mapping[Ask, T | Unknown]:
            ordered = list(asks)
            return dict(zip(ordered, pool.map(partial(_answer, question), ordered), strict=True))

        def more(answers: Answers, asks: Iterable[Ask]) -> Answers:
            return replace(answers, facts={**answers.facts, **each(registry.facts, asks)})

        facts, tags = asked_first(found, policies)
        answers = Answers(each(registry.facts, facts), each(registry.tags, tags))
        answers = more(answers, asked_of_running(found, answers) - answers.facts.keys())
        bases, signed = asked_then(found, policies, answers)
        newer = asked_of_newer(found, policies, answers)
        answers = more(answers, (bases | newer) - answers.facts.keys())
        return replace(answers, signatures=each(registry.signature, signed))


def _answer(question: Callable[[Ask], T], ask: Ask) -> T | Unknown:
    try:
        return question(ask)
    except RegistryError as error:
        # One registry's trouble is not the others'.
        return Unknown(error.message, error.fix)
