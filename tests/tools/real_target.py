"""A repository and the real cluster that it declares, with Plumbline called in this process."""

import contextlib
import io
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.cli.main import main
from tests.benchmarks.workload import commit
from tests.tools.controlplane import ControlPlane

_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Ran:
    """What one call of Plumbline came to.

    Attributes:
        code: The exit code.
        stdout: The result.
        stderr: All else.
    """

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """Reads the result as JSON."""
        assert self.stdout, self.stderr
        document: dict[str, Any] = json.loads(self.stdout)
        return document

    @property
    def report(self) -> dict[str, Any]:
        """Reads the result as the one report that it holds."""
        document = self.document
        inner: dict[str, Any] = document.get("report", document)
        assert inner["schema"] == "plumbline.dev/report/v1"
        return inner

    @property
    def plan(self) -> dict[str, Any]:
        """Reads the result as that of a restore, and gives its plan."""
        plan: dict[str, Any] = self.document["plan"]
        return plan


@dataclass(frozen=True, slots=True)
class RealTarget:
    """A Git repository, the cluster, and what is kept about the two.

    Attributes:
        plane: The cluster.
        repo: The repository.
        home: Where cache and state are.
        namespaces: The namespaces that are looked through for unmanaged objects.
    """

    plane: ControlPlane
    repo: Path
    home: Path
    namespaces: tuple[str, ...] = ()

    def run(self, *words: str, kubeconfig: Path | None = None, scoped: bool = True) -> Ran:
        """Calls Plumbline.

        Args:
            words: The verb and its flags.
            kubeconfig: Another user's.
            scoped: Whether to look for unmanaged objects.
        """
        place = [each for name in self.namespaces if scoped for each in ("-n", name)]
        argv = [*words, "--repo", str(self.repo), *place]
        argv += ["--kubeconfig", str(kubeconfig or self.plane.kubeconfig)]
        argv += ["--cache-dir", str(self.home / "cache"), "--state-dir", str(self.home / "state")]
        stdout, stderr = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            try:
                code = main(argv)
            except SystemExit as exit_:
                code = int(exit_.code or 0)
        return Ran(code, stdout.getvalue(), stderr.getvalue())

    def check(self, *words: str, kubeconfig: Path | None = None) -> dict[str, Any]:
        """Gives the report of a check, whatever it found."""
        return self.run("check", "-o", "json", *words, kubeconfig=kubeconfig).report

    def restore(self, *words: str) -> dict[str, Any]:
        """Gives the report of a restore, whatever came of it."""
        return self.run("restore", "--yes", "-o", "json", *words).report

    def declare(self, name: str, text: str) -> None:
        """Writes a manifest and commits it; an empty text takes it away."""
        file = self.repo / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if text:
            file.write_text(text, encoding="utf-8")
        else:
            file.unlink()
        commit(self.repo)

    def apply(self, name: str) -> None:
        """Applies one declared file by kubectl."""
        place = ("-n", self.namespaces[0]) if self.namespaces else ()
        self.plane.kubectl("apply", "-f", str(self.repo / name), *place)

    def make(self, name: str, text: str) -> None:
        """Declares a manifest and applies it."""
        self.declare(name, text)
        self.apply(name)

    def patch(self, name: str, patch: object, manager: str = "by-hand") -> None:
        """Edits an object, such as `configmap/one`, by a merge patch under a field manager."""
        words = ("patch", *name.split("/"), "-n", self.namespaces[0], "--type=merge")
        self.plane.kubectl(*words, "-p", json.dumps(patch), f"--field-manager={manager}")

    def value(self, name: str, path: str) -> str:
        """Gives what the cluster holds at a JSON path of an object."""
        words = ("get", *name.split("/"), "-n", self.namespaces[0], "-o", f"jsonpath={{{path}}}")
        return self.plane.kubectl(*words).stdout

    def colour(self, name: str = "one") -> str:
        """Gives the colour that a ConfigMap has; no program is started, so it may be polled."""
        path = f"/api/v1/namespaces/{self.namespaces[0]}/configmaps/{name}"
        return str(self.plane.object_at(path).get("data", {}).get("colour", ""))

    def await_right(self, user: str, verb: str, resource: str) -> Path:
        """Waits until a user may do something in the first namespace; gives its kubeconfig."""
        words = ("auth", "can-i", verb, resource, "-n", self.namespaces[0])
        deadline = time.monotonic() + _PATIENCE
        # The authorizer reads bindings from a cache that follows a moment later.
        while self.plane.kubectl(*words, user=user, check=False).stdout.strip() != "yes":
            assert time.monotonic() < deadline, f"{user} may not {verb} {resource}"
        return self.plane.user_kubeconfig(user)

    def kept_files(self) -> Iterator[Path]:
        """Gives everything that Plumbline keeps."""
        yield from (each for each in self.home.rglob("*") if each.is_file())
