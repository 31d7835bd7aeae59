"""Short-lived programs in a container that runc runs, as the kernel tells of them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.agent.executing import Executions
from reconciler.agent.node import NodeScan
from reconciler.core.containers import ContainerDrift, Origin, ProcessDrift
from reconciler.core.ranking import drift_id
from tests.tools.runc_container import Shell, runc_container
from tests.tools.running import until


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A container as a runtime makes it, with a directory of the machine's."""
    (tmp_path / "data").mkdir()
    with runc_container(tmp_path, "executions", [(tmp_path / "data", "/data")]) as made:
        yield made


@pytest.fixture
def scan(shell: Shell) -> NodeScan:
    """What has looked at it once, and found nothing."""
    made = NodeScan(lambda: datetime.now(UTC))
    look = next(
        each for each in made.look().looks if each.container.container_id == shell.container_id
    )
    assert (look.drifts, look.unknown) == ((), ())
    return made


def found(executions: Executions, shell: Shell) -> list[ContainerDrift]:
    """Gives what the next executions show of the container."""
    looks = executions.looks(0.5)
    return [
        drift
        for look in looks
        for drift in look.drifts
        if look.container.container_id == shell.container_id
    ]


def test_a_program_that_lives_for_a_moment_is_seen(shell: Shell, scan: NodeScan) -> None:
    executions = Executions(scan)
    executions.renew()
    shell.say("/bin/busybox true; cp /bin/busybox /x; mkdir /d; cp /bin/busybox /d/y")
    assert found(executions, shell) == []
    shell.say("/x true; /bin/busybox true; /d/y true")
    seen: list[ContainerDrift] = []
    until(lambda: len(seen.__iadd__(found(executions, shell))) >= 2, "both are told")
    assert {drift.executable for drift in seen if isinstance(drift, ProcessDrift)} == {
        "/x",
        "/d/y",
    }
    assert {drift.origin for drift in seen if isinstance(drift, ProcessDrift)} == {Origin.ADDED}
    assert len(seen) == 2
    assert executions.lost == 0


def test_what_is_told_of_an_execution_is_what_a_glimpse_tells(shell: Shell, scan: NodeScan) -> None:
    executions = Executions(scan)
    executions.renew()
    shell.say("echo '#!/bin/busybox sh' > /s; echo 'echo $(busybox sleep 1000)' >> /s")
    shell.say("busybox chmod 755 /s; cp /bin/busybox /busybox; /busybox sleep 1000 & /s &")
    seen: list[ContainerDrift] = []
    until(lambda: len(seen.__iadd__(found(executions, shell))) >= 2, "both are told")
    glimpse = scan.glimpse()
    (look,) = [each for each in glimpse.looks if each.container.container_id == shell.container_id]
    processes = [drift for drift in look.drifts if isinstance(drift, ProcessDrift)]
    by_origin = {drift.origin: drift for drift in processes}
    assert by_origin[Origin.ADDED].command == ("/busybox", "sleep", "1000")
    assert by_origin[Origin.SCRIPT].code == "/s"
    told = {drift_id(look.container, drift) for drift in processes}
    assert {drift_id(look.container, drift) for drift in seen} == told
    assert glimpse.complete
    again = scan.glimpse()  # a second time, in case it was to become another
    (repeated,) = [each for each in again.looks if each.container == look.container]
    assert {drift_id(look.container, drift) for drift in repeated.drifts} == told
    assert shell.container_id not in {each.container.container_id for each in scan.glimpse().looks}


def test_a_container_that_is_new_is_no_complete_glimpse(shell: Shell) -> None:
    scan = NodeScan(lambda: datetime.now(UTC))
    assert not scan.glimpse().complete

    def looked() -> bool:
        scan.look()
        return scan.glimpse().complete

    # Other tests' containers may begin between the two.
    until(looked, "nothing is new")


def test_what_runs_from_a_volume_is_seen_at_its_path(shell: Shell, scan: NodeScan) -> None:
    executions = Executions(scan)
    executions.renew()
    shell.say("cp /bin/busybox /data/y; cp /bin/busybox /dev/z; /data/y true; /dev/z true")
    seen: list[ContainerDrift] = []
    until(lambda: len(seen.__iadd__(found(executions, shell))) >= 2, "both are told")
    told = {(each.executable, each.origin) for each in seen if isinstance(each, ProcessDrift)}
    assert told == {("/data/y", Origin.VOLUME), ("/dev/z", Origin.VOLUME)}
