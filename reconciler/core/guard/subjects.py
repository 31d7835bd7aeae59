"""Who sends requests, as settings name them, and what each of them may write."""

from collections.abc import Iterable
from dataclasses import dataclass

#: How the users of service accounts begin (k8s.io/apiserver/pkg/authentication/serviceaccount).
_ACCOUNT_USER = "system:serviceaccount:"
#: In every authenticated request's groups (k8s.io/apiserver/pkg/authentication/user).
AUTHENTICATED = "system:authenticated"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """A user, or all of a group.

    Attributes:
        name: As the API server calls it.
        is_group: Whether it is a group's name.
    """

    name: str
    is_group: bool = False

    def __str__(self) -> str:
        return f"group:{self.name}" if self.is_group else self.name

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that a request of it has for certain."""
        if self.is_group:
            return (self.name, AUTHENTICATED)
        if self.name.startswith(_ACCOUNT_USER):
            namespace = self.name.removeprefix(_ACCOUNT_USER).partition(":")[0]
            accounts = "system:serviceaccounts"
            return (accounts, f"{accounts}:{namespace}", AUTHENTICATED)
        return (AUTHENTICATED,)


def parse_subject(text: str) -> Subject:
    """Reads `group:NAME`, `account:NAMESPACE/NAME` or a user's name.

    Raises:
        ValueError: It is none of these; the message says why.
    """
    word, _, rest = text.partition(":")
    if not text.strip():
        raise ValueError("it is empty")
    if word == "group":
        if not rest:
            raise ValueError("the group's name is missing")
        return Subject(rest, is_group=True)
    if word != "account":
        return Subject(text)
    namespace, _, name = rest.partition("/")
    if not namespace or not name or "/" in name or ":" in rest:
        raise ValueError("an account is written as account:NAMESPACE/NAME")
    return Subject(f"{_ACCOUNT_USER}{namespace}:{name}")


@dataclass(frozen=True, slots=True)
class Controller:
    """One of Kubernetes' own controllers, and what it must write.

    Attributes:
        subject: Who it is.
        resources: Resources as `resource_of` writes them; `*` for all, `*/scale` for every scale
            subresource.
        reason: Why it must.
    """

    subject: Subject
    resources: tuple[str, ...]
    reason: str

    def may_write(self, resource: str) -> bool:
        """Whether it must write this resource."""
        scales = resource.endswith("/scale") and "*/scale" in self.resources
        return "*" in self.resources or resource in self.resources or scales


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a request.

    Attributes:
        user: The user's name.
        groups: The user's groups.
    """

    user: str
    groups: frozenset[str] = frozenset()

    @classmethod
    def of(cls, subject: Subject, stand_in: str) -> "Sender":
        """Makes a request's sender of a subject; for a group somebody of this name."""
        user = stand_in if subject.is_group else subject.name
        return cls(user, frozenset(subject.groups))

    def is_any(self, subjects: Iterable[Subject]) -> bool:
        """Whether it is one of these."""
        return any(
            each.name in self.groups if each.is_group else each.name == self.user
            for each in subjects
        )


def resource_of(group: str, plural: str, subresource: str = "") -> str:
    """Writes a resource as one word: `pods`, `apps/deployments`, `apps/deployments/scale`."""
    return "/".join(part for part in (group, plural, subresource) if part)
