"""What a node and the making of images need of Debian."""

import shutil
from pathlib import Path

from tests.tools.debian import install

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
    if packages := missing():
        install(packages)
