"""Several witnesses as one, such as two API servers' logs, or a log and a webhook."""

from collections.abc import Sequence

from reconciler.core.actors import AuditEvent
from reconciler.core.resource import Catalog, ResourceKey
from reconciler.ports import Witnesses


class AllWitnesses:
    """Asks every witness; the join leaves out what several of them tell."""

    def __init__(self, witnesses: Sequence[Witnesses]) -> None:
        self._witnesses = tuple(witnesses)

    def learn(self, catalog: Catalog) -> None:
        """See `ports.Witnesses`."""
        for witness in self._witnesses:
            witness.learn(catalog)

    def events_of(self, key: ResourceKey) -> Sequence[AuditEvent]:
        """See `ports.Witnesses`."""
        return [event for witness in self._witnesses for event in witness.events_of(key)]
