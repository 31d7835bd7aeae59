"""Who wrote lately: programs by field manager, senders of requests as they were witnessed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.core.actors import AuditEvent
from reconciler.core.guard.coverage import GuardedTarget
from reconciler.core.guard.rules import Rules
from reconciler.core.guard.subjects import Sender, resource_of
from reconciler.core.ownership import Ownership
from reconciler.core.resource import JsonObject, ResourceKey

#: Programs that are no deployer: Kubernetes' own, and ours.
_KNOWN = frozenset(
    {
        "k3s",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubelet",
        "plumbline",
        "rke2",
    }
)
#: How the users of what belongs to Kubernetes itself begin.
_OWN_USERS = ("system:serviceaccount:kube-system:", "system:node:", "system:kube-")


@dataclass(frozen=True, slots=True, order=True)
class Writer:
    """A program that wrote some objects.

    Attributes:
        manager: Its name, as a field manager.
        count: How many objects.
        last: When it did last, RFC 3339.
        example: The object that it wrote last.
    """

    manager: str
    count: int
    last: str
    example: ResourceKey


def programs(live: Mapping[ResourceKey, JsonObject], since: str) -> tuple[Writer, ...]:
    """Gives the programs that wrote declared objects, the latest first.

    Args:
        live: The objects.
        since: Not before this time, RFC 3339.
    """
    found: dict[str, list[tuple[str, ResourceKey]]] = {}
    for key, body in live.items():
        latest: dict[str, str] = {}
        for each in Ownership(body).managers:
            if each.subresource != "status" and each.manager not in _KNOWN and each.time >= since:
                latest[each.manager] = max(each.time, latest.get(each.manager, ""))
        for manager, time in latest.items():
            found.setdefault(manager, []).append((time, key))
    writers = [Writer(manager, len(those), *max(those)) for manager, those in sorted(found.items())]
    return tuple(sorted(writers, key=lambda each: each.last, reverse=True))


@dataclass(frozen=True, slots=True, order=True)
class Refused:
    """A sender whose witnessed requests a guard would refuse.

    Attributes:
        user: Who.
        target: Of which target.
        what: An example: verb, resource and name.
        count: How many requests.
        is_own: Whether it belongs to Kubernetes itself.
    """

    user: str
    target: str
    what: str
    count: int
    is_own: bool


def refused(
    rules: Rules, target: GuardedTarget, events: Iterable[AuditEvent]
) -> tuple[Refused, ...]:
    """Tries the guard of a target on requests that were witnessed.

    Args:
        rules: Who may do what.
        target: What is guarded.
        events: In any order.
    """
    found: dict[str, list[AuditEvent]] = {}
    for event in events:
        resource = resource_of(event.ref.group, event.ref.resource, event.subresource)
        if not _is_guarded(target, event, resource):
            continue
        # The groups of who is acted as aren't told.
        groups = frozenset(() if event.impersonated else event.groups)
        if not rules.admits(target.name, Sender(event.acted_as, groups), resource):
            name = f"{event.impersonated}, by {event.user}" if event.impersonated else event.user
            found.setdefault(name, []).append(event)
    return tuple(
        Refused(
            user,
            target.name,
            _told(those[-1]),
            len(those),
            # Not where a person acts as a controller.
            user.startswith(_OWN_USERS) and not those[-1].impersonated,
        )
        for user, those in sorted(found.items())
    )


def _told(event: AuditEvent) -> str:
    ref = event.ref
    resource = resource_of(ref.group, ref.resource, event.subresource)
    place = f" in {ref.namespace}" if ref.namespace else ""
    return f"{event.verb} {resource} {ref.name}{place}"


def _is_guarded(target: GuardedTarget, event: AuditEvent, resource: str) -> bool:
    for part in target.parts:
        places = part.namespaces or ("",)
        for each in part.guarded:
            named = not each.names or event.ref.name in each.names
            if event.ref.namespace in places and resource in each.words and named:
                return True
    return False
