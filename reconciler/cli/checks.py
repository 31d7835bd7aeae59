"""What `doctor` looks at. Each check answers with findings and never fails itself."""

import os
import re
import shlex
import stat
from collections.abc import Mapping
from pathlib import Path

from reconciler.adapters.process import ProcessError, run
from reconciler.cli.findings import Finding, State, good, of_error
from reconciler.core.desired import Rendered
from reconciler.core.errors import PlumblineError
from reconciler.core.resource import Catalog
from reconciler.ports import Cluster, Source

#: Configuration by the environment, GIT_CONFIG_COUNT, came with it (git's release notes of 2.31).
_OLDEST_GIT = (2, 31)
_SECONDS = 20.0


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
