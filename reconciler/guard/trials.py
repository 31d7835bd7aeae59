"""Tries a guard on those who must write, before anybody is refused by it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from reconciler.core.desired import DesiredState
from reconciler.core.errors import ClusterError, Rejected
from reconciler.core.guard.coverage import GuardedTarget
from reconciler.core.guard.objects import GuardObject
from reconciler.core.guard.rules import Rules
from reconciler.core.guard.subjects import Sender, Subject, resource_of
from reconciler.core.guard.trials import LockedOut, trial_objects
from reconciler.core.resource import Catalog, JsonObject, ResourceKey, ResourceKind
from reconciler.guard.installation import policy_kinds
from reconciler.ports import Cluster, Trials

#: Who stands for anybody, and for the members of a group.
_ANYBODY = "plumbline:guard-probe"
_THREADS = 8
#: Seconds within which API servers follow what is installed, and between two looks.
_PATIENCE = 15.0
_POLL = 0.25
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried.

    Attributes:
        rules: Who may do what.
        target: What is guarded.
        desired: What the target declares.
        live: The declared objects that are live.
        objects: The target's policies and bindings.
    """

    rules: Rules
    target: GuardedTarget
    desired: DesiredState
    live: Mapping[ResourceKey, JsonObject]
    objects: Sequence[GuardObject]


