"""Edits by hand: what each does to a live object, and at which path it must be found."""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.application import ObjectName
from tests.tools.controlplane import ControlPlane, KubectlError

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit of one object, as a JSON patch.

    Attributes:
        operations: The patch (RFC 6902).
        path: Where the edit must be found, as a report writes paths.
        change: `added`, `removed` or `changed`.
        consequences: Other paths that the server changes with it, or under which the same edit
            may as well be told.
    """

    operations: Sequence[Mapping[str, Any]]
    path: str
    change: str
    consequences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EditKind:
    """One way in which people edit objects by hand.

    Attributes:
        name: Such as `sidecar`.
        make: Gives the edit of an object; None where the object has nothing to edit in this way.
    """

    name: str
    make: Callable[[Body], Edit | None]


@dataclass(frozen=True, slots=True)
class DoneEdit:
    """An edit that was made.

    Attributes:
        kind: The name of its kind.
        target: The object.
        manager: The field manager that made it.
        edit: What was done.
    """

    kind: str
    target: ObjectName
    manager: str
    edit: Edit

    def __str__(self) -> str:
        return f"{self.kind} of {self.target} by {self.manager} at {self.edit.path}"


def plan_edits(
    live: Mapping[ObjectName, Body], kinds: Sequence[EditKind], count: int, seed: int
) -> Iterator[tuple[EditKind, ObjectName]]:
    """Chooses edits in a random order: every kind of edit in turn, every object at most once.

    The taker says by `send` of True that an edit was made; an edit that the server refused frees
    neither its object's turn nor its kind's.
    """
    chance = random.Random(seed)
    names = sorted(live)
    chance.shuffle(names)
    free = dict.fromkeys(names)
    made = 0
    while made < count and free:
        progress = False
        order = list(kinds)
        chance.shuffle(order)
        for kind in order:
            for name in list(free):
                if kind.make(live[name]) is None:
                    continue
                if (yield kind, name):
                    del free[name]
                    made += 1
                    progress = True
                    break
            if made == count:
                return
        if not progress:
            return


def make_edits(
    plane: ControlPlane,
    live: Mapping[ObjectName, Body],
    kinds: Sequence[EditKind],
    count: int,
    seed: int,
) -> list[DoneEdit]:
    """Edits so many objects, each once, each under a field manager of its own."""
    done: list[DoneEdit] = []
    plan = plan_edits(live, kinds, count, seed)
    answer: bool | None = None
    while True:
        try:
            kind, name = plan.send(answer) if answer is not None else next(plan)
        except StopIteration:
            return done
        edit = kind.make(live[name])
        manager = f"hand-{len(done):02}-{kind.name}"
        answer = edit is not None and try_edit(plane, name, edit, manager)
        if edit is not None and answer:
            done.append(DoneEdit(kind.name, name, manager, edit))


def try_edit(plane: ControlPlane, name: ObjectName, edit: Edit, manager: str) -> bool:
    """Makes an edit by kubectl; says whether the server took it and it changed something."""
    patch = json.dumps(list(edit.operations))
    words = ("patch", *name.words, "--type=json", f"--field-manager={manager}", "-p", patch)
    try:
        return "(no change)" not in plane.kubectl(*words).stdout
    except KubectlError:
        return False
