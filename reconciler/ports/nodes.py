"""What node agents say: each node's containers, as its agent saw them last."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    # A check needs none of this, and imports no more than it must.
    from reconciler.core.containers import NodeReport
    from reconciler.core.node_words import NodeWord


class NodeLooks(Protocol):
    """Remembers what each node's agent said last. Every method may raise `HistoryError`."""

    def latest(self) -> "Sequence[NodeReport]":
        """Gives what each node's agent said last, by the nodes' names.

        Of silent nodes, too: how old a word may be is for the reader to judge.
        """
        ...

    def save(self, report: "NodeReport") -> None:
        """Remembers what a node's agent said, in place of what it said before."""
        ...

    def forget(self, nodes: Collection[str]) -> None:
        """Lets go of what some nodes' agents said; nodes that aren't known don't matter."""
        ...


class NodeStore(NodeLooks, Protocol):
    """Also takes words that leave out what was said before."""

    def take(self, word: "NodeWord", received_at: str) -> Collection[str]:
        """Remembers a word, as `save` does a report.

        Args:
            word: What the agent says.
            received_at: When that was received, RFC 3339.

        Returns:
            The ids of containers that the word names by a digest under which nothing is kept.
            Where there are any, all stays as it was: the agent must say them whole.
        """
        ...
