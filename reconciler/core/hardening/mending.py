"""Which findings of an audit can be fixed in the manifests, by what is known of the workload."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from reconciler.core.fixes import Fix, Unfixed, Wanted
from reconciler.core.hardening.auditing import Subject
from reconciler.core.hardening.findings import Audit, Finding
from reconciler.core.hardening.mounting import with_volumes
from reconciler.core.hardening.pods import Container, Pod, listed, mapping, pod_of
from reconciler.core.resource import JsonObject, ResourceKey

#: What each rule's field is to be. These keep most programs as they are.
_SAFE: Final[Mapping[str, Any]] = {
    "privilege-escalation": False,
    "seccomp": "RuntimeDefault",
    "token-mounted": False,
}
#: These end many programs: whoever knows the program names the rule.
_RISKY: Final[Mapping[str, Any]] = {
    "capabilities-kept": ["ALL"],
    "root-filesystem-writable": True,
    "run-as-root": True,
    "image-pull-policy": "Always",
    "host-path-writable": True,
}
#: The rules that can be named.
MENDABLE: Final = (*_SAFE, *_RISKY)

_CAUTIONS: Final = {
    "capabilities-kept": "nothing says that it doesn't run as root: a root program that changes "
    "owners or users, or listens below port 1024, needs that capability added",
    "root-filesystem-writable": "it can no longer write but to volumes",
    "run-as-root": "it doesn't start if the image's user is root, or has a name in place of a "
    "number",
    "image-pull-policy": "it doesn't start while the registry is away",
    "host-path-writable": "it can no longer write there",
}


def mendings_of(audit: Audit, subjects: Iterable[Subject], rules: Collection[str]) -> Wanted:
    """Gives what Git is to declare so that findings are none any more.

    Args:
        audit: What was found in what Git declares.
        subjects: What was audited.
        rules: Only these rules, those with a risk too; empty for all that are safe, and for
            read-only roots as far as they were measured.
    """
    known = {each.key: each.body for each in subjects}
    bound = _Accounts(known)
    fixes: list[Fix] = []
    left: list[Unfixed] = []
    others: dict[str, int] = {}
    for finding in audit.findings:
        rule = finding.rule.id
        is_wanted = rule in rules if rules else rule in _SAFE or finding.measure is not None
        if not is_wanted or finding.source is None:
            others[rule] = others.get(rule, 0) + 1
            continue
        pod = pod_of(known[finding.key])
        reasons = list(_reasons(finding, pod, bound, named=rule in rules)) if pod else []
        if reasons:
            left.append(Unfixed(finding.key, finding.container, rule, reasons[0]))
            continue
        fix = Fix(
            key=finding.key,
            source=finding.source,
            container=finding.container,
            path=finding.path,
            value=_SAFE[rule] if rule in _SAFE else _RISKY[rule],
            rule=rule,
            reason=finding.rule.reason,
            before=finding.detail,
            caution=_caution(finding, pod),
        )
        container = _container(finding, pod) if pod is not None else None
        if finding.measure is not None and pod is not None and container is not None:
            fixes += with_volumes(fix, finding.measure, pod, container)
        else:
            fixes.append(fix)
    return Wanted(tuple(fixes), tuple(left), dict(sorted(others.items())))


def _container(finding: Finding, pod: Pod) -> Container | None:
    place = finding.path
    found = (each for each in pod.containers if place[: len(each.path)] == each.path)
    return next(found, None)


def _reasons(finding: Finding, pod: Pod, bound: "_Accounts", *, named: bool) -> Iterator[str]:
    """Says why a finding isn't fixed."""
    container = _container(finding, pod)
    security = container.security if container is not None else {}
    is_privileged = security.get("privileged") is True
    match finding.rule.id:
        case "privilege-escalation":
            added = listed(mapping(security.get("capabilities")).get("add"))
            # k8s.io/kubernetes: pkg/apis/core/validation, ValidateSecurityContext.
            if is_privileged:
                yield "it is privileged, and the server takes no other value beside that"
            elif {"SYS_ADMIN", "CAP_SYS_ADMIN"} & {str(each) for each in added}:
                yield "it adds SYS_ADMIN, and the server takes no other value beside that"
        case "capabilities-kept" if is_privileged:
            yield "it is privileged, and keeps every capability whatever is dropped"
        case "token-mounted":
            yield from bound.reasons(finding.key, pod)
        case "root-filesystem-writable" if finding.measure is not None and finding.measure.reason:
            yield finding.measure.reason
        case "run-as-root" if finding.path[-1] != "runAsNonRoot":
            yield "it is to run as user 0: which other user it may be, the image decides"
    if not named and finding.detail != "not set":
        yield (
            f"{finding.detail} is declared, and was somebody's decision: "
            f"--rule {finding.rule.id} goes over it"
        )


def _caution(finding: Finding, pod: Pod | None) -> str:
    container = _container(finding, pod) if pod is not None else None
    if finding.rule.id == "capabilities-kept" and pod is not None and container is not None:
        user = pod.setting(container, "runAsUser")
        is_other = isinstance(user, int) and not isinstance(user, bool) and user != 0
        if is_other or pod.setting(container, "runAsNonRoot") is True:
            return ""
    return _CAUTIONS.get(finding.rule.id, "")


class _Accounts:
    """Which service accounts are declared, and which have rights by what is declared."""

    def __init__(self, known: Mapping[ResourceKey, JsonObject]) -> None:
        self._declared = {key for key in known if key.kind == "ServiceAccount"}
        self._subjects = [
            (key.namespace, mapping(subject))
            for key, body in known.items()
            if key.kind in ("RoleBinding", "ClusterRoleBinding")
            for subject in listed(body.get("subjects"))
        ]

    def reasons(self, key: ResourceKey, pod: Pod) -> Iterator[str]:
        """Says why a pod may speak to the API server."""
        named = pod.spec.get("serviceAccountName") or pod.spec.get("serviceAccount")
        name = str(named or "default")
        account = ResourceKey("", "ServiceAccount", key.namespace, name)
        if any(_is_of(account, space, subject) for space, subject in self._subjects):
            yield f"its service account {name} is given rights here, so it may use its token"
        elif name != "default" and account not in self._declared:
            yield (
                f"its service account {name} isn't declared here, so whether it has rights "
                "can't be told"
            )


def _is_of(account: ResourceKey, space: str, subject: Mapping[str, Any]) -> bool:
    """Whether a binding's subject is an account, or a group that it is in."""
    if subject.get("kind") == "Group":
        group = f"system:serviceaccounts:{account.namespace}"
        return subject.get("name") in ("system:serviceaccounts", "system:authenticated", group)
    where = subject.get("namespace") or space
    return subject.get("kind") == "ServiceAccount" and (where, subject.get("name")) == (
        account.namespace,
        account.name,
    )


def unknown_rules(rules: Sequence[str]) -> list[str]:
    """Gives those of some rules whose findings can't be fixed by an edit alone."""
    return [rule for rule in rules if rule not in MENDABLE]
