"""Was there a wrong write, a double write, a lost drift? By audit log, history and Git."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.tools.faults.world import World
from tests.tools.faults.written import Written, writes_of

_OUTCOMES = frozenset({"restored", "written", "unverified", "conflict", "refused", "skipped"})
#: The history's times are whole seconds.
_SECOND = timedelta(seconds=1)

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found, for a test that wants to say more.

    Attributes:
        writes: Plumbline's own writes, by object.
        history: What it remembers.
    """

    writes: dict[str, list[Written]] = field(default_factory=dict)
    history: list[Event] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many writes Plumbline made."""
        return sum(map(len, self.writes.values()))

    def types(self, name: str) -> list[str]:
        """Gives what happened to an object, in order."""
        return [each["type"] for each in self.history if _name(each) == name]


def judge(world: World) -> Judged:
    """Holds all that happened in a world against what must never be; its faults are over."""
    world.await_converged()
    history = world.history()
    ours: dict[str, list[Written]] = {}
    for name, writes in writes_of(world.ground.audit, world.namespace).items():
        told = [each for each in history if _name(each) == name]
        mine = [each for each in writes if each.user == world.user]
        assert set(map(_user_of(world), writes)) <= {"editor", "plumbline"}
        _judge_writes(world, writes)
        _judge_intents(world, mine, told)
        _judge_lives(told)
        _judge_ends(world, writes, told)
        if mine:
            ours[name] = mine
    code, text = next(iter(world.controllers.values())).call("history", "verify")
    assert code == 0, text
    code, text = next(iter(world.controllers.values())).call("check")
    assert code == 0, text
    return Judged(ours, history)


def _user_of(world: World) -> Any:
    return lambda write: "plumbline" if write.user == world.user else write.user


def _name(event: Event) -> str:
    resource = event["resource"] or {}
    return str(resource.get("name", ""))


def _judge_writes(world: World, writes: Sequence[Written]) -> None:
    """Each write of ours was one that was needed, and could only befall what it was meant for."""
    live: str | None = None
    for write in writes:
        if write.user == world.user:
            assert write.colour != live, f"written twice: {write}"
            if write.verb == "create":
                assert live is None, write
            else:
                assert live is not None, write
                assert write.conditions == {"uid", "resourceVersion"}, write
        live = write.colour


def _judge_intents(world: World, mine: Sequence[Written], told: Sequence[Event]) -> None:
    """Each write was announced, and is what Git said at that revision."""
    said = {each.revision: each.colours for each in world.declared}
    intents = [each for each in told if each["type"] == "intended"]
    waiting = iter(intents)
    for write in mine:
        meant = next(
            (each for each in waiting if said[each["revision"]].get(write.name) == write.colour),
            None,
        )
        assert meant is not None, f"no intent, or no such declaration: {write}; {told}"
        assert datetime.fromisoformat(meant["time"]) <= write.at, write


def _judge_lives(told: Sequence[Event]) -> None:
    """Every drift was seen before anything came of it, and all stories have their end.

    An object may have two: who deletes what somebody has edited ends one and begins another.
    """
    known: set[str] = set()
    is_open = False
    for each in told:
        match each["type"]:
            case "seen":
                known.add(each["drift"])
            case "gone":
                assert each["drift"] in known and not is_open, told
                known.remove(each["drift"])
            case "intended":
                assert each["drift"] in known and not is_open, told
                is_open = True
            case type_ if type_ in _OUTCOMES:
                assert is_open, told
                is_open = False
            case _:
                pass
    assert not is_open and not known, told


def _judge_ends(world: World, writes: Sequence[Written], told: Sequence[Event]) -> None:
    """No drift was called gone that was there all the time."""
    since: dict[str, datetime] = {}
    for each in told:
        at = datetime.fromisoformat(each["time"])
        if each["type"] == "seen":
            since[each["drift"]] = at
        elif each["type"] == "gone":
            began = since.pop(each["drift"])
            # Else another drift of the same object has taken its place.
            assert since or _was_in_sync(world, writes, began, at + _SECOND), (each, writes)


def _was_in_sync(world: World, writes: Sequence[Written], since: datetime, until: datetime) -> bool:
    """Whether what was live and what was declared were the same at any moment in between."""
    name = writes[0].name
    moments = [since, *(w.at for w in writes), *(d.at for d in world.declared), until]
    return any(
        _live_at(writes, moment) == _declared_at(world, name, moment)
        for moment in moments
        if since <= moment <= until
    )


def _live_at(writes: Sequence[Written], moment: datetime) -> str | None:
    before = [write for write in writes if write.at <= moment]
    return before[-1].colour if before else None


def _declared_at(world: World, name: str, moment: datetime) -> str | None:
    before = [each for each in world.declared if each.at <= moment]
    return (before or world.declared[:1])[-1].colours.get(name)
