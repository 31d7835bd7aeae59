"""What settings and targets make of the guard, for those who render, install and audit it."""

import urllib.parse
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from reconciler.builtin import own_controllers
from reconciler.core.desired import DesiredState, desired_state
from reconciler.core.errors import ConfigError
from reconciler.core.guard.coverage import GuardedTarget, guarded_target
from reconciler.core.guard.objects import GuardObject
from reconciler.core.guard.policies import guard_objects, label_of
from reconciler.core.guard.rules import Mode, Rules
from reconciler.core.guard.sessions import SESSIONS
from reconciler.core.guard.standing import label_value
from reconciler.core.guard.subjects import Subject, parse_subject
from reconciler.core.guard.trials import TRIAL
from reconciler.core.resource import Catalog
from reconciler.settings import Coverage, GuardSettings, Settings, TargetSettings
from reconciler.settings.durations import seconds_of

#: A day: who breaks the glass for longer edits what nobody reviews.
_LONGEST_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class GuardPlan:
    """What the guard is to be.

    Attributes:
        rules: Who may do what.
        targets: What is guarded, a target each.
        desired: What they declare, in the same order.
        catalog: What the cluster serves.
        objects: The policies and bindings.
        has_sessions: Whether it is for us to say what is done about sessions: not where nothing is
            configured, and the target is one of a moment.
    """

    rules: Rules
    targets: tuple[GuardedTarget, ...]
    desired: tuple[DesiredState, ...]
    catalog: Catalog
    objects: tuple[GuardObject, ...]
    has_sessions: bool

    @property
    def labels(self) -> frozenset[str]:
        """Whose policies are to be as planned: these targets', sessions', and trials' remains."""
        own = {label_of(each.name) for each in self.targets} | {TRIAL}
        return frozenset(own | ({SESSIONS} if self.has_sessions else set()))

    def of_target(self, target: GuardedTarget) -> tuple[GuardObject, ...]:
        """Gives a target's policies and bindings, in the order of its parts."""
        label = label_of(target.name)
        return tuple(each for each in self.objects if label_value(each.body) == label)


def guard_plan(settings: Settings, targets: Sequence[TargetSettings]) -> GuardPlan:
    """Reads the repositories and what the cluster serves, and says what the guard is to be.

    Raises:
        PlumblineError: A setting is wrong, a repository can't be read, or the cluster can't be
            reached.
    """
    from reconciler.bootstrap import open_cluster, open_source

    guard = settings.guard
    found: list[GuardedTarget] = []
    states: list[DesiredState] = []
    rules = rules_of(guard, targets, settings.targets)
    with closing(open_cluster(settings)) as cluster:
        catalog = cluster.catalog()
        for target in targets:
            namespace = target.namespace or cluster.namespace or "default"
            source = open_source(settings, target, partial(str, namespace))
            desired = desired_state(source.fetch(), catalog, namespace)
            states.append(desired)
            found.append(
                guarded_target(
                    target.name,
                    source_text(target),
                    desired,
                    catalog,
                    frozenset(target.scope.namespaces),
                    whole_kinds=guard.covers is Coverage.KINDS,
                )
            )
    objects = guard_objects(rules, found)
    has_sessions = bool(settings.targets or guard.sessions.namespaces)
    return GuardPlan(rules, tuple(found), tuple(states), catalog, objects, has_sessions)


def rules_of(
    guard: GuardSettings,
    targets: Sequence[TargetSettings],
    configured: Sequence[TargetSettings],
) -> Rules:
    """Makes rules of settings.

    Args:
        guard: The settings.
        targets: What is guarded.
        configured: All targets that are configured: of sessions there is one policy for all.

    Raises:
        ConfigError: An identity or a duration isn't as it must be.
    """
    namespace, slash, name = guard.account.partition("/")
    if guard.account and not (namespace and slash and name):
        raise ConfigError(
            f"guard.account: {guard.account!r} is no NAMESPACE/NAME", fix="as plumbline/plumbline"
        )
    own = [_subject("guard.account", f"account:{guard.account}")] if guard.account else []
    allowed = [*own, *(_subject("guard.allowed", each) for each in guard.allowed)]
    deployers = {
        target.name: tuple(
            _subject("guard.deployers", each.identity)
            for each in guard.deployers
            if any(fnmatchcase(target.name, pattern) for pattern in each.targets)
        )
        for target in targets
    }
    spaces = {space for target in configured for space in target.scope.namespaces}
    sessions = {space: Mode(guard.sessions.mode) for space in spaces}
    sessions |= {each.name: Mode(each.mode) for each in guard.sessions.namespaces}
    return Rules(
        mode=Mode(guard.mode),
        allowed=tuple(allowed),
        deployers=deployers,
        controllers=own_controllers(),
        ask=guard.ask,
        group=guard.break_glass.group.removeprefix("group:"),
        seconds=_lasts(guard),
        sessions=sessions,
        entering=tuple(_subject("guard.sessions.allowed", each) for each in guard.sessions.allowed),
    )


def source_text(target: TargetSettings) -> str:
    """Says where a target is declared, without what a URL may hold besides: it is in a policy."""
    source = target.source
    repo = source.repo
    if "://" in repo:
        parts = urllib.parse.urlsplit(repo)
        host = parts.netloc.rpartition("@")[2]
        repo = urllib.parse.urlunsplit((parts.scheme, host, parts.path, "", ""))
    elif Path(repo).is_dir():
        # Where on somebody's machine says nothing to others.
        repo = f"the repository {Path(repo).resolve().name}"
    ref = f" at {source.ref}" if source.ref else ""
    return f"{repo}{ref}{f', folder {source.path}' if source.path else ''}"


def _subject(field: str, text: str) -> Subject:
    try:
        return parse_subject(text)
    except ValueError as error:
        raise ConfigError(
            f"{field}: {text!r}: {error}",
            fix="write a user's name, group:NAME or account:NAMESPACE/NAME",
        ) from None


def _lasts(guard: GuardSettings) -> int:
    field = "guard.break_glass.lasts"
    seconds = int(seconds_of(field, guard.break_glass.lasts))
    if guard.break_glass.group and not 0 < seconds <= _LONGEST_SECONDS:
        raise ConfigError(
            f"{field}: {guard.break_glass.lasts!r} is not between a second and a day",
            fix="write it as 4h",
        )
    return seconds
