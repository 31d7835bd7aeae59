"""A real registry of images (Debian's docker-registry), on a free loopback port.

It has nothing but what tests push: images too small to run, told apart by their words.
"""

import json
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.tools.controlplane.certificates import KeyPair
from tests.tools.controlplane.errors import PortTakenError
from tests.tools.controlplane.servers import Server, free_port
from tests.tools.tokens import TokenServer

USER = "ann"
PASSWORD = "s3cret-of-the-tests"
#: The password above, as htpasswd writes it with the least work.
_HASH = "$2b$04$JkRkzjysrN8QsekPHxC4te58.LMWUb1SKWqE98Mwfjfh/pOWFeyS6"

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_SIGNATURE = "application/vnd.dev.cosign.simplesigning.v1+json"
_SECONDS = 30.0
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Pushed:
    """An image in the registry.

    Attributes:
        digest: Of its manifest.
        config: Of its configuration.
        content: The manifest.
    """

    digest: str
    config: str
    content: bytes = field(repr=False)


class RegistryServer:
    """Starts with `with`; can be stopped and started again, and keeps what it holds."""

    def __init__(
        self,
        *,
        basic: bool = False,
        tokens: TokenServer | None = None,
        certificate: KeyPair | None = None,
        address: str = "127.0.0.1",
    ) -> None:
        """Starts nothing yet.

        Args:
            basic: Whether it wants the name and the password above.
            tokens: Whose tokens it wants; None for none.
            certificate: For TLS; None for plain HTTP.
            address: Where it listens.
        """
        self._address = address
        self._basic, self._tokens, self._certificate = basic, tokens, certificate
        self._folder = Path(tempfile.mkdtemp(prefix="plumbline-registry-"))
        self._server: Server | None = None
        self.port = 0

    @property
    def host(self) -> str:
        """As it stands in names of images."""
        return f"{self._address}:{self.port}"

    def __enter__(self) -> Self:
        for attempt in range(_TRIES):
            try:
                self.port = free_port()
                self._server = Server("registry", self._words(), self._folder / "log", self._folder)
                self.start()
            except PortTakenError:
                if attempt == _TRIES - 1:
                    raise
                continue
            break
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        assert self._server is not None
        self._server.start()
        self._server.wait_until(self._is_up, _SECONDS)

    def stop(self) -> None:
        """Stops it: nobody can reach it."""
        if self._server is not None:
            self._server.stop()

    def push(
        self,
        name: str,
        words: str,
        *,
        created: str = "",
        annotations: Mapping[str, str] | None = None,
        architecture: str = "amd64",
    ) -> Pushed:
        """Pushes an image, such as `shop/web:1`, that holds nothing but some words."""
        path, _, tag = name.rpartition(":")
        layer = self.blob(path, words.encode(), _LAYER)
        config: dict[str, Any] = {
            "architecture": architecture,
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
        }
        if created:
            config["created"] = created
        described = self.blob(path, json.dumps(config).encode(), _CONFIG)
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": described,
            "layers": [layer],
            **({"annotations": dict(annotations)} if annotations else {}),
        }
        content = json.dumps(manifest).encode()
        return Pushed(self.manifest(path, tag, content, MANIFEST), described["digest"], content)

    def push_index(self, name: str, images: Mapping[str, Pushed]) -> str:
        """Pushes an index of images of the same repository, by architecture; gives its digest."""
        path, _, tag = name.rpartition(":")
        manifests = [
            {
                "mediaType": MANIFEST,
                "digest": image.digest,
                "size": len(image.content),
                "platform": {"os": "linux", "architecture": architecture},
            }
            for architecture, image in images.items()
        ]
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
        return self.manifest(path, tag, json.dumps(index).encode(), INDEX)

    def tag(self, path: str, image: Pushed, tags: Sequence[str]) -> None:
        """Gives an image further tags, or moves them."""
        for each in tags:
            self.manifest(path, each, image.content, MANIFEST)

    def sign(self, path: str, digest: str) -> None:
        """Puts a signature where cosign does by default; it holds for nobody."""
        layer = self.blob(path, f"signature of {digest}".encode(), _SIGNATURE)
        config = self.blob(path, b"{}", _CONFIG)
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
        tag = f"{digest.replace(':', '-')}.sig"
        self.manifest(path, tag, json.dumps(manifest).encode(), MANIFEST)

    def refer(self, path: str, digest: str, kind: str) -> None:
        """Has something of a type refer to an image, by the tag that the specification gives."""
        entry = {"mediaType": MANIFEST, "digest": digest, "size": 2, "artifactType": kind}
        inner = self.push(f"{path}:referring", kind)
        entry = {**entry, "digest": inner.digest, "size": len(inner.content)}
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}
        self.manifest(path, digest.replace(":", "-"), json.dumps(index).encode(), INDEX)

    def delete(self, path: str, digest: str) -> None:
        """Deletes a manifest with all its tags."""
        self._ask("DELETE", f"/v2/{path}/manifests/{digest}", path)

    def blob(self, path: str, content: bytes, kind: str) -> dict[str, Any]:
        """Uploads bytes, and describes them."""
        digest = f"sha256:{sha256(content).hexdigest()}"
        place = self._ask("POST", f"/v2/{path}/blobs/uploads/", path)["location"]
        parted = place[place.index("/v2/") :]
        joint = "&" if "?" in parted else "?"
        self._ask(
            "PUT", f"{parted}{joint}digest={digest}", path, content, "application/octet-stream"
        )
        return {"mediaType": kind, "digest": digest, "size": len(content)}

    def manifest(self, path: str, tag: str, content: bytes, kind: str) -> str:
        """Uploads a manifest, and gives its digest."""
        self._ask("PUT", f"/v2/{path}/manifests/{tag}", path, content, kind)
        return f"sha256:{sha256(content).hexdigest()}"

    def _ask(
        self, method: str, path: str, repository: str, body: bytes | None = None, kind: str = ""
    ) -> dict[str, str]:
        headers = {"Content-Type": kind} if kind else {}
        if self._basic:
            headers["Authorization"] = f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        if self._tokens is not None:
            actions = ("pull", "push", "delete")
            headers["Authorization"] = f"Bearer {self._tokens.token(USER, repository, actions)}"
        request = urllib.request.Request(
            f"http://{self.host}{path}", method=method, data=body, headers=headers
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310
                return {name.lower(): value for name, value in response.headers.items()}
        except urllib.error.HTTPError as error:
            with error:
                words = error.read().decode(errors="replace")
            raise AssertionError(f"{method} {path}: {error.code} {words}") from None

    def _words(self) -> list[str]:
        file = self._folder / "config.yml"
        http: dict[str, Any] = {"addr": self.host}
        if self._certificate is not None:
            http["tls"] = {
                "certificate": self._kept("tls.crt", self._certificate.certificate),
                "key": self._kept("tls.key", self._certificate.key),
            }
        settings: dict[str, Any] = {
            "version": 0.1,
            "log": {"accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(self._folder / "data")},
                "delete": {"enabled": True},
            },
            "http": http,
        }
        if self._basic:
            path = self._kept("htpasswd", f"{USER}:{_HASH}\n".encode())
            settings["auth"] = {"htpasswd": {"realm": "tests", "path": path}}
        if self._tokens is not None:
            settings["auth"] = {
                "token": {
                    "realm": self._tokens.url,
                    "service": self._tokens.service,
                    "issuer": self._tokens.issuer,
                    "rootcertbundle": self._kept("tokens.crt", self._tokens.certificate),
                }
            }
        # JSON is YAML.
        file.write_text(json.dumps(settings))
        return [_program(), "serve", str(file)]

    def _kept(self, name: str, content: bytes) -> str:
        file = self._folder / name
        file.write_bytes(content)
        return str(file)

    def _is_up(self) -> bool:
        scheme = "https" if self._certificate is not None else "http"
        try:
            with urllib.request.urlopen(f"{scheme}://{self.host}/v2/", timeout=1):  # noqa: S310
                return True
        except urllib.error.HTTPError as error:
            error.close()
            return error.code == 401
        except OSError as error:
            # Whom we don't trust has answered all the same.
            return "CERTIFICATE_VERIFY_FAILED" in str(error)


def _program() -> str:
    found = shutil.which("docker-registry")
    if found is None:
        raise FileNotFoundError("docker-registry isn't installed: apt-get install docker-registry")
    return found


def ensure() -> None:
    """Installs the registry where it isn't there, as Debian's package, if we may.

    Raises:
        FileNotFoundError: It isn't there, and can't be installed by us.
    """
    try:
        _program()
    except FileNotFoundError:
        if os.getuid() != 0 or shutil.which("apt-get") is None:
            raise
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        package = ["install", "--yes", "--no-install-recommends", "docker-registry"]
        for words in (["update"], package):
            subprocess.run(["apt-get", "-qq", *words], check=True, env=environ)


if __name__ == "__main__":
    ensure()