def locked_out(
    cluster: Cluster,
    trials: Trials,
    catalog: Catalog,
    tried: Sequence[Trial],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[LockedOut, ...]:
    """Says who that must write could not: policies of the same content that only warn are asked.

    They are made beside those that are there, and taken away again whatever comes of it.

    Args:
        cluster: Where.
        trials: Asks for others.
        catalog: What the server serves.
        tried: What is tried, for each target.
        clock: Tells seconds that pass.
        sleep: Waits for some.

    Raises:
        ClusterError: It couldn't be told.
    """
    objects = trial_objects([each for trial in tried for each in trial.objects])
    kinds = {kind.kind: kind for kind in policy_kinds(catalog)}
    try:
        # What an interrupted run has left there would stand in the way.
        _take_away(cluster, kinds, objects)
        for each in objects:
            cluster.writes.create(kinds[each.key.kind], each.body)
        prober = _Prober(trials, catalog, trials.whoami(), clock, sleep)
        for trial in tried:
            prober.await_work(trial)
        with ThreadPoolExecutor(_THREADS, "trials") as pool:
            asked = [each for trial in tried for each in _questions(trial, catalog)]
            answers = list(pool.map(lambda each: each.refused(trials), asked))
    finally:
        _take_away(cluster, kinds, objects)
    return _findings(asked, answers)


def _take_away(
    cluster: Cluster, kinds: Mapping[str, ResourceKind], objects: Sequence[GuardObject]
) -> None:
    for each in reversed(objects):
        try:
            cluster.writes.delete(kinds[each.key.kind], each.key, uid="", version="")
        except Rejected as error:
            if error.code != _NOT_FOUND:
                raise


@dataclass(frozen=True, slots=True)
class _Question:
    """One write that is asked for."""

    who: str
    sender: Sender
    verb: str
    kind: ResourceKind
    body: JsonObject
    key: ResourceKey
    policies: tuple[str, ...]
    must: bool

    def refused(self, trials: Trials) -> bool | None:
        """Whether a policy would refuse it; None where the sender has no right to it anyway."""
        came = trials.tried(self.sender, self.verb, self.kind, self.body)
        if came.refused_by(self.policies):
            return True
        return False if came.has_rights else None


def _findings(asked: Sequence[_Question], answers: Sequence[bool | None]) -> tuple[LockedOut, ...]:
    found: dict[str, list[str]] = {}
    able: dict[str, bool] = {}
    for question, answer in zip(asked, answers, strict=True):
        if answer:
            found.setdefault(question.who, []).append(f"{question.verb} {question.key}")
        if question.must:
            able[question.who] = able.get(question.who, False) or answer is not None
    locked = [LockedOut(who, _counted(what)) for who, what in found.items()]
    locked += [
        LockedOut(who, "it has no right to write any declared object: is that its name?")
        for who, is_able in able.items()
        if not is_able
    ]
    return tuple(locked)


def _counted(what: Sequence[str]) -> str:
    more = f" and {len(what) - 1} more" if len(what) > 1 else ""
    return f"may not {what[0]}{more}"


def _questions(trial: Trial, catalog: Catalog) -> Iterator[_Question]:
    names = tuple(each.key.name for each in trial_objects(trial.objects) if each.mode is None)
    seen: set[ResourceKind] = set()
    for key, manifest in trial.desired.resources.items():
        kind = catalog.find(manifest.api_version, manifest.kind)
        if kind is None:
            continue
        live = trial.live.get(key)
        verb, body = ("create", manifest.body) if live is None else ("update", live)
        for deployer in trial.rules.deployers.get(trial.target.name, ()):
            sender = Sender.of(deployer, _ANYBODY)
            yield _Question(str(deployer), sender, verb, kind, body, key, names, must=True)
        if live is not None and kind not in seen:
            seen.add(kind)
            yield from _of_controllers(trial.rules, kind, live, key, names)


def _of_controllers(
    rules: Rules, kind: ResourceKind, live: JsonObject, key: ResourceKey, names: tuple[str, ...]
) -> Iterator[_Question]:
    """Tries what Kubernetes' own controllers must do with a kind, on one of its objects."""
    resource = resource_of(kind.group, kind.plural)
    for each in rules.controllers:
        if not each.may_write(resource):
            continue
        sender = Sender.of(each.subject, "system:node:plumbline-guard-probe")
        for verb in ("update", "delete"):
            yield _Question(str(each.subject), sender, verb, kind, live, key, names, must=False)


class _Prober:
    """Waits until the trial's policies are at work: somebody who may write nothing is warned."""

    def __init__(
        self,
        trials: Trials,
        catalog: Catalog,
        us: Sender,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._trials = trials
        self._catalog = catalog
        self._us = us
        self._clock = clock
        self._sleep = sleep

    def await_work(self, trial: Trial) -> None:
        """Waits for all parts of a target.

        Raises:
            ClusterError: They don't come to work, or nobody can be asked for.
        """
        deadline = self._clock() + _PATIENCE
        names = [each.key.name for each in trial_objects(trial.objects) if each.mode is None]
        for part, name in zip(trial.target.parts, names, strict=True):
            question = self._question(trial, part.namespaces)
            if question is None:
                continue
            while not self._is_warned(trial, question, name):
                if self._clock() >= deadline:
                    raise ClusterError(
                        f"policy {name} wasn't seen at work within {_PATIENCE:.0f} s, so nobody "
                        "can tell whom it locks out",
                        fix="run this as a user whose group has the rights, or try again",
                    )
                self._sleep(_POLL)

    def _question(
        self, trial: Trial, namespaces: Sequence[str]
    ) -> tuple[ResourceKind, JsonObject, str] | None:
        for key, manifest in trial.desired.resources.items():
            kind = self._catalog.find(manifest.api_version, manifest.kind)
            live = trial.live.get(key)
            if kind is not None and key.namespace in (namespaces or ("",)):
                return kind, live or manifest.body, "update" if live else "create"
        return None

    def _is_warned(
        self, trial: Trial, question: tuple[ResourceKind, JsonObject, str], name: str
    ) -> bool:
        kind, body, verb = question
        resource = resource_of(kind.group, kind.plural)
        for sender in self._anybody():
            if not trial.rules.admits(trial.target.name, sender, resource):
                with suppress(Rejected):
                    if self._trials.tried(sender, verb, kind, body).refused_by([name]):
                        return True
        return False

    def _anybody(self) -> Iterator[Sender]:
        """Gives senders of no name that counts, with one of our groups each; then ourselves."""
        for group in sorted(self._us.groups):
            subject = Subject(group, is_group=True)
            yield Sender.of(subject, _ANYBODY)
        yield self._us
