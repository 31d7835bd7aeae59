"""What node agents measured: for audits that say which roots could be read-only."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.errors import ConfigError
from reconciler.core.resource import ResourceKey

if TYPE_CHECKING:
    from reconciler.core.containers import NodeLook
    from reconciler.core.hardening.auditing import Subject
    from reconciler.core.hardening.findings import Audit
    from reconciler.core.hardening.measuring import Measurement
    from reconciler.settings import Settings

#: In place of a file: what node agents told the controller last.
AGENTS: Final = "agents"
#: Pods, and what stands between them and what is declared.
_OWNING = (("v1", "Pod"), ("apps/v1", "ReplicaSet"), ("batch/v1", "Job"))
#: Seconds that a container must have run to prove anything, unless one says otherwise.
_LEAST = 3600
#: A look that lists 20,000 files of each of a hundred containers.
_LONGEST = 1 << 30


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured.

    Attributes:
        measurements: Of each container.
        least: For how many seconds it must have run.
        owners: Whose pods are, by their uids, where a cluster was asked.
        notes: What of that could not be read.
    """

    measurements: "Sequence[Measurement]"
    least: int
    owners: "Mapping[str, ResourceKey]"
    notes: tuple[str, ...] = ()

    def seen(self, subjects: "Sequence[Subject]") -> "Sequence[Subject]":
        """Adds to what is to be audited which shells are in its containers."""
        from reconciler.core.hardening.measuring import owners_of
        from reconciler.core.hardening.shells import with_shells

        owners = {**self.owners, **owners_of(subjects)}
        return with_shells(subjects, self.measurements, owners)

    def added(self, audit: "Audit", subjects: "Sequence[Subject]") -> "Audit":
        """Adds it to an audit; where live pods were audited, their owners say whose they are."""
        from reconciler.core.hardening.measuring import measured, owners_of

        owners = {**self.owners, **owners_of(subjects)}
        found = measured(audit, subjects, self.measurements, owners, self.least)
        return replace(found, notes=(*found.notes, *self.notes))


def measured_of(options: argparse.Namespace, settings: "Settings") -> Measured | None:
    """Reads what `--measured` names; None for nothing.

    Raises:
        ConfigError: A flag is wrong, a file can't be read or is something else, or no agent told
            anything.
        HistoryError: What agents told can't be read.
        ClusterError: A cluster is named, and can't be asked whose pods are.
    """
    from reconciler.core.hardening.measuring import measurements_of

    if not options.measured:
        if options.measured_for is not None:
            raise ConfigError("--measured-for goes with --measured", fix="name what was measured")
        return None
    looks = [
        look
        for name in options.measured
        for look in (_told(settings) if name == AGENTS else _looks(name))
    ]
    found = [each for look in looks for each in measurements_of(look)]
    owners: Mapping[str, ResourceKey] = {}
    notes: tuple[str, ...] = ()
    cluster = settings.cluster
    is_asked = options.running or options.live is not None
    if not is_asked and (cluster.kubeconfig or cluster.context):
        owners, notes = _live_owners(settings, {each.container.namespace for each in found})
    return Measured(found, int(options.measured_for or _LEAST), owners, notes)


def _live_owners(
    settings: "Settings", namespaces: "Set[str]"
) -> "tuple[Mapping[str, ResourceKey], tuple[str, ...]]":
    """Asks the cluster whose the pods are that run now.

    Raises:
        ClusterError: It can't be asked.
    """
    from reconciler.bootstrap import open_cluster
    from reconciler.core.hardening.auditing import Subject
    from reconciler.core.hardening.measuring import owners_of
    from reconciler.core.live import Listing

    spaces = frozenset(filter(None, namespaces))
    if not spaces:
        return {}, ()
    with closing(open_cluster(settings)) as cluster:
        catalog = cluster.catalog()
        kinds = (catalog.find(*each) for each in _OWNING)
        state = cluster.read([Listing(kind, spaces) for kind in kinds if kind is not None])
    notes = (f"{each.kind} could not be read, so pods are told by name" for each in state.unread)
    return owners_of([Subject(key, body) for _, key, body in state.each()]), tuple(notes)


def _told(settings: "Settings") -> "Iterator[NodeLook]":
    """Gives what agents told: what a container wrote counts, however long ago it was told."""
    from reconciler.memory import open_history

    with closing(open_history(settings, create=False)) as history:
        reports = history.nodes().latest()
    if not reports:
        raise ConfigError(
            f"--measured {AGENTS}: no node agent has told the controller anything yet",
            fix="name a file, by `plumbline containers --node-local -o json`",
        )
    yield from (report.look for report in reports)


def _looks(file: str) -> "Iterator[NodeLook]":
    from reconciler.core.hardening.documents import look_in

    flag = f"--measured {file}"
    try:
        with Path(file).open("rb") as opened:
            document = json.loads(opened.read(_LONGEST))
    except OSError as error:
        raise ConfigError(f"{flag}: {error.strerror}", fix=f"name a file, or {AGENTS}") from None
    except (ValueError, RecursionError):
        raise ConfigError(
            f"{flag}: this is no JSON",
            fix="`plumbline containers --node-local -o json > looks.json`",
        ) from None
    try:
        for each in _each_look(document):
            yield look_in(each)
    except ConfigError as error:
        raise ConfigError(f"{flag}: {error.message}", fix=error.fix) from None


def _each_look(document: Any) -> Iterator[Any]:
    """Gives the looks in what `plumbline containers -o json` says, of one node or of several."""
    several = document.get("nodes") if isinstance(document, Mapping) else None
    for each in several if isinstance(several, list) else [document]:
        is_told = isinstance(each, Mapping) and "look" in each
        if is_told and each["look"] is None:
            raise ConfigError(
                "an agent in it was silent for too long, and what it saw isn't in it",
                fix=f"`--measured {AGENTS}` takes what it told last",
            )
        yield each["look"] if is_told else each
