"""Builds the product's image from deploy/Containerfile, on a base made on this machine.

No registry has to be reached, only Debian's archive and a package index; pip's configuration of
this machine says which, and stays out of the image.
"""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.tools.controlplane.cache import Say, ToolCache

ROOT = Path(__file__).resolve().parents[3]

_BASE = (
    "mmdebstrap",
    "--quiet",
    "--variant=essential",
    "--include=python3,python3-venv,git,gpg,openssh-client,ca-certificates",
    *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale")),
    "bookworm",
)
"""What is in the place of docker.io/library/python: Debian's own Python."""

_PACKAGES = "localhost/plumbline-packages"
_LIMIT = 1200.0  # seconds; from cold, all of Python's packages are downloaded


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds images, and keeps what it can use again in the user's cache.

    Attributes:
        say: Tells the person who waits how it goes.
    """

    say: Say

    def build(self, name: str, archive: Path) -> None:
        """Builds the image of this very source tree, and writes it as a Docker archive.

        Raises:
            subprocess.CalledProcessError: A step failed; its output is in the error's notes.
        """
        cache = ToolCache.of_user("images", os.environ)
        with cache.lock(self.say):
            base = self._base(cache)
            with cache.workspace() as workspace:
                configuration = workspace / "pip.conf"
                trusted = self._pip_configuration(configuration)
                words = ["bud", "--isolation=chroot", "--layers", f"--build-arg=BASE={base}"]
                words += [f"--secret=id=pip,src={configuration}"]
                words += [f"--volume={path}:{path}:ro" for path in trusted]
                words += [f"--file={ROOT / 'deploy/Containerfile'}"]
                self.say("building the product's image")
                # Named, so that it isn't swept away, and costs nothing the next time.
                self._buildah(cache, *words, "--target=packages", f"--tag={_PACKAGES}", str(ROOT))
                self._buildah(cache, *words, f"--tag={name}", str(ROOT))
            self._buildah(cache, "push", "--quiet", name, f"docker-archive:{archive}:{name}")
            self._buildah(cache, "rmi", "--prune")

    def _base(self, cache: ToolCache) -> str:
        key = hashlib.sha256("\0".join(_BASE).encode()).hexdigest()[:16]
        name = f"localhost/plumbline-base:{key}"
        if self._buildah(cache, "images", "--quiet", "--filter", f"reference={name}"):
            return name
        self.say("making a base image with mmdebstrap")
        with cache.workspace() as workspace:
            tar = workspace / "base.tar"
            _run([*_BASE, str(tar)])
            container = self._buildah(cache, "from", "scratch")
            self._buildah(cache, "add", "--quiet", container, str(tar), "/")
            self._buildah(cache, "commit", "--quiet", "--rm", container, name)
        return name

    @staticmethod
    def _buildah(cache: ToolCache, *words: str) -> str:
        storage = ["--root", str(cache.folder / "storage"), "--runroot", str(cache.folder / "run")]
        return _run(["buildah", *storage, "--storage-driver=overlay", *words])

    @staticmethod
    def _pip_configuration(path: Path) -> list[Path]:
        """Writes pip's configuration of this machine; returns files that it names."""
        listed = _run(["pip", "config", "list"]) if shutil.which("pip") else ""
        settings: dict[str, str] = {}
        for line in listed.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(("global.", ":env:.")):
                settings[name.rpartition(".")[2]] = value.strip("'")
        wanted = ("index-url", "extra-index-url", "trusted-host", "proxy", "cert", "timeout")
        lines = [f"{name} = {settings[name]}" for name in wanted if name in settings]
        path.write_text("\n".join(["[global]", *lines, ""]), encoding="utf-8")
        return [Path(settings["cert"])] if "cert" in settings else []


def _run(argv: list[str]) -> str:
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_LIMIT, check=False
    )
    if done.returncode != 0:
        error = subprocess.CalledProcessError(done.returncode, argv)
        error.add_note(f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        raise error
    return done.stdout.strip()
