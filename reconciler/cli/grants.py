"""The rights that targets need, as `init --rbac` writes them and tells of them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from reconciler.core.desired import DesiredState, Rendered
from reconciler.core.errors import ConfigError
from reconciler.core.resource import JsonObject
from reconciler.core.rights import LEASES, Part, Right
from reconciler.settings import IgnoreSettings, Mode, Settings, TargetSettings, configuration_file

#: What is of the place where the file was written, and means nothing in a pod.
_OF_THE_PLACE = ("cluster", "programs", "serve", "cache_dir", "state_dir")
_LEASE_GROUP = "coordination.k8s.io"
_RBAC_GROUP = "rbac.authorization.k8s.io"
#: The name that the README gives the release, and so its roles.
_RELEASE = "plumbline"


@dataclass(frozen=True, slots=True)
class Grants:
    """What some targets need, and what they are.

    Attributes:
        part: Which part the installation plays.
        targets: For which targets.
        rights: What it needs.
        unknown: Declared kinds whose rights nobody knows, as `apiVersion kind`.
        config: The configuration file's content, as a pod needs it.
    """

    part: Part
    targets: Sequence[TargetSettings]
    rights: frozenset[Right]
    unknown: frozenset[str]
    config: JsonObject

    def manifests(self, account: tuple[str, str]) -> str:
        """Writes roles and bindings for an account, given by its namespace and name."""
        from reconciler.render.access import access_manifests

        leases = {Right(account[0], _LEASE_GROUP, "leases", verb) for verb in LEASES}
        return access_manifests(self._head(), self.rights | leases, account)

    def values(self) -> str:
        """Writes values for the Helm chart, which grants the Leases by itself."""
        from reconciler.render.access import access_values

        return access_values(self._head(), self.rights, _with_own_ignored(self.config))

    def _own(self, name: str) -> list[str]:
        """Gives the namespaces in which a role of ours, of this name, would be unmanaged."""
        scope = {
            space
            for target in self.targets
            for space in target.scope.namespaces
            if not any(_ignores_role(rule, space, name) for rule in target.ignore)
        }
        return sorted(scope & {right.namespace for right in self.rights})

    def _head(self) -> list[str]:
        names = ", ".join(target.name for target in self.targets)
        head = [f"Written by `plumbline init --rbac {self.part}`: what it needs for {names}."]
        head.append("Make it anew when they declare other kinds, other namespaces or other roles.")
        return [*head, *(f"{each}." for each in self._not_granted())]

    def _not_granted(self) -> Iterator[str]:
        for each in sorted(self.unknown):
            yield f"Nothing is granted for {each}, which the cluster doesn't serve"

    def told(self, file: Path, output: str, account: tuple[str, str]) -> Iterator[str]:
        """Says what was written, what to look at, and what comes next."""
        names = ", ".join(target.name for target in self.targets)
        yield f"Wrote {file}: the rights of a {self.part} for {names}."
        spaces = sorted({right.namespace for right in self.rights} - {""})
        if spaces:
            yield f"  Its roles are in {', '.join(spaces)}, which must be there."
        for each in self._not_granted():
            yield f"  {each}: make the file anew once it does."
        if any(right.verb == "escalate" for right in self.rights):
            yield "  Roles are declared, so it may write any role (escalate): the file says why."
        for target in self.targets:
            if Path(target.source.repo).is_dir():
                yield f"  {target.name} is read from a folder, which a pod doesn't have: use a URL."
            if self.part is Part.RESTORER and target.mode is Mode.OBSERVE and not target.rules:
                yield f"  {target.name} is only observed: set its mode to approve or restore."
        if output == "manifests" and self._own(account[1]):
            where = ", ".join(self._own(account[1]))
            yield f"  Its own role in {where} is unmanaged: declare this file with the target, or"
            yield "  ignore it by a rule, as deploy/kustomize/example does."
        yield "Next:"
        if output == "values":
            yield f"  helm install plumbline deploy/chart -n plumbline --create-namespace -f {file}"
        else:
            yield f"  kubectl apply -f {file}"


def needs_namespace(rendered: Rendered, desired: DesiredState) -> bool:
    """Whether a namespaced manifest names no namespace: then the kubeconfig's would decide."""
    pairs = zip(rendered.manifests, desired.resources, strict=True)
    return any(key.namespace and not manifest.namespace for manifest, key in pairs)


