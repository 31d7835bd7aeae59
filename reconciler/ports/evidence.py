"""Evidence of pods' drift: who wants it, and who has kept it."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    # A check needs none of this, and imports no more than it must.
    from reconciler.core.evidence import AskedEvidence, Evidence


class EvidenceStore(Protocol):
    """Remembers what agents are asked to keep, and what they have. All may raise `HistoryError`."""

    def ask(self, pods: Mapping[str, str], now: str) -> None:
        """Asks agents to keep evidence; of what was asked for before nothing changes.

        Args:
            pods: By each pod's uid, its node.
            now: When, RFC 3339.
        """
        ...

    def asked(self, pods: Collection[str]) -> "Mapping[str, AskedEvidence]":
        """Says what became of asking, by the pods' uids; without those that weren't asked for."""
        ...

    def wanted(self, node: str) -> Collection[str]:
        """Gives the uids of the pods that a node's agent is asked for and hasn't kept."""
        ...

    def keep(self, node: str, evidence: "Sequence[Evidence]") -> None:
        """Remembers what a node's agent has kept; of pods that it wasn't asked for, nothing."""
        ...

    def forget(self, before: str) -> None:
        """Lets go of what was asked for before a time, RFC 3339."""
        ...
