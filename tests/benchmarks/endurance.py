"""Whether memory stays flat over thousands of cycles, each of which looks since something moved."""

import sys
import time
from collections.abc import Sequence

from tests.benchmarks.edited import Hand, Place
from tests.benchmarks.quiet import memory
from tests.benchmarks.workload import name_of
from tests.tools.controlplane import ControlPlane
from tests.tools.running import Controller

#: Of so many moves one is an edit, which is recorded and restored; the others are a status's.
_EDIT_EVERY = 50
#: Moves between two looks at how far it is.
_BATCH = 50
#: Seconds between two moves, so that most have a cycle of their own.
_PACE = 0.03


def measure_cycles(
    plane: ControlPlane, namespace: str, controller: Controller, size: int, marks: Sequence[int]
) -> dict[int, float]:
    """Moves objects until so many cycles have looked; gives the memory in MiB at each mark.

    Raises:
        MeasureError: The server refused an edit.
    """
    found: dict[int, float] = {}
    moves, pairs = 0, size // 2
    deployments = Hand(Place(plane, namespace, "Deployment"))
    maps = Hand(Place(plane, namespace, "ConfigMap"))
    began = controller.cycles("done")
    try:
        while len(found) < len(marks):
            for _ in range(_BATCH):
                moves += 1
                name = name_of(moves % pairs)
                if moves % _EDIT_EVERY:
                    deployments.touch(name, moves)
                else:
                    # Each another object: who edits one again and again is fought with.
                    maps.edit(name_of(moves // _EDIT_EVERY % pairs), moves)
                time.sleep(_PACE)
            done = int(controller.cycles("done") - began)
            for mark in marks:
                if done >= mark and mark not in found:
                    found[mark] = memory(controller.process.pid, "VmRSS")
                    print(f"{done} cycles: {found[mark]:.1f} MiB", file=sys.stderr, flush=True)
    finally:
        deployments.close()
        maps.close()
    return found
