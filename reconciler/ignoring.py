"""A target's ignore rules, as they are configured."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from reconciler.settings import IgnoreSettings

if TYPE_CHECKING:
    from reconciler.core.ignore import IgnoreRule


def ignore_rules(rules: Iterable[IgnoreSettings]) -> "tuple[IgnoreRule, ...]":
    """Makes rules of settings, named by their place among them."""
    return tuple(_rule(number, each) for number, each in enumerate(rules, 1))


def _rule(number: int, rule: IgnoreSettings) -> "IgnoreRule":
    from reconciler.core.ignore import IgnoreRule

    return IgnoreRule(
        name=f"ignore[{number}]",
        reason=rule.reason,
        path=rule.path,
        group=rule.group,
        kind=rule.kind,
        namespace=rule.namespace,
        object_name=rule.name,
        managers=(rule.manager,) if rule.manager else (),
        value=rule.value,
        until=rule.until,
    )
