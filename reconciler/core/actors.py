"""Who really did it: the person behind a request, as the API server or a webhook witnessed it.

managedFields name a program; these are what is kept of a witnessed request: who, when and how, and
of what was written nothing but which fields.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class ObjectRef(NamedTuple):
    """An object as requests name it: by the word in its address, not by its kind.

    Attributes:
        group: The API group, empty for the core group.
        resource: The plural, such as `deployments`.
        namespace: The namespace; empty for a cluster-scoped object.
        name: The name; empty for a whole collection, of which a request deleted some or all.
    """

    group: str
    resource: str
    namespace: str
    name: str


class Witness(StrEnum):
    """Who told of a request."""

    #: The API server's audit, after the answer: the request succeeded.
    AUDIT = "audit"
    #: An admission webhook, before the write: something after it may still have refused.
    ADMISSION = "admission"


class Deed(StrEnum):
    """What a request did to its object."""

    CREATED = "created"
    WROTE = "wrote"
    DELETED = "deleted"
    #: It began a session in a pod: exec, attach, port-forward. The object is as it was.
    ENTERED = "entered"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One request that changed an object, or that began a session in a pod.

    Attributes:
        request_id: The audit's id of the request, or the admission review's.
        witness: Who told of it.
        ref: The object.
        deed: What it did.
        verb: As the API server calls it, such as `patch`.
        received: When the server began with it, RFC 3339 in UTC.
        time: When the server was done with it, RFC 3339 in UTC. managedFields' time lies between.
        user: Who was authenticated.
        groups: The user's.
        addresses: Where the request came from, the client first, proxies after it. All but the
            last are what the client says.
        user_agent: What the client calls itself.
        impersonated: As whom the user acted; empty for as itself.
        manager: The field manager, given or derived as the server derives it; empty if unknown.
        operation: `Apply` or `Update` as managedFields say; empty where it isn't known.
        subresource: Such as `scale`; empty for the object itself.
        uid: The object's; empty where it isn't known.
        selective: Whether a collection's deletion took only what a selector chose.
        touched: Which fields it changed, as names down to the first list; None where unknown.
    """

    request_id: str
    witness: Witness
    ref: ObjectRef
    deed: Deed
    verb: str
    received: str
    time: str
    user: str
    groups: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    user_agent: str = ""
    impersonated: str = ""
    manager: str = ""
    operation: str = ""
    subresource: str = ""
    uid: str = ""
    selective: bool = False
    touched: frozenset[tuple[str, ...]] | None = None

    @property
    def acted_as(self) -> str:
        """The user whose rights counted: all that an admission webhook is told."""
        return self.impersonated or self.user


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something, joined from what was witnessed.

    Attributes:
        user: Who was authenticated.
        groups: The user's.
        addresses: Where from; as `AuditEvent.addresses`.
        user_agent: What the client called itself.
        impersonated: As whom the user acted; empty for as itself.
        request_id: Finds the request in the audit log.
        verb: As the API server calls it.
        time: When, RFC 3339 in UTC.
        manager: The field manager of the request; empty where it isn't known.
        certain: Whether nobody else can have done it, as far as was witnessed.
        others: Users who may have done it instead; empty where it is certain.
    """

    user: str
    groups: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    user_agent: str = ""
    impersonated: str = ""
    request_id: str = ""
    verb: str = ""
    time: str = ""
    manager: str = ""
    certain: bool = True
    others: tuple[str, ...] = ()


#: As the API server limits a manager's name, in bytes of UTF-8
#: (apimachinery/pkg/apis/meta/v1/validation, FieldManagerMaxLength).
_MANAGER_LENGTH = 128


def default_manager(user_agent: str) -> str:
    """Derives the field manager of a request that names none, as the API server does.

    After `prefixFromUserAgent` of apiserver/pkg/endpoints/handlers/create.go: what stands before
    the first slash, without what can't be printed, at most 128 bytes.
    """
    name = ""
    size = 0
    for character in user_agent.partition("/")[0]:
        if not character.isprintable():
            continue
        size += len(character.encode("utf-8", "surrogatepass"))
        if size > _MANAGER_LENGTH:
            break
        name += character
    return name


def guessed_plural(kind: str) -> str:
    """Guesses the word in a kind's address, as `UnsafeGuessKindToResource` of apimachinery does.

    Right for every built-in kind; a custom resource may call itself otherwise.
    """
    name = kind.lower()
    if name.endswith("endpoints"):
        return name
    if name.endswith("s"):
        return f"{name}es"
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
