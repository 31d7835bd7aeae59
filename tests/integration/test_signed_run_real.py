"""`plumbline run` with `source.verify`: real keys, a real git server, the real API server."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.sources.conftest import Repository
from tests.integration.sources.servers import git_daemon
from tests.integration.sources.test_verified import Signer
from tests.integration.sources.test_verified import people as people  # the fixture
from tests.tools.ages import Age, keep_key
from tests.tools.controlplane import ControlPlane
from tests.tools.receiving import Receiver, receiving
from tests.tools.running import Controller, until

pytestmark = pytest.mark.xdist_group("run-real")

_COLOUR = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {colour: %s}\n"
_WORD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: sealed}\ndata: {word: battery-%s}\n"


@dataclass(frozen=True, slots=True)
class Signed:
    """A branch on a git server, of which signed commits alone are restored from.

    Attributes:
        plane: The cluster.
        namespace: Where the target is.
        work: A clone from which people push.
        age: By what one file is encrypted.
        controller: Runs.
        receiver: Gets the notices.
    """

    plane: ControlPlane
    namespace: str
    work: Repository
    age: Age
    controller: Controller
    receiver: Receiver

    def push(self, colour: str, signer: Signer | None, *, word: str = "staple-91") -> str:
        """Commits and pushes, by force; gives the commit."""
        self.work.write("one.yaml", _COLOUR % colour)
        sealed = self.age.encrypted("s.yaml", _WORD % word, "--encrypted-regex", "^data$")
        self.work.write("s.yaml", sealed)
        self.work.git("add", "-A")
        how = [*signer.settings, "commit", "-S"] if signer else ["commit"]
        self.work.git(*how, "-q", "-m", colour)
        self.work.git("push", "-q", "--force", "origin", "HEAD:main")
        return self.work.git("rev-parse", "HEAD")

    def colour(self, name: str = "one", field: str = "colour") -> str:
        path = f"/api/v1/namespaces/{self.namespace}/configmaps/{name}"
        return str(self.plane.object_at(path).get("data", {}).get(field, ""))

    def recolour(self, colour: str) -> None:
        words = ("patch", "configmap", "one", "-n", self.namespace, "--type=merge")
        self.plane.kubectl(*words, "-p", json.dumps({"data": {"colour": colour}}))

    def await_colour(self, colour: str) -> None:
        until(lambda: self.colour() == colour, lambda: f"{colour}; {self.controller.log}")

    def await_refusal(self, commit: str, why: str) -> None:
        """Waits until the log, the metrics and people have been told of a commit."""

        def is_told() -> bool:
            told = [json.loads(body) for body, _ in self.receiver.bodies]
            texts = [json.dumps(each) for each in told]
            return any(commit[:12] in text and why in text for text in texts)

        until(is_told, lambda: f"{commit} is told of; {self.controller.log}")
        until(lambda: self.controller.metric("plumbline_commit_refused") == 1, "counted")
        assert commit in self.controller.log


@pytest.fixture
def signed(
    control_plane: ControlPlane, sops_path: Path, people: dict[str, Signer], tmp_path: Path
) -> Iterator[Signed]:
    namespace = f"test-{uuid.uuid4().hex[:12]}"
    control_plane.create_namespace(namespace)
    bare = Repository(tmp_path / "served" / "shop.git")
    bare.folder.mkdir(parents=True)
    bare.git("init", "-q", "--bare", "-b", "main")
    work = Repository(tmp_path / "work")
    work.folder.mkdir()
    work.git("init", "-q", "-b", "main")
    work.git("remote", "add", "origin", str(bare.folder))
    age = keep_key(sops_path, tmp_path / "key.txt")
    keys = [str(people[name].public) for name in ("ann", "ben")]
    with receiving() as receiver, git_daemon(bare.folder.parent) as url:
        source = {
            "repo": f"{url}/shop.git",
            "ref": "main",
            "verify": {"keys": keys},
            "decrypt": {"provider": "sops", "age_key_file": str(age.file)},
        }
        target = {"name": "shop", "source": source, "namespace": namespace, "mode": "restore"}
        more = {
            "schedule": {"interval": "1s", "jitter": "0s"},
            "programs": {"sops": str(sops_path)},
            "notify": {"webhook": {"url": f"http://127.0.0.1:{receiver.port}/"}},
        }
        kubeconfig = control_plane.kubeconfig
        controller = Controller(tmp_path / "controller", kubeconfig, [target], more)
        yield Signed(control_plane, namespace, work, age, controller, receiver)
        controller.kill()
    control_plane.delete_namespace(namespace)


def test_only_signed_commits_that_go_forward_are_restored_from(
    signed: Signed, people: dict[str, Signer]
) -> None:
    first = signed.push("blue", people["ann"])
    with signed.controller as controller:
        controller.await_ready()
        signed.await_colour("blue")
        second = signed.push("green", people["ben"], word="horse-91")
        signed.await_colour("green")
        until(lambda: signed.colour("sealed", "word") == "battery-horse-91", "decrypted")
        assert controller.metric("plumbline_commit_refused") == 0

        # Nobody signed it, and an edit meanwhile is neither undone nor overwritten.
        unsigned = signed.push("black", None)
        signed.await_refusal(unsigned, "it isn't signed")
        signed.recolour("red")
        failed = controller.cycles("failed")
        until(lambda: controller.cycles("failed") > failed + 1, "looked at again")
        assert signed.colour() == "red"
        code, said = controller.call("doctor")
        assert code != 0
        assert f"commit {unsigned} is refused: it isn't signed" in " ".join(said.split())

        # Signed, but the branch was set back to before what was accepted last.
        signed.work.git("reset", "-q", "--hard", first)
        back = signed.push("grey", people["ann"])
        signed.await_refusal(back, f"it doesn't descend from {second}")
        assert signed.colour() == "red"

        # By a key that isn't allowed.
        signed.work.git("reset", "-q", "--hard", second)
        stranger = signed.push("pink", people["eve"])
        signed.await_refusal(stranger, "a key that isn't allowed")
        assert signed.colour() == "red"

        signed.work.git("reset", "-q", "--hard", second)
        signed.push("white", people["ann"], word="eggs-91")
        signed.await_colour("white")
        until(lambda: controller.metric("plumbline_commit_refused") == 0, "accepted again")
        until(lambda: _standing(controller) == [], "nothing is refused any more")
        assert controller.terminate() == 0
    events = controller.history()
    refused = [event for event in events if event["resource"]["kind"] == "Commit"]
    assert [event["type"] for event in refused].count("seen") == 3
    controller.assert_sound()
    _assert_unshown(signed)


def _standing(controller: Controller) -> list[str]:
    """Gives the commits that are refused still, as the history has it."""
    standing: list[str] = []
    for event in controller.history():
        if event["resource"]["kind"] == "Commit":
            name = event["resource"]["name"]
            standing = [*standing, name] if event["type"] == "seen" else standing
            standing = [each for each in standing if event["type"] != "gone" or each != name]
    return standing


def _assert_unshown(signed: Signed) -> None:
    """What came encrypted is in no log, no notice, and in nothing that is kept."""
    kept = b"".join(each.read_bytes() for each in signed.controller.home.rglob("*")
                    if each.is_file())  # fmt: skip
    told = b"".join(body for body, _ in signed.receiver.bodies)
    assert signed.receiver.bodies
    for word in (b"staple-91", b"horse-91", b"eggs-91"):
        assert word not in kept + told
