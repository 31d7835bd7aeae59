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
from reconciler.ports import Cluster, Source

#: Configuration by the environment, GIT_CONFIG_COUNT, came with it (git's release notes of 2.31).
_OLDEST_GIT = (2, 31)
_SECONDS = 20.0
_THREADS = 8

#: What a check needs, and what a restore and the comparison by the server's own answer need.
_READING = ("get", "list")
_WRITING = ("create", "update")


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


def check_rights(
    name: str,
    cluster: Cluster,
    desired: DesiredState,
    catalog: Catalog,
    listings: Sequence[Listing],
) -> list[Finding]:
    """Says what we may do with the declared kinds, and whether the rest of the scope can be read.

    Args:
        name: The target's.
        cluster: Is asked.
        desired: What is declared.
        catalog: What the server serves.
        listings: What a check would read.
    """
    declared: dict[ResourceKind, set[str]] = defaultdict(set)
    unknown: set[str] = set()
    for key, manifest in desired.resources.items():
        kind = catalog.find(manifest.api_version, manifest.kind)
        if kind is None:
            unknown.add(f"{manifest.api_version} {manifest.kind}")
        else:
            declared[kind].add(key.namespace)
    others = {each.kind: set(each.namespaces) for each in listings if each.kind not in declared}
    wanted = [
        *_rights(declared, (*_READING, *_WRITING)),
        *_rights(others, ("list",)),
    ]
    try:
        with ThreadPoolExecutor(_THREADS, "rights") as pool:
            answers = pool.map(lambda r: cluster.allows(r.verb, r.kind, r.namespace), wanted)
            refused = [right for right, allowed in zip(wanted, answers, strict=True) if not allowed]
    except PlumblineError as error:
        return [of_error(f"{name}: rights", error)]
    findings = [_unserved(name, each) for each in sorted(unknown)]
    findings += _declared_findings(f"{name}: rights", declared, refused)
    return findings + _scope_findings(f"{name}: scope", others, refused)


def _rights(kinds: Mapping[ResourceKind, set[str]], verbs: Iterable[str]) -> Iterator[_Right]:
    for kind, namespaces in kinds.items():
        for verb, namespace in product(verbs, sorted(namespaces) or [""]):
            yield _Right(verb, kind, namespace)


def _unserved(name: str, kind: str) -> Finding:
    text = f"the cluster doesn't serve {kind}: its objects are missing"
    fix = "install what defines it, unless its definition is among the manifests"
    return Finding(f"{name}: {kind.rpartition(' ')[2]}", State.MEND, text, fix)


def _declared_findings(
    topic: str, declared: Mapping[ResourceKind, set[str]], refused: Sequence[_Right]
) -> Iterator[Finding]:
    """Says it once for all kinds for which it is the same."""
    alike: dict[tuple[tuple[str, ...], frozenset[str]], list[ResourceKind]] = defaultdict(list)
    for kind in sorted(declared):
        mine = [right for right in refused if right.kind == kind]
        closed = {right.verb for right in mine}
        verbs = tuple(verb for verb in (*_READING, *_WRITING) if verb in closed)
        where = {right.namespace for right in mine} if mine else declared[kind]
        alike[verbs, frozenset(where)].append(kind)
    for (verbs, spaces), kinds in alike.items():
        names = ", ".join(kind.kind for kind in kinds)
        if not verbs:
            yield good(topic, f"may get, list, create and update {names}{_in(spaces)}")
            continue
        text = f"may not {' or '.join(verbs)} {names}{_in(spaces)}"
        fix = _grant(kinds, verbs, spaces)
        if set(verbs) & set(_READING):
            yield Finding(topic, State.BROKEN, f"{text}: they are unreadable", fix)
        else:
            why = "no restore, and no dry runs to ask the server by: add --offline, or"
            yield Finding(topic, State.MEND, text, f"{why} {fix}")


def _scope_findings(
    topic: str, others: Mapping[ResourceKind, set[str]], refused: Sequence[_Right]
) -> list[Finding]:
    if not others:
        return []
    closed = sorted({right.kind for right in refused if right.kind in others})
    spaces = set().union(*others.values())
    if not closed:
        kinds = "the other kind" if len(others) == 1 else f"all {len(others)} other kinds"
        return [good(topic, f"may list {kinds}{_in(spaces)}")]
    names = ", ".join(kind.kind for kind in closed)
    text = f"may not list {names}{_in(spaces)}: unmanaged ones can't be found"
    return [Finding(topic, State.MEND, text, _grant(closed, ["list"], spaces))]


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
    return f"`kubectl create {role} {flags}`, and bind it to this user"


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
