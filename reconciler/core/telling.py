"""What each notifier is to show now: routes, groups, repeats and silences.

Everything is computed from the episodes and from what was shown, never from an event: a process
that was restarted, or a notifier that was away, comes to the same answer.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Final

from reconciler.core.drift import IN_PODS, Severity
from reconciler.core.moments import moment_of
from reconciler.core.notices import Episode, Notice, notice_of
from reconciler.core.routing import Route, Silence

_RANK: Final[Mapping[Severity, int]] = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Told:
    """What one notifier showed last under one subject.

    Attributes:
        notifier: The notifier's name.
        subject: As in `Notice`.
        episodes: The names of the notice's episodes, as `name_of` gives them: they stay in it.
        shown: What the notifier returned.
        digest: Of what was seen; empty where it isn't known whether anything was, as when the
            process was killed meanwhile.
        at: When, with its zone.
        is_over: Whether all of it was over.
        reminder: As in `Notice`.
    """

    notifier: str
    subject: str
    episodes: tuple[str, ...]
    shown: str
    digest: str
    at: datetime
    is_over: bool = False
    reminder: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One call of one notifier that is due.

    Attributes:
        notifier: The notifier's name.
        notice: What to show.
        shown: What to give it beside that.
        digest: Of what is to be seen.
    """

    notifier: str
    notice: Notice
    shown: str
    digest: str

    def told(self, shown: str, at: datetime) -> Told:
        """Gives what is to be remembered once the notifier has returned.

        Args:
            shown: What it returned.
            at: When, with its zone.
        """
        notice = self.notice
        names = tuple(sorted(map(name_of, notice.episodes)))
        return Told(
            self.notifier,
            notice.subject,
            names,
            shown,
            self.digest,
            at,
            notice.is_over,
            notice.reminder,
        )


def name_of(episode: Episode) -> str:
    """Names an episode: the same for good, and told apart from all others."""
    return f"{episode.target}/{episode.drift}/{episode.first_seen}"


