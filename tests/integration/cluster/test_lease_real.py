"""Leases on the real API server: one holder at a time, whatever happens to it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.cluster.guarded import GuardedCluster
from reconciler.adapters.cluster.lease import (
    Leadership,
    LeaseTimes,
    lease_transport,
    new_identity,
)
from reconciler.core.errors import LeaseLostError
from tests.fakes.kinds import named
from tests.integration.cluster.conftest import Connect
from tests.tools.controlplane import ControlPlane
from tests.tools.controlplane.toolbox import Toolbox
from tests.tools.cutting import Cutter

CONFIG_MAP = named("ConfigMap")
NAME = "plumbline-shop"
#: As 15, 10 and 2 s are to each other, so that tests needn't take minutes.
QUICK = LeaseTimes(duration=3.0, deadline=2.0, retry=0.4)

Contend = Callable[..., Leadership]


def until(met: Callable[[], bool], seconds: float = 20.0) -> float:
    """Waits until something is so, and says for how long; fails where it never is."""
    began = time.monotonic()
    while not met():
        assert time.monotonic() < began + seconds, "it never came to be"
        time.sleep(0.005)
    return time.monotonic() - began


@pytest.fixture
def contend() -> Iterator[Contend]:
    made: list[Leadership] = []

    def begin(cluster: KubeCluster, namespace: str, identity: str = "") -> Leadership:
        transport = lease_transport(cluster, QUICK)
        identity = identity or new_identity()
        leadership = Leadership(transport, namespace, NAME, identity, times=QUICK)
        made.append(leadership)
        leadership.start()
        return leadership

    yield begin
    for leadership in made:
        leadership.release()


def lease(plane: ControlPlane, namespace: str) -> Any:
    answer = plane.kubectl("get", "lease", NAME, "-n", namespace, "-o", "json")
    return json.loads(answer.stdout)


def test_one_of_two_holds_it_and_hands_it_over_when_it_lets_go(
    contend: Contend, admin: KubeCluster, control_plane: ControlPlane, namespace: str
) -> None:
    one = contend(admin, namespace, "one")
    assert one.acquired.wait(5)
    two = contend(admin, namespace, "two")
    until(lambda: two.holder == "one")
    overlap = threading.Event()
    ending = threading.Event()

    def look() -> None:
        while not ending.is_set():
            if one.held() and two.held():
                overlap.set()

    looking = threading.Thread(target=look)
    looking.start()
    # Longer than a lease lasts: it is renewed.
    assert not two.acquired.wait(4)
    assert one.held()
    kept = lease(control_plane, namespace)
    assert kept["spec"]["holderIdentity"] == "one"
    assert kept["spec"]["leaseTransitions"] == 0
    assert kept["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "plumbline"}

    one.release()
    assert not one.held()
    assert two.acquired.wait(1)
    ending.set()
    looking.join()
    assert not overlap.is_set()
    assert one.lost.is_set()
    assert lease(control_plane, namespace)["spec"]["holderIdentity"] == "two"
    assert lease(control_plane, namespace)["spec"]["leaseTransitions"] == 1


_HOLDER = """
import sys, time
from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.cluster.lease import Leadership, LeaseTimes, lease_transport, new_identity
from reconciler.core.schema import Schema, from_openapi
times = LeaseTimes(duration=3.0, deadline=2.0, retry=0.4)
cluster = KubeCluster.connect(
    sys.argv[1], None, search=[], bundled=lambda: Schema({}), from_openapi=from_openapi
)
transport = lease_transport(cluster, times)
leadership = Leadership(transport, sys.argv[2], sys.argv[3], new_identity(), times=times)
leadership.start()
leadership.acquired.wait()
print("held", flush=True)
time.sleep(600)
"""


def test_what_a_killed_holder_held_is_taken_when_it_has_run_out(
    contend: Contend, admin: KubeCluster, control_plane: ControlPlane, namespace: str
) -> None:
    command = [sys.executable, "-c", _HOLDER, str(control_plane.kubeconfig), namespace, NAME]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        other = contend(admin, namespace)
        until(lambda: other.holder != "")
        assert not other.acquired.wait(3.5)
        holder.send_signal(signal.SIGKILL)
        killed = time.monotonic()
    assert other.acquired.wait(6)
    # Its last renewal was at most a retry before its end, and nobody takes it earlier.
    assert 3.0 - 0.5 <= time.monotonic() - killed <= 3.0 + 1.0


def test_a_stopped_holder_knows_that_it_holds_nothing_when_it_goes_on(
    contend: Contend, admin: KubeCluster, control_plane: ControlPlane, namespace: str
) -> None:
    code = _HOLDER.replace(
        "time.sleep(600)",
        "\nwhile leadership.held(): pass\nprint('lost', leadership.lost.wait(1), flush=True)",
    )
    command = [sys.executable, "-c", code, str(control_plane.kubeconfig), namespace, NAME]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        other = contend(admin, namespace)
        holder.send_signal(signal.SIGSTOP)
        assert other.acquired.wait(6)
        holder.send_signal(signal.SIGCONT)
        assert holder.stdout.readline() == b"lost True\n"
    assert other.held()


def test_nothing_is_written_while_the_server_is_away_or_after(
    toolbox: Toolbox, connect: Connect, contend: Contend
) -> None:
    with ControlPlane(tools=toolbox) as plane:
        cluster = connect(plane.kubeconfig)
        leadership = contend(cluster, "default")
        guarded = GuardedCluster(cluster, leadership.held)
        assert leadership.acquired.wait(5)
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "settings", "namespace": "default"},
        }
        live = guarded.writes.create(CONFIG_MAP, body)
        stopped = time.monotonic()
        plane.api_server.stop()
        assert leadership.lost.wait(10)
        assert time.monotonic() - stopped < 10
        assert not leadership.held()
        assert leadership.failure
        with pytest.raises(LeaseLostError):
            guarded.writes.replace(CONFIG_MAP, live)
        assert guarded.requests.write == 1
        plane.api_server.start()
        plane.wait_ready()
        assert leadership.acquired.wait(10)
        assert not leadership.lost.is_set()
        assert guarded.writes.replace(CONFIG_MAP, live)["metadata"]["uid"]
        leadership.release()


def test_a_holder_that_is_cut_off_has_lost_it_before_somebody_else_has_it(
    control_plane: ControlPlane,
    connect: Connect,
    written: Callable[..., Path],
    contend: Contend,
    admin: KubeCluster,
    namespace: str,
) -> None:
    with Cutter(int(control_plane.url.rpartition(":")[2])) as cutter:
        server = {"server": f"https://127.0.0.1:{cutter.port}"}
        one = contend(connect(written(cluster=server)), namespace, "one")
        assert one.acquired.wait(5)
        two = contend(admin, namespace, "two")
        until(lambda: two.holder == "one")
        for _ in range(6):  # connections that break are no reason to lose it
            cutter.cut()
            assert not one.lost.wait(0.5)
        cutter.hold()
        assert one.lost.wait(3)
        assert not two.held()
        assert two.acquired.wait(4)
        cutter.hold(False)
        time.sleep(1)
        assert not one.held()
        assert two.held()


def test_who_is_told_that_it_is_another_s_believes_it_at_once(
    contend: Contend, admin: KubeCluster, control_plane: ControlPlane, namespace: str
) -> None:
    leadership = contend(admin, namespace)
    assert leadership.acquired.wait(5)
    patch = '{"spec":{"holderIdentity":"somebody"}}'
    control_plane.kubectl("patch", "lease", NAME, "-n", namespace, "-p", patch)
    assert leadership.lost.wait(1)
    assert leadership.holder == "somebody"


def test_a_missing_right_is_named(
    contend: Contend, control_plane: ControlPlane, connect: Connect, namespace: str
) -> None:
    leadership = contend(connect(control_plane.user_kubeconfig("nobody")), namespace)
    until(lambda: leadership.failure != "")
    assert 'cannot get resource "leases"' in leadership.failure
    assert not leadership.held()


def test_many_contenders_never_hold_it_together(
    contend: Contend, admin: KubeCluster, namespace: str
) -> None:
    contenders = [contend(admin, namespace, f"c-{number}") for number in range(5)]
    together: list[int] = []
    left = list(contenders)
    while left:
        until(lambda: any(each.held() for each in left))
        together += [sum(each.held() for each in contenders) for _ in range(200)]
        for each in [each for each in left if each.held()]:
            left.remove(each)
            each.release()
    assert max(together) == 1
