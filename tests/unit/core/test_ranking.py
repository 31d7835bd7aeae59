from dataclasses import replace

from reconciler.core.containers import (
    ContainerDrift,
    ContainerLook,
    ContainerRef,
    FileDrift,
    Listener,
    Origin,
    PortDrift,
    ProcessDrift,
    SessionDrift,
)
from reconciler.core.drift import ChangeType, Severity
from reconciler.core.ranking import drift_id, worst_first, worst_looks_first

WEB = ContainerRef("shop", "web", "u-1", "app", "c0ffee" * 10 + "beef")
FILE = FileDrift("/etc/a", ChangeType.REMOVED, Severity.HIGH, "configuration", None, None)
PROCESS = ProcessDrift(7, 1, "/x", Origin.ADDED, ("x",), "0", "2026-11-24T12:00:00Z", Severity.HIGH)
SESSION = SessionDrift("exec", 8, 2, "0", ("sh",), "2026-11-24T12:00:00Z", Severity.HIGH)
PORT = PortDrift(Listener("TCP", "0.0.0.0", 80, 7), Severity.HIGH)
ALL: tuple[ContainerDrift, ...] = (PROCESS, SESSION, PORT, FILE)


def test_a_container_is_named_by_what_is_known_of_it() -> None:
    assert str(WEB) == "shop/web/app"
    assert str(ContainerRef("", "", "", "", WEB.container_id)) == "c0ffeec0ffee"


def test_ids_last_and_tell_drifts_and_containers_apart() -> None:
    ids = {drift_id(WEB, drift) for drift in ALL}
    assert len(ids) == len(ALL)
    assert all(each.startswith("d-") and len(each) == 14 for each in ids)
    other = replace(WEB, container_id="0" * 64)
    assert not ids & {drift_id(other, drift) for drift in ALL}
    # How much it matters, or what it holds by now, makes it no other one.
    assert drift_id(WEB, FILE) == drift_id(WEB, replace(FILE, severity=Severity.LOW, note="x"))
    assert drift_id(WEB, replace(FILE, path="/\udcff"))


def test_the_worst_comes_first_and_what_runs_before_what_lies_there() -> None:
    assert worst_first(tuple(reversed(ALL))) == ALL
    low = replace(PROCESS, severity=Severity.LOW)
    assert worst_first((low, FILE)) == (FILE, low)


def test_containers_come_by_their_worst_drift_then_unknown_then_by_name() -> None:
    quiet = ContainerLook(replace(WEB, pod="a"))
    unknown = ContainerLook(replace(WEB, pod="z"), unknown=("why",))
    low = ContainerLook(WEB, (replace(PORT, severity=Severity.LOW),))
    high = ContainerLook(replace(WEB, pod="y"), (FILE,))
    looks = worst_looks_first((quiet, unknown, low, high))
    assert looks == (high, low, unknown, quiet)
