"""What `doctor` looks at. Each check answers with findings and never fails itself."""

import os
import re
import shlex
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from reconciler.adapters.process import ProcessError, run
from reconciler.cli.findings import Finding, State, good, of_error
from reconciler.core.desired import DesiredState, Rendered
from reconciler.core.errors import PlumblineError
from reconciler.core.live import Listing
from reconciler.core.resource import Catalog, ResourceKind
from reconciler.core.rights import (
    GRANTING,
    LEASES,
    READING,
    WRITING,
    Part,
    declared_kinds,
    granting_rights,
)
from reconciler.ports import Cluster, Source

#: Configuration by the environment, GIT_CONFIG_COUNT, came with it (git's release notes of 2.31).
_OLDEST_GIT = (2, 31)
#: What finding unmanaged objects takes.
_SCANNING = ("list", "watch")
_SECONDS = 20.0
_THREADS = 8

#: What a check can't do without; `plumbline run` can't do without what else reads.
_CHECKING = ("get", "list")


def check_git(environ: Mapping[str, str]) -> Finding:
    """Says which git there is."""
    try:
        done = run(["git", "version"], environ=environ, seconds=_SECONDS, output_limit=1 << 16)
    except ProcessError as error:
        return Finding("git", State.BROKEN, str(error), "install git, and have it on PATH")
    found = re.search(r"(\d+)\.(\d+)[\w.]*", done.stdout.decode(errors="replace"))
    if done.code or found is None:
        return Finding("git", State.BROKEN, "`git version` fails", "install git anew")
    if (int(found[1]), int(found[2])) < _OLDEST_GIT:
        oldest = ".".join(map(str, _OLDEST_GIT))
        return Finding("git", State.MEND, f"{found[0]} is old", f"install git {oldest} or newer")
    return good("git", found[0])


def check_source(name: str, source: Source) -> tuple[Finding, Rendered | None]:
    """Says whether a target's repository can be read and rendered, and gives what it holds."""
    topic = f"{name}: Git"
    try:
        rendered = source.fetch()
    except PlumblineError as error:
        return of_error(topic, error), None
    count = len(rendered.manifests)
    if not count:
        text = "no object is declared there"
        return Finding(topic, State.BROKEN, text, "check the target's path and render"), None
    notes = "".join(f"; {note}" for note in rendered.notes)
    revision = rendered.revision[: 7 + (len("sha256:") if ":" in rendered.revision else 0)]
    objects = "1 object" if count == 1 else f"{count:,} objects"
    return good(topic, f"{objects} at {revision}{notes}"), rendered


def check_server(cluster: Cluster) -> tuple[list[Finding], Catalog | None]:
    """Says whether the API server answers, and gives the kinds that it serves."""
    try:
        catalog = cluster.catalog()
    except PlumblineError as error:
        return [of_error("API server", error)], None
    groups = {kind.api_version for kind in catalog.kinds.values()}
    text = f"{catalog.server_version or 'of unknown version'}, {len(groups)} API versions"
    findings = [good("API server", text)]
    for group, reason in sorted(catalog.unreadable.items()):
        fix = f"`kubectl get apiservices`; until it is back, objects of {group} are unreadable"
        findings.append(Finding(f"API {group}", State.MEND, reason, fix))
    return findings, catalog


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


def check_folder(topic: str, folder: Path, flag: str, *, readable: bool) -> Finding:
    """Says whether a folder of ours can be written, and by nobody else.

    Args:
        topic: The finding's.
        folder: Need not be there yet.
        flag: Names another folder.
        readable: Whether others may look into it: what is secret has folders of its own there.
    """
    there = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    fix = f"name a folder that can be written, with {flag}"
    if not there.is_dir():
        return Finding(topic, State.MEND, f"{there} is no folder", fix)
    if not os.access(there, os.W_OK | os.X_OK):
        return Finding(topic, State.MEND, f"{folder} can't be written", fix)
    if there != folder:
        return good(topic, f"{folder}, to be made")
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & (0o022 if readable else 0o077):
        deed = "written" if mode & 0o022 else "read"
        text = f"{folder} can be {deed} by others (mode {mode:o})"
        return Finding(topic, State.MEND, text, f"chmod 700 {shlex.quote(str(folder))}")
    return good(topic, str(folder))
