"""A Slack conversation with `plumbline run`, from drift to restore, on the real API server.

The controller is a process of its own. Slack's Web API and Socket Mode are the tests' own server;
what speaks to it, and checks its signatures, is Slack's own client.
"""

import json
import re
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.slack import APP, BOT, CHANNEL, SECRET, TEAM, Failure, FakeSlack
from tests.fakes.slack_server import envelope
from tests.fakes.websocket import WebSocket
from tests.integration.slack.pressing import post, press, signed
from tests.tools.controlplane import ControlPlane
from tests.tools.controlplane.servers import free_port
from tests.tools.real_target import RealTarget
from tests.tools.running import Controller, until

pytestmark = pytest.mark.xdist_group("slack-real")

_CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: NAME}
data: {colour: blue}
"""
#: One each for a test, so that one controller does for all of them.
_NAMES = ("socket", "http", "two", "stranger", "moved", "ignored", "forged", "outage", "killed")
_APPROVALS = {
    "people": [{"name": "jo", "identities": ["slack:U0JO", "jo@bastion"]}],
    "rules": [
        {"approvers": [f"slack:{CHANNEL}"], "name": "two", "needed": 2},
        {"approvers": ["jo"], "name": "stranger"},
        {"approvers": ["slack:S0ADMIN"]},
    ],
}


@dataclass
class Stage:
    """A controller over a real cluster, and the Slack that it tells and hears.

    Attributes:
        slack: Slack.
        target: The cluster and the repository.
        controller: The process.
        port: Where the controller hears Slack by HTTP.
    """

    slack: FakeSlack
    target: RealTarget
    controller: Controller
    port: int
    _socket: WebSocket | None = None
    _said: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def recolour(self, name: str, colour: str = "red") -> None:
        self.target.patch(f"configmap/{name}", {"data": {"colour": colour}}, "kubectl-edit")

    def colour(self, name: str) -> str:
        return self.target.value(f"configmap/{name}", ".data.colour")

    def messages(self, name: str) -> list[dict[str, Any]]:
        """Gives the messages, not the replies, about an object."""
        return [each for each in self.slack.posts if f"/{name}" in json.dumps(each["blocks"])]

    def await_message(self, name: str, holds: str) -> dict[str, Any]:
        """Waits for the one message about an object to hold something."""

        def is_there() -> bool:
            return any(holds in json.dumps(each["blocks"]) for each in self.messages(name))

        until(is_there, lambda: f"{holds} of {name}; {self.controller.log[-3000:]}")
        (message,) = self.messages(name)
        return message

    def await_colour(self, name: str, colour: str) -> None:
        until(lambda: self.colour(name) == colour, lambda: self.controller.log[-3000:])

    def described(self, name: str) -> str:
        words = ("describe", "configmap", name, "-n", self.target.namespaces[0])
        return self.target.plane.kubectl(*words).stdout

    def thread(self, name: str) -> str:
        (message,) = self.messages(name)
        replies = (r for r in self.slack.replies if r["thread_ts"] == message["ts"])
        return json.dumps([each["blocks"] for each in replies], ensure_ascii=False)

    def payload(self, value: str, user: str = "U0JO", **more: Any) -> dict[str, Any]:
        """Gives what Slack sends when somebody presses; each press is another one."""
        with self._lock:
            self._said += 1
            number = self._said
        person = {"id": user, "username": user.lower(), "team_id": TEAM}
        return press(self.slack, value, number, user=person, **more)

    def by_socket(self, payload: dict[str, Any]) -> None:
        if self._socket is None:
            self._socket = self.slack.server.connection()
        number = f"e-{payload['trigger_id']}"
        self._socket.send(envelope(number, payload))
        until(lambda: self.slack.server.acks.get(timeout=30) == number, "acknowledged")

    def by_http(self, payload: dict[str, Any], **how: Any) -> int:
        return post(self.port, *signed(payload, **{"at": datetime.now(UTC), **how}))

    def answer(self, payload: dict[str, Any]) -> str:
        """Gives what the person was told, alone."""
        way = payload["response_url"].rpartition("/")[2]
        until(lambda: way in dict(self.slack.answers), lambda: f"{self.slack.answers}")
        told = dict(self.slack.answers)[way]
        return json.dumps(told, ensure_ascii=False)

    def verdicts(self, name: str) -> list[tuple[str, str]]:
        events = self.controller.history("--object", f"ConfigMap/{name}")
        words = ("approved", "rejected", "suspended")
        return [(each["type"], each["actor"]) for each in events if each["type"] in words]


def button(message: dict[str, Any], name: str) -> str:
    """Gives the value of a message's button, or of a menu's choice, as Slack sends it back."""
    for block in message["blocks"]:
        for element in block.get("elements", ()):
            for each in (element, *element.get("options", ())):
                if each.get("text", {}) and name in str(each["text"]) and "value" in each:
                    return str(each["value"])
    raise AssertionError(f"no {name} in {message['blocks']}")


@pytest.fixture(scope="module")
def stage(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("slack")
    namespace = f"test-{uuid.uuid4().hex[:12]}"
    control_plane.create_namespace(namespace)
    target = RealTarget(control_plane, folder / "repo", folder / "home", (namespace,))
    text = "---\n".join(_CONFIG.replace("NAME", name) for name in _NAMES)
    target.make("all.yaml", text)
    for name, secret in (("bot", BOT), ("app", APP), ("secret", SECRET)):
        (folder / name).write_text(f"{secret}\n")
    port = free_port()
    with FakeSlack(int(time.time())) as slack:
        slack.users |= {"U0ANN": {"id": "U0ANN", "name": "ann", "real_name": "Ann"}}
        slack.usergroups["S0ADMIN"] = ["U0JO", "U0ANN"]
        wanted = {
            "name": "shop",
            "source": {"repo": str(target.repo)},
            "namespace": namespace,
            "scope": {"namespaces": [namespace]},
            "mode": "approve",
        }
        more = {
            "schedule": {"interval": "2s", "jitter": "0s"},
            "approvals": _APPROVALS,
            "notify": {"slack": _slack(folder, slack, port), "events": True},
        }
        kubeconfig = control_plane.user_kubeconfig("plumbline", ["system:masters"])
        with Controller(folder / "controller", kubeconfig, [wanted], more) as controller:
            controller.await_ready()
            yield Stage(slack, target, controller, port)
            # Whatever happened: nobody who reads the log learns a secret.
            assert not any(secret in controller.log for secret in (BOT, APP, SECRET))
    control_plane.kubectl("delete", "namespace", namespace, "--wait=false")


def _slack(folder: Path, slack: FakeSlack, port: int) -> dict[str, Any]:
    return {
        "token_file": str(folder / "bot"),
        "channel": CHANNEL,
        "app_token_file": str(folder / "app"),
        "signing_secret_file": str(folder / "secret"),
        "address": f"127.0.0.1:{port}",
        "url": slack.url,
    }


@pytest.mark.parametrize("door", ["socket", "http"])
def test_from_drift_to_restore(stage: Stage, door: str) -> None:
    stage.recolour(door)
    message = stage.await_message(door, "Waits for a person")
    assert "kubectl-edit" in json.dumps(message["blocks"])
    pressed = stage.payload(button(message, "Restore"))
    if door == "socket":
        stage.by_socket(pressed)
    else:
        assert stage.by_http(pressed) == 200
    assert "is approved by Jo Doe (slack:U0JO)" in stage.answer(pressed)
    stage.await_colour(door, "blue")
    message = stage.await_message(door, "is restored")
    assert "Restore" not in json.dumps([b for b in message["blocks"] if b["type"] == "actions"])
    until(lambda: "Restored" in stage.thread(door), lambda: stage.thread(door))
    assert "Approved" in stage.thread(door)
    assert stage.verdicts(door) == [("approved", "Jo Doe (slack:U0JO)")]
    # Whoever looks at the object learns of it, too.
    until(lambda: "DriftRestored" in stage.described(door), lambda: stage.described(door))


def test_two_must_agree_and_neither_counts_twice(stage: Stage) -> None:
    stage.recolour("two")
    value = button(stage.await_message("two", "Waits for a person"), "Restore")
    first, again = stage.payload(value), stage.payload(value)
    assert stage.by_http(first) == 200
    assert "1 of 2 who must say yes" in stage.answer(first)
    assert stage.by_http(again) == 200
    assert "1 of 2 who must say yes" in stage.answer(again)
    assert stage.colour("two") == "red"
    # Both of them at the same time now: one write comes of it.
    last = [stage.payload(value, user) for user in ("U0ANN", "U0JO")]
    both = [threading.Thread(target=stage.by_http, args=(each,)) for each in last]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    stage.await_colour("two", "blue")
    stage.await_message("two", "is restored")
    assert stage.controller.lives("two").count("restored") == 1


def test_who_may_not_is_told_so_and_nothing_happens(stage: Stage) -> None:
    stage.recolour("stranger")
    value = button(stage.await_message("stranger", "Waits for a person"), "Restore")
    ann = stage.payload(value, "U0ANN")
    assert stage.by_http(ann) == 200
    assert "may not say yes to ConfigMap" in stage.answer(ann)
    elsewhere = stage.payload(value, team={"id": "T0OTHER"})
    assert stage.by_http(elsewhere) == 200
    assert "Only people of this workspace" in stage.answer(elsewhere)
    ignoring = stage.payload(value.replace("approve", "explain"), "U0ANN")
    assert stage.by_http(ignoring) == 200
    assert "data.colour" in stage.answer(ignoring) or "colour" in stage.answer(ignoring)
    adopting = stage.payload(value.replace("approve", "adopt"), "U0ANN")
    assert stage.by_http(adopting) == 200
    assert "no forge is configured" in stage.answer(adopting)
    assert stage.verdicts("stranger") == []
    assert stage.colour("stranger") == "red"


def test_a_yes_to_a_plan_that_has_moved_is_for_nothing(stage: Stage) -> None:
    stage.recolour("moved")
    value = button(stage.await_message("moved", "Waits for a person"), "Restore")
    stage.recolour("moved", "green")
    stage.await_message("moved", "green")
    pressed = stage.payload(value)
    assert stage.by_http(pressed) == 200
    assert "the cluster or Git has moved since" in stage.answer(pressed)
    assert (stage.verdicts("moved"), stage.colour("moved")) == ([], "green")


def test_what_is_ignored_is_left_alone_until_it_ends(stage: Stage) -> None:
    stage.recolour("ignored")
    message = stage.await_message("ignored", "Waits for a person")
    pressed = stage.payload(button(message, "for 1 hour"))
    assert stage.by_http(pressed) == 200
    assert re.search(r"ConfigMap \S+/ignored is left alone until \d{4}-", stage.answer(pressed))
    stage.await_message("ignored", "suspended by Jo Doe")
    assert stage.verdicts("ignored") == [("suspended", "Jo Doe (slack:U0JO)")]
    code, text = stage.controller.call("suspend", "--list")
    assert code == 1
    assert "Jo Doe" in text


def test_what_slack_did_not_send_is_not_heard(stage: Stage) -> None:
    stage.recolour("forged")
    value = button(stage.await_message("forged", "Waits for a person"), "Restore")
    heard = stage.controller.metric("plumbline_slack_presses_total", result="heeded")
    old = datetime.now(UTC) - timedelta(minutes=6)
    assert stage.by_http(stage.payload(value), secret="another") == 401
    assert stage.by_http(stage.payload(value), at=old) == 401
    body, proof = signed(stage.payload(value), at=datetime.now(UTC))
    assert post(stage.port, body.replace(b"U0JO", b"U0AN"), proof) == 401
    assert post(stage.port, body, {}) == 401
    refused = stage.controller.metric("plumbline_slack_presses_total", result="refused")
    assert refused == 4
    assert stage.controller.metric("plumbline_slack_presses_total", result="heeded") == heard
    assert (stage.verdicts("forged"), stage.colour("forged")) == ([], "red")


def test_an_outage_holds_nothing_up_and_loses_nothing(stage: Stage) -> None:
    cycles = stage.controller.cycles("done")
    busy = Failure(status=429, headers={"Retry-After": "1"})
    stage.slack.fail("chat.postMessage", busy, Failure(status=503), Failure(error="fatal_error"))
    stage.recolour("outage")
    until(lambda: "people could not be told" in stage.controller.log, "a failure is logged")
    until(lambda: stage.controller.cycles("done") > cycles, "cycles go on")
    stage.await_message("outage", "Waits for a person")


def test_killed_in_the_middle_of_telling_it_tells_once(stage: Stage) -> None:
    # Slack has the message, and the process ends before it knows.
    stage.slack.fail("chat.postMessage", Failure(status=500, done=True))
    stage.recolour("killed")
    until(lambda: len(stage.messages("killed")) == 1, "it is posted")
    updates = len(stage.slack.made("chat.update"))
    stage.controller.kill()
    stage.controller.start()
    stage.controller.await_ready()
    value = button(stage.await_message("killed", "Waits for a person"), "Restore")
    until(lambda: len(stage.slack.made("chat.update")) > updates, "it is taken up again")
    assert len(stage.messages("killed")) == 1
    pressed = stage.payload(value)
    until(lambda: stage.by_http(pressed) == 200, "it hears again")
    stage.await_colour("killed", "blue")
    stage.await_message("killed", "is restored")
    assert len(stage.messages("killed")) == 1
