"""Which replica acts for which target: a Lease each, spread over the replicas that there are."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.cluster.lease import Leadership, lease_transport, new_identity
from reconciler.adapters.cluster.replicas import Replicas


@dataclass(frozen=True, slots=True)
class Seat:
    """This replica's part in one target.

    Attributes:
        leadership: Contends for the target's Lease; None where this is the only replica.
        replicas: The others; None likewise.
        name: The target's name.
    """

    name: str
    leadership: Leadership | None = None
    replicas: Replicas | None = None

    def held(self) -> bool:
        """Whether this replica acts for the target at this very moment."""
        return self.leadership is None or self.leadership.held()

    def is_to_leave(self) -> bool:
        """Whether this replica acts, and another one is to."""
        if self.leadership is None or self.replicas is None:
            return False
        return self.leadership.held() and not self.replicas.chosen(self.name)

    def leave(self) -> None:
        """Hands the target over. Whoever writes must have come to an end before."""
        if self.leadership is not None:
            self.leadership.hand_over()


class Seats:
    """Gives this replica its part in each target."""

    def __init__(self, namespace: str, targets: Sequence[str], stack: ExitStack) -> None:
        """Asks nothing yet.

        Args:
            namespace: Where the Leases are; empty where this is the only replica.
            targets: The names of all targets of this replica.
            stack: What must be closed in the end.
        """
        self._namespace = namespace
        self._targets = targets
        self._stack = stack
        self._identity = new_identity()
        self._replicas: Replicas | None = None
        self._seats: dict[str, Seat] = {}
        self._heard: Callable[[str], None] | None = None

    def seat(self, name: str, cluster: KubeCluster) -> Seat:
        """Begins to contend for a target; ends with the stack."""
        if not self._namespace:
            return Seat(name)
        replicas = self._replicas or self._joined(cluster)
        leadership = Leadership(
            lease_transport(cluster),
            self._namespace,
            f"plumbline-{name}",
            self._identity,
            wanted=lambda: replicas.chosen(name),
        )
        leadership.start()
        self._stack.callback(leadership.release)
        self._seats[name] = Seat(name, leadership, replicas)
        return self._seats[name]

    def held(self, name: str) -> bool:
        """Whether this replica acts for a target at this very moment."""
        if not self._namespace:
            return True
        seat = self._seats.get(name)
        return seat is not None and seat.held()

    def tell(self, name: str) -> None:
        """Has whoever acts for a target look at it, if another replica does."""
        seat = self._seats.get(name)
        if self._replicas is not None and seat is not None and not seat.held():
            self._replicas.tell(name)

    def listen(self, heard: Callable[[str], None]) -> None:
        """Has something called with each target that another replica tells of."""
        self._heard = heard

    def _hear(self, name: str) -> None:
        if self._heard is not None:
            self._heard(name)

    def _joined(self, cluster: KubeCluster) -> Replicas:
        transport = lease_transport(cluster)
        replicas = Replicas(
            transport, self._namespace, self._identity, self._targets, heard=self._hear
        )
        replicas.start()
        self._stack.callback(replicas.close)
        self._replicas = replicas
        return replicas
