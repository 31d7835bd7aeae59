"""What is live adopted by a pull request on a real Gitea, from a real cluster, and its ends."""

import contextlib
import io
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import main
from tests.benchmarks.workload import commit
from tests.tools.controlplane import ControlPlane
from tests.tools.gitea.hosted import Hosted
from tests.tools.gitea.server import PASSWORD, Gitea
from tests.tools.real_target import Ran, RealTarget
from tests.tools.running import until

pytestmark = pytest.mark.xdist_group("gitea")

_SHOP = """\
# The shop, as it was agreed upon.
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}  # short
data:
  # seen by everybody
  colour: 'blue'   # our blue
  size: "10"
---
apiVersion: apps/v1
kind: Deployment
metadata:
    name: web
spec:
    selector: {matchLabels: {app: web}}
    template:
        metadata:
            labels: {app: web}
        spec:
            containers:
            # what people see
            - name: web
              image: registry.example/web:1   # pinned
              ports:
              - containerPort: 8080
---
apiVersion: v1
kind: Service
metadata:
    name: web
spec:
    selector: {app: web}
    ports:
    - port: 80
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules:
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list]
"""

_ADOPTED = """\
-  colour: 'blue'   # our blue
+  colour: 'red'   # our blue
-              image: registry.example/web:1   # pinned
+              image: registry.example/web:2   # pinned
+            - name: debug
+              image: busybox:1.36
+              ports:
+              - containerPort: 9000
+      name: http
+    - name: more
+      port: 81
-  verbs: [get, list]
+  verbs: [get, list, watch]
"""


@dataclass
class Office(Hosted):
    """A target whose repository is on the forge, and who proposes by command.

    Attributes:
        target: The cluster, and the work tree that is pushed from.
        token: The one that Plumbline has.
        home: Where the configuration and all that is kept are.
    """

    target: RealTarget
    token: str
    home: Path

    def configure(self, token: str = "", mode: str = "observe", **forge: str) -> None:
        """Writes the configuration, with whose token and which forge."""
        namespace = self.target.namespaces[0]
        host = self.gitea.url.removeprefix("http://")
        user = "plumbline-bot" if not token else "carl"
        (self.home / "token").write_text(token or self.token)
        (self.home / "git").write_text(f"http://{user}:{token or self.token}@{host}\n")
        url = f"{self.gitea.url}/ann/{self.name}.git"
        document = {
            "targets": [
                {
                    "name": "shop",
                    "source": {"repo": url, "ref": "main"},
                    "namespace": namespace,
                    "scope": {"namespaces": [namespace]},
                    "mode": mode,
                }
            ],
            "programs": {"credential_helper": f"store --file={self.home / 'git'}"},
            "forge": {
                "kind": "gitea",
                "url": self.gitea.url,
                "token_file": str(self.home / "token"),
                "name": "Plumbline",
                "email": "bot@example.dev",
                **forge,
            },
        }
        (self.home / "plumbline.yaml").write_text(json.dumps(document))

    def run(self, *words: str) -> Ran:
        places = ["--kubeconfig", str(self.target.plane.kubeconfig)]
        return self.call_plumbline(*words, *places, "--cache-dir", str(self.home / "cache"))

    def call_plumbline(self, *words: str) -> Ran:
        argv = [*words, "--config", str(self.home / "plumbline.yaml")]
        argv += ["--state-dir", str(self.home / "state")]
        stdout, stderr = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            code = main(argv)
        assert self.token not in stdout.getvalue() + stderr.getvalue()
        return Ran(code, stdout.getvalue(), stderr.getvalue())

    def adopt(self, *words: str) -> Ran:
        return self.run("propose", "--mode", "adopt", *words)

    def patch(self, name: str, patch: object, how: str = "strategic") -> None:
        """Edits an object by hand."""
        words = ("patch", *name.split("/"), "-n", self.target.namespaces[0], f"--type={how}")
        self.target.plane.kubectl(*words, "-p", json.dumps(patch))

    def await_mergeable(self, number: int, wanted: bool) -> None:
        """Waits until the forge knows whether a request conflicts."""
        until(
            lambda: self.call("GET", f"/pulls/{number}")["mergeable"] is wanted,
            f"mergeable: {wanted}",
        )

    def merge(self, number: int) -> None:
        self.call("POST", f"/pulls/{number}/merge", {"Do": "merge"}, "ben")

    def pull_of(self, ran: Ran) -> dict[str, Any]:
        """Gives the one open pull request, and sees that the command has told of it."""
        (pull,) = self.pulls()
        assert ran.document["pullRequest"] == pull["html_url"], ran
        return pull

    def diff(self, number: int) -> str:
        """Gives what the forge shows as changed: only the lines that differ."""
        url = f"{self.gitea.url}/ann/{self.name}.git"
        work = self.target.repo
        git(work, "fetch", "--quiet", self.remote(url), f"refs/pull/{number}/head")
        told = git(work, "diff", "--unified=0", "origin-main", "FETCH_HEAD")
        lines = (each for each in told.split("\n") if each[:1] in ("+", "-"))
        return "".join(f"{each}\n" for each in lines if not each.startswith(("+++", "---")))

    def remote(self, url: str) -> str:
        return url.replace("://", f"://ann:{PASSWORD}@")

    def push(self) -> None:
        """Pushes what the work tree holds to the main branch."""
        commit(self.target.repo)
        url = self.remote(f"{self.gitea.url}/ann/{self.name}.git")
        git(self.target.repo, "push", "--quiet", "--force", url, "HEAD:main")
        git(self.target.repo, "branch", "--force", "origin-main", "HEAD")


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def _user(gitea: Gitea, name: str) -> None:
    if not any(user["login"] == name for user in gitea.call("GET", "/admin/users")):
        gitea.add_user(name)


