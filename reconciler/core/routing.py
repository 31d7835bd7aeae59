"""What goes where, and what nobody is told of for a while."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

from reconciler.core.drift import Severity
from reconciler.core.notices import Episode, Standing

_ANY: Final = ("*",)


@dataclass(frozen=True, slots=True)
class Matcher:
    """Which episodes are meant; what isn't given doesn't matter. All that is given must hold.

    Attributes:
        targets: Targets' names, with wildcards, as are the next three; one of them must fit.
        namespaces: Namespaces; only `*` fits a cluster-scoped object.
        kinds: Kinds, such as `Deployment`.
        names: Objects' names.
        severities: How much it matters; empty for any. See `at_least`.
        standings: How it stands; empty for any.
    """

    targets: tuple[str, ...] = _ANY
    namespaces: tuple[str, ...] = _ANY
    kinds: tuple[str, ...] = _ANY
    names: tuple[str, ...] = _ANY
    severities: tuple[Severity, ...] = ()
    standings: tuple[Standing, ...] = ()

    def matches(self, episode: Episode) -> bool:
        """Whether an episode is meant, as it stands."""
        return (
            self.concerns(episode)
            and (not self.severities or episode.severity in self.severities)
            and (not self.standings or episode.standing in self.standings)
        )

    def concerns(self, episode: Episode) -> bool:
        """Whether an episode's object is meant, however it stands and however much it matters."""
        key = episode.key
        return (
            _fits(episode.target, self.targets)
            and _fits(key.namespace, self.namespaces)
            and _fits(key.kind, self.kinds)
            and _fits(key.name, self.names)
        )


def _fits(text: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def at_least(severity: Severity) -> tuple[Severity, ...]:
    """Gives a severity and all that are worse."""
    ranked = list(Severity)
    return tuple(ranked[: ranked.index(severity) + 1])


@dataclass(frozen=True, slots=True)
class Route:
    """Which episodes one notifier tells of, and how. The first one that fits counts.

    What was told is followed to its end, also where the route no longer fits it.

    Attributes:
        notifier: The notifier's name.
        matcher: Which episodes; whether one fits is asked until it is told.
        repeat: After so long without news, what isn't over is told again; zero for never.
        group_above: More episodes of a target than that which began in one look are told in one
            notice; 0 to never group.
        resolved: Whether ends are told.
        since: What ended before it and was never told is no news: when the notifier was set up.
            None to tell of everything that episodes are given of.
    """

    notifier: str
    matcher: Matcher = field(default_factory=Matcher)
    repeat: timedelta = timedelta(0)
    group_above: int = 0
    resolved: bool = True
    since: datetime | None = None

    def __post_init__(self) -> None:
        """Refuses what has no meaning.

        Raises:
            ValueError: `repeat` or `group_above` is negative.
        """
        if self.repeat < timedelta(0):
            raise ValueError(f"route to {self.notifier!r}: repeat is negative")
        if self.group_above < 0:
            raise ValueError(f"route to {self.notifier!r}: group_above is negative")


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing is told of some episodes for a while; what they come to meanwhile is told after it.

    An episode that was never told and ended under a silence stays untold, which is known only
    while the silence is given: give it for as long as such episodes.

    Attributes:
        matcher: Which episodes.
        until: When it ends, with its zone.
        reason: Why, in somebody's words.
        by: Who asked for it.
        since: When it begins, with its zone; None for at once.
    """

    matcher: Matcher
    until: datetime
    reason: str = ""
    by: str = ""
    since: datetime | None = None

    def holds(self, episode: Episode, moment: datetime) -> bool:
        """Whether nothing is to be told of an episode at a moment."""
        has_begun = self.since is None or self.since <= moment
        return has_begun and moment < self.until and self.matcher.matches(episode)


def problems_of(routes: Iterable[Route], notifiers: Collection[str]) -> tuple[str, ...]:
    """Says what is wrong with routes as a whole: each problem in a sentence.

    Args:
        routes: All of them.
        notifiers: The names of all notifiers that there are.
    """
    named = {route.notifier for route in routes}
    unknown = sorted(named - set(notifiers))
    unused = sorted(set(notifiers) - named)
    return (
        *(f"a route names the notifier {name!r}, which isn't there" for name in unknown),
        *(f"no route leads to the notifier {name!r}" for name in unused),
    )
