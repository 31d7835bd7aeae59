"""The agent's metrics in Prometheus' text format (prometheus.io: Exposition formats)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from reconciler.core.containers import (
    ContainerDrift,
    FileDrift,
    NodeLook,
    PortDrift,
    ProcessDrift,
    SessionDrift,
)

#: So many containers have a series of their own: the worst.
_CONTAINERS: Final = 500
_KINDS: Final = {
    FileDrift: "File",
    ProcessDrift: "Process",
    SessionDrift: "Session",
    PortDrift: "Port",
}

#: A metric's name after the prefix, its type, its help, and its values by labels.
Family: TypeAlias = tuple[str, str, str, Mapping[Any, float]]


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted since the start.

    Attributes:
        looks: Whole looks.
        failures: Looks and glimpses that failed.
        lost: How often executions couldn't be told.
        processes: Processes that glimpses found to be new.
        told: Lines written, by what became of what they tell.
        repeated: Processes and sessions that weren't told, as they repeat.
        seconds: How long the last look took.
        ended: When it ended, in seconds after 1970.
    """

    looks: int
    failures: int
    lost: int
    processes: int
    told: Mapping[str, int]
    repeated: int
    seconds: float
    ended: float


def exposition(look: NodeLook, counts: Counts) -> str:
    """Writes all metrics.

    Args:
        look: The last whole look.
        counts: What was counted.
    """
    totals = Counter(_labels_of(drift) for each in look.looks for drift in each.drifts)
    drifted = [each for each in look.looks if each.drifts][:_CONTAINERS]
    of_containers = {
        (
            ("namespace", each.container.namespace),
            ("pod", each.container.pod),
            ("container", each.container.container or each.container.container_id[:12]),
            ("severity", severity),
        ): count
        for each in drifted
        for severity, count in Counter(drift.severity.value for drift in each.drifts).items()
    }
    unknown = sum(bool(each.unknown) for each in look.looks) + len(look.notes)
    told = {(("event", name),): count for name, count in counts.told.items()}
    families: tuple[Family, ...] = (
        ("containers", "gauge", "Containers at the last look.", {(): len(look.looks)}),
        ("containers_unknown", "gauge", "Containers not fully told.", {(): unknown}),
        ("drifts", "gauge", "Drifts at the last look.", dict(totals)),
        ("container_drifts", "gauge", "Drifts of the worst containers.", of_containers),
        ("looks_total", "counter", "Looks at all containers.", {(): counts.looks}),
        ("failures_total", "counter", "Looks that failed.", {(): counts.failures}),
        ("lost_total", "counter", "Times that executions couldn't be told.", {(): counts.lost}),
        ("processes_total", "counter", "New processes seen.", {(): counts.processes}),
        ("told_total", "counter", "Lines written.", told),
        ("repeated_total", "counter", "Repeating drifts not told.", {(): counts.repeated}),
        ("look_seconds", "gauge", "How long the last look took.", {(): counts.seconds}),
        ("look_timestamp_seconds", "gauge", "When the last look ended.", {(): counts.ended}),
    )
    return families_text(families)


def families_text(families: Iterable[Family]) -> str:
    """Writes metrics, each with its samples."""
    return "".join(
        f"# HELP plumbline_agent_{name} {text}\n# TYPE plumbline_agent_{name} {kind}\n"
        + "".join(_sample(name, labels, value) for labels, value in samples.items())
        for name, kind, text, samples in families
    )


def _labels_of(drift: ContainerDrift) -> tuple[tuple[str, str], ...]:
    return (("type", _KINDS[type(drift)]), ("severity", drift.severity.value))


def _sample(name: str, labels: Iterable[tuple[str, str]], value: float) -> str:
    inner = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels)
    return f"plumbline_agent_{name}{f'{{{inner}}}' if inner else ''} {round(value, 3)}\n"


def _escaped(text: str) -> str:
    """Escapes a label's value; a name that isn't UTF-8 has its bytes replaced."""
    plain = text.encode("utf-8", "replace").decode()
    return plain.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