@pytest.fixture
def office(
    control_plane: ControlPlane, namespace: str, gitea: Gitea, tmp_path: Path
) -> Iterator[Office]:
    for name in ("ann", "ben"):
        _user(gitea, name)
    token = gitea.add_user(f"bot-{namespace}")
    name = f"adopt-{namespace}"
    gitea.add_repository("ann", name, "ben", f"bot-{namespace}")
    repo = tmp_path / "repo"
    repo.mkdir()
    target = RealTarget(control_plane, repo, tmp_path / "home", (namespace,))
    (repo / "shop.yaml").write_text(_SHOP)
    (tmp_path / "office").mkdir()
    made = Office(gitea, name, target, token, tmp_path / "office")
    made.push()
    target.apply("shop.yaml")
    made.configure()
    yield made


def edited(office: Office) -> None:
    """Edits all four objects by hand."""
    containers = [
        {"name": "web", "image": "registry.example/web:2"},
        {"name": "debug", "image": "busybox:1.36", "ports": [{"containerPort": 9000}]},
    ]
    more = {"name": "more", "port": 81}
    office.patch("configmap/settings", {"data": {"colour": "red"}})
    office.patch("deployment/web", {"spec": {"template": {"spec": {"containers": containers}}}})
    office.patch("service/web", {"spec": {"ports": [{"port": 80, "name": "http"}, more]}})
    rule = [{"op": "add", "path": "/rules/0/verbs/-", "value": "watch"}]
    office.patch("role/reader", rule, "json")


