"""What a node and the making of images need of Debian."""

import os
import shutil
import subprocess
from pathlib import Path

CNI_PLUGINS = Path("/usr/lib/cni")
"""Where Debian keeps the network plugins."""

BUSYBOX = Path("/bin/busybox")

_PROGRAMS = {
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "socat": "socat",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "buildah": "buildah",
    "newuidmap": "uidmap",
    "mmdebstrap": "mmdebstrap",
    "git": "git",
}
_FILES = {CNI_PLUGINS / "bridge": "containernetworking-plugins", BUSYBOX: "busybox-static"}


def missing() -> list[str]:
    """The packages that have something of which nothing is here."""
    lacking = {package for program, package in _PROGRAMS.items() if shutil.which(program) is None}
    lacking |= {package for path, package in _FILES.items() if not path.exists()}
    return sorted(lacking)


def ensure() -> None:
    """Installs what isn't here, as Debian's packages, if we may.

    Raises:
        FileNotFoundError: Something isn't there, and can't be installed by us.
    """
    packages = missing()
    if not packages:
        return
    if os.getuid() != 0 or shutil.which("apt-get") is None:
        raise FileNotFoundError(f"not installed: apt-get install {' '.join(packages)}")
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        subprocess.run(["apt-get", "-qq", *words], check=True, env=environ)