def _ignores_role(rule: IgnoreSettings, namespace: str, name: str) -> bool:
    pairs = (("Role", rule.kind), (namespace, rule.namespace), (name, rule.name))
    return not rule.path and all(fnmatchcase(value, pattern) for value, pattern in pairs)


def _with_namespaces(config: JsonObject, homes: Mapping[str, str]) -> JsonObject:
    """Names the namespaces that the kubeconfig decided: in a pod it would be the pod's own."""
    targets = [
        {**target, "namespace": target.get("namespace") or homes[target["name"]]}
        if target["name"] in homes
        else target
        for target in config.get("targets") or ()
    ]
    return {**config, "targets": targets}


def _with_own_ignored(config: JsonObject) -> JsonObject:
    """Adds the rules by which what the chart makes in a target's scope isn't unmanaged there."""
    targets = []
    for target in config.get("targets") or ():
        spaces = (target.get("scope") or {}).get("namespaces") or ()
        own = [
            {
                "reason": "made by Plumbline's own chart",
                "group": _RBAC_GROUP,
                "kind": kind,
                "namespace": space,
                "name": _RELEASE,
            }
            for space in spaces
            for kind in ("Role", "RoleBinding")
        ]
        ignored = [*(target.get("ignore") or ()), *own]
        targets.append({**target, **({"ignore": ignored} if ignored else {})})
    return {**config, "targets": targets}


def account_of(text: str) -> tuple[str, str]:
    """Reads the namespace and the name of an account.

    Raises:
        ConfigError: It isn't of the form NAMESPACE/NAME.
    """
    namespace, _, name = text.partition("/")
    if not namespace or not name or "/" in name:
        raise ConfigError(f"--account {text!r} is no NAMESPACE/NAME", fix="as plumbline/plumbline")
    return namespace, name


def installed_configuration(file: str | None) -> JsonObject:
    """Gives what the configuration file says, without what is of its place.

    Args:
        file: The file that was named; None for `plumbline.yaml`.
    """
    path = configuration_file(file)
    content = parsed(path.read_text(encoding="utf-8")) if path is not None else {}
    return {name: value for name, value in content.items() if name not in _OF_THE_PLACE}


def parsed(text: str) -> JsonObject:
    """Reads a configuration file's text, which was found to be sound before."""
    import yaml

    content: Any = yaml.safe_load(text)
    return dict(content or {})


def find_grants(
    settings: Settings, targets: Sequence[TargetSettings], part: Part, config: JsonObject
) -> Grants:
    """Reads the repositories and what the cluster serves, and finds out what is needed.

    Raises:
        PlumblineError: A repository can't be read, or the cluster can't be reached.
    """
    from reconciler.adapters.cluster.kept_catalog import DEFINING
    from reconciler.bootstrap import open_cluster
    from reconciler.builtin import transient_kinds
    from reconciler.core.desired import desired_state
    from reconciler.core.rights import agent_rights, event_rights, needs_of, report_needs
    from reconciler.core.scope import listings

    rights: set[Right] = set()
    unknown: set[str] = set()
    homes: dict[str, str] = {}
    with closing(open_cluster(settings)) as cluster:
        catalog = cluster.catalog()
        for target in targets:
            namespace = target.namespace or cluster.namespace or "default"
            rendered = _rendered(settings, target, namespace)
            desired = desired_state(rendered, catalog, namespace)
            if needs_namespace(rendered, desired):
                homes[target.name] = namespace
            scope = frozenset(target.scope.namespaces)
            wanted = listings(desired, catalog, scope, transient_kinds())
            needs = [needs_of(desired, catalog, wanted, part, prunes=target.prune)]
            if settings.notify.events:
                rights |= event_rights(wanted)
            if settings.notify.policy_reports:
                needs.append(report_needs(wanted, catalog))
            rights |= {right for each in needs for right in each.rights}
            unknown |= {kind for each in needs for kind in each.unknown}
    if settings.agents.address:
        rights |= agent_rights()
    # To be told at once that there are other kinds.
    rights |= {Right("", k.group, k.plural, verb) for k in DEFINING for verb in ("list", "watch")}
    config = _with_namespaces(config, homes)
    if part is Part.READER:
        config = {**config, "cluster": {"dry_runs": False}}
    return Grants(part, targets, frozenset(rights), frozenset(unknown), config)


def _rendered(settings: Settings, target: TargetSettings, namespace: str) -> Rendered:
    from reconciler.bootstrap import open_source

    return open_source(settings, target, lambda: namespace).fetch()