def test_it_is_opened_updated_rebased_and_merged(office: Office) -> None:
    assert office.run("check").code == 0
    edited(office)
    before = office.adopt("--dry-run")
    assert (before.code, office.pulls("all")) == (1, [])
    assert "-  colour: 'blue'   # our blue\n+  colour: 'red'   # our blue\n" in before.stdout

    ran = office.adopt("-o", "json")
    assert (ran.code, ran.document["left"]) == (0, [])
    pull = office.pull_of(ran)
    assert pull["title"] == "Adopt into shop: 4 objects as they are live"
    assert pull["head"]["ref"] == "plumbline/adopt/shop"
    assert "registry.example/web:2" in pull["body"]
    assert office.diff(pull["number"]) == _ADOPTED

    # Nothing moved: nothing is pushed. Something moved: the same one says so.
    assert office.pull_of(office.adopt("-o", "json"))["head"]["sha"] == pull["head"]["sha"]
    office.patch("configmap/settings", {"data": {"colour": "green"}})
    again = office.pull_of(office.adopt("-o", "json"))
    assert (again["number"], len(office.pulls("all"))) == (pull["number"], 1)
    assert "'green'   # our blue" in office.diff(pull["number"])

    # A commit that says otherwise in the same line is no conflict for long.
    file = office.target.repo / "shop.yaml"
    file.write_text(file.read_text().replace("'blue'   # our blue", "'black'  # mourning"))
    office.push()
    office.await_mergeable(pull["number"], False)
    rebased = office.pull_of(office.adopt("-o", "json"))
    assert rebased["number"] == pull["number"]
    office.await_mergeable(pull["number"], True)
    assert "+  colour: 'green'  # mourning" in office.diff(pull["number"])

    office.merge(pull["number"])
    assert office.run("check").code == 0
    done = office.adopt()
    assert (done.code, "Nothing to adopt" in done.stdout, office.pulls()) == (0, True, [])

    # The next drift has a request of its own; closing it is a no to that one alone.
    office.patch("configmap/settings", {"data": {"size": "11"}})
    (drift,) = office.run("check", "-o", "json").report["drifts"]
    second = office.pull_of(office.adopt("-o", "json", "--id", drift["id"]))
    assert second["number"] > pull["number"]
    office.call("PATCH", f"/pulls/{second['number']}", {"state": "closed"}, "ben")
    third = office.pull_of(office.adopt("-o", "json"))
    assert third["number"] > second["number"]
    # Once the drift is gone there is nothing to merge.
    office.patch("configmap/settings", {"data": {"size": "10"}})
    assert office.adopt().code == 0
    assert office.pulls() == []
    assert [each["name"] for each in office.call("GET", "/branches")] == ["main"]


def test_what_goes_wrong_is_told_and_doubles_nothing(office: Office) -> None:
    office.patch("configmap/settings", {"data": {"colour": "red"}})
    office.patch("configmap/settings", {"data": {"password": "hunter2"}})
    # The forge is away once the branch is there.
    office.configure(url="http://127.0.0.1:9")
    away = office.adopt()
    assert (away.code, office.pulls("all")) == (2, [])
    # A token that may read and not write.
    office.configure(token=office.gitea.add_user(f"carl-{office.name}"))
    refused = office.adopt()
    assert (refused.code, office.pulls("all")) == (2, [])
    assert "fix:" in refused.stderr
    office.configure()
    ran = office.adopt("-o", "json")
    pull = office.pull_of(ran)
    assert len(office.pulls("all")) == 1
    # A secret is left, and is nowhere.
    assert (ran.code, [each["path"] for each in ran.document["left"]]) == (1, ["data.password"])
    assert "hunter2" not in json.dumps(pull) + ran.stdout + ran.stderr
    unknown = office.adopt("--id", "d-000000000000")
    assert (unknown.code, "there is no drift" in unknown.stderr) == (2, True)


