"""Ignore rules: differences that are explained, each by a rule with its reason.

Built-in rules are data (`reconciler/data/rules.json`); users write theirs in `plumbline.yaml`.
A rule never adds drift, and whatever it hides is counted and can be shown.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, TypeAlias

from reconciler.core.desired import DesiredState
from reconciler.core.drift import Change, ChangeType, Drift
from reconciler.core.path import Item, Path, Step, format_path
from reconciler.core.resource import JsonObject, ResourceKey, metadata_of

#: A pattern for one step: a field's name with wildcards, or `*`, or merge keys with wildcards.
StepPattern: TypeAlias = str | tuple[tuple[str, str], ...]


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
        managers: Field managers, with wildcards; empty for any, also for none.
        value: What the live value, as text, must look like; with wildcards.
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
        if not pattern or not _is_prefix(pattern, change.path):
            return False
        if self.managers and not _is_by(change, self.managers):
            return False
        return self.value == "*" or fnmatchcase(_text(change), self.value)

    def reaches_into(self, change: Change) -> bool:
        """Whether the rule may explain a part of this change, but not all of it."""
        pattern = parse_pattern(self.path)
        if len(pattern) == len(change.path) and self.value != "*":
            # A rule for some members of a list, such as one finalizer among several.
            whole = change.desired if change.change is ChangeType.REMOVED else change.live
            return isinstance(whole, list) and _is_prefix(pattern, change.path)
        return len(pattern) > len(change.path) and _is_prefix(
            pattern[: len(change.path)], change.path
        )


def holds(rules: Iterable[IgnoreRule], today: date) -> tuple[IgnoreRule, ...]:
    """Leaves out the rules that have expired."""
    return tuple(rule for rule in rules if rule.until is None or today <= rule.until)


def expired(rules: Iterable[IgnoreRule], today: date) -> tuple[IgnoreRule, ...]:
    """Gives the rules that have expired: they hide nothing any more, and the report says so."""
    return tuple(rule for rule in rules if rule.until is not None and today > rule.until)


def parted(change: Change, rules: Sequence[IgnoreRule]) -> Iterator[Change]:
    """Splits a change of a whole subtree into its fields, as far as a rule reaches into it.

    So that a rule for one annotation hides that one, and not another that was added with it.
    """
    whole = change.live if change.change is ChangeType.ADDED else change.desired
    if change.change is ChangeType.CHANGED or not any(rule.reaches_into(change) for rule in rules):
        yield change
        return
    for step, child in _children(whole):
        part = replace(change, path=(*change.path, step))
        part = (
            replace(part, live=child)
            if change.change is ChangeType.ADDED
            else replace(part, desired=child)
        )
        yield from parted(part, rules)


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
        name = metadata_of(template).get("name")
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


@lru_cache(maxsize=4096)
def parse_pattern(text: str) -> tuple[StepPattern, ...]:
    """Reads a rule's path.

    Raises:
        ValueError: It isn't a path: the message says where.
    """
    steps: list[StepPattern] = []
    rest = text
    while rest:
        if rest[0] == "[":
            step, rest = _bracket(rest, text)
            steps.append(step)
        else:
            name = rest.lstrip(".") if not steps else rest.removeprefix(".")
            end = min((i for i in (name.find("."), name.find("[")) if i >= 0), default=len(name))
            if not name[:end]:
                raise ValueError(f"a field's name is missing at {rest!r}")
            steps.append(name[:end])
            rest = name[end:]
    return tuple(steps)


def _bracket(rest: str, text: str) -> tuple[StepPattern, str]:
    if rest.startswith('["'):
        end = rest.find('"]')
        if end < 0:
            raise ValueError(f"a '[\"' in {text!r} is never closed by '\"]'")
        return rest[2:end], rest[end + 2 :]
    end = rest.find("]")
    if end < 0:
        raise ValueError(f"a '[' in {text!r} is never closed by ']'")
    inside = rest[1:end]
    if "=" not in inside:
        return inside, rest[end + 1 :]
    pairs = (pair.partition("=") for pair in inside.split(","))
    return tuple((key, value) for key, _, value in pairs), rest[end + 1 :]


def path_matches(pattern: str, path: Path) -> bool:
    """Whether a path is the field that a pattern names, or below it."""
    return _is_prefix(parse_pattern(pattern), path)


def _is_prefix(pattern: Sequence[StepPattern], path: Path) -> bool:
    return len(pattern) <= len(path) and all(
        _step_matches(wanted, step) for wanted, step in zip(pattern, path, strict=False)
    )


def _step_matches(wanted: StepPattern, step: Step) -> bool:
    match step:
        case Item():
            if isinstance(wanted, str):
                return wanted == "*"
            have = {key: str(value) for key, value in step.keys}
            return all(fnmatchcase(have.get(key, ""), value) for key, value in wanted)
        case int():
            return isinstance(wanted, str) and wanted in ("*", str(step))
        case str():
            return isinstance(wanted, str) and fnmatchcase(step, wanted)


def _is_by(change: Change, managers: Sequence[str]) -> bool:
    authors = [change.by] if change.by else list(change.candidates[:1])
    return any(fnmatchcase(a.manager, wanted) for a in authors for wanted in managers)


def _text(change: Change) -> str:
    value = change.desired if change.change is ChangeType.REMOVED else change.live
    return value if isinstance(value, str) else str(value)


def _children(whole: object) -> Iterator[tuple[Step, Any]]:
    if isinstance(whole, Mapping):
        yield from whole.items()
    elif isinstance(whole, list):
        for index, child in enumerate(whole):
            named = isinstance(child, Mapping) and isinstance(child.get("name"), str)
            yield (Item((("name", child["name"]),)) if named else index), child


def describe(rule: IgnoreRule) -> str:
    """Says in a line what a rule speaks of, for a report's notes."""
    where = rule.kind if rule.object_name == "*" else f"{rule.kind}/{rule.object_name}"
    field = format_path((rule.path,)) if rule.path else "whole objects"
    return f"{where} {field}: {rule.reason}"
