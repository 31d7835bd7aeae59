"""Where execution of what an image doesn't hold is refused: rules, of which the first counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Final

from reconciler.core.errors import ConfigError

_KEYS: Final = ("mode", "namespaces", "labels", "volumes", "allow")
_EXAMPLE: Final = '{"rules": [{"mode": "dry-run", "namespaces": ["shop"]}]}'
#: So many rules, and so many names in one: a look through them is made for every container.
_MOST: Final = 1000


class Mode(StrEnum):
    """What is done about an execution of what the image doesn't hold."""

    OFF = "off"  # nothing; a rule of its own, for what a later one would match
    DRY_RUN = "dry-run"  # it is told that it would have been refused
    REFUSE = "refuse"  # it is refused, and told


@dataclass(frozen=True, slots=True)
class EnforcementRule:
    """Which containers, and what is done there.

    Attributes:
        mode: What is done.
        namespaces: Patterns of the pods' namespaces, with `*`; none match all.
        labels: What the pod's labels must be; none match all.
        volumes: Whether what lies on a volume may be executed.
        allow: Patterns of paths that may be executed whatever they hold; `*` matches `/`, too.
    """

    mode: Mode
    namespaces: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    volumes: bool = False
    allow: tuple[str, ...] = ()

    def allows(self, path: str) -> bool:
        """Whether a path may be executed whatever it holds."""
        return any(fnmatchcase(path, pattern) for pattern in self.allow)


@dataclass(frozen=True, slots=True)
class Ruled:
    """What the rules say of one container.

    Attributes:
        rule: The first that matches; None where none does.
        doubt: What isn't known and would have been asked for; empty where all is known.
    """

    rule: EnforcementRule | None
    doubt: str = ""


def ruled(
    rules: Sequence[EnforcementRule], namespace: str, labels: Mapping[str, str] | None
) -> Ruled:
    """Finds the rule of a container.

    Args:
        rules: The first that matches counts.
        namespace: The pod's; empty outside of Kubernetes.
        labels: The pod's; None where they aren't known: no rule that asks for labels matches.
    """
    doubt = ""
    for number, rule in enumerate(rules, 1):
        if rule.namespaces and not any(fnmatchcase(namespace, each) for each in rule.namespaces):
            continue
        if rule.labels and labels is None:
            doubt = doubt or f"rule {number} asks for labels, and this pod's aren't known"
            continue
        if all((labels or {}).get(name) == value for name, value in rule.labels):
            return Ruled(rule, doubt)
    return Ruled(None, doubt)


def enforcement_rules(document: object, name: str) -> tuple[EnforcementRule, ...]:
    """Reads rules.

    Args:
        document: `{"rules": [{"mode", "namespaces", "labels", "volumes", "allow"}]}`.
        name: What it is read from, for messages.

    Raises:
        ConfigError: It says something else; the message names the field.
    """
    if not isinstance(document, dict) or document.keys() - {"rules"}:
        raise ConfigError(f"{name}: it holds rules and nothing else", fix=_EXAMPLE)
    rules = document.get("rules")
    if not isinstance(rules, list) or len(rules) > _MOST:
        raise ConfigError(f"{name}: rules is a list of up to {_MOST}", fix=_EXAMPLE)
    return tuple(_rule(rule, f"{name}: rules[{at}]") for at, rule in enumerate(rules))


def _rule(rule: object, place: str) -> EnforcementRule:
    if not isinstance(rule, dict):
        raise ConfigError(f"{place} is no rule", fix=_EXAMPLE)
    if strange := [key for key in rule if key not in _KEYS]:
        raise ConfigError(f"{place} has {strange[0]!a}", fix=f"one of {', '.join(_KEYS)}")
    return EnforcementRule(
        Mode(_choice(rule, "mode", place, [each.value for each in Mode])),
        _texts(rule, "namespaces", place),
        _labels(rule, place),
        _choice(rule, "volumes", place, ["refuse", "allow"], "refuse") == "allow",
        _texts(rule, "allow", place),
    )


def _choice(
    rule: Mapping[str, Any], key: str, place: str, choices: Sequence[str], default: str = ""
) -> str:
    value = rule.get(key, default)
    if value not in choices:
        raise ConfigError(f"{place}.{key} isn't known", fix=f"one of {', '.join(choices)}")
    return str(value)


def _texts(rule: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
    values = rule.get(key, [])
    if (
        not isinstance(values, list)
        or len(values) > _MOST
        or not all(isinstance(value, str) and value for value in values)
    ):
        raise ConfigError(f"{place}.{key} is no list of texts", fix=f'"{key}": ["..."]')
    return tuple(values)


def _labels(rule: Mapping[str, Any], place: str) -> tuple[tuple[str, str], ...]:
    labels = rule.get("labels", {})
    if not isinstance(labels, dict) or not all(isinstance(each, str) for each in labels.values()):
        raise ConfigError(f"{place}.labels has no texts by name", fix='"labels": {"app": "web"}')
    return tuple(labels.items())
