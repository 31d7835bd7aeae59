"""What a controller asks the API server while nothing happens, by the server's own audit log."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

_HOUR = 3600.0
_MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Asked:
    """Requests of one user in one span of time.

    Attributes:
        seconds: How long it was.
        leases: Those for Leases.
        watches: Watches that were begun anew.
        others: All others.
    """

    seconds: float
    leases: int
    watches: int
    others: int

    def hourly(self, count: int) -> float:
        """Scales a count to an hour."""
        return count * _HOUR / self.seconds


def asked(log: Path, user: str, since: datetime, until: datetime) -> Asked:
    """Reads an audit log."""
    counts: Counter[str] = Counter()
    for event in _events(log, user):
        if since <= datetime.fromisoformat(event["requestReceivedTimestamp"]) < until:
            counts[_sort(event)] += 1
    seconds = (until - since).total_seconds()
    return Asked(seconds, counts["lease"], counts["watch"], counts["other"])


def watches_begun(log: Path, user: str, before: datetime) -> int:
    """Gives how many watches a user had begun by then."""
    return sum(
        _sort(event) == "watch"
        and datetime.fromisoformat(event["requestReceivedTimestamp"]) < before
        for event in _events(log, user)
    )


def memory(pid: int, name: str) -> float:
    """Gives a process's memory in MiB: `VmRSS` for now, `VmHWM` for the most that it ever was."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / _MIB
    raise ValueError(name)


def _events(log: Path, user: str) -> Iterator[dict[str, Any]]:
    """Gives each request once: a watch is told of when it begins and when it ends."""
    known: set[str] = set()
    needle = f'"{user}"'.encode()
    with log.open("rb") as lines:
        for line in lines:
            if needle not in line:
                continue
            with suppress(ValueError):  # the last line may be half written
                event = json.loads(line)
                if event["user"]["username"] == user and event["auditID"] not in known:
                    known.add(event["auditID"])
                    yield event


def _sort(event: dict[str, Any]) -> str:
    if event.get("objectRef", {}).get("resource") == "leases":
        return "lease"
    return "watch" if event["verb"] == "watch" else "other"