def test_a_restore_is_proposed_by_command_as_the_controller_does(office: Office) -> None:
    office.patch("configmap/settings", {"data": {"colour": "red"}})
    refused = office.run("propose", "--mode", "revert")
    assert (refused.code, "nobody would hear" in refused.stderr) == (2, True)
    office.configure(mode="propose")
    shown = office.run("propose", "--mode", "revert", "--dry-run", "-o", "json")
    assert (shown.code, office.pulls("all")) == (1, [])
    ran = office.run("propose", "--mode", "revert", "-o", "json")
    assert ran.code == 0, ran
    pull = office.pull_of(ran)
    assert pull["head"]["ref"] == "plumbline/revert/shop"
    assert ran.document["plan"]["digest"] in pull["body"]
    again = office.run("propose", "--mode", "revert", "-o", "json")
    assert (office.pull_of(again)["number"], again.document["told"]) == (pull["number"], None)
    # Beside it stands the one that adopts; each is about its own branch.
    assert office.adopt("-o", "json").code == 0
    assert len(office.pulls()) == 2
    office.merge(pull["number"])
    heard = office.run("propose", "--mode", "revert")
    assert "taken down" in heard.stdout
    said = office.call_plumbline("history", "-o", "json").document["events"]
    assert [each["actor"] for each in said if each["type"] == "approved"] == ["gitea:ben"]


def learned(office: Office, *paths: str) -> str:
    """Writes what was learned on a machine; gives the file."""
    write = [{"path": path, "reason": "learned: 3 files in 1 container"} for path in paths]
    window = {
        "node": "vm",
        "since": "2026-11-25T12:00:00Z",
        "until": "2026-11-25T13:00:00Z",
        "images": [
            {"image": "shop/web", "containers": ["shop/web/app"], "files": 3, "programs": 0}
        ],
        "left": [{"image": "shop/web", "path": "/opt/x", "why": "executable"}],
        "unknown": [],
    }
    file = office.home / "learned.json"
    document = {"profiles": [{"image": "shop/web", "write": write}], "learned": [window]}
    file.write_text(json.dumps(document))
    return str(file)


def test_learned_profiles_are_proposed_and_only_add(office: Office) -> None:
    def propose(file: str) -> Ran:
        return office.run("propose", "--mode", "profile", "--learned", file, "-o", "json")

    file = learned(office, "/var/lib/app/**")
    shown = office.run("propose", "--mode", "profile", "--learned", file, "--dry-run")
    assert (shown.code, office.pulls("all")) == (1, [])
    assert '+          "path": "/var/lib/app/**",' in shown.stdout
    ran = propose(file)
    assert ran.code == 0, ran
    pull = office.pull_of(ran)
    assert pull["title"] == "Profiles for shop: 1 place of 1 image"
    assert pull["head"]["ref"] == "plumbline/profiles/shop"
    for told in ("`shop/web`: 3 files, 0 programs in `shop/web/app`", "`/opt/x`: `executable`"):
        assert told in pull["body"]
    assert office.pull_of(propose(file))["head"]["sha"] == pull["head"]["sha"]

    # More is learned: the same request says so. It is merged, and nothing is left.
    more = office.pull_of(propose(learned(office, "/var/lib/app/**", "/srv/app/*")))
    assert (more["number"], len(office.pulls("all"))) == (pull["number"], 1)
    office.await_mergeable(pull["number"], True)
    office.merge(pull["number"])
    done = propose(file)
    assert (done.code, done.document["added"], office.pulls()) == (0, [], [])

    # What people wrote there stays; no renderer reads the file.
    git(office.target.repo, "pull", "--quiet", office.remote(
        f"{office.gitea.url}/ann/{office.name}.git"), "main")  # fmt: skip
    kept = office.target.repo / ".plumbline" / "profiles.json"
    kept.write_text(kept.read_text().replace("learned: 3 files in 1 container", "its index"))
    office.push()
    assert office.run("check").code == 0
    third = office.pull_of(propose(learned(office, "/data/**")))
    assert office.diff(third["number"]).count("its index") == 0
    assert '+          "path": "/data/**",' in office.diff(third["number"])
    # What isn't a file of profiles is not written over.
    kept.write_text('{"profiles": [{"image": "a", "wriet": []}]}')
    office.push()
    refused = propose(file)
    assert refused.code == 2
    assert ".plumbline/profiles.json in Git: profiles[0].'wriet' is no field" in refused.stderr
