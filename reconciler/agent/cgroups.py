"""Which container a process is in, by its control groups."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: How the runtimes name the group of a container; its id is 64 hex digits. containerd, CRI-O and
#: Docker under systemd write `cri-containerd-ID.scope`, `crio-ID.scope`, `docker-ID.scope`, podman
#: `libpod-ID.scope`; without systemd the group is the id alone, below the pod's or `docker`.
#: conmon, which watches over a container of CRI-O's or podman's, is in a group of its own.
_SCOPE = re.compile(
    r"(?:(?:cri-containerd|crio|docker|libpod|nerdctl)[-:])?([0-9a-f]{64})(?:\.scope)?"
)
#: A pod's uid, with `_` in place of `-` under systemd; a static pod's is 32 hex digits.
_POD = re.compile(r"pod([0-9a-f]{8}(?:[-_]?[0-9a-f]{4}){3}[-_]?[0-9a-f]{12})(?:\.slice)?\Z")


@dataclass(frozen=True, slots=True)
class Membership:
    """A container that a process may be in.

    Attributes:
        container_id: The runtime's id.
        pod_uid: The pod's uid; empty outside of Kubernetes.
    """

    container_id: str
    pod_uid: str


def memberships(text: str) -> tuple[Membership, ...]:
    """Reads `/proc/PID/cgroup` of version 1, 2 or both.

    Returns:
        The containers that its groups name, the innermost first: more than one where containers
        run inside of a container, or where one with rights makes groups that look like that.
    """
    found: dict[str, Membership] = {}
    for line in text.splitlines():
        path = line.split(":", 2)[-1]
        for member in reversed(tuple(_members(path))):
            found.setdefault(member.container_id, member)
    return tuple(found.values())


def _members(path: str) -> Iterator[Membership]:
    pod = ""
    for part in re.split("[/:]", path):
        if (named := _POD.search(part)) is not None:
            pod = named[1].replace("_", "-")
        elif (scope := _SCOPE.fullmatch(part)) is not None:
            yield Membership(scope[1], pod)
