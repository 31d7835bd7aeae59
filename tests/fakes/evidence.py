"""What agents are asked to keep, in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from reconciler.core.evidence import AskedEvidence, Evidence


class FakeEvidenceStore:
    """Implements `ports.EvidenceStore`."""

    def __init__(self) -> None:
        self._asked: dict[str, AskedEvidence] = {}

    def ask(self, pods: Mapping[str, str], now: str) -> None:
        """Asks for evidence."""
        for uid, node in pods.items():
            self._asked.setdefault(uid, AskedEvidence(node, now))

    def asked(self, pods: Collection[str]) -> Mapping[str, AskedEvidence]:
        """Says what became of asking."""
        return {uid: each for uid, each in self._asked.items() if uid in pods}

    def wanted(self, node: str) -> Collection[str]:
        """Gives the pods that are still to be kept."""
        asked = self._asked.items()
        return sorted(uid for uid, each in asked if each.node == node and each.kept is None)

    def keep(self, node: str, evidence: Sequence[Evidence]) -> None:
        """Remembers what was kept."""
        for each in evidence:
            asked = self._asked.get(each.pod_uid)
            if asked is not None and asked.node == node:
                self._asked[each.pod_uid] = replace(asked, kept=each)

    def forget(self, before: str) -> None:
        """Lets go of what was asked for long ago."""
        self._asked = {uid: each for uid, each in self._asked.items() if each.since >= before}
