"""What a person has to agree to, and what is fought over, on the real API server.

`plumbline run` is a process of its own; a person says yes and no by `plumbline approve` and
`plumbline reject` beside it, over the same history.
"""

import contextlib
import io
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import main
from tests.tools.controlplane import ControlPlane
from tests.tools.real_target import RealTarget
from tests.tools.running import Audited, Controller, until

pytestmark = pytest.mark.xdist_group("approve-real")

_CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: NAME}
data: {colour: blue}
"""
_QUICK = {"interval": "1s", "jitter": "0s"}
_DIGEST = re.compile(r"\bp-[0-9a-f]{16}\b")


@dataclass
class Stage:
    """A controller over a target on a real API server, and a person beside it."""

    target: RealTarget
    audit: Audited
    user: str
    folder: Path
    controller: Controller

    @property
    def namespace(self) -> str:
        return self.target.namespaces[0]

    def recolour(self, name: str = "c0", colour: str = "red") -> None:
        self.target.patch(f"configmap/{name}", {"data": {"colour": colour}})

    def colour(self, name: str = "c0") -> str:
        return self.target.colour(name)

    def writes(self) -> list[str]:
        return self.audit.writes(self.user)

    def say(self, *words: str) -> tuple[int, str]:
        """Calls a verb as a person does, by the controller's own configuration."""
        out = io.StringIO()
        config = str(self.controller.home / "plumbline.yaml")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = main([*words, "--config", config])
        return code, out.getvalue()

    def waiting(self) -> str:
        """Gives the digest of all that waits."""
        code, text = self.say("approve")
        assert code == 1, text
        return str(_DIGEST.findall(text)[0])

    def plan_of(self, name: str) -> str:
        """Gives the digest of the plan for one object alone."""
        code, text = self.say("approve")
        assert code == 1, text
        line = next(each for each in text.splitlines() if f"/{name} alone" in each)
        return str(_DIGEST.findall(line)[0])

    def await_cycles(self, count: int = 3) -> None:
        """Waits until the controller has looked again, so many times."""
        done = self.controller.cycles("done")
        until(
            lambda: self.controller.cycles("done") >= done + count,
            f"{count} more cycles; {self.controller.log}",
        )

    def await_event(self, kind: str, name: str = "c0", times: int = 1) -> None:
        until(
            lambda: self.controller.lives(name).count(kind) >= times,
            f"{kind} of {name}; {self.controller.log}",
        )


@pytest.fixture
def stage(
    audited: tuple[ControlPlane, Audited], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Stage]:
    """A stage in the mode and with so many ConfigMaps as the test's parameter says.

    With a third word there, the API server's audit log is read.
    """
    mode, count, *audited_by = request.param
    plane, audit = audited
    namespace = f"test-{uuid.uuid4().hex[:12]}"
    plane.create_namespace(namespace)
    target = RealTarget(plane, tmp_path / "repo", tmp_path / "home", (namespace,))
    for number in range(count):
        target.make(f"c{number}.yaml", _CONFIG.replace("NAME", f"c{number}"))
    user = f"plumbline-{namespace}"
    wanted: dict[str, Any] = {
        "name": "shop",
        "source": {"repo": str(target.repo)},
        "namespace": namespace,
        "scope": {"namespaces": [namespace]},
        "mode": mode,
    }
    kubeconfig = plane.user_kubeconfig(user, ["system:masters"])
    more: dict[str, Any] = {"schedule": _QUICK}
    if audited_by:
        more["witnesses"] = {"audit_log": str(audit.file)}
    controller = Controller(tmp_path / "controller", kubeconfig, [wanted], more)
    with controller:
        controller.await_ready()
        yield Stage(target, audit, user, tmp_path, controller)
    controller.assert_sound()
    plane.delete_namespace(namespace)


@pytest.mark.parametrize("stage", [("approve", 1)], indirect=True)
def test_what_drifted_waits_until_a_person_agrees(stage: Stage) -> None:
    stage.recolour()
    stage.await_event("decided")
    stage.await_cycles()
    assert (stage.colour(), stage.writes()) == ("red", [])

    digest = stage.waiting()
    code, text = stage.say("approve", digest, "--reason", "jane may not")
    assert code == 0, text
    until(lambda: stage.colour() == "blue", f"restored; {stage.controller.log}")
    stage.await_event("gone")

    lived = ["seen", "decided", "approved", "intended", "restored", "gone"]
    assert stage.controller.lives("c0") == lived
    _, decided, approved, _, restored, _ = stage.controller.history("--object", "ConfigMap/c0")
    assert "approve" in decided["reason"]
    assert (approved["plan"], approved["reason"]) == (digest, "jane may not")
    assert f"by {approved['actor']}" in text
    # Who agreed is who restored.
    assert (restored["plan"], restored["actor"]) == (digest, approved["actor"])
    assert stage.writes() == ["update c0"]
    assert stage.say("approve") == (0, "no plan waits for anybody\n")


