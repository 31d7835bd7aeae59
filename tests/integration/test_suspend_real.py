"""What is suspended is left alone on the real API server, and is restored afterwards.

`plumbline run` is a process of its own, which looks once an hour where nothing moves; a person
speaks by `plumbline suspend` and `plumbline resume` beside it, over the same history.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tools.controlplane import ControlPlane
from tests.tools.real_target import RealTarget
from tests.tools.running import Controller, until

_CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: NAME}
data: {colour: blue}
"""


@dataclass
class Stage:
    """A controller that restores ConfigMaps one and two, and a person beside it."""

    target: RealTarget
    controller: Controller

    @property
    def namespace(self) -> str:
        return self.target.namespaces[0]

    def recolour(self, name: str, colour: str = "red") -> None:
        self.target.patch(f"configmap/{name}", {"data": {"colour": colour}})

    def colour(self, name: str) -> str:
        return self.target.colour(name)

    def await_colour(self, name: str, colour: str = "blue") -> None:
        until(lambda: self.colour(name) == colour, f"{name} is {colour}; {self.controller.log}")

    def await_event(self, kind: str, name: str) -> None:
        until(
            lambda: kind in self.controller.lives(name),
            f"{kind} of {name}; {self.controller.log}",
        )

    def say(self, *words: str) -> str:
        code, text = self.controller.call(*words)
        assert code == 0, text
        return text

    def decision(self, name: str) -> str:
        """Gives what was decided last about a ConfigMap."""
        found = self.controller.history("--object", f"cm/{name}", "--type", "decided")
        return str(found[-1]["reason"])


@pytest.fixture
def stage(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Stage]:
    target = RealTarget(control_plane, tmp_path / "repo", tmp_path / "home", (namespace,))
    for name in ("one", "two"):
        target.make(f"{name}.yaml", _CONFIG.replace("NAME", name))
    wanted = {
        "name": "shop",
        "source": {"repo": str(target.repo)},
        "namespace": namespace,
        "mode": "restore",
    }
    with Controller(tmp_path / "controller", control_plane.kubeconfig, [wanted]) as controller:
        controller.await_ready()
        yield Stage(target, controller)
        assert controller.terminate() == 0
    controller.assert_sound()


def test_what_is_suspended_is_found_and_left_until_it_is_resumed(stage: Stage) -> None:
    stage.say("suspend", "shop", "--reason", "load test")
    stage.recolour("one")
    stage.await_event("decided", "one")
    assert stage.decision("one").startswith("wait, by the rule suspended: the target is suspended")
    assert "load test" in stage.decision("one")
    # Another edit is noticed, too, and left.
    stage.recolour("one", "green")
    stage.await_event("changed", "one")
    assert stage.colour("one") == "green"
    code, text = stage.controller.call("suspend")
    assert (code, "load test" in text) == (1, True)

    # Nothing moves from now on, but what the person says.
    stage.say("resume", "shop")
    stage.await_colour("one")
    stage.await_event("gone", "one")
    lives = stage.controller.lives("one")
    assert lives.count("restored") == 1
    # It was decided once more: that it is restored.
    assert stage.decision("one").startswith("restore, by the rule default")
    said = [each["type"] for each in stage.controller.history() if each["resource"] is None]
    assert said == ["suspended", "resumed"]


def test_one_object_is_left_and_the_others_are_restored(stage: Stage) -> None:
    place = ("-n", stage.namespace)
    stage.say("suspend", "--object", "cm/one", *place, "--reason", "by hand for now")
    stage.recolour("one")
    stage.recolour("two")
    stage.await_event("decided", "one")
    stage.await_colour("two")
    stage.await_event("gone", "two")
    assert stage.colour("one") == "red"
    assert stage.decision("one").startswith("wait, by the rule suspended: the object is suspended")
    stage.say("resume", "--object", "configmap/one", *place)
    stage.await_colour("one")


def test_a_suspension_ends_by_itself_though_nothing_moves(stage: Stage) -> None:
    stage.say("suspend", "--for", "8s", "--reason", "a short one")
    stage.recolour("one")
    stage.await_event("decided", "one")
    assert "wait, by the rule suspended" in stage.decision("one")
    (said,) = stage.controller.history("--type", "suspended")
    stage.await_colour("one")
    stage.await_event("restored", "one")
    (restored,) = stage.controller.history("--type", "restored")
    (field,) = said["fields"]
    assert restored["time"] >= field["after"]


def test_a_suspension_outlives_the_process_that_heeds_it(stage: Stage) -> None:
    stage.say("suspend", "--reason", "load test")
    stage.controller.kill()
    stage.recolour("one")
    stage.controller.start()
    stage.controller.await_ready()
    stage.await_event("decided", "one")
    assert stage.colour("one") == "red"
    stage.say("resume")
    stage.await_colour("one")


def test_who_restores_by_hand_is_told_and_not_stopped(stage: Stage) -> None:
    stage.say("suspend", "--reason", "load test")
    stage.recolour("one")
    stage.await_event("decided", "one")
    code, text = stage.controller.call("restore", "--yes", "shop")
    assert code == 0, text
    assert "the target is suspended by" in text
    assert "a restore by hand is carried out all the same" in text
    assert stage.colour("one") == "blue"
    stage.await_event("gone", "one")
