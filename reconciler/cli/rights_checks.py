"""What `doctor` says of rights: what we may do, and what is to be granted."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

from reconciler.cli.findings import Finding, State, good, of_error
from reconciler.core.desired import DesiredState
from reconciler.core.errors import PlumblineError
from reconciler.core.live import Listing
from reconciler.core.resource import Catalog, ResourceKind
from reconciler.core.rights import (
    GRANTING,
    LEASES,
    READING,
    WRITING,
    Part,
    Right,
    agent_rights,
    declared_kinds,
    granting_rights,
)
from reconciler.ports import Cluster
from reconciler.settings import AgentSettings

_THREADS = 8

#: What finding unmanaged objects takes.
_SCANNING = ("list", "watch")
#: What a check can't do without; `plumbline run` can't do without what else reads.
_CHECKING = ("get", "list")
#: What can't be done of hearing node agents without a right.
_UNHEARD = {
    "tokenreviews": "no agent is heard",
    "pods": "no agent is heard about pods",
    "nodes": "nodes that are gone are told of for good",
}


@dataclass(frozen=True, slots=True)
class _Right:
    """One thing that we may want to do."""

    verb: str
    kind: ResourceKind
    namespace: str
    name: str = ""


def check_rights(
    name: str,
    cluster: Cluster,
    desired: DesiredState,
    catalog: Catalog,
    listings: Sequence[Listing],
    part: Part = Part.RESTORER,
) -> list[Finding]:
    """Says what we may do with the declared kinds, and whether the rest of the scope can be read.

    Args:
        name: The target's.
        cluster: Is asked.
        desired: What is declared.
        catalog: What the server serves.
        listings: What a check would read.
        part: Whether it is only to look.
    """
    declared, unknown = declared_kinds(desired, catalog)
    others = {each.kind: set(each.namespaces) for each in listings if each.kind not in declared}
    verbs = READING if part is Part.READER else (*READING, *WRITING)
    wanted = [
        *_rights(declared, verbs),
        *_rights(others, _SCANNING),
        *(_granting(desired, catalog) if part is Part.RESTORER else ()),
    ]
    try:
        refused = _refused(cluster, wanted)
    except PlumblineError as error:
        return [of_error(f"{name}: rights", error)]
    findings = [_unserved(name, each) for each in sorted(unknown)]
    findings += _declared_findings(f"{name}: rights", declared, verbs, refused)
    findings += _scope_findings(f"{name}: scope", others, refused)
    return findings + _granting_findings(f"{name}: roles", refused)


def check_leases(cluster: Cluster, catalog: Catalog, namespace: str) -> list[Finding]:
    """Says whether we may keep the Leases by which replicas agree; nothing where there are none.

    Args:
        cluster: Is asked.
        catalog: What the server serves.
        namespace: Where the Leases are; empty for nowhere.
    """
    lease = catalog.find("coordination.k8s.io/v1", "Lease")
    if not namespace or lease is None:
        return []
    try:
        refused = _refused(cluster, list(_rights({lease: {namespace}}, LEASES)))
    except PlumblineError as error:
        return [of_error("Leases", error)]
    if not refused:
        return [good("Leases", f"may keep them in {namespace}")]
    verbs = [right.verb for right in refused]
    text = f"may not {' or '.join(verbs)} them in {namespace}: `plumbline run` doesn't act"
    return [Finding("Leases", State.MEND, text, _grant([lease], verbs, [namespace]))]


def check_agents(settings: AgentSettings, cluster: Cluster, catalog: Catalog) -> Iterator[Finding]:
    """Says whether node agents can be heard; nothing where none is to be.

    Args:
        settings: Where they are heard.
        cluster: Is asked.
        catalog: What the server serves.
    """
    if not settings.address:
        return
    from reconciler.attending import certificate_of

    topic = "node agents"
    try:
        certificate_of(settings).context()
    except PlumblineError as error:
        yield of_error(topic, error)
    kinds = {(kind.group, kind.plural): kind for kind in catalog.kinds.values()}
    wanted = [
        _Right(right.verb, kinds[right.group, right.plural], right.namespace)
        for right in sorted(agent_rights())
        if (right.group, right.plural) in kinds
    ]
    try:
        refused = _refused(cluster, wanted)
    except PlumblineError as error:
        yield of_error(topic, error)
        return
    for right in refused:
        text = f"may not {right.verb} {right.kind.plural}: {_UNHEARD[right.kind.plural]}"
        yield Finding(topic, State.MEND, text, _grant([right.kind], [right.verb], [""]))
    if not refused:
        yield good(topic, "may review their tokens, and look up pods and nodes")


def check_grants(
    topic: str, cluster: Cluster, catalog: Catalog, rights: Iterable[Right]
) -> Finding:
    """Says whether some rights are ours, none of which a check needs.

    Args:
        topic: The finding's.
        cluster: Is asked.
        catalog: What the server serves.
        rights: Of kinds that it serves.
    """
    kinds = {(kind.group, kind.plural): kind for kind in catalog.kinds.values()}
    wanted = [
        _Right(right.verb, kinds[right.group, right.plural], right.namespace)
        for right in sorted(rights)
        if (right.group, right.plural) in kinds
    ]
    try:
        refused = _refused(cluster, wanted)
    except PlumblineError as error:
        return of_error(topic, error)
    if not refused:
        return good(topic, f"may be written{_in({right.namespace for right in wanted})}")
    verbs = sorted({right.verb for right in refused})
    spaces = {right.namespace for right in refused}
    text = f"may not {' or '.join(verbs)} them{_in(spaces)}"
    return Finding(topic, State.MEND, text, _grant({r.kind for r in refused}, verbs, spaces))


def _refused(cluster: Cluster, wanted: Sequence[_Right]) -> list[_Right]:
    with ThreadPoolExecutor(_THREADS, "rights") as pool:
        answers = pool.map(lambda r: cluster.allows(r.verb, r.kind, r.namespace, r.name), wanted)
        return [right for right, allowed in zip(wanted, answers, strict=True) if not allowed]


def _rights(kinds: Mapping[ResourceKind, set[str]], verbs: Iterable[str]) -> Iterator[_Right]:
    for kind, namespaces in kinds.items():
        for verb, namespace in product(verbs, sorted(namespaces) or [""]):
            yield _Right(verb, kind, namespace)


def _granting(desired: DesiredState, catalog: Catalog) -> Iterator[_Right]:
    """Gives what is wanted of who writes the declared roles and bindings."""
    kinds = {(kind.group, kind.plural): kind for kind in catalog.kinds.values()}
    for right in sorted(granting_rights(desired)):
        if (right.group, right.plural) in kinds:
            kind = kinds[right.group, right.plural]
            yield _Right(right.verb, kind, right.namespace, right.name)


def _unserved(name: str, kind: str) -> Finding:
    text = f"the cluster doesn't serve {kind}: its objects are missing"
    fix = "install what defines it, unless its definition is among the manifests"
    return Finding(f"{name}: {kind.rpartition(' ')[2]}", State.MEND, text, fix)


def _declared_findings(
    topic: str,
    declared: Mapping[ResourceKind, set[str]],
    wanted: Sequence[str],
    refused: Sequence[_Right],
) -> Iterator[Finding]:
    """Says it once for all kinds for which it is the same."""
    alike: dict[tuple[tuple[str, ...], frozenset[str]], list[ResourceKind]] = defaultdict(list)
    for kind in sorted(declared):
        mine = [right for right in refused if right.kind == kind and right.verb in wanted]
        closed = {right.verb for right in mine}
        verbs = tuple(verb for verb in wanted if verb in closed)
        where = {right.namespace for right in mine} if mine else declared[kind]
        alike[verbs, frozenset(where)].append(kind)
    for (verbs, spaces), kinds in alike.items():
        names = ", ".join(kind.kind for kind in kinds)
        if not verbs:
            may = f"{', '.join(wanted[:-1])} and {wanted[-1]}"
            yield good(topic, f"may {may} {names}{_in(spaces)}")
            continue
        text = f"may not {' or '.join(verbs)} {names}{_in(spaces)}"
        fix = _grant(kinds, verbs, spaces)
        if set(verbs) & set(_CHECKING):
            yield Finding(topic, State.BROKEN, f"{text}: they are unreadable", fix)
        elif set(verbs) & set(READING):
            yield Finding(topic, State.MEND, f"{text}: `plumbline run` can't read them", fix)
        else:
            why = "no restore, and no dry runs to ask the server by: set cluster.dry_runs to false "
            yield Finding(topic, State.MEND, text, f"{why}(--offline), or {fix}")


def _scope_findings(
    topic: str, others: Mapping[ResourceKind, set[str]], refused: Sequence[_Right]
) -> list[Finding]:
    if not others:
        return []
    mine = [right for right in refused if right.kind in others and right.verb in _SCANNING]
    closed = sorted({right.kind for right in mine})
    verbs = [verb for verb in _SCANNING if any(right.verb == verb for right in mine)]
    spaces = set().union(*others.values())
    if not closed:
        kinds = "the other kind" if len(others) == 1 else f"all {len(others)} other kinds"
        return [good(topic, f"may {' and '.join(_SCANNING)} {kinds}{_in(spaces)}")]
    names = ", ".join(kind.kind for kind in closed)
    text = f"may not {' or '.join(verbs)} {names}{_in(spaces)}: unmanaged ones can't be found"
    return [Finding(topic, State.MEND, text, _grant(closed, verbs, spaces))]


def _granting_findings(topic: str, refused: Sequence[_Right]) -> list[Finding]:
    """Tells of what the server wants of who grants rights that he hasn't himself."""
    mine = [right for right in refused if right.verb in GRANTING]
    if not mine:
        return []
    deeds = sorted({f"{right.verb} {right.kind.kind} {right.name}".rstrip() for right in mine})
    text = (
        f"may not {', '.join(deeds)}{_in(right.namespace for right in mine)}: declared roles and "
        "bindings with more rights than this account has can't be restored"
    )
    fix = f"`plumbline init --rbac {Part.RESTORER}` writes what to grant, and what it means"
    return [Finding(topic, State.MEND, text, fix)]


def _in(namespaces: Iterable[str]) -> str:
    named = sorted(set(namespaces) - {""})
    return f" in {', '.join(named)}" if named else ""


def _grant(kinds: Iterable[ResourceKind], verbs: Sequence[str], namespaces: Iterable[str]) -> str:
    """Gives the command that makes a role with these rights."""
    names = (f"{kind.plural}.{kind.group}" if kind.group else kind.plural for kind in kinds)
    # A flag each, so that a terminal has somewhere to break the line.
    resources = " ".join(f"--resource={name}" for name in names)
    flags = f"plumbline --verb={','.join(verbs)} {resources}"
    named = sorted(set(namespaces) - {""})
    # One command can't make roles in several namespaces.
    role = f"role -n {named[0]}" if len(named) == 1 else "clusterrole"
    return (
        f"`kubectl create {role} {flags}`, and bind it to this user; `plumbline init --rbac` "
        "writes all rights"
    )
