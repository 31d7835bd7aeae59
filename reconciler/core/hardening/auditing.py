"""The audit: every workload by every rule, less what ignore rules explain."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.core.desired import SourceLocation
from reconciler.core.drift import Severity
from reconciler.core.hardening.contents import (
    check_image,
    check_ports,
    check_resources,
    check_secrets,
    check_volumes,
)
from reconciler.core.hardening.contexts import check_context, check_pod_context
from reconciler.core.hardening.findings import Audit, Finding, HardeningRule, Spot
from reconciler.core.hardening.pods import Pod, mapping, pod_of
from reconciler.core.ignore import IgnoreRule
from reconciler.core.path import is_prefix, parse_pattern
from reconciler.core.redact import MASK
from reconciler.core.resource import JsonObject, ResourceKey, metadata_of
from reconciler.core.sealing import Seal, covers

_ORDER = {severity: number for number, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Subject:
    """An object to be audited.

    Attributes:
        key: Which.
        body: As declared, or live.
        source: Where it is declared; None for a live one.
        seals: Which of its fields came encrypted: of them no value is told.
        shells: By its containers' names, the shells that were seen in them.
    """

    key: ResourceKey
    body: JsonObject
    source: SourceLocation | None = None
    seals: tuple[Seal, ...] = ()
    shells: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def audit(
    target: str,
    revision: str,
    subjects: Iterable[Subject],
    rules: Sequence[HardeningRule],
    ignored: Sequence[IgnoreRule],
    notes: Sequence[str] = (),
    *,
    is_partial: bool = False,
) -> Audit:
    """Audits objects.

    Args:
        target: What is audited.
        revision: What Git says; empty for what is live.
        subjects: All objects, those without containers, too: service accounts are asked.
        rules: What a container should be.
        ignored: Which findings are explained; those that hold today.
        notes: What a reader should know.
        is_partial: Whether something could not be read.
    """
    known = tuple(subjects)
    accounts = {each.key: each.body for each in known if each.key.kind == "ServiceAccount"}
    by_id = {rule.id: rule for rule in rules}
    workloads, containers, hidden = 0, 0, 0
    findings: list[Finding] = []
    for subject in known:
        pod = None if _is_made(subject.body) else pod_of(subject.body)
        if pod is None:
            continue
        workloads += 1
        containers += len(pod.containers)
        found = [_finding(subject, spot, by_id) for spot in _spots(subject, pod, accounts)]
        told = [each for each in found if not any(_explains(rule, each) for rule in ignored)]
        hidden += len(found) - len(told)
        findings += sorted(told, key=_rank)
    return Audit(
        target, revision, workloads, containers, tuple(findings), hidden, tuple(notes), is_partial
    )


def _is_made(body: JsonObject) -> bool:
    """Whether a controller made it: then its owner is audited."""
    owners = metadata_of(body).get("ownerReferences")
    return isinstance(owners, list) and any(
        mapping(each).get("controller") is True for each in owners
    )


def _spots(
    subject: Subject, pod: Pod, accounts: Mapping[ResourceKey, JsonObject]
) -> Iterator[Spot]:
    yield from check_pod_context(pod)
    yield from check_volumes(pod)
    yield from _account(subject, pod, accounts)
    for container in pod.containers:
        yield from check_context(pod, container)
        yield from check_image(container)
        yield from check_resources(container)
        yield from check_ports(container)
        yield from check_secrets(container)
        if shells := subject.shells.get(container.name):
            detail = f"seen in it: {', '.join(shells)}"
            yield Spot("shell-in-image", (*container.path, "image"), container.name, detail)


def _account(
    subject: Subject, pod: Pod, accounts: Mapping[ResourceKey, JsonObject]
) -> Iterator[Spot]:
    """Checks which identity a pod has, and whether it finds a token for it."""
    named = pod.spec.get("serviceAccountName") or pod.spec.get("serviceAccount")
    name = str(named or "default")
    if name == "default":
        detail = "default" if named else "not set"
        yield Spot("default-account", (*pod.path, "serviceAccountName"), detail=detail)
    wanted = pod.spec.get("automountServiceAccountToken")
    if wanted is None:
        account = accounts.get(ResourceKey("", "ServiceAccount", subject.key.namespace, name))
        wanted = (account or {}).get("automountServiceAccountToken")
    if wanted is not False:
        path = (*pod.path, "automountServiceAccountToken")
        yield Spot("token-mounted", path, detail="true" if wanted else "not set")


def _finding(subject: Subject, spot: Spot, rules: Mapping[str, HardeningRule]) -> Finding:
    rule = rules[spot.rule]
    detail = MASK if subject.seals and covers(subject.seals, spot.path) else spot.detail
    return Finding(rule, subject.key, subject.source, spot.path, spot.container, detail)


def _explains(rule: IgnoreRule, finding: Finding) -> bool:
    """Whether an ignore rule speaks of the field; one that asks who set it, or to what, doesn't."""
    if rule.managers or rule.value != "*" or not rule.matches_object(finding.key):
        return False
    return is_prefix(parse_pattern(rule.path), finding.path)


def _rank(finding: Finding) -> tuple[int, str, str]:
    return (_ORDER[finding.rule.severity], finding.rule.id, finding.container)