def digest_of(notice: Notice) -> str:
    """Gives a digest of what a notice has to show; equal where nobody would see a difference."""
    text = json.dumps([asdict(episode) for episode in notice.episodes], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()


def due(
    episodes: Iterable[Episode],
    routes: Sequence[Route],
    silences: Sequence[Silence],
    told: Iterable[Told],
    now: datetime,
) -> tuple[Delivery, ...]:
    """Says what each notifier is to show now. A second call after all was told gives nothing.

    Args:
        episodes: Of any targets: those that aren't over, and those that ended since everything
            about them was told.
        routes: In their order; a notifier that none names shows nothing.
        silences: Those that hold, and past ones; see `Silence`.
        told: What each notifier showed last, each subject once.
        now: A moment with its zone.

    Returns:
        By the notifiers' names, each one's oldest notice first.
    """
    known = {name_of(episode): episode for episode in episodes}
    by_notifier: dict[str, list[Route]] = {}
    for route in routes:
        by_notifier.setdefault(route.notifier, []).append(route)
    records: dict[str, list[Told]] = {}
    for record in told:
        records.setdefault(record.notifier, []).append(record)
    found: list[Delivery] = []
    for notifier in sorted(by_notifier):
        teller = _Teller(notifier, by_notifier[notifier], silences, now)
        shown = records.get(notifier, [])
        begun = {name for record in shown for name in record.episodes}
        fresh = [episode for name, episode in known.items() if name not in begun]
        shown, fresh = teller.grown(shown, known, fresh)
        mine = [*teller.again(shown, known), *teller.anew(fresh)]
        found += sorted(mine, key=lambda each: (_age(each.notice), each.notice.subject))
    return tuple(found)


def _age(notice: Notice) -> str:
    return min(episode.first_seen for episode in notice.episodes)


@dataclass(frozen=True, slots=True)
class _Teller:
    """Decides for one notifier.

    Attributes:
        notifier: Its name.
        routes: Those that lead to it, at least one.
        silences: All of them.
        now: The moment.
    """

    notifier: str
    routes: Sequence[Route]
    silences: Sequence[Silence]
    now: datetime

    def grown(
        self, told: Sequence[Told], known: Mapping[str, Episode], fresh: Sequence[Episode]
    ) -> tuple[list[Told], list[Episode]]:
        """Has what began in a pod told where that pod is told of already.

        A file after the other would else be a message after the other. What is worse than all that
        is told there is told anew: nobody looks at an old message again.

        Returns:
            What was told, with what belongs there; and what is left to be told anew.
        """
        grown = list(told)
        left: list[Episode] = []
        for episode in fresh:
            at = next((n for n, each in enumerate(grown) if _takes(each, known, episode)), None)
            route = self._route(episode)
            if at is None or route is None or not self._is_news(episode, route):
                left.append(episode)
            else:
                names = (*grown[at].episodes, name_of(episode))
                grown[at] = replace(grown[at], episodes=names)
        return grown, left

    def again(self, told: Iterable[Told], known: Mapping[str, Episode]) -> Iterator[Delivery]:
        """Gives what is due of what was shown before."""
        for record in told:
            members = [known[name] for name in record.episodes if name in known]
            if members:
                yield from self._brought_up(record, members)

    def _brought_up(self, record: Told, members: Sequence[Episode]) -> Iterator[Delivery]:
        if all(self._is_silent(episode, self.now) for episode in members):
            return
        notice = replace(notice_of(members), subject=record.subject, reminder=record.reminder)
        route = self._followed_by(notice.episodes[0])
        if notice.is_over and (record.is_over or not route.resolved):
            return
        digest = digest_of(notice)
        if digest == record.digest:
            if notice.is_over or not route.repeat or self.now - record.at < route.repeat:
                return
            notice = replace(notice, reminder=record.reminder + 1)
        yield Delivery(self.notifier, notice, record.shown, digest)

    def anew(self, fresh: Iterable[Episode]) -> Iterator[Delivery]:
        """Gives what is due of what was never shown: together what began in one look, if many.

        What began in one pod is always told together.
        """
        groups: dict[tuple[int, str, str], list[Episode]] = {}
        for episode in fresh:
            route = self._route(episode)
            if route is not None and self._is_news(episode, route):
                place = (self.routes.index(route), episode.target, episode.first_seen)
                groups.setdefault(place, []).append(episode)
        for (at, _, _), members in groups.items():
            above = self.routes[at].group_above
            parts = by_pod(members)
            for part in [members] if 0 < above < len(parts) else parts:
                notice = notice_of(part)
                yield Delivery(self.notifier, notice, "", digest_of(notice))

    def _route(self, episode: Episode) -> Route | None:
        return next((route for route in self.routes if route.matcher.matches(episode)), None)

    def _followed_by(self, episode: Episode) -> Route:
        """Gives the route that counts for what was told, though it may stand otherwise now."""
        concerning = (route for route in self.routes if route.matcher.concerns(episode))
        return self._route(episode) or next(concerning, self.routes[0])

    def _is_news(self, episode: Episode, route: Route) -> bool:
        if self._is_silent(episode, self.now):
            return False
        if not episode.is_over:
            return True
        end = _end(episode)
        is_old = route.since is not None and end < route.since
        return route.resolved and not is_old and not self._is_silent(episode, end)

    def _is_silent(self, episode: Episode, moment: datetime) -> bool:
        return any(silence.holds(episode, moment) for silence in self.silences)


def _takes(record: Told, known: Mapping[str, Episode], episode: Episode) -> bool:
    """Whether what is shown tells of the episode's pod, and of something as bad in it."""
    if record.is_over or episode.type not in IN_PODS:
        return False
    members = [known[name] for name in record.episodes if name in known]
    return any(
        each.type in IN_PODS
        and not each.is_over
        and (each.target, each.key) == (episode.target, episode.key)
        and _RANK[each.severity] <= _RANK[episode.severity]
        for each in members
    )


def by_pod(episodes: Iterable[Episode]) -> list[list[Episode]]:
    """Puts together what drifted in one pod; each other episode is by itself."""
    parts: dict[object, list[Episode]] = {}
    for episode in episodes:
        place = episode.key if episode.type in IN_PODS else name_of(episode)
        parts.setdefault(place, []).append(episode)
    return list(parts.values())


def _end(episode: Episode) -> datetime:
    """Gives when the last thing happened to an episode; the present time can't be before it."""
    times = [episode.first_seen, *(event.time for event in episode.life)]
    moments = [moment for moment in map(moment_of, times) if moment is not None]
    return max(moments, default=datetime.min.replace(tzinfo=UTC))
