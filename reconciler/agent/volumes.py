"""What is mounted in a container beside its root, in words that people know."""

import re

from reconciler.agent.mounts import Mount

#: `…/pods/UID/volumes/kubernetes.io~TYPE/NAME`, and of a part of one `volume-subpaths/NAME/…`.
_VOLUME = re.compile(r"/pods/[^/]+/volumes/([^/]+)/([^/]+)")
_SUBPATH = re.compile(r"/pods/[^/]+/volume-subpaths/([^/]+)/")
#: What the kubelet and the runtime put into every container.
_OWN = re.compile(
    r"/pods/[^/]+/(etc-hosts|containers/)|/sandboxes/[0-9a-f]{64}/|"
    r"/(hostname|hosts|resolv\.conf|\.containerenv)\Z"
)
_TYPES = {
    "kubernetes.io~empty-dir": "emptyDir",
    "kubernetes.io~configmap": "configMap",
    "kubernetes.io~secret": "secret",
    "kubernetes.io~projected": "projected volume",
    "kubernetes.io~csi": "CSI volume",
    "kubernetes.io~local-volume": "local volume",
    "kubernetes.io~nfs": "NFS volume",
    "kubernetes.io~downward-api": "downwardAPI",
}
_KERNEL = frozenset(
    ("proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "securityfs", "bpf", "debugfs")
)


def volume_name(mount: Mount) -> str:
    """Names a volume or bind mount: `emptyDir scratch`, `tmpfs`, `/srv/data of the machine`."""
    found = _VOLUME.search(mount.root)
    if found is not None:
        return f"{_TYPES.get(found[1], found[1].rpartition('~')[2])} {found[2]}"
    if (part := _SUBPATH.search(mount.root)) is not None:
        return f"volume {part[1]}"
    if mount.root == "/":
        return mount.kind
    return f"{mount.root} of the machine"


def is_scratch(mount: Mount) -> bool:
    """Whether a mount holds only what the pod itself wrote: an emptyDir, or memory."""
    found = _VOLUME.search(mount.root)
    if found is not None:
        return found[1] == "kubernetes.io~empty-dir"
    return mount.kind == "tmpfs" and mount.writable and mount.root == "/"


def is_kernels(mount: Mount) -> bool:
    """Whether a mount shows what the kernel knows, and holds no files of anybody's."""
    return mount.kind in _KERNEL


def is_told(mount: Mount) -> bool:
    """Whether a mount is one that people gave the container, rather than one that all have."""
    if mount.point == "/" or is_kernels(mount) or _OWN.search(mount.root) is not None:
        return False
    return not mount.point.startswith(("/dev/", "/proc/", "/sys/")) and mount.point not in (
        "/dev",
        "/proc",
        "/sys",
    )
