"""Checks of security contexts: rights of a process, and what of its node it gets."""

from collections.abc import Iterator
from typing import Final

from reconciler.core.hardening.findings import Spot
from reconciler.core.hardening.pods import Container, Pod, listed, mapping

#: All but those that the Pod Security Standards' baseline lets be added
#: (kubernetes.io/docs/concepts/security/pod-security-standards).
_HARMLESS: Final = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
#: What the same standards take for safe, each within its namespaces.
_SAFE_SYSCTLS: Final = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
#: Distributions give numbers below it to users of their own, and people begin at 1000
#: (zegl/kube-score README_CHECKS.md, container-security-context-user-group-id).
_HIGH_ID: Final = 10_000
_APPARMOR: Final = "container.apparmor.security.beta.kubernetes.io/"
_POD_FLAGS: Final = {
    "hostPID": "host-pid",
    "hostIPC": "host-ipc",
    "hostNetwork": "host-network",
    "shareProcessNamespace": "shared-processes",
}


def check_pod_context(pod: Pod) -> Iterator[Spot]:
    """Checks what is set for all of a pod."""
    for name, rule in _POD_FLAGS.items():
        if pod.spec.get(name) is True:
            yield Spot(rule, (*pod.path, name), detail="true")
    for number, each in enumerate(listed(pod.security.get("sysctls"))):
        name = str(mapping(each).get("name") or "").replace("/", ".")
        if name not in _SAFE_SYSCTLS:
            path = (*pod.path, "securityContext", "sysctls", number)
            yield Spot("sysctls", path, detail=name)


def check_context(pod: Pod, container: Container) -> Iterator[Spot]:
    """Checks what a container may do."""
    path, security = (*container.path, "securityContext"), container.security
    if mapping(pod.setting(container, "windowsOptions")).get("hostProcess") is True:
        yield Spot("host-process", (*path, "windowsOptions"), container.name, "true")
    if pod.is_windows:
        return
    if security.get("privileged") is True:
        yield Spot("privileged", (*path, "privileged"), container.name, "true")
    if security.get("allowPrivilegeEscalation") is not False:
        detail = _shown(security.get("allowPrivilegeEscalation"))
        yield Spot(
            "privilege-escalation", (*path, "allowPrivilegeEscalation"), container.name, detail
        )
    if security.get("readOnlyRootFilesystem") is not True:
        detail = _shown(security.get("readOnlyRootFilesystem"))
        yield Spot(
            "root-filesystem-writable", (*path, "readOnlyRootFilesystem"), container.name, detail
        )
    if security.get("procMount") == "Unmasked":
        yield Spot("proc-mount", (*path, "procMount"), container.name, "Unmasked")
    yield from _user(pod, container)
    yield from _low_numbers(pod, container)
    yield from _capabilities(container)
    yield from _profiles(pod, container)


def _user(pod: Pod, container: Container) -> Iterator[Spot]:
    """Checks who it runs as: a user's number other than 0 is as good as `runAsNonRoot`."""
    user = pod.setting(container, "runAsUser")
    is_number = isinstance(user, int) and not isinstance(user, bool)
    path = (*container.path, "securityContext")
    if is_number and user == 0:
        yield Spot("run-as-root", (*path, "runAsUser"), container.name, "runAsUser is 0")
    elif not is_number and pod.setting(container, "runAsNonRoot") is not True:
        detail = _shown(pod.setting(container, "runAsNonRoot"))
        yield Spot("run-as-root", (*path, "runAsNonRoot"), container.name, detail)


def _low_numbers(pod: Pod, container: Container) -> Iterator[Spot]:
    """Checks the numbers that it runs as; user 0 is told of as root."""
    for name, least in (("runAsUser", 1), ("runAsGroup", 0)):
        number = pod.setting(container, name)
        if isinstance(number, int) and number is not True and least <= number < _HIGH_ID:
            path = (*container.path, "securityContext", name)
            yield Spot("low-user-id", path, container.name, f"{name} is {number}")


def _capabilities(container: Container) -> Iterator[Spot]:
    capabilities = mapping(container.security.get("capabilities"))
    path = (*container.path, "securityContext", "capabilities")
    dropped = {_capability(each) for each in listed(capabilities.get("drop"))}
    if "ALL" not in dropped:
        detail = f"drops {', '.join(sorted(dropped))}" if dropped else "not set"
        yield Spot("capabilities-kept", (*path, "drop"), container.name, detail)
    for number, each in enumerate(listed(capabilities.get("add"))):
        if _capability(each) not in _HARMLESS:
            yield Spot("capabilities-added", (*path, "add", number), container.name, str(each))


def _capability(value: object) -> str:
    return str(value).upper().removeprefix("CAP_")


def _profiles(pod: Pod, container: Container) -> Iterator[Spot]:
    path = (*container.path, "securityContext")
    seccomp = mapping(pod.setting(container, "seccompProfile")).get("type")
    if seccomp not in ("RuntimeDefault", "Localhost"):
        yield Spot("seccomp", (*path, "seccompProfile", "type"), container.name, _shown(seccomp))
    armour = mapping(pod.setting(container, "appArmorProfile")).get("type")
    older = pod.annotations.get(f"{_APPARMOR}{container.name}")
    if armour == "Unconfined" or (armour is None and older == "unconfined"):
        yield Spot("apparmor", (*path, "appArmorProfile", "type"), container.name, "Unconfined")


def _shown(value: object) -> str:
    return (
        "not set" if value is None else str(value).lower() if value in (True, False) else str(value)
    )
