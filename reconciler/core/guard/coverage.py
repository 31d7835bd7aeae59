"""What of a target is guarded: whole kinds in its scope, single objects elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.core.desired import DesiredState
from reconciler.core.guard.subjects import resource_of
from reconciler.core.resource import Catalog, ResourceKey, ResourceKind

#: Built-in kinds that have a scale subresource (k8s.io/kubernetes/pkg/registry).
_SCALABLE = frozenset(
    {
        ("", "replicationcontrollers"),
        ("apps", "deployments"),
        ("apps", "replicasets"),
        ("apps", "statefulsets"),
    }
)


@dataclass(frozen=True, slots=True, order=True)
class Guarded:
    """Objects of one kind.

    Attributes:
        group: The API group, empty for the core group.
        plural: The word in addresses.
        names: Of which objects alone; empty for all.
    """

    group: str
    plural: str
    names: tuple[str, ...] = ()

    @property
    def resources(self) -> tuple[str, ...]:
        """What of them is guarded, as words in a rule of a policy.

        Not `status`, which nothing declares, and which controllers under any name report. `scale`
        writes what a declaration says, as `resize` does of pods. A custom kind may have a scale.
        """
        scalable = (self.group, self.plural) in _SCALABLE or _is_custom(self.group)
        resizable = (self.group, self.plural) == ("", "pods")
        more = [f"{self.plural}/scale"] * scalable + [f"{self.plural}/resize"] * resizable
        return (self.plural, *more)

    @property
    def words(self) -> tuple[str, ...]:
        """The same, as the policies' expressions name them."""
        parts = [each.partition("/") for each in self.resources]
        return tuple(resource_of(self.group, plural, sub) for plural, _, sub in parts)


@dataclass(frozen=True, slots=True)
class Part:
    """What one policy guards.

    Attributes:
        suffix: Tells it from the target's other parts.
        namespaces: In which namespaces; empty for objects without one.
        guarded: Which objects.
    """

    suffix: str
    namespaces: tuple[str, ...]
    guarded: tuple[Guarded, ...]

    @property
    def words(self) -> frozenset[str]:
        """All resources of the part, as `resource_of` writes them."""
        return frozenset(word for each in self.guarded for word in each.words)


@dataclass(frozen=True, slots=True)
class GuardedTarget:
    """A target as the guard knows it.

    Attributes:
        name: The target's name.
        source: Where it is declared, for people; no password in it.
        parts: What is guarded, a policy each.
        files: By resource and name, as `apps/deployments web`, the file that declares it.
        scope: The namespaces of the target's scope.
        notes: What isn't guarded, and why.
    """

    name: str
    source: str
    parts: tuple[Part, ...]
    files: Mapping[str, str]
    scope: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def guarded_target(
    name: str,
    source: str,
    desired: DesiredState,
    catalog: Catalog,
    scope: frozenset[str],
    *,
    whole_kinds: bool,
) -> GuardedTarget:
    """Says what of a target is guarded.

    Args:
        name: The target's.
        source: Where it is declared, for people.
        desired: What is declared.
        catalog: What the server serves.
        scope: The namespaces that are the target's own.
        whole_kinds: Whether all objects of the declared kinds are guarded there.
    """
    places: dict[str, dict[ResourceKind, set[str]]] = {}
    files: dict[str, str] = {}
    notes: list[str] = []
    kinds: set[ResourceKind] = set()
    for key, manifest in desired.resources.items():
        kind = catalog.find(manifest.api_version, manifest.kind)
        if kind is None:
            notes.append(f"{key} is not guarded: the cluster doesn't serve {manifest.api_version}")
            continue
        kinds |= {kind} if kind.namespaced else set()
        whole = whole_kinds and key.namespace in scope
        if manifest.is_generated and not whole:
            notes.append(f"{key} is not guarded: the server chooses its name")
            continue
        files[_place(kind, key)] = manifest.source.path
        if not whole:
            places.setdefault(key.namespace, {}).setdefault(kind, set()).add(key.name)
    parts = [Part(_suffix(place), (place,) * bool(place), _named(found)) for place, found in
             sorted(places.items())]  # fmt: skip
    if whole_kinds and scope and kinds:
        all_of = {Guarded(kind.group, kind.plural) for kind in kinds}
        parts.insert(0, Part("", tuple(sorted(scope)), tuple(sorted(all_of))))
    return GuardedTarget(name, source, tuple(parts), files, scope, tuple(sorted(set(notes))))


def _place(kind: ResourceKind, key: ResourceKey) -> str:
    return f"{resource_of(kind.group, kind.plural)} {key.name}"


def _suffix(namespace: str) -> str:
    return f"in-{namespace}" if namespace else "cluster"


def _named(found: Mapping[ResourceKind, set[str]]) -> tuple[Guarded, ...]:
    merged: dict[tuple[str, str], set[str]] = {}
    for kind, names in found.items():
        merged.setdefault((kind.group, kind.plural), set()).update(names)
    return tuple(
        Guarded(group, plural, tuple(sorted(names)))
        for (group, plural), names in sorted(merged.items())
    )


def _is_custom(group: str) -> bool:
    return "." in group and not group.endswith(".k8s.io")
