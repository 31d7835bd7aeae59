"""The agent's metrics in Prometheus' text format (prometheus.io: Exposition formats)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from reconciler.agent.refusals import Tally
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
_Labels: TypeAlias = tuple[tuple[str, str], ...]
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


def enforcement_exposition(tally: Tally | None, trouble: str) -> str:
    """Writes what a warden counted.

    Args:
        tally: As it said last; None before it said anything.
        trouble: Why nothing is enforced as it should be; empty where it is.
    """
    counted = tally or Tally()

    def spaced(counts: Mapping[str, int]) -> dict[_Labels, float]:
        return {(("namespace", name),): count for name, count in counts.items()}

    return families_text(
        (
            ("enforced", "gauge", "1 where all is enforced as it should be.", {(): not trouble}),
            ("enforced_containers", "gauge", "Containers enforced.", {(): counted.containers}),
            (
                "enforced_not_containers",
                "gauge",
                "Containers that a rule matches, or may, and that aren't enforced (20 at most).",
                {(): len(counted.unenforced)},
            ),
            ("decided_total", "counter", "Executions decided on.", spaced(counted.decided)),
            ("refused_total", "counter", "Executions refused.", spaced(counted.refused)),
            (
                "would_refuse_total",
                "counter",
                "Executions that would have been refused.",
                spaced(counted.would_refuse),
            ),
            ("late_total", "counter", "Executions for which time was over.", {(): counted.late}),
            (
                "undecided_total",
                "counter",
                "Executions that couldn't be told.",
                {(): counted.undecided},
            ),
            (
                "released_total",
                "counter",
                "Executions answered by the keeper.",
                {(): counted.released},
            ),
            ("untold_total", "counter", "Refusals counted, not told.", {(): counted.untold}),
            ("bypassed_total", "counter", "Times that too many asked.", {(): counted.lost}),
            ("warden_restarts_total", "counter", "Times begun anew.", {(): counted.restarts}),
            ("held_seconds_total", "counter", "Time in decisions.", {(): counted.seconds}),
            ("held_seconds_max", "gauge", "The longest decision.", {(): counted.longest}),
        )
    )


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
