"""What node agents say: each node's containers, as its agent saw them last."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
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

    def heard(self) -> Mapping[str, str]:
        """Gives when each node was heard last, RFC 3339."""
        ...


@dataclass(frozen=True, slots=True)
class Agent:
    """Who shows a token: the agent of a node.

    Attributes:
        node: Of which node; it speaks for no other.
    """

    node: str


@dataclass(frozen=True, slots=True)
class Stranger:
    """Who shows a token, and isn't to be believed.

    Attributes:
        why: Why not; holds nothing of the token.
        is_known: Whether the cluster knows who that is.
    """

    why: str
    is_known: bool = False


class AgentRegister(Protocol):
    """Knows the cluster's agents. Every method may raise `ClusterError`."""

    def identify(self, token: str) -> Agent | Stranger:
        """Says who shows a token."""
        ...

    def pods_on(self, node: str) -> Mapping[str, tuple[str, str]]:
        """Gives namespace and name of the pods on a node, by the uids that its kubelet uses."""
        ...

    def has_node(self, node: str) -> bool:
        """Whether the cluster has such a node."""
        ...