@pytest.mark.parametrize("stage", [("approve", 1)], indirect=True)
def test_a_no_and_a_yes_to_what_is_no_more_have_nothing_written(stage: Stage) -> None:
    stage.recolour()
    stage.await_event("decided")
    digest = stage.waiting()
    assert stage.say("reject", digest)[0] == 0
    stage.recolour(colour="green")
    code, text = stage.say("approve", digest)
    assert code == 2
    moved = stage.waiting()
    assert moved != digest
    assert moved in text
    stage.await_cycles()
    assert (stage.colour(), stage.writes()) == ("green", [])
    assert stage.say("approve", moved)[0] == 0
    until(lambda: stage.colour() == "blue", f"restored; {stage.controller.log}")


@pytest.mark.parametrize("stage", [("approve", 1)], indirect=True)
def test_a_yes_outlives_the_process_that_it_was_given_to(stage: Stage) -> None:
    stage.recolour()
    stage.await_event("decided")
    digest = stage.waiting()
    stage.controller.kill()
    assert stage.say("approve", digest)[0] == 0
    assert stage.colour() == "red"
    stage.controller.start()
    until(lambda: stage.colour() == "blue", f"restored; {stage.controller.log}")
    stage.await_event("gone")
    assert stage.writes() == ["update c0"]


@pytest.mark.parametrize("stage", [("restore", 8)], indirect=True)
def test_a_change_of_almost_everything_waits_for_a_person(stage: Stage) -> None:
    # The controller must see all of it at once, as after a bad script.
    stage.controller.kill()
    for number in range(8):
        stage.recolour(f"c{number}")
    stage.controller.start()
    stage.controller.await_ready()
    stage.await_event("decided", "c7")
    stage.await_cycles()
    assert stage.writes() == []
    digest = stage.waiting()
    code, text = stage.say("approve", digest)
    assert code == 0, text
    for number in range(8):
        until(lambda n=number: stage.colour(f"c{n}") == "blue", "restored")  # type: ignore[misc]
        stage.await_event("gone", f"c{number}")
    assert sorted(stage.writes()) == [f"update c{number}" for number in range(8)]


@pytest.mark.parametrize("stage", [("restore", 1)], indirect=True)
def test_who_insists_is_left_alone_after_three_restores(stage: Stage) -> None:
    for time in range(1, 4):
        stage.recolour(colour=f"red-{time}")
        until(lambda: stage.colour() == "blue", f"restored; {stage.controller.log}")
        stage.await_event("gone", times=time)
    stage.recolour(colour="red-4")
    stage.await_event("decided", times=4)
    stage.await_cycles()
    assert (stage.colour(), stage.writes()) == ("red-4", ["update c0"] * 3)
    last = stage.controller.history("--object", "ConfigMap/c0", "--type", "decided")[-1]
    assert "it was restored 3 times since" in last["reason"]
    assert "by-hand changed it again" in last["reason"]
    # Nobody is asked either: that would only go on with it.
    assert stage.say("approve") == (0, "no plan waits for anybody\n")


@pytest.mark.parametrize("stage", [("approve", 2, "audited")], indirect=True)
def test_a_yes_by_annotation_is_that_of_whoever_wrote_it(stage: Stage) -> None:
    plane = stage.target.plane
    joe, jane = (plane.user_kubeconfig(name, ["system:masters"]) for name in ("joe", "jane"))

    def as_user(kubeconfig: Path, *words: str) -> None:
        plane.kubectl(*words, "-n", stage.namespace, f"--kubeconfig={kubeconfig}")

    for name in ("c0", "c1"):
        recolouring = ("patch", "configmap", name, "--type=merge", '-p={"data":{"colour":"red"}}')
        as_user(joe, *recolouring)
        stage.await_event("decided", name)
    plans = {name: stage.plan_of(name) for name in ("c0", "c1")}
    # Who made the change has no say in it, by this door as by any other.
    mine = f"plumbline.dev/approve={plans['c1']} it was me"
    as_user(joe, "annotate", "configmap", "c1", mine)
    as_user(jane, "annotate", "configmap", "c0", f"plumbline.dev/approve={plans['c0']} a mistake")
    until(lambda: stage.colour() == "blue", f"restored; {stage.controller.log}")
    stage.await_event("gone")
    approved = next(
        each
        for each in stage.controller.history("--object", "ConfigMap/c0")
        if each["type"] == "approved"
    )
    assert (approved["actor"], approved["reason"]) == ("jane", "a mistake")
    # The restore took the annotation away, too.
    assert "plumbline" not in stage.target.value("configmap/c0", ".metadata.annotations")
    stage.await_cycles()
    assert (stage.colour("c1"), stage.writes()) == ("red", ["update c0"])
    assert "approved" not in stage.controller.lives("c1")
    # A digest that is no plan's is for nothing, and that is said.
    as_user(jane, "annotate", "--overwrite", "configmap", "c1", "plumbline.dev/approve=p-0")
    void = "agrees to nothing: no plan of that digest is there"
    until(lambda: void in stage.say("history", "--object", "ConfigMap/c1")[1], void)
