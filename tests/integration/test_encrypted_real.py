"""Encrypted manifests against the real API server: compared, restored, and shown to nobody."""

import contextlib
import io
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from reconciler.cli.main import main
from tests.benchmarks.workload import commit
from tests.tools.ages import Age, keep_key
from tests.tools.controlplane.plane import ControlPlane
from tests.tools.real_target import Ran, RealTarget

MANIFESTS = """\
apiVersion: v1
kind: Secret
metadata: {name: db, labels: {team: payments}}
stringData: {password: correct-horse-81}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {greeting: battery-staple-81, level: dozen-eggs-81}
"""
PLAIN = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\ndata: {colour: blue}\n"

#: What is declared, what somebody put there by hand, and what each is in base64.
NEVER_SHOWN = (
    "correct-horse-81",
    "battery-staple-81",
    "dozen-eggs-81",
    "by-hand-one-82",
    "by-hand-two-82",
    "by-hand-three-82",
    "Y29ycmVjdC1ob3JzZS04MQ==",
    "YnktaGFuZC10aHJlZS04Mg==",
)
FORMATS = ("text", "markdown", "sarif", "junit", "html")


@dataclass(frozen=True, slots=True)
class Encrypted:
    """A target of which one file is encrypted.

    Attributes:
        target: Repository and cluster.
        age: What it is encrypted by.
        config: The configuration file.
    """

    target: RealTarget
    age: Age
    config: Path

    def declare(self, manifests: str) -> None:
        """Encrypts them and commits that."""
        regex = ("--encrypted-regex", "^(data|stringData)$")
        file = self.target.repo / "db.yaml"
        file.write_bytes(self.age.encrypted("db.yaml", manifests, *regex))
        commit(self.target.repo)

    def run(self, *words: str) -> Ran:
        """Calls Plumbline with the configuration file; nothing that it says shows a value."""
        stdout, stderr = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            try:
                code = main([*words, "--config", str(self.config)])
            except SystemExit as exit_:
                code = int(exit_.code or 0)
        ran = Ran(code, stdout.getvalue(), stderr.getvalue())
        said = ran.stdout + ran.stderr
        assert not [each for each in NEVER_SHOWN if each in said], words
        return ran

    def drift(self) -> None:
        """Edits all that there is by hand."""
        data = {"greeting": "by-hand-one-82", "added": "by-hand-two-82"}
        self.target.patch("configmap/settings", {"data": data})
        labels = {"labels": {"team": "other"}}
        three = {"stringData": {"password": "by-hand-three-82"}, "metadata": labels}
        self.target.patch("secret/db", three)
        self.target.patch("configmap/plain", {"data": {"colour": "red"}})


@pytest.fixture
def encrypted(control_plane: ControlPlane, sops_path: Path, tmp_path: Path) -> Iterator[Encrypted]:
    namespace = f"test-{uuid.uuid4().hex[:12]}"
    control_plane.create_namespace(namespace)
    target = RealTarget(control_plane, tmp_path / "repo", tmp_path / "home", (namespace,))
    target.make("plain.yaml", PLAIN)
    target.make("db.yaml", MANIFESTS)
    age = keep_key(sops_path, tmp_path / "key.txt")
    made = Encrypted(target, age, configured(target, age, tmp_path))
    made.declare(MANIFESTS)
    yield made
    control_plane.delete_namespace(namespace)


def configured(target: RealTarget, age: Age, folder: Path) -> Path:
    config = folder / "plumbline.yaml"
    (namespace,) = target.namespaces
    source = {
        "repo": str(target.repo),
        "decrypt": {"provider": "sops", "age_key_file": "key.txt"},
    }
    shop = {"name": "shop", "source": source, "namespace": namespace}
    settings = {
        "targets": [{**shop, "scope": {"namespaces": [namespace]}, "prune": True}],
        "programs": {"sops": str(age.sops)},
        "cluster": {"kubeconfig": str(target.plane.kubeconfig)},
        "cache_dir": str(target.home / "cache"),
        "state_dir": str(target.home / "state"),
    }
    config.write_text(yaml.safe_dump(settings))
    return config


def test_encrypted_manifests_are_compared_and_restored_and_shown_to_nobody(
    encrypted: Encrypted,
) -> None:
    target = encrypted.target
    assert encrypted.run("check").code == 0
    encrypted.drift()
    for form in FORMATS:
        ran = encrypted.run("check", "-o", form)
        assert ran.code == 1, ran.stderr
    report = encrypted.run("check", "-o", "json").report
    changes = {
        (drift["resource"]["name"], change["path"]): (change["desired"], change["live"])
        for drift in report["drifts"]
        for change in drift["changes"]
    }
    assert changes == {
        ("settings", "data.greeting"): ("***", "***"),
        ("settings", "data.added"): (None, "***"),
        ("db", "data.password"): ("***", "***"),
        ("db", "metadata.labels.team"): ("payments", "other"),
        ("plain", "data.colour"): ("blue", "red"),
    }
    for form in ("text", "json"):
        assert encrypted.run("explain", "ConfigMap/settings", "-o", form).code == 1

    adopted = encrypted.run("propose", "--mode", "adopt", "--dry-run")
    assert "db.yaml is encrypted by sops, and is never edited" in " ".join(adopted.stdout.split())
    assert "plain.yaml" in adopted.stdout

    assert encrypted.run("restore", "--dry-run").code == 1
    restored = encrypted.run("restore", "--yes")
    assert restored.code == 0, restored.stderr
    assert target.value("configmap/settings", ".data.greeting") == "battery-staple-81"
    assert target.value("configmap/settings", ".data.added") == ""
    target.plane.kubectl("delete", "configmap", "settings", "-n", target.namespaces[0])
    assert encrypted.run("restore", "--yes", "-o", "json").code == 0
    assert target.value("configmap/settings", ".data.level") == "dozen-eggs-81"

    # Git gives up what it had encrypted: nobody knows any more that it was, and it is masked yet.
    encrypted.declare(MANIFESTS.partition("---\n")[0])
    target.patch("secret/db", {"metadata": {"labels": {"team": "payments"}}})
    pruned = encrypted.run("restore", "--yes", "--prune", "-o", "json")
    assert pruned.code == 0, pruned.stderr
    kept = b"".join(each.read_bytes() for each in target.kept_files())
    assert not [each for each in NEVER_SHOWN if each.encode() in kept]


def test_what_cant_be_decrypted_is_neither_compared_nor_restored(encrypted: Encrypted) -> None:
    encrypted.drift()
    file = encrypted.target.repo / "db.yaml"
    file.write_text(file.read_text().replace("team: payments", "team: thieves"))
    commit(encrypted.target.repo)
    for words in (("check",), ("restore", "--yes")):
        ran = encrypted.run(*words)
        assert ran.code >= 2
        assert "db.yaml" in ran.stderr
        assert "MAC doesn't match" in ran.stderr
    assert encrypted.target.value("configmap/plain", ".data.colour") == "red"
    assert encrypted.target.value("secret/db", ".metadata.labels.team") == "other"
