"""How long it takes from an edit to its record in the history, and to its restore."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.edited import BareWatch, Hand, Place
from tests.benchmarks.remembered import Remembered
from tests.benchmarks.workload import name_of
from tests.tools.controlplane import ControlPlane

#: So long nothing happens between two edits, in seconds, so that they come at any moment.
_PAUSES = (0.05, 0.35)
_ALL = ("seen", "restored")


@dataclass(frozen=True, slots=True)
class Edited:
    """One edit: seconds from the moment at which it was asked for.

    Attributes:
        told: Until a bare watch of the same kind had the event: nobody can know earlier.
        recorded: Until the drift was in the history.
        restored: Until the same bare watch had the event of the restore.
        verified: Until the restore, found in sync by a fresh comparison, was in the history.
    """

    told: float
    recorded: float
    restored: float
    verified: float


def measure_edits(
    plane: ControlPlane, namespace: str, remembered: Remembered, count: int, size: int
) -> list[Edited]:
    """Edits so many objects one after the other, Deployments and ConfigMaps in turn.

    Raises:
        MeasureError: One was never recorded or restored.
    """
    places = [Place(plane, namespace, kind) for kind in ("Deployment", "ConfigMap")]
    hands, watches = [Hand(each) for each in places], [BareWatch(each) for each in places]
    numbers = random.Random(size).sample(range(size // 2), (count + 1) // 2)
    try:
        return [
            _edit(hand, watch, remembered, number)
            for number in numbers
            for hand, watch in zip(hands, watches, strict=True)
        ][:count]
    finally:
        for hand in hands:
            hand.close()
        for watch in watches:
            watch.close()


def _edit(hand: Hand, watch: BareWatch, remembered: Remembered, number: int) -> Edited:
    time.sleep(random.uniform(*_PAUSES))
    name, last = name_of(number), remembered.last()
    began = hand.edit(name, number)
    kept = remembered.await_events(name, last, _ALL)
    told, restored = watch.await_events(name, 2)
    moments = (told, kept["seen"], restored, kept["restored"])
    return Edited(*(each - began for each in moments))


def row(edits: Sequence[Edited]) -> list[str]:
    """Writes the cells of one size: median and 95th percentile of each, in milliseconds."""
    names = ("told", "recorded", "restored", "verified")
    columns = (sorted(getattr(each, name) * 1000 for each in edits) for name in names)
    return [f"{_at(ordered, 0.5):.0f} / {_at(ordered, 0.95):.0f}" for ordered in columns]


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]
