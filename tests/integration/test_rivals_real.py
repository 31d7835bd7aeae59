"""Who wants it otherwise, again and again: named, and left as policy says; and a full disk."""

import contextlib
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_run_real import _WEB, Make, Stage
from tests.integration.test_run_real import make as make  # fixtures
from tests.integration.test_run_real import stage as stage
from tests.tools.controlplane import ControlPlane
from tests.tools.postgres import PostgresServer
from tests.tools.running import Audited, Controller, until

pytestmark = pytest.mark.xdist_group("run-real")


class Rival:
    """Writes a colour back as soon as it is another, until the block ends."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.writes = 0

    def __enter__(self) -> "Rival":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.is_set():
            if self._stage.colour() != "red":
                data = {"data": {"colour": "red"}}
                self._stage.target.patch("configmap/one", data, manager="rival-operator")
                self.writes += 1
            self._ending.wait(0.1)


def fights(controller: Controller, name: str) -> list[str]:
    """Gives why what was decided about an object last is that it is fought over."""
    told = controller.history("--object", f"ConfigMap/{name}", "--type", "decided")
    return [each["reason"] for each in told if "by the rule fight" in each["reason"]]


def test_a_second_controller_is_named_and_not_fought(stage: Stage) -> None:
    with stage.controller() as controller, Rival(stage) as rival:
        controller.await_ready()
        until(lambda: bool(fights(controller, "one")), f"named; {controller.log[-2000:]}")
        (reason,) = fights(controller, "one")
        assert "rival-operator changed it again" in reason
        assert reason.startswith("observe")
        writes = stage.writes()
        assert 3 <= len(writes) <= 4
        # It is left alone from now on, and everything else isn't.
        stage.recolour("two")
        stage.await_colour("two")
        assert stage.writes() == [*writes, "update two"]
    assert rival.writes >= len(writes)
    controller.assert_sound()


def test_a_person_who_edits_again_and_again_is_named(stage: Stage) -> None:
    with stage.controller() as controller:
        controller.await_ready()
        for number in range(3):
            stage.recolour(colour=f"red-{number}")
            stage.await_colour()
            until(lambda n=number: controller.lives("one").count("gone") == n + 1, "remembered")  # type: ignore[misc]
        stage.recolour(colour="red-again")
        until(lambda: bool(fights(controller, "one")), f"named; {controller.log[-2000:]}")
        assert "by-hand changed it again" in fights(controller, "one")[0]
        assert stage.colour() == "red-again"
    assert len(stage.writes()) == 3


def test_an_autoscaler_that_nobody_declared_is_named_by_its_subresource(
    make: Make, audited: tuple[ControlPlane, Audited]
) -> None:
    stage = make(*audited)
    stage.target.make("web.yaml", _WEB)
    place = ("-n", stage.namespace)

    def replicas() -> str:
        return stage.target.value("deployment/web", ".spec.replicas")

    def decided() -> list[str]:
        told = controller.history("--object", "Deployment/web", "--type", "decided")
        return [each["reason"] for each in told if "by the rule fight" in each["reason"]]

    with stage.controller() as controller:
        controller.await_ready()
        for number in range(4):
            # As the horizontal pod autoscaler does: by the subresource.
            words = ("scale", "deployment", "web", f"--replicas={number + 2}", *place)
            stage.target.plane.kubectl(*words)
            if number < 3:
                until(lambda: replicas() == "1", "restored")
                until(
                    lambda n=number: (
                        sum(  # type: ignore[misc]
                            each["type"] == "gone"
                            for each in controller.history("--object", "Deployment/web")
                        )
                        == n + 1
                    ),
                    "remembered",
                )
        until(lambda: bool(decided()), f"named; {controller.log[-2000:]}")
        assert "kubectl changed it again" in decided()[0]
        assert replicas() == "5"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    subprocess.run(mount, check=True, capture_output=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def test_on_a_full_disk_nothing_is_written_and_nothing_is_lost(
    stage: Stage, small_disk: Path
) -> None:
    filler = small_disk / "filler"
    with stage.controller(state_dir=str(small_disk / "state")) as controller:
        controller.await_ready()
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 512)
        stage.recolour(colour="crimson")
        until(lambda: "can't be read or written" in controller.log, "it says so")
        assert (stage.colour(), stage.writes()) == ("crimson", [])
        assert controller.status("/readyz") != 200
        filler.unlink()
        stage.await_colour()
        until(lambda: controller.status("/readyz") == 200, "ready again")
    assert stage.writes() == ["update one"]
    controller.assert_sound()


def test_a_leader_that_was_frozen_past_its_lease_writes_nothing_more(stage: Stage) -> None:
    with stage.replicas() as (leader, other):
        both = (leader, other)
        leader.process.send_signal(signal.SIGSTOP)
        stage.recolour()
        stage.await_colour()
        until(lambda: other.metric("plumbline_leading") == 1, "the other leads")
        assert stage.writes() == ["update one"]
        leader.process.send_signal(signal.SIGCONT)
        # It wakes with the edit still before its eyes, and with a Lease that is another's.
        until(lambda: leader.status("/healthz") == 200, "it is awake")
        stage.recolour("two")
        stage.await_colour("two")
        until(lambda: sum(each.metric("plumbline_leading") for each in both) == 1, "one leads")
        assert stage.writes() == ["update one", "update two"]
    for each in both:
        each.assert_sound()


def test_a_database_that_goes_away_and_comes_back_loses_nothing(stage: Stage) -> None:
    with (
        PostgresServer() as server,
        stage.controller(history={"database": server.database()}) as controller,
    ):
        controller.await_ready()
        server.stop()
        stage.recolour(colour="crimson")
        until(lambda: "can't be read or written" in controller.log, "it says so")
        assert (stage.colour(), stage.writes()) == ("crimson", [])
        server.start()
        stage.await_colour()
        told = ("--object", "ConfigMap/one")
        until(
            lambda: [e["type"] for e in controller.history(*told)][-1:] == ["gone"],
            "remembered",
        )
        types = [each["type"] for each in controller.history(*told)]
        assert types == ["seen", "decided", "intended", "restored", "gone"]
        assert stage.writes() == ["update one"]
        controller.assert_sound()
