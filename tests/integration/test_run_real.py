"""`plumbline run` on the real API server: true again in a moment, and one write, whatever happens.

The API server's own audit log says what was asked and what was written.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.tools.controlplane import ControlPlane
from tests.tools.controlplane.toolbox import Toolbox
from tests.tools.real_target import RealTarget
from tests.tools.running import Audited, Controller, audit_flags, until

pytestmark = pytest.mark.xdist_group("run-real")

_CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: NAME}
data: {colour: blue}
"""
_WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1"}]}
"""
_QUICK = {"interval": "1s", "jitter": "0s"}


@dataclass(frozen=True, slots=True)
class Stage:
    """An API server with an audit log, and a target on it.

    Attributes:
        target: Repository and cluster; ConfigMaps one and two, in sync.
        audit: What was asked.
        user: Whom Plumbline is taken for.
        folder: Where controllers live.
        controllers: Those that were made.
    """

    target: RealTarget
    audit: Audited
    user: str
    folder: Path
    controllers: list[Controller] = field(default_factory=list)

    @property
    def namespace(self) -> str:
        return self.target.namespaces[0]

    def wanted(self, **more: Any) -> dict[str, Any]:
        """Gives the target's settings."""
        return {
            "name": "shop",
            "source": {"repo": str(self.target.repo)},
            "namespace": self.namespace,
            "scope": {"namespaces": [self.namespace]},
            **more,
        }

    def controller(
        self, name: str = "controller", mode: str = "restore", prelude: str = "", **more: Any
    ) -> Controller:
        wanted = self.wanted(mode=mode)
        kubeconfig = self.target.plane.user_kubeconfig(self.user, ["system:masters"])
        made = Controller(self.folder / name, kubeconfig, [wanted], more, prelude)
        self.controllers.append(made)
        return made

    @contextmanager
    def replicas(self) -> Iterator[tuple[Controller, Controller]]:
        """Runs two replicas until the block ends; gives the one that leads, then the other."""
        lease = {"namespace": self.namespace}
        with (
            self.controller("first", lease=lease) as first,
            self.controller("second", lease=lease) as second,
        ):
            both = (first, second)
            for each in both:
                each.await_ready()
            until(lambda: sum(each.metric("plumbline_leading") for each in both) == 1, "one leads")
            yield both if first.metric("plumbline_leading") else (second, first)

    def colour(self, name: str = "one") -> str:
        return self.target.colour(name)

    def recolour(self, name: str = "one", colour: str = "red") -> None:
        self.target.patch(f"configmap/{name}", {"data": {"colour": colour}})

    def writes(self) -> list[str]:
        return self.audit.writes(self.user)

    def await_colour(self, name: str = "one", colour: str = "blue") -> None:
        until(lambda: self.colour(name) == colour, f"{name} is {colour}; {self.logs()}")

    def logs(self) -> str:
        return "\n".join(each.log for each in self.controllers)


Make = Callable[[ControlPlane, Audited], Stage]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Stage] = []

    def set_up(plane: ControlPlane, audit: Audited) -> Stage:
        namespace = f"test-{uuid.uuid4().hex[:12]}"
        plane.create_namespace(namespace)
        target = RealTarget(plane, tmp_path / "repo", tmp_path / "home", (namespace,))
        for name in ("one", "two"):
            target.make(f"{name}.yaml", _CONFIG.replace("NAME", name))
        made.append(Stage(target, audit, f"plumbline-{namespace}", tmp_path))
        return made[0]

    yield set_up
    for stage in made:
        for controller in stage.controllers:
            controller.kill()
        stage.target.plane.delete_namespace(stage.namespace)


@pytest.fixture
def stage(make: Make, audited: tuple[ControlPlane, Audited]) -> Stage:
    return make(*audited)


def test_an_edit_is_restored_once_remembered_and_counted(stage: Stage) -> None:
    with stage.controller() as controller:
        controller.await_ready()
        stage.recolour(colour="crimson")
        stage.await_colour()
        until(lambda: "gone" in controller.lives("one"), "remembered")
        assert controller.lives("one") == ["seen", "decided", "intended", "restored", "gone"]
        (seen, _, _, restored, _) = controller.history("--object", "ConfigMap/one")
        assert seen["actor"] == "by-hand"
        written = {"path": "data.colour", "before": "crimson", "after": "blue"}
        assert restored["fields"] == [written]
        assert controller.metric("plumbline_drifts") == 0
        assert controller.metric("plumbline_restored_objects_total", outcome="restored") == 1
        assert controller.status("/healthz") == 200
        assert controller.terminate() == 0
    assert stage.writes() == ["update one"]
    lines = [json.loads(line) for line in controller.log.splitlines()]
    events = [line["event"] for line in lines]
    assert events[0] == "started"
    assert {"drift found", "restored"} <= set(events)
    assert events[-1] == "stopped"
    assert "crimson" not in controller.log
    controller.assert_sound()


