"""The warden: has the kernel ask before a container executes what its image doesn't hold.

It is a process of its own, and so small that it can be trusted to live: an agent may be killed and
begun anew beside it.
"""

import os
import resource
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from reconciler.agent.answering import Answering, Limits
from reconciler.agent.arrivals import Arrivals
from reconciler.agent.attending import END, Attendance
from reconciler.agent.describing import Describer
from reconciler.agent.keeping import Keeper
from reconciler.agent.permitting import Gate
from reconciler.agent.processes import ProcessTable
from reconciler.agent.pulse import Pulse
from reconciler.agent.refusals import Tally
from reconciler.agent.wards import Wards
from reconciler.core.enforcing import EnforcementRule
from reconciler.core.sightings import Sighting

#: Seconds between two looks for new containers: so long may one execute what it likes.
_POLL: Final = 0.1
#: So many containers are named that aren't enforced.
_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class Orders:
    """What a warden is to do.

    Attributes:
        node: The machine's name.
        rules: Gives the rules, as they are by now.
        labels: Gives what is known of pods' labels, by the pod's uid.
        trouble: Says what is wrong with either; empty where nothing is.
        limits: How long an answer may take.
        settings: By what it was started.
        outlives: Seconds that it goes on with no agent attached; 0 for ever.
        now: The clock.
        otherwise: Is told of refusals while no agent is attached.
    """

    node: str
    rules: Callable[[], Sequence[EnforcementRule]]
    labels: Callable[[], Mapping[str, Mapping[str, str]]]
    trouble: Callable[[], str]
    limits: Limits
    settings: str
    outlives: float
    now: Callable[[], datetime]
    otherwise: Callable[[Sighting], None]


def keep(
    orders: Orders,
    listener: socket.socket,
    former: socket.socket | None,
    ended: Callable[[], bool],
) -> None:
    """Keeps a warden until it is to end.

    Args:
        orders: What it is to do.
        listener: Where agents attach.
        former: A connection to the warden whose place it takes, which ends once it has done so.
        ended: Says whether it is to end.

    Raises:
        OSError: The kernel can't do this, or we may not.
    """
    # Each container's layers are held open, and each question has a descriptor.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    gate, pulse = Gate(), Pulse()

    def answer() -> None:
        _Answerer(orders, gate, pulse, listener, former).run()

    Keeper(gate, pulse, orders.limits, answer).keep(ended)


class _Answerer:
    """The process that answers."""

    def __init__(
        self,
        orders: Orders,
        gate: Gate,
        pulse: Pulse,
        listener: socket.socket,
        former: socket.socket | None,
    ) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # its keeper ends it
        self._orders = orders
        self._former = former
        self._keeper = os.getppid()
        table = ProcessTable()
        self._wards = Wards(gate, table, orders.node, orders.rules, orders.labels)
        self._tally = Tally()
        self._pulse = pulse
        self._attendance = Attendance(
            listener, orders.settings, self._counted, orders.otherwise, self._end, self._alone
        )
        tell = Describer(ProcessTable(), orders.now, self._tally, self._attendance.tell)
        own = frozenset((os.getpid(), self._keeper))
        self._answering = Answering(gate, self._wards, pulse, orders.limits, tell, own, self._tally)
        self._gate = gate
        self._trouble = ""

    def run(self) -> None:
        """Answers until its keeper ends it."""
        threading.Thread(target=self._look, daemon=True).start()
        threading.Thread(target=self._foresee, daemon=True).start()
        self._attendance.start()
        self._answering.run(threading.Event())

    def _look(self) -> None:
        """Looks for containers, again and again."""
        wait = threading.Event()
        while True:
            try:
                self._wards.renew()
                self._trouble = ""
            except OSError as error:
                self._trouble = f"containers can't be looked for: {error.strerror}"
            if not self._answering.ready.is_set():
                self._answering.ready.set()
                self._succeed()
            self._answering.wake()
            wait.wait(_POLL)

    def _foresee(self) -> None:
        """Has containers marked before they start."""
        self._answering.ready.wait()
        arrivals = Arrivals(self._wards)
        while True:
            arrivals.attend()

    def _succeed(self) -> None:
        """Has the warden before this one end, now that this one has marked what it had."""
        if self._former is not None:
            with suppress(OSError):
                self._former.sendall(END)
            self._former.close()
            self._former = None

    def _end(self) -> None:
        os.kill(self._keeper, signal.SIGTERM)

    def _alone(self, seconds: float) -> None:
        if self._orders.outlives and seconds > self._orders.outlives:
            self._end()

    def _counted(self) -> Tally:
        notes = {**self._wards.doubts, **self._wards.unenforced}
        named = sorted(f"{each[:12]}: {why}" for each, why in notes.items())
        tally = self._tally  # another thread counts on meanwhile
        return replace(
            tally,
            decided=Counter(dict(tally.decided)),
            refused=Counter(dict(tally.refused)),
            would_refuse=Counter(dict(tally.would_refuse)),
            lost=self._gate.lost,
            restarts=self._pulse.restarts,
            released=self._pulse.released,
            containers=self._wards.count,
            unenforced=tuple(named[:_NAMED]),
            trouble=self._orders.trouble() or self._trouble,
        )
