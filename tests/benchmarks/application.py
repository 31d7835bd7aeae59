"""A folder of manifests, put into a cluster by kubectl as people do it."""

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.tools.controlplane import ControlPlane

KINDS = Path(__file__).resolve().parent.parent / "testdata" / "kinds"
"""A made-up application that holds an object of every kind that people run."""

SERVER_SIDE = ("--server-side", "--field-manager=kubectl", "--force-conflicts")
"""How kubectl applies on the server's side, whoever wrote before."""

_SUFFIXES = (".yaml", ".yml", ".json")
_FIRST = re.compile(r"""^["']?kind["']?:\s*["']?(?:Namespace|CustomResourceDefinition)\b""", re.M)
_KIND = re.compile(r"""^["']?kind["']?:\s*\S""", re.M)
_LONG = 900.0
_TRIES = 20


@dataclass(frozen=True, slots=True, order=True)
class ObjectName:
    """Which object, as a report names it."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, resource: Mapping[str, Any]) -> "ObjectName":
        """Reads it from a report's `resource`."""
        parts = (str(resource.get(each) or "") for each in ("apiVersion", "kind"))
        place = (str(resource.get(each) or "") for each in ("namespace", "name"))
        return cls(*parts, *place)

    @classmethod
    def of_live(cls, body: Mapping[str, Any]) -> "ObjectName":
        """Reads it from a live object."""
        return cls.of({**body["metadata"], "apiVersion": body["apiVersion"], "kind": body["kind"]})

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """The same whatever version of its group is spoken."""
        return self.api_version.rpartition("/")[0], self.kind, self.namespace, self.name

    @property
    def words(self) -> list[str]:
        """Gives the words by which kubectl knows it."""
        group, _, version = self.api_version.rpartition("/")
        place = ["-n", self.namespace] if self.namespace else []
        return [f"{self.kind}.{version}.{group}", self.name, *place]

    @property
    def diff_file(self) -> str:
        """Gives the name of the file in which `kubectl diff` writes it."""
        api = self.api_version.replace("/", ".")
        return f"{api}.{self.kind}.{self.namespace}.{self.name}".replace(":", "-")

    def __str__(self) -> str:
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {place}"


def copy_manifests(source: Path, target: Path, rename: Mapping[str, str] | None = None) -> None:
    """Copies a folder of manifests, with words replaced in them.

    Args:
        source: The folder.
        target: Where to; made.
        rename: Words to replace, such as a namespace by a fresh one.
    """
    shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git"))
    for file in manifest_files(target):
        text = file.read_text(encoding="utf-8")
        for old, new in (rename or {}).items():
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")


def manifest_files(folder: Path) -> list[Path]:
    """Gives the files that kubectl reads in a folder and below, in its order."""
    return sorted(each for each in folder.rglob("*") if each.suffix in _SUFFIXES)


def apply_folder(plane: ControlPlane, folder: Path, *words: str) -> list[str]:
    """Applies a folder: what others need first, and definitions waited for.

    Args:
        plane: The cluster.
        folder: The manifests.
        words: For `kubectl apply`.

    Returns:
        What kubectl said of objects that it couldn't apply; empty if all went well.
    """
    documents = list(_documents(folder))
    first = [text for text in documents if _FIRST.search(text)]
    rest = [text for text in documents if not _FIRST.search(text)]
    # A large definition doesn't fit into the annotation that a client-side apply writes.
    said = _apply(plane, first, *SERVER_SIDE)
    _await_definitions(plane)
    return said + _apply(plane, rest, *words)


def _await_definitions(plane: ControlPlane) -> None:
    if not plane.kubectl("get", "crd", "-o", "name").stdout.strip():
        return
    words = ("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    # kubectl fails where a definition is so new that it has no conditions at all.
    for _ in range(_TRIES):
        if plane.kubectl(*words, check=False, timeout=70).returncode == 0:
            return
    plane.kubectl(*words, timeout=70)


def _apply(plane: ControlPlane, documents: Iterable[str], *words: str) -> list[str]:
    text = "\n---\n".join(documents)
    if not text:
        return []
    done = plane.kubectl("apply", *words, "-f", "-", input=text, check=False, timeout=_LONG)
    return [line for line in done.stderr.splitlines() if line and not line.startswith("Warning:")]


def live_objects(plane: ControlPlane, folder: Path) -> dict[ObjectName, dict[str, Any]]:
    """Gives the live object of every manifest in a folder that has one."""
    words = ("get", "-R", "-f", str(folder), "-o", "json", "--ignore-not-found")
    done = plane.kubectl(*words, "--show-managed-fields", check=False, timeout=_LONG)
    found = json.loads(done.stdout) if done.stdout.strip() else {"items": []}
    items = found.get("items", [found])
    return {ObjectName.of_live(body): body for body in items}


def live_object(plane: ControlPlane, name: ObjectName) -> dict[str, Any]:
    """Reads one live object.

    Raises:
        KubectlError: It isn't there.
    """
    body: dict[str, Any] = json.loads(plane.kubectl("get", *name.words, "-o", "json").stdout)
    return body


def _documents(folder: Path) -> Iterator[str]:
    for file in manifest_files(folder):
        for text in re.split(r"^---(?:[ \t].*)?$", file.read_text(encoding="utf-8"), flags=re.M):
            if file.suffix == ".json" or _KIND.search(text):
                yield text