def test_a_workload_under_its_controllers_is_restored_once(
    make: Make, audited: tuple[ControlPlane, Audited]
) -> None:
    plane, _ = audited
    plane.start_controller_manager()
    stage = make(*audited)
    stage.target.make("web.yaml", _WEB)
    with stage.controller() as controller:
        controller.await_ready()
        stage.target.patch("deployment/web", {"spec": {"replicas": 3}})
        until(lambda: stage.target.value("deployment/web", ".spec.replicas") == "1", "restored")
        types = ("--object", "Deployment/web")
        until(lambda: "gone" in [e["type"] for e in controller.history(*types)], "remembered")
    assert stage.writes() == ["update web"]


def test_what_is_deleted_comes_back_and_what_is_added_is_only_told(stage: Stage) -> None:
    with stage.controller() as controller:
        controller.await_ready()
        words = ("-n", stage.namespace)
        stage.target.plane.kubectl("delete", "configmap", "two", *words)
        until(lambda: "create two" in stage.writes(), f"made anew; {stage.logs()}")
        stage.await_colour("two")
        stage.target.plane.kubectl("create", "configmap", "stray", *words)
        until(lambda: "seen" in controller.lives("stray"), "the stray one is told of")
    assert stage.writes() == ["create two"]


def test_break_glass_is_told_until_it_is_over_and_mended(stage: Stage) -> None:
    name, until_name = "plumbline.dev/break-glass", "plumbline.dev/break-glass-until"
    with stage.controller(schedule={**_QUICK, "interval": "1h"}) as controller:
        controller.await_ready()

        def glass() -> list[str]:
            events = controller.history("--object", "ConfigMap/one")
            return [each["reason"] for each in events if each["drift"].startswith("g-")]

        end = (datetime.now(UTC) + timedelta(seconds=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
        annotations = {name: "outage 4711", until_name: end}
        patch = {"data": {"colour": "red"}, "metadata": {"annotations": annotations}}
        stage.target.patch("configmap/one", patch)
        until(lambda: len(glass()) == 1, lambda: f"it is told; {controller.log}")
        assert glass()[0].endswith(f"the glass was broken until {end}: outage 4711")
        assert stage.colour() == "red"
        # Nothing moves but the clock.
        stage.await_colour()
        until(lambda: len(glass()) > 1, lambda: f"its end is told; {controller.log}")
        mended = {"metadata": {"annotations": {name: None, until_name: None}}}
        stage.target.patch("configmap/one", mended)
        until(lambda: "annotations are gone" in glass()[-1], f"mended; {glass()}")
        controller.assert_sound()


def test_to_observe_writes_nothing(stage: Stage) -> None:
    with stage.controller(mode="observe") as controller:
        controller.await_ready()
        stage.recolour()
        until(lambda: "seen" in controller.lives("one"), "remembered")
        until(lambda: controller.metric("plumbline_drifts", type="Modified") == 1, "counted")
        stage.recolour(colour="blue")
        until(lambda: "gone" in controller.lives("one"), "gone is remembered, too")
        assert controller.metric("plumbline_drifts") == 0
    assert stage.writes() == []


def test_what_needs_a_yes_waits_for_it_and_is_then_restored_once(stage: Stage) -> None:
    with stage.controller(mode="approve", schedule=_QUICK) as controller:
        controller.await_ready()
        stage.recolour()
        until(lambda: "plan waits for approval" in controller.log, "it waits")
        assert stage.writes() == []
        said = [json.loads(line) for line in controller.log.splitlines()]
        plan = next(line["plan"] for line in said if line["event"] == "plan waits for approval")
        code, text = controller.call("approve", plan)
        assert code == 0, text
        stage.await_colour()
        until(lambda: "gone" in controller.lives("one"), "remembered")
        told = controller.history("--object", "ConfigMap/one", "--plan", plan)
        assert [each["type"] for each in told] == ["decided", "approved", "intended", "restored"]
        _, approved, _, restored = told
        assert approved["actor"] == restored["actor"] != "plumbline"
    assert stage.writes() == ["update one"]
    controller.assert_sound()


def test_a_quiet_target_is_asked_nothing(stage: Stage) -> None:
    with stage.controller(schedule=_QUICK) as controller:
        controller.await_ready()
        until(lambda: controller.cycles("unmoved") >= 2, "quiet")
        asked = len(stage.audit.requests(stage.user))
        looked = controller.cycles("unmoved")
        until(lambda: controller.cycles("unmoved") >= looked + 4, "four more cycles")
        assert len(stage.audit.requests(stage.user)) == asked


def test_a_new_commit_is_rolled_out(stage: Stage) -> None:
    with stage.controller(schedule=_QUICK) as controller:
        controller.await_ready()
        stage.target.declare("one.yaml", _CONFIG.replace("NAME", "one").replace("blue", "green"))
        stage.await_colour(colour="green")
        stage.target.declare("three.yaml", _CONFIG.replace("NAME", "three"))
        until(lambda: "create three" in stage.writes(), "made")
        assert stage.writes() == ["update one", "create three"]
        # However often Git moves on, nobody fights.
        for number in range(4):
            colour = f"green-{number}"
            stage.target.declare("one.yaml", _CONFIG.replace("NAME", "one").replace("blue", colour))
            stage.await_colour(colour=colour)
        # Nor is the first edit after that taken for a fight.
        stage.recolour(colour="red")
        stage.await_colour(colour="green-3")


def test_one_of_two_replicas_writes_and_the_other_takes_over(stage: Stage) -> None:
    with stage.replicas() as (leader, other):
        both = (leader, other)
        stage.recolour()
        stage.await_colour()
        until(lambda: "gone" in leader.lives("one"), "remembered")
        assert other.lives("one") == []
        assert stage.writes() == ["update one"]

        leader.kill()
        stage.recolour("two")
        stage.await_colour("two")
        assert other.metric("plumbline_leading") == 1
        until(lambda: "gone" in other.lives("two"), "remembered")
        assert stage.writes() == ["update one", "update two"]

        # Who comes back takes its part, or follows; a killed replica is soon not counted.
        leader.start()
        leader.await_ready()
        until(lambda: sum(each.metric("plumbline_leading") for each in both) == 1, "one leads")
        stage.recolour("one", "green")
        stage.await_colour()
        assert stage.writes() == ["update one", "update two", "update one"]
        until(lambda: sum(each.metric("plumbline_leading") for each in both) == 1, "one leads")
        now = next(each for each in both if each.metric("plumbline_leading"))
        rest = next(each for each in both if each is not now)
        assert now.terminate() == 0
        until(lambda: rest.metric("plumbline_leading") == 1, "the other leads")
        for each in both:
            each.assert_sound()


def test_replicas_share_the_targets_and_a_new_one_takes_its_part(stage: Stage) -> None:
    targets = [stage.wanted(name=f"shop-{number}") for number in range(8)]
    more: dict[str, Any] = {"lease": {"namespace": stage.namespace}, "targets": targets}

    def leads(each: Controller) -> set[str]:
        names = (target["name"] for target in targets)
        return {name for name in names if each.metric("plumbline_leading", target=name)}

    with stage.controller("first", **more) as first:
        first.await_ready()
        until(lambda: len(leads(first)) == 8, "it leads all")
        with stage.controller("second", **more) as second:
            second.await_ready()
            until(lambda: bool(leads(second)) and len(leads(first) | leads(second)) == 8, "shared")
            assert leads(first).isdisjoint(leads(second))
            assert second.terminate() == 0
        until(lambda: len(leads(first)) == 8, "it leads all again")


def test_who_is_asked_to_end_lets_its_lease_go(stage: Stage) -> None:
    with stage.controller(lease={"namespace": stage.namespace}) as controller:
        controller.await_ready()
        until(lambda: controller.metric("plumbline_leading") == 1, "it leads")
        assert controller.terminate() == 0
    assert stage.target.value("lease/plumbline-shop", ".spec.holderIdentity") == ""


#: Kills the process at a certain point of a restore of two objects.
_KILLER = """
import os, signal
from reconciler.adapters.history.database import DatabaseHistory
from reconciler.execution import _Execution
def kill():
    os.kill(os.getpid(), signal.SIGKILL)
def wrapped(owner, name, before, after, counts):
    real, calls = getattr(owner, name), []
    def call(self, given):
        if not counts(given):
            return real(self, given)
        calls.append(1)
        if len(calls) == before:
            kill()
        result = real(self, given)
        if len(calls) == after:
            kill()
        return result
    setattr(owner, name, call)
def tells_of_writes(events):
    return any(each.plan for each in events)
"""
_POINTS = {
    "before the sighting is kept": "wrapped(DatabaseHistory, 'append', 1, 0, lambda e: True)",
    "after the sighting is kept": "wrapped(DatabaseHistory, 'append', 0, 1, lambda e: True)",
    "before the first write": "wrapped(_Execution, 'carry_out', 1, 0, lambda a: True)",
    "after the first write": "wrapped(_Execution, 'carry_out', 0, 1, lambda a: True)",
    "after the last write": "wrapped(_Execution, 'carry_out', 0, 2, lambda a: True)",
    "before the intent is kept": "wrapped(DatabaseHistory, 'append', 1, 0, tells_of_writes)",
    "after the intent is kept": "wrapped(DatabaseHistory, 'append', 0, 1, tells_of_writes)",
    "before the outcome is kept": "wrapped(DatabaseHistory, 'append', 2, 0, tells_of_writes)",
    "after the outcome is kept": "wrapped(DatabaseHistory, 'append', 0, 2, tells_of_writes)",
}


@pytest.mark.parametrize("point", _POINTS)
def test_who_is_killed_in_a_restore_finishes_it_later_and_doubles_nothing(
    stage: Stage, point: str
) -> None:
    for name in ("one", "two"):
        stage.recolour(name)
    killed = stage.controller(prelude=_KILLER + _POINTS[point] + "\n")
    with killed:
        until(lambda: killed.process.poll() is not None, f"it is killed; {killed.log}")
        assert killed.process.returncode == -9
    with stage.controller() as controller:  # in the same folder
        controller.await_ready()
        for name in ("one", "two"):
            stage.await_colour(name)
            until(lambda name=name: controller.lives(name)[-1:] == ["gone"], "remembered")  # type: ignore[misc]
            lives = controller.lives(name)
            assert lives[:2] == ["seen", "decided"]
            assert lives.count("seen") == lives.count("gone") == 1
            assert lives.count("restored") == 1
            assert lives.count("intended") == lives.count("restored") + lives.count("unverified")
        assert controller.terminate() == 0
    assert sorted(stage.writes()) == ["update one", "update two"]
    controller.assert_sound()


def test_what_a_killed_leader_began_the_other_replica_finishes(stage: Stage) -> None:
    for name in ("one", "two"):
        stage.recolour(name)
    lease = {"namespace": stage.namespace}
    prelude = _KILLER + _POINTS["after the first write"] + "\n"
    with stage.controller("first", prelude=prelude, lease=lease) as first:
        until(lambda: first.metric("plumbline_leading") == 1 or bool(stage.writes()), "it leads")
        with stage.controller("second", lease=lease) as second:
            until(lambda: first.process.poll() is not None, f"it is killed; {first.log}")
            for name in ("one", "two"):
                stage.await_colour(name)
            until(lambda: second.metric("plumbline_leading") == 1, "the other leads")
            assert second.terminate() == 0
            second.assert_sound()
    assert sorted(stage.writes()) == ["update one", "update two"]


def test_an_api_server_that_goes_away_and_comes_back_is_got_over(
    make: Make, toolbox: Toolbox, tmp_path: Path
) -> None:
    flags, audit = audit_flags(tmp_path)
    with ControlPlane(extra_args=flags, tools=toolbox) as plane:
        stage = make(plane, audit)
        with stage.controller(schedule=_QUICK) as controller:
            controller.await_ready()
            plane.api_server.stop()
            # Git moves on meanwhile: that can't be compared now.
            green = _CONFIG.replace("NAME", "one").replace("blue", "green")
            stage.target.declare("one.yaml", green)
            until(lambda: controller.cycles("failed") > 0, "it can't look")
            assert controller.status("/readyz") == 503
            assert controller.status("/healthz") == 200
            assert stage.writes() == []
            plane.api_server.start()
            plane.wait_ready()
            stage.await_colour(colour="green")
            controller.await_ready()
            stage.recolour("two")
            stage.await_colour("two")
            assert controller.terminate() == 0
        assert stage.writes() == ["update one", "update two"]
        controller.assert_sound()


def test_who_is_asked_to_end_while_the_api_server_is_away_ends(
    make: Make, toolbox: Toolbox, tmp_path: Path
) -> None:
    flags, audit = audit_flags(tmp_path)
    with ControlPlane(extra_args=flags, tools=toolbox) as plane:
        stage = make(plane, audit)
        lease = {"namespace": stage.namespace}
        with stage.controller(schedule=_QUICK, lease=lease) as controller:
            controller.await_ready()
            plane.api_server.stop()
            until(lambda: controller.metric("plumbline_leading") == 0, "the Lease is lost")
            assert controller.terminate() == 0
