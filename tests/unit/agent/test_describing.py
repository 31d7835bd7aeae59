"""What is told of an execution that is refused, and how often."""

import os
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import cast

from reconciler.agent.answering import Strange
from reconciler.agent.comparing import Comparison
from reconciler.agent.containers import Container
from reconciler.agent.covering import Cover
from reconciler.agent.describing import Describer
from reconciler.agent.findings import Root
from reconciler.agent.mounts import Mount
from reconciler.agent.processes import Process, ProcessTable
from reconciler.agent.refusals import Tally
from reconciler.agent.warded import Ward
from reconciler.core.containers import Origin, ProcessDrift
from reconciler.core.enforcing import EnforcementRule, Mode
from reconciler.core.sightings import Occurrence, Sighting
from tests.unit.agent.test_sightings import WEB

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
SCRATCH = "/var/lib/kubelet/pods/u/volumes/kubernetes.io~empty-dir/scratch"


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Told:
    """What was told; takes so many."""

    def __init__(self, most: int = 1000) -> None:
        self.sightings: list[Sighting] = []
        self._most = most

    def __call__(self, sighting: Sighting) -> bool:
        if len(self.sightings) >= self._most:
            return False
        self.sightings.append(sighting)
        return True


def strange(mode: Mode = Mode.REFUSE, name: str = "/x", pid: int | None = None) -> Strange:
    """Gives an execution by this very process."""
    first = Process(1, 0, "sh", 0, 1, (1,), 0, ())
    root = Mount(1, "0:40", "/", "/", True, "overlay", {})
    container = Container(WEB, first, (first,), (), 1, (), root, True)
    rule = EnforcementRule(mode)
    comparison = Comparison(Root(-1, (), (), "trusted.overlay.", frozenset()))
    cover = cast("Cover", None)  # describes nothing
    ward = Ward(container, rule, root, comparison, ExitStack(), cover)
    mount = Mount(2, "8:1", SCRATCH, "/scratch", True, "ext4", {})
    return Strange(ward, rule, name, Origin.VOLUME, mount, os.getpid() if pid is None else pid)


def test_who_asked_and_for_what_is_told() -> None:
    told = Told()
    Describer(ProcessTable(), Clock(), Tally(), told)(strange())
    (sighting,) = told.sightings
    assert (sighting.occurrence, sighting.at) == (Occurrence.REFUSED, "2026-11-25T12:00:00Z")
    assert sighting.container == WEB
    drift = sighting.drift
    assert isinstance(drift, ProcessDrift)
    assert (drift.pid, drift.executable, drift.origin) == (os.getpid(), "/x", Origin.VOLUME)
    assert drift.user == str(os.getuid())
    assert drift.command
    assert drift.parents[0].pid == os.getppid()
    assert drift.note.startswith("on emptyDir scratch; its execution was refused (EPERM)")


def test_who_has_ended_is_told_as_far_as_it_is_known() -> None:
    told = Told()
    Describer(ProcessTable(), Clock(), Tally(), told)(strange(Mode.DRY_RUN, pid=2**22 + 1))
    (sighting,) = told.sightings
    assert sighting.occurrence is Occurrence.WOULD_REFUSE
    assert isinstance(sighting.drift, ProcessDrift)
    assert (sighting.drift.command, sighting.drift.parents) == ((), ())


def test_what_repeats_is_told_until_it_is_enough() -> None:
    told, clock, tally = Told(), Clock(), Tally()
    describer = Describer(ProcessTable(), clock, tally, told)
    for _ in range(25):
        describer(strange())
    assert len(told.sightings) == 20
    assert [bool(each.note) for each in told.sightings] == [False] * 19 + [True]
    assert tally.untold == 5
    describer(strange(name="/y"))
    assert len(told.sightings) == 21
    clock.now += timedelta(minutes=10)
    describer(strange())
    assert len(told.sightings) == 22


def test_what_nobody_takes_is_counted() -> None:
    tally = Tally()
    Describer(ProcessTable(), Clock(), tally, Told(0))(strange())
    assert tally.untold == 1


def test_one_container_can_t_fill_the_log() -> None:
    told, clock, tally = Told(), Clock(), Tally()
    describer = Describer(ProcessTable(), clock, tally, told)
    for number in range(510):
        describer(strange(name=f"/x{number}"))
    assert len(told.sightings) == 500
    assert tally.untold == 10
    clock.now += timedelta(minutes=10)
    describer(strange(name="/y"))
    assert len(told.sightings) == 501
