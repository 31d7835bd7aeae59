"""Ignore rules: differences that are explained, each by a rule with its reason.

Built-in rules are data (`reconciler/data/rules.json`); users write theirs in `plumbline.yaml`.
A rule never adds drift, and whatever it hides is counted and can be shown.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from reconciler.core.desired import DesiredState
from reconciler.core.drift import Change, ChangeType, Drift
from reconciler.core.path import Item, Step, is_prefix, parse_pattern
from reconciler.core.resource import JsonObject, ResourceKey, metadata_of


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """Which differences are explained, and why.

    Attributes:
        name: Shown wherever the rule hides something.
        reason: Why the difference is not drift.
        path: The field and everything below it, with `*` as a wildcard; empty for whole objects
            (which then are never unmanaged).
        group: API group, with wildcards.
        kind: With wildcards.
        namespace: With wildcards.
        object_name: The object's name, with wildcards.
        managers: Field managers, with wildcards; empty for any, also for none. Nobody knows who
            removed a field: such a rule explains a removal only if all who may have done it match.
        value: What the live value (of a removal, the one that is gone) must look like; with
            wildcards. What is no string is written as JSON.
        until: The last day on which the rule holds; None for good.
        builtin: Whether it ships with Plumbline.
    """

    name: str
    reason: str
    path: str = ""
    group: str = "*"
    kind: str = "*"
    namespace: str = "*"
    object_name: str = "*"
    managers: tuple[str, ...] = ()
    value: str = "*"
    until: date | None = None
    builtin: bool = False

    def matches_object(self, key: ResourceKey) -> bool:
        """Whether the rule speaks of this object."""
        return (
            fnmatchcase(key.kind, self.kind)
            and fnmatchcase(key.group, self.group)
            and fnmatchcase(key.namespace, self.namespace)
            and fnmatchcase(key.name, self.object_name)
        )

    def matches(self, change: Change) -> bool:
        """Whether the rule explains this change of an object that it speaks of."""
        pattern = parse_pattern(self.path)
        if not pattern or not is_prefix(pattern, change.path):
            return False
        if self.managers and not _is_by(change, self.managers):
            return False
        return self.value == "*" or fnmatchcase(_text(change), self.value)

    def reaches_into(self, change: Change) -> bool:
        """Whether the rule may explain a part of this change, but not all of it."""
        pattern = parse_pattern(self.path)
        if len(pattern) > len(change.path):
            return is_prefix(pattern[: len(change.path)], change.path)
        # Some values, or what some managers set: one finalizer among several, say.
        is_choosy = self.value != "*" or bool(self.managers)
        return bool(pattern) and is_choosy and is_prefix(pattern, change.path)


def holds(rules: Iterable[IgnoreRule], today: date) -> tuple[IgnoreRule, ...]:
    """Leaves out the rules that have expired."""
    return tuple(rule for rule in rules if rule.until is None or today <= rule.until)


def expired(rules: Iterable[IgnoreRule], today: date) -> tuple[IgnoreRule, ...]:
    """Gives the rules that have expired: they hide nothing any more, and the report says so."""
    return tuple(rule for rule in rules if rule.until is not None and today > rule.until)


def parted(change: Change, rules: Sequence[IgnoreRule]) -> Iterator[Change]:
    """Splits a change of a whole subtree into its fields, as far as a rule reaches into it.

    So that a rule for one annotation hides that one, and not another that was added with it.
    A list of scalars that changed is split into members that were added and removed, each at its
    index in the list that it is in: that a rule explains what came says nothing of what went.
    """
    if not any(rule.reaches_into(change) for rule in rules):
        yield change
    elif change.change is ChangeType.CHANGED:
        yield from _members(change)
    else:
        is_added = change.change is ChangeType.ADDED
        # What names an item comes and goes with the item: it is no part of its own.
        last = change.path[-1]
        names = {key for key, _ in last.keys} if isinstance(last, Item) else set()
        whole = change.live if is_added else change.desired
        children = [(step, child) for step, child in _children(whole) if step not in names]
        for step, child in children:
            part = replace(change, path=(*change.path, step))
            part = replace(part, live=child) if is_added else replace(part, desired=child)
            yield from parted(part, rules)
        if not children:
            yield change


def _members(change: Change) -> Iterator[Change]:
    """Splits the change of a list of scalars, or of one in it; any other change stays whole."""
    desired, live = change.desired, change.live
    if isinstance(change.path[-1], int):
        yield replace(change, change=ChangeType.REMOVED, live=None)
        yield replace(change, change=ChangeType.ADDED, desired=None)
        return
    if not (isinstance(desired, list) and isinstance(live, list)):
        yield change
        return
    removed, common_desired = _over(desired, live)
    added, common_live = _over(live, desired)
    for index in removed:
        path = (*change.path, index)
        yield replace(
            change, path=path, change=ChangeType.REMOVED, desired=desired[index], live=None
        )
    for index in added:
        path = (*change.path, index)
        yield replace(change, path=path, change=ChangeType.ADDED, desired=None, live=live[index])
    if common_desired != common_live:
        yield replace(change, desired=common_desired, live=common_live)


def _over(some: Sequence[Any], others: Sequence[Any]) -> tuple[list[int], list[Any]]:
    """Gives the indexes of what one list has more than another, and the members that both have."""
    left = Counter(map(_identity, others))
    over: list[int] = []
    common: list[Any] = []
    for index, member in enumerate(some):
        identity = _identity(member)
        if left[identity]:
            left[identity] -= 1
            common.append(member)
        else:
            over.append(index)
    return over, common


def _identity(member: object) -> str:
    return json.dumps(member, sort_keys=True)


def hides_object(rule: IgnoreRule, drift: Drift) -> bool:
    """Whether the rule explains a whole unmanaged object."""
    if rule.path or not rule.matches_object(drift.key):
        return False
    if not rule.managers:
        return True
    return drift.by is not None and any(
        fnmatchcase(drift.by.manager, wanted) for wanted in rule.managers
    )


def derived_rules(desired: DesiredState) -> Iterator[IgnoreRule]:
    """Gives the rules that follow from what is declared.

    An autoscaler that is declared may set `replicas`; an injector that a declared annotation asks
    for may set CA bundles; a declared StatefulSet's claim templates make claims.
    """
    for key, manifest in desired.resources.items():
        spec = manifest.body.get("spec")
        spec = spec if isinstance(spec, Mapping) else {}
        if key.kind in ("HorizontalPodAutoscaler", "ScaledObject"):
            yield from _autoscaled(key, spec, str(manifest.source))
        elif key.kind == "StatefulSet":
            yield from _claims(key, spec)
        yield from _injected(key, manifest.body)


def _autoscaled(key: ResourceKey, spec: Mapping[str, Any], source: str) -> Iterator[IgnoreRule]:
    target = spec.get("scaleTargetRef")
    if isinstance(target, Mapping) and target.get("name"):
        yield IgnoreRule(
            name="autoscaled",
            reason=f"scaled by {key}, which is declared at {source}",
            kind=str(target.get("kind") or "Deployment"),
            namespace=key.namespace,
            object_name=str(target["name"]),
            path="spec.replicas",
            builtin=True,
        )


def _claims(key: ResourceKey, spec: Mapping[str, Any]) -> Iterator[IgnoreRule]:
    for template in spec.get("volumeClaimTemplates") or ():
        name = metadata_of(template).get("name") if isinstance(template, Mapping) else None
        if name:
            yield IgnoreRule(
                name="claim-template",
                reason=f"made by {key} from its volumeClaimTemplates",
                kind="PersistentVolumeClaim",
                namespace=key.namespace,
                object_name=f"{name}-{key.name}-[0-9]*",
                builtin=True,
            )


#: Annotations by which an object asks an injector for its CA bundle, with the injector.
#: cert-manager.io/docs/concepts/ca-injector; docs.openshift.com, service serving certificates.
_INJECTORS: Mapping[str, str] = {
    "cert-manager.io/inject-ca-from": "cert-manager's CA injector",
    "cert-manager.io/inject-ca-from-secret": "cert-manager's CA injector",
    "cert-manager.io/inject-apiserver-ca": "cert-manager's CA injector",
    "service.beta.openshift.io/inject-cabundle": "OpenShift's service CA operator",
}
_BUNDLES = (
    "spec.caBundle",
    "spec.conversion.webhook.clientConfig.caBundle",
    "webhooks[*].clientConfig.caBundle",
    'data["service-ca.crt"]',
)


def _injected(key: ResourceKey, body: JsonObject) -> Iterator[IgnoreRule]:
    annotations = metadata_of(body).get("annotations") or {}
    for annotation, injector in _INJECTORS.items():
        if annotation in annotations:
            for path in _BUNDLES:
                yield IgnoreRule(
                    name="injected-ca-bundle",
                    reason=f"injected by {injector}, as the declared {annotation} asks",
                    kind=key.kind,
                    group=key.group,
                    namespace=key.namespace or "*",
                    object_name=key.name,
                    path=path,
                    builtin=True,
                )


def _is_by(change: Change, managers: Sequence[str]) -> bool:
    authors = [change.by] if change.by else change.candidates
    return bool(authors) and all(
        any(fnmatchcase(author.manager, wanted) for wanted in managers) for author in authors
    )


def _text(change: Change) -> str:
    return _as_text(change.desired if change.change is ChangeType.REMOVED else change.live)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _children(whole: object) -> Iterator[tuple[Step, Any]]:
    if isinstance(whole, Mapping):
        yield from whole.items()
    elif isinstance(whole, list):
        names = [child.get("name") if isinstance(child, Mapping) else None for child in whole]
        named = all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
        for index, child in enumerate(whole):
            yield (Item((("name", names[index]),)) if named else index), child


def describe(rule: IgnoreRule) -> str:
    """Says in a line what a rule speaks of, for a report's notes."""
    where = rule.kind if rule.object_name == "*" else f"{rule.kind}/{rule.object_name}"
    field = rule.path or "whole objects"
    return f"{where} {field}: {rule.reason}"
