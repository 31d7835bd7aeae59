"""What ships with Plumbline as data: built-in rules, and what is known of Kubernetes' own kinds."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from reconciler.core.guard.subjects import Controller
    from reconciler.core.hardening.findings import HardeningRule
    from reconciler.core.ignore import IgnoreRule
    from reconciler.core.schema import Schema
    from reconciler.core.scope import TransientKind

_DATA = Path(__file__).parent / "data"


@cache
def _rules() -> dict[str, Any]:
    data: dict[str, Any] = orjson.loads(_data("rules.json"))
    return data


def builtin_rules() -> "tuple[IgnoreRule, ...]":
    """Gives the rules that ship with Plumbline."""
    return tuple(_builtin_rule(rule) for rule in _rules()["ignore"])


def _builtin_rule(rule: dict[str, Any]) -> "IgnoreRule":
    from reconciler.core.ignore import IgnoreRule

    fields = {**rule, "managers": tuple(rule.get("managers", ()))}
    return IgnoreRule(**fields, builtin=True)


def transient_kinds() -> "tuple[TransientKind, ...]":
    """Gives the kinds that are never unmanaged."""
    from reconciler.core.scope import TransientKind

    return tuple(TransientKind(**kind) for kind in _rules()["transient"])


def own_controllers() -> "tuple[Controller, ...]":
    """Gives Kubernetes' own controllers, and what each must write.

    After k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy, which gives them their
    rights.
    """
    from reconciler.core.guard.subjects import Controller, parse_subject

    found = orjson.loads(_data("guard.json"))["controllers"]
    return tuple(
        Controller(parse_subject(each["identity"]), tuple(each["resources"]), each["reason"])
        for each in found
    )


def hardening_rules() -> "tuple[HardeningRule, ...]":
    """Gives the rules of the immutability audit.

    Their controls are those of the CIS Kubernetes Benchmark 1.8 and later, the NSA's and CISA's
    Kubernetes Hardening Guidance 1.2 (by section), NIST SP 800-190 and PCI DSS 4.0.
    """
    from reconciler.core.drift import Severity
    from reconciler.core.hardening.findings import HardeningRule

    return tuple(
        HardeningRule(
            each["id"],
            Severity(each["severity"]),
            each["reason"],
            each["fix"],
            tuple(each["controls"]),
        )
        for each in orjson.loads(_data("hardening.json"))["rules"]
    )


@cache
def bundled_schema() -> "Schema":
    """Gives what is known of Kubernetes' own kinds."""
    from reconciler.core.schema import load

    return load(orjson.loads(_data("schema.json")))


def _data(name: str) -> bytes:
    return (_DATA / name).read_bytes()
