"""Edits by hand: what each does to a live object, and at which path it must be found."""

import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
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
        recorded: Whether the server remembers this manager. One that only took something away has
            set nothing, and is forgotten; of an object that was made without any field, nobody's
            writes are remembered.
    """

    kind: str
    target: ObjectName
    manager: str
    edit: Edit
    recorded: bool = True

    def __str__(self) -> str:
        return f"{self.kind} of {self.target} by {self.manager} at {self.edit.path}"


def make_edits(
    plane: ControlPlane,
    live: Mapping[ObjectName, Body],
    kinds: Sequence[EditKind],
    count: int,
    seed: int,
) -> list[DoneEdit]:
    """Edits so many objects in a random order, each once, each under a manager of its own.

    Every kind of edit gets its turn, those first that have the fewest objects to choose from.
    """
    chance = random.Random(seed)
    names = sorted(live)
    chance.shuffle(names)
    order = sorted(kinds, key=lambda kind: (_choice(kind, live), chance.random()))
    done: list[DoneEdit] = []
    free = dict.fromkeys(names)
    while len(done) < count:
        before = len(done)
        for kind in order:
            if len(done) == count:
                break
            made = _edit_one(plane, live, free, kind, f"hand-{len(done):02}-{kind.name}")
            if made is not None:
                done.append(made)
                del free[made.target]
        if len(done) == before:
            # There is nothing left to edit.
            break
    return done


def _choice(kind: EditKind, live: Mapping[ObjectName, Body]) -> int:
    return sum(kind.make(body) is not None for body in live.values())


def _edit_one(
    plane: ControlPlane,
    live: Mapping[ObjectName, Body],
    free: Iterable[ObjectName],
    kind: EditKind,
    manager: str,
) -> DoneEdit | None:
    for name in free:
        edit = kind.make(live[name])
        if edit is not None and try_edit(plane, name, edit, manager):
            return DoneEdit(kind.name, name, manager, edit, is_recorded(plane, name, manager))
    return None


def try_edit(plane: ControlPlane, name: ObjectName, edit: Edit, manager: str) -> bool:
    """Makes an edit by kubectl; says whether the server took it and it changed something."""
    patch = json.dumps(list(edit.operations))
    words = ("patch", *name.words, "--type=json", f"--field-manager={manager}", "-p", patch)
    try:
        if edit.change == "removed" and not _stays_away(plane, edit, words):
            return False
        return "(no change)" not in plane.kubectl(*words).stdout
    except KubectlError:
        return False


def is_recorded(plane: ControlPlane, name: ObjectName, manager: str) -> bool:
    """Whether the server remembers that a manager wrote an object."""
    words = ("get", *name.words, "-o", "jsonpath={.metadata.managedFields[*].manager}")
    return manager in plane.kubectl(*words, "--show-managed-fields").stdout.split()


def _stays_away(plane: ControlPlane, edit: Edit, words: Sequence[str]) -> bool:
    """Whether the server doesn't fill in at once what the edit takes away."""
    place = str(edit.operations[0]["path"])
    value = json.loads(plane.kubectl(*words, "--dry-run=server", "-o", "json").stdout)
    for escaped in place.split("/")[1:]:
        step = escaped.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list):
            value = value[int(step)] if int(step) < len(value) else None
        else:
            value = value.get(step)
        if value is None:
            return True
    return False
