"""What a warden tells an agent, as lines of JSON: its refusals, and what it counted."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from reconciler.core.containers import ContainerRef, Origin, Parent, ProcessDrift
from reconciler.core.drift import Severity
from reconciler.core.sightings import Occurrence, Sighting


@dataclass(slots=True)
class Tally:
    """What a warden counted since it began; by namespace where it says so.

    Attributes:
        decided: Executions that were asked about.
        refused: Those that were refused, by namespace.
        would_refuse: Those that would have been, by namespace.
        late: Those for which the time limit was over; answered as it is configured.
        undecided: Those that couldn't be told; answered likewise.
        untold: Refusals that were counted and not told: too many at once, or nobody to be told.
        lost: How often the kernel let through more than it could ask about.
        restarts: How often what answers was begun anew.
        released: Those that were answered in place of it, as it is configured.
        seconds: For how long executions were held up, together.
        longest: The longest of these times.
        containers: In how many containers executions are asked about by now.
        unenforced: Containers that a rule matches and that aren't enforced: name and reason.
        trouble: What is wrong with the rules by now; empty where nothing is.
    """

    decided: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    would_refuse: Counter[str] = field(default_factory=Counter)
    late: int = 0
    undecided: int = 0
    untold: int = 0
    lost: int = 0
    restarts: int = 0
    released: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    containers: int = 0
    unenforced: tuple[str, ...] = ()
    trouble: str = ""


def refusal_line(refusal: Sighting) -> str:
    """Writes a refusal; what else a sighting may tell isn't written."""
    if not isinstance(refusal.drift, ProcessDrift):
        raise TypeError("a refusal is of a process")
    held = {
        "occurrence": refusal.occurrence.value,
        "at": refusal.at,
        "note": refusal.note,
        "container": asdict(refusal.container),
        "drift": asdict(refusal.drift),
    }
    return json.dumps({"refusal": held}, separators=(",", ":"))


def tally_line(tally: Tally) -> str:
    """Writes what was counted."""
    held = {each.name: getattr(tally, each.name) for each in fields(tally)}
    return json.dumps({"tally": held}, separators=(",", ":"))


def refusal_of(held: dict[str, Any]) -> Sighting:
    """Reads a refusal.

    Raises:
        ValueError: It's of another version.
    """
    try:
        drift = dict(held["drift"])
        drift["origin"] = Origin(drift["origin"])
        drift["severity"] = Severity(drift["severity"])
        drift["command"] = tuple(drift["command"])
        drift["parents"] = tuple(Parent(**each) for each in drift["parents"])
        return Sighting(
            Occurrence(held["occurrence"]),
            str(held["at"]),
            ContainerRef(**held["container"]),
            ProcessDrift(**drift),
            str(held["at"]),
            note=str(held["note"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError("a refusal of another version") from error


def tally_of(held: dict[str, Any]) -> Tally:
    """Reads what was counted.

    Raises:
        ValueError: It's of another version.
    """
    try:
        tally = Tally(**held)
    except TypeError as error:
        raise ValueError("a tally of another version") from error
    tally.decided = Counter(tally.decided)
    tally.refused = Counter(tally.refused)
    tally.would_refuse = Counter(tally.would_refuse)
    tally.unenforced = tuple(tally.unenforced)
    return tally
