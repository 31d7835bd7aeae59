"""Random edits, commits, faults, kills and restarts: no wrong or double write, no lost drift.

In CI the examples are the same each time. `FAULT_EXAMPLES=200` looks at so many, other ones each
time; hypothesis prints the failing one, with how to run it again.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.tools.faults.faults import (
    BREAKS,
    ON_WATCHES,
    Delayed,
    Fault,
    Half,
    Lost,
    On,
    Refused,
    Reset,
)
from tests.tools.faults.judging import judge
from tests.tools.faults.world import Ground, World, world
from tests.tools.running import until

pytestmark = pytest.mark.xdist_group("faults")

_MANY = int(os.environ.get("FAULT_EXAMPLES", "0"))
_OBJECTS = 14
#: So few drift that no rail stops the plan for a person.
_EDITED = 4
#: Of these one is no longer declared, once.
_UNDECLARED = "c9"


@dataclass(frozen=True, slots=True)
class Edit:
    """Somebody edits or deletes an object, or Git says something new of it."""

    how: str
    name: str


@dataclass(frozen=True, slots=True)
class Breaks:
    """Requests of a sort go wrong."""

    on: On
    fault: Fault
    times: int


@dataclass(frozen=True, slots=True)
class Happens:
    """Something befalls the controller, or all that it depends on."""

    what: str


Happening = Edit | Breaks | Happens

_refusals = st.builds(Refused, st.sampled_from([429, 409, 410, 500, 503]), st.sampled_from([0, 1]))
_breaks = st.sampled_from(BREAKS)
_requests = st.one_of(_refusals, _breaks)
_faults = st.one_of(
    st.builds(
        Breaks,
        st.sampled_from([On.LIST, On.GET, On.DRY_RUN, On.WRITE]),
        _requests,
        st.integers(1, 5),
    ),
    st.builds(Breaks, st.just(On.WRITE), _breaks, st.integers(1, 2)),
    st.builds(Breaks, st.just(On.WATCH), _requests, st.integers(1, 2)),
    st.builds(
        Breaks,
        st.just(On.WATCH),
        st.sampled_from(ON_WATCHES),
        st.integers(1, 2),
    ),
    st.builds(
        Breaks,
        st.sampled_from([On.REFS, On.PACK]),
        st.one_of(st.sampled_from([Reset(), Half(), Delayed(0.3)]), st.just(Refused(500))),
        st.integers(1, 3),
    ),
)
_edits = st.builds(
    Edit,
    st.sampled_from(["recolour", "recolour", "remove", "commit", "undeclare"]),
    st.sampled_from([f"c{number}" for number in range(_EDITED)]),
)
_happens = st.builds(
    Happens,
    st.sampled_from(
        [
            "kill",
            "restart",
            "api away",
            "git away",
            "branch gone",
            "all back",
            "looks",
            "watches cut",
        ]
    ),
)
_schedules = st.lists(st.one_of(_edits, _faults, _happens), min_size=6, max_size=16)


@given(schedule=_schedules)
@settings(
    max_examples=_MANY or 8,
    deadline=None,
    derandomize=not _MANY,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    # Making an example smaller takes minutes, and one of a dozen steps is read as it is.
    phases=(Phase.explicit, Phase.generate),
)
def test_no_wrong_write_no_double_write_no_lost_drift(
    ground: Ground, tmp_path_factory: pytest.TempPathFactory, schedule: list[Happening]
) -> None:
    folder = tmp_path_factory.mktemp("random") / "world"
    with world(ground, folder, _OBJECTS) as made:
        made.controller.start()
        made.controller.await_ready()
        stage = Stage(made)
        for each in schedule:
            note(str(each))
            stage.play(each)
        stays = stage.end()
        judged = judge(made)
        told = json.dumps(judged.history)
        lost = {colour for colour in stays if json.dumps(colour) not in told}
        assert not lost, f"never told of: {lost}"


class Stage:
    """Plays a schedule."""

    def __init__(self, made: World) -> None:
        self._world = made
        self._number = 0
        self._touched: dict[str, int] = {}
        self._is_branch_gone = False
        self._happenings: dict[str, Callable[[], None]] = {
            "kill": made.controller.kill,
            "restart": self._restart,
            "api away": made.api.go_out,
            "git away": made.git.go_out,
            "branch gone": self._lose_branch,
            "all back": self._come_back,
            "looks": self._look,
            "watches cut": made.api.drop_watches,
        }

    def play(self, happening: Happening) -> None:
        """Lets one thing happen."""
        match happening:
            case Edit():
                self._edit(happening)
            case Breaks(on, fault, times):
                made = self._world
                proxy = made.git if on in (On.REFS, On.PACK) else made.api
                resource = "/configmaps" if on in (On.LIST, On.WATCH) else ""
                proxy.inject(on, fault, times, resource)
                if on is On.WATCH and isinstance(fault, Refused | Reset | Lost | Half):
                    proxy.drop_watches("/configmaps")
            case Happens(what):
                self._happenings[what]()

    def end(self) -> set[str]:
        """Ends all faults; gives the colours of edits that nobody has put right before."""
        made = self._world
        stays = {
            colour
            for name, colour in made.hand.colours().items()
            if colour != made.colours.get(name) and colour.startswith("by-hand")
        }
        self._come_back()
        if made.controller.process.poll() is not None:
            made.controller.start()
        return stays

    def _edit(self, edit: Edit) -> None:
        made, name = self._world, edit.name
        if edit.how == "undeclare":
            name = _UNDECLARED
        # What is restored three times is fought over.
        self._touched[name] = self._touched.get(name, 0) + 1
        if self._touched[name] > (1 if name == _UNDECLARED else 2):
            return
        self._number += 1
        match edit.how:
            case "recolour":
                made.hand.recolour(name, f"by-hand-{self._number}")
            case "remove":
                made.hand.remove(name)
            case "commit":
                self._declare({**made.colours, name: f"green-{self._number}"})
            case "undeclare":
                self._declare({k: v for k, v in made.colours.items() if k != name})

    def _declare(self, colours: dict[str, str]) -> None:
        if not self._is_branch_gone:
            self._world.declare(colours)

    def _lose_branch(self) -> None:
        if not self._is_branch_gone:
            self._world.run_git("branch", "--move", "main", "elsewhere")
            self._is_branch_gone = True

    def _come_back(self) -> None:
        if self._is_branch_gone:
            self._world.run_git("branch", "--move", "elsewhere", "main")
            self._is_branch_gone = False
        self._world.heal()

    def _restart(self) -> None:
        self._world.controller.kill()
        self._world.controller.start()

    def _look(self) -> None:
        """Waits for a cycle to end, if there is anybody to run one."""
        controller = self._world.controller
        results = ("done", "unmoved", "failed")
        before = sum(map(controller.cycles, results))
        until(
            lambda: (
                controller.process.poll() is not None
                or sum(map(controller.cycles, results)) != before
            ),
            lambda: f"a cycle ends; {self._world.why()}",
        )
