"""Installs Debian's packages, where we may."""

import os
import shutil
import subprocess
from collections.abc import Iterable


def install(packages: Iterable[str]) -> None:
    """Installs packages.

    Raises:
        FileNotFoundError: They can't be installed by us.
    """
    names = sorted(packages)
    if os.getuid() != 0 or shutil.which("apt-get") is None:
        raise FileNotFoundError(f"not installed: apt-get install {' '.join(names)}")
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", *names]):
        subprocess.run(["apt-get", "-qq", *words], check=True, env=environ)
