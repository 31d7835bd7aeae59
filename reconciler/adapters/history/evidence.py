"""Remembers what agents are asked to keep of pods, in the database that all replicas share."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Engine, RowMapping, delete, insert, select, update
from sqlalchemy.engine import URL

from reconciler.adapters.history.opening import foreign_errors, reading, writing
from reconciler.adapters.history.records import column_text
from reconciler.adapters.history.tables import EVIDENCE
from reconciler.core.evidence import AskedEvidence, Evidence

_PODS = EVIDENCE.c.pod_uid


class EvidenceTable:
    """See `ports.EvidenceStore`."""

    def __init__(self, url: URL, engine: Engine) -> None:
        """Asks nothing yet.

        Args:
            url: Names the database in errors.
            engine: Connects to it.
        """
        self._url = url
        self._engine = engine

    def ask(self, pods: Mapping[str, str], now: str) -> None:
        """Asks agents to keep evidence."""
        with foreign_errors(self._url), writing(self._engine) as connection:
            selected = select(_PODS).where(_PODS.in_(map(column_text, pods)))
            known = set(connection.execute(selected).scalars())
            rows = [
                {
                    "pod_uid": column_text(uid),
                    "node": column_text(node),
                    "since": now,
                    "digest": "",
                    "size": 0,
                    "kept_at": "",
                }
                for uid, node in pods.items()
                if column_text(uid) not in known
            ]
            if rows:
                connection.execute(insert(EVIDENCE), rows)

    def asked(self, pods: Collection[str]) -> Mapping[str, AskedEvidence]:
        """Says what became of asking."""
        selected = select(EVIDENCE).where(_PODS.in_(map(column_text, pods)))
        with foreign_errors(self._url), reading(self._engine) as connection:
            rows = connection.execute(selected).mappings()
            return {row["pod_uid"]: _asked(row) for row in rows}

    def wanted(self, node: str) -> Collection[str]:
        """Gives the pods of which a node's agent hasn't kept anything yet."""
        columns = EVIDENCE.c
        mine = (columns.node == column_text(node)) & (columns.digest == "")
        with foreign_errors(self._url), reading(self._engine) as connection:
            selected = select(_PODS).where(mine).order_by(_PODS)
            return list(connection.execute(selected).scalars())

    def keep(self, node: str, evidence: Sequence[Evidence]) -> None:
        """Remembers what a node's agent has kept; agents say it with each word, so mostly again."""
        asked = self.asked([each.pod_uid for each in evidence]) if evidence else {}
        evidence = [
            each
            for each in evidence
            if (known := asked.get(each.pod_uid)) is not None
            and known.node == node
            and known.kept != each
        ]
        if not evidence:
            return
        with foreign_errors(self._url), writing(self._engine) as connection:
            for each in evidence:
                columns = EVIDENCE.c
                mine = (columns.pod_uid == column_text(each.pod_uid)) & (
                    columns.node == column_text(node)
                )
                values = {"digest": each.digest, "size": each.size, "kept_at": each.kept_at}
                connection.execute(update(EVIDENCE).where(mine).values(**values))

    def forget(self, before: str) -> None:
        """Lets go of what was asked for long ago."""
        with foreign_errors(self._url), writing(self._engine) as connection:
            connection.execute(delete(EVIDENCE).where(EVIDENCE.c.since < before))


def _asked(row: RowMapping) -> AskedEvidence:
    kept = Evidence(row["pod_uid"], row["digest"], row["size"], row["kept_at"])
    return AskedEvidence(row["node"], row["since"], kept if row["digest"] else None)
