"""kill -9 at every single step of a restore: each write and each append, before and after it.

The steps are not listed anywhere: the n-th run is killed at its n-th step, until one ends alive.
With `FAULT_EXAMPLES` set, reading requests are steps, too; they leave nothing behind that another
step doesn't.
"""

import os
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tools.faults.faults import On
from tests.tools.faults.judging import judge
from tests.tools.faults.proxy import Step
from tests.tools.faults.stepping import stepping
from tests.tools.faults.world import Ground, World, world
from tests.tools.running import until

pytestmark = pytest.mark.xdist_group("faults")

_READS = frozenset({On.GET, On.LIST, On.DRY_RUN}) if "FAULT_EXAMPLES" in os.environ else frozenset()
_STEPS = _READS | {On.WRITE, On.HISTORY}
#: More than there are. For each step there are objects of its own: to restore one three times
#: would be a fight.
_MOST_STEPS = 40
#: Of what was seen, of what is intended, of what came of it: before and after each.
_APPENDS = 6


class Killer:
    """Kills the controller at its n-th step."""

    def __init__(self, made: World, number: int) -> None:
        self._world = made
        self._left = number
        self._lock = threading.Lock()
        self.struck: Step | None = None
        self.passed: list[str] = []

    def __call__(self, step: Step) -> bool:
        if step.asked.on not in _STEPS:
            return False
        with self._lock:
            self.passed.append(str(step))
            self._left -= 1
            if self._left == 0:
                self.struck = step
                self._world.controller.kill()
        return self._left <= 0

    def is_between_appends(self) -> bool:
        appends = [each.split()[0] for each in self.passed if "history" in each]
        return appends.count("before") == appends.count("after")


@dataclass(frozen=True, slots=True)
class Four:
    """Four ConfigMaps of which each drifts in another way, so that one plan has every write.

    Attributes:
        made: Where.
        number: Which four.
    """

    made: World
    number: int

    def names(self) -> list[str]:
        return [f"c{each}" for each in range(4 * self.number, 4 * self.number + 4)]

    def drift(self) -> None:
        edited, removed, committed, undeclared = self.names()
        colours = {**self.made.colours, committed: f"green-{committed}"}
        del colours[undeclared]
        self.made.declare(colours)
        # By these the watches wake the controller, and it looks at Git, too.
        self.made.hand.recolour(edited, f"by-hand-{edited}")
        self.made.hand.remove(removed)

    def are_over(self) -> bool:
        told = self.made.history()
        ended = {e["resource"]["name"] for e in told if e["type"] == "gone"}
        return ended >= set(self.names())


def test_whoever_is_killed_at_any_step_finishes_later_and_doubles_nothing(
    ground: Ground, folder: Path
) -> None:
    with world(ground, folder, 4 * _MOST_STEPS) as made:
        made.replica("controller", prelude=stepping(made.api.url))
        struck: list[str] = []
        for number in range(1, _MOST_STEPS):
            made.controller.start()
            made.controller.await_ready()
            made.await_converged()
            killer, four = Killer(made, number), Four(made, number)
            made.api.gate = killer
            four.drift()
            _await_end(killer, four)
            made.api.gate = None
            if killer.struck is None:
                break
            struck.append(str(killer.struck))
        else:
            pytest.fail(f"there are more steps than objects: {struck}")
        judged = judge(made)
    # Each drift was written once, whenever who wrote was killed.
    names = {name for each in range(1, number + 1) for name in Four(made, each).names()}
    assert {name: len(writes) for name, writes in judged.writes.items()} == dict.fromkeys(names, 1)
    assert {each.split()[0] for each in struck if " write:" in each} == {"before", "after"}
    assert sum("history" in each for each in struck) >= _APPENDS


def _await_end(killer: Killer, four: Four) -> None:
    def is_over() -> bool:
        return killer.struck is not None or (killer.is_between_appends() and four.are_over())

    until(is_over, lambda: f"struck, or over: {killer.passed}; {four.made.why()}")
