"""Accounts for every field of one object of a target."""

from collections.abc import Sequence

from reconciler.controller import Look, Target, check
from reconciler.core.drift import Drift, DriftType
from reconciler.core.errors import ConfigError
from reconciler.core.explain import Explanation, explain
from reconciler.core.resource import ResourceKey
from reconciler.core.sides import Sides


def explain_object(target: Target, kind: str, name: str, namespace: str) -> Explanation:
    """Accounts for every field of one object.

    Raises:
        PlumblineError: A side couldn't be read at all.
        ConfigError: No such object is declared or live in the target's scope.
    """
    look = check(target)
    return explained(target, look, *named_object(look.sides, kind, name, namespace))


def explained(target: Target, look: Look, key: ResourceKey, api_version: str) -> Explanation:
    """Accounts for every field of one object, as a look found it.

    Raises:
        ClusterError: The kind's schema can't be read.
    """
    sides, found = look.sides, look.detection
    manifest = sides.desired.resources.get(key)
    live = sides.live.find(api_version, key)
    drift = next((d for d in found.drifts if d.key == key and not d.is_in_pod), None)
    hidden = (*found.explained.get(key, ()), *(drift.hidden if drift else ()))
    served = sides.catalog.find(api_version, kind=key.kind)
    schema = target.live.schema({served} if served else ())
    fields = (
        explain(
            key,
            manifest,
            live,
            drift.changes if drift else (),
            hidden,
            frozenset(rule.name for rule in target.rules if not rule.builtin),
            schema.node(api_version, key.kind),
            target.rules,
        )
        if live is not None
        else ()
    )
    return Explanation(
        key=key,
        api_version=api_version,
        uid=str(live["metadata"].get("uid") or "") if live else "",
        source=manifest.source if manifest else None,
        revision=sides.desired.revision,
        checked_at=look.report.checked_at,
        note=_explained_as(drift),
        fields=fields,
    )


def _explained_as(drift: Drift | None) -> str:
    match drift.type if drift else None:
        case None:
            return "in sync"
        case DriftType.MISSING:
            return "missing: it is declared and not live"
        case DriftType.UNMANAGED:
            return "unmanaged: it is live and not declared"
        case DriftType.UNREADABLE:
            return f"unreadable: {drift.note if drift else ''}"
        case DriftType.PENDING:
            return "pending: it is what an earlier revision declared, not rolled out yet"
        case _:
            return "modified"


def named_object(sides: Sides, kind: str, name: str, namespace: str) -> tuple[ResourceKey, str]:
    """Finds an object by what people type: `deploy/web`, `deployments.apps/web`.

    Returns:
        The object, and its apiVersion.

    Raises:
        ConfigError: There is none, or several may be meant.
    """
    word, dot, group = kind.casefold().partition(".")
    wanted = {
        (k.group, k.kind)
        for k in sides.catalog.kinds.values()
        if word in (k.kind.casefold(), k.plural.casefold(), *k.short_names)
    }
    known = {key: manifest.api_version for key, manifest in sides.desired.resources.items()}
    for api_version, key, _ in sides.live.each():
        known.setdefault(key, api_version)
    found = [
        key
        for key in known
        if key.name == name
        and ((key.group, key.kind) in wanted or key.kind.casefold() == word)
        and (not dot or key.group == group)
        and (not namespace or key.namespace in ("", namespace))
    ]
    if not found:
        raise ConfigError(
            f"{kind}/{name} is neither declared nor live in what this target reads",
            fix="name the object as `kubectl get` shows it, and its namespace with -n",
        )
    if len(found) > 1:
        raise _ambiguous(f"{kind}/{name}", found)
    return found[0], known[found[0]]


def _ambiguous(named: str, found: Sequence[ResourceKey]) -> ConfigError:
    places = sorted(f"{key} ({key.group})" if key.group else str(key) for key in found)
    groups = len({key.group for key in found}) > 1
    return ConfigError(
        f"{named} may be any of {', '.join(places)}",
        fix="name its group, as in deployment.apps/web" if groups else "name a namespace with -n",
    )
