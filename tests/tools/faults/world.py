"""One target with faults on all sides: its API server, its repository, its controller."""

import contextlib
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tests.integration.sources.servers import HttpBackend
from tests.tools.controlplane import ControlPlane
from tests.tools.faults.forked import Nursery, QuickController
from tests.tools.faults.hand import Hand, upstream_of
from tests.tools.faults.proxy import FaultProxy, Upstream
from tests.tools.running import until

#: Looked at each second: what a fault has spoilt is looked at again soon.
SCHEDULE = {"interval": "1s", "jitter": "0s"}


@dataclass(frozen=True, slots=True)
class Declared:
    """What Git said from a moment on.

    Attributes:
        revision: The commit.
        at: When.
        colours: The colour of each ConfigMap.
    """

    revision: str
    at: datetime
    colours: Mapping[str, str]


class Ground:
    """What worlds have in common; no dataclass, so that no message shows all that is in it.

    Attributes:
        plane: The API server, with its audit log on.
        audit: The log.
        nursery: Where controllers come from.
    """

    def __init__(self, plane: ControlPlane, audit: Path, nursery: Nursery) -> None:
        self.plane = plane
        self.audit = audit
        self.nursery = nursery


@dataclass(eq=False)
class World:
    """A namespace, a repository, a controller, and a proxy before each server.

    Attributes:
        ground: What it stands on.
        folder: Where its files are.
        namespace: Its namespace.
        user: Whom Plumbline is taken for by the API server.
        api: The proxy before the API server.
        git: The proxy before the Git server.
        hand: Edits what is live.
        settings: Further ones of the controller.
        declared: What Git said, and when.
    """

    ground: Ground
    folder: Path
    namespace: str
    user: str
    api: FaultProxy
    git: FaultProxy
    hand: Hand
    settings: Mapping[str, Any]
    declared: list[Declared] = field(default_factory=list)
    controllers: dict[str, QuickController] = field(default_factory=dict)

    @property
    def repo(self) -> Path:
        """The repository's work tree."""
        return self.folder / "repo"

    @property
    def colours(self) -> Mapping[str, str]:
        """What Git says now."""
        return self.declared[-1].colours

    @property
    def controller(self) -> QuickController:
        """The one controller."""
        return self.replica("controller")

    def replica(
        self, name: str, api: FaultProxy | None = None, prelude: str = ""
    ) -> QuickController:
        """Gives a controller, made if it isn't there; not started."""
        if name not in self.controllers:
            target = {
                "name": "shop",
                "source": {"repo": f"{self.git.url}/repo", "ref": "main"},
                "namespace": self.namespace,
                "scope": {"namespaces": [self.namespace]},
                "mode": "restore",
                "prune": True,
            }
            home = self.folder / name
            home.mkdir()
            config = kubeconfig(home / "kubeconfig", (api or self.api).url)
            more = {"schedule": SCHEDULE, **self.settings}
            self.controllers[name] = QuickController(
                home, config, [target], more, prelude, nursery=self.ground.nursery
            )
        return self.controllers[name]

    def declare(self, colours: Mapping[str, str]) -> None:
        """Commits these ConfigMaps, and no others."""
        self.repo.mkdir(exist_ok=True)
        documents = [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": name},
                "data": {"colour": colour},
            }
            for name, colour in colours.items()
        ]
        text = yaml.safe_dump_all(documents, sort_keys=False)
        (self.repo / "all.yaml").write_text(text, encoding="utf-8")
        if not self.declared:
            self.run_git("init", "--quiet", "--initial-branch=main")
        self.run_git("add", "--all")
        self.run_git("commit", "--quiet", "--allow-empty", "--message=as declared")
        revision = self.run_git("rev-parse", "HEAD")
        self.declared.append(Declared(revision, datetime.now(UTC), dict(colours)))

    def run_git(self, *words: str) -> str:
        """Runs git in the repository."""
        identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.dev")
        command = ["git", *identity, "-c", "commit.gpgsign=false", *words]
        done = subprocess.run(command, cwd=self.repo, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def heal(self) -> None:
        """Ends all faults."""
        self.api.heal()
        self.git.heal()

    def await_converged(self) -> None:
        """Waits until live is what Git says, and the history has told of everything."""
        until(
            lambda: self.hand.colours() == self.colours,
            lambda: f"live is as declared; {self.why()}",
        )
        until(lambda: not self.left_open(), lambda: f"complete; {self.why()}")

    def left_open(self) -> set[str]:
        """Gives the drifts whose story isn't at its end."""
        last: dict[str, str] = {}
        for event in self.history():
            if event.get("drift"):
                last[event["drift"]] = event["type"]
        return {drift for drift, type_ in last.items() if type_ != "gone"}

    def history(self) -> list[dict[str, Any]]:
        """Gives what the controller remembers, the oldest first."""
        name = next(iter(self.controllers))
        if not (self.folder / name / "state" / "history.db").exists():
            return []
        return self.controllers[name].history()

    def why(self) -> str:
        """Gives the controllers' last words, for a message of failure."""
        logs = (self.folder / name / "log" for name in self.controllers)
        return "\n".join(log.read_text()[-3000:] for log in logs if log.exists())


@contextmanager
def world(ground: Ground, folder: Path, objects: int, **settings: Any) -> Iterator[World]:
    """Makes a world with so many ConfigMaps, declared and live: `c0`, `c1`, ….

    Args:
        ground: What it stands on.
        folder: Where its files go; they are gone afterwards.
        objects: How many.
        settings: Further ones of the controller, by section.
    """
    namespace = f"faults-{uuid.uuid4().hex[:10]}"
    folder.mkdir(parents=True)
    ground.plane.create_namespace(namespace)
    plane, user = ground.plane, f"plumbline-{namespace}"
    ours = upstream_of(plane.user_kubeconfig(user, ["system:masters"]))
    theirs = upstream_of(plane.user_kubeconfig("editor", ["system:masters"]))
    with ExitStack() as stack:
        backend = stack.enter_context(HttpBackend(folder))
        port = int(backend.host.rpartition(":")[2])
        made = World(
            ground,
            folder,
            namespace,
            user,
            stack.enter_context(FaultProxy(ours)),
            stack.enter_context(FaultProxy(Upstream(port))),
            Hand(theirs, namespace),
            settings,
        )
        colours = {f"c{number}": f"blue-{number}" for number in range(objects)}
        made.declare(colours)
        for name, colour in colours.items():
            made.hand.make(name, colour)
        stack.callback(plane.delete_namespace, namespace)
        try:
            yield made
        finally:
            for each in made.controllers.values():
                each.kill()
    with contextlib.suppress(OSError):
        shutil.rmtree(folder)


def kubeconfig(path: Path, url: str) -> Path:
    """Writes a kubeconfig without credentials."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "faults", "cluster": {"server": url}}],
        "users": [{"name": "nobody", "user": {}}],
        "contexts": [{"name": "faults", "context": {"cluster": "faults", "user": "nobody"}}],
        "current-context": "faults",
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path
