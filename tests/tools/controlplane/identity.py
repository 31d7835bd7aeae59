"""The files by which the processes and clients of one control plane know each other."""

import base64
import datetime as dt
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.tools.controlplane.certificates import Authority, KeyPair, new_signing_key

SERVICE_ADDRESS = "10.96.0.1"
"""The address of Service `kubernetes`: the first of the service range."""

SERVICE_RANGE = "10.96.0.0/16"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where a certificate and its key lie."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Identity:
    """The certificate authority of a control plane, and the folder with what it signed."""

    folder: Path
    authority: Authority

    @classmethod
    def create(cls, folder: Path, now: dt.datetime, addresses: Sequence[str] = ()) -> "Identity":
        """Makes the authority and every certificate that the processes start with.

        Args:
            folder: Where they are written.
            now: The time.
            addresses: Further ones at which kube-apiserver is reached.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        identity = cls(folder, Authority("plumbline-test", now))
        issue = identity.authority.issue_server
        local = ["localhost"]
        service = [f"kubernetes{rest}" for rest in ("", ".default", ".default.svc")]
        service.append("kubernetes.default.svc.cluster.local")
        identity._store("ca", identity.authority.pair)
        identity._store("etcd", issue("etcd", local, ["127.0.0.1"]))
        reached = ["127.0.0.1", SERVICE_ADDRESS, *addresses]
        identity._store("kube-apiserver", issue("kube-apiserver", local + service, reached))
        identity._store("admin", identity.authority.issue_client("admin", ["system:masters"]))
        signing = new_signing_key()
        write_private(identity.signing_key, signing.private)
        write_private(identity.signing_public_key, signing.public)
        return identity

    @property
    def ca(self) -> Path:
        """The authority's certificate."""
        return self.credentials("ca").certificate

    @property
    def signing_key(self) -> Path:
        """The key that signs service account tokens."""
        return self.folder / "service-accounts.key"

    @property
    def signing_public_key(self) -> Path:
        """The key that verifies service account tokens."""
        return self.folder / "service-accounts.pub"

    def credentials(self, name: str) -> Credentials:
        """The files of `ca`, `etcd`, `kube-apiserver` or `admin`."""
        return Credentials(self.folder / f"{name}.crt", self.folder / f"{name}.key")

    def admin_kubeconfig(self, url: str) -> Path:
        """Writes the kubeconfig of the administrator."""
        files = self.credentials("admin")
        pair = KeyPair(files.certificate.read_bytes(), files.key.read_bytes())
        return self._write_kubeconfig(self.folder.parent / "kubeconfig", url, "admin", pair)

    def user_kubeconfig(self, url: str, user: str, groups: Sequence[str]) -> Path:
        """Writes a kubeconfig for another identity, once for each."""
        digest = hashlib.sha256("\0".join((url, user, *groups)).encode()).hexdigest()[:16]
        path = self.folder.parent / "users" / f"{digest}.kubeconfig"
        if not path.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            pair = self.authority.issue_client(user, groups)
            self._write_kubeconfig(path, url, user, pair)
        return path

    def _store(self, name: str, pair: KeyPair) -> None:
        files = self.credentials(name)
        write_private(files.certificate, pair.certificate)
        write_private(files.key, pair.key)

    def _write_kubeconfig(self, path: Path, url: str, user: str, pair: KeyPair) -> Path:
        name = "plumbline-test"
        cluster = {"server": url, "certificate-authority-data": _embed(self.ca.read_bytes())}
        keys = {
            "client-certificate-data": _embed(pair.certificate),
            "client-key-data": _embed(pair.key),
        }
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": user, "user": keys}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
            "current-context": name,
        }
        return write_private(path, yaml.safe_dump(document, sort_keys=False).encode())


def write_private(path: Path, content: bytes) -> Path:
    """Writes a whole file that only its owner may read."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.touch(mode=0o600)
    beside.write_bytes(content)
    return beside.replace(path)


def _embed(pem: bytes) -> str:
    return base64.b64encode(pem).decode()
