"""The agent's metrics, read by Prometheus' own reader."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from reconciler.agent.metrics import Counts, enforcement_exposition, exposition
from reconciler.agent.refusals import Tally
from reconciler.core.containers import ContainerLook, NodeLook
from tests.unit.render.test_containers import LOOK, UNKNOWN, WEB

COUNTS = Counts(3, 1, 5, 20, {"new": 4, "gone": 2}, 7, 0.1234, 1764000000.5)


def samples(look: NodeLook) -> dict[tuple[str, ...], float]:
    """Gives every sample, by its name and the values of its labels."""
    return {
        (sample.name.removeprefix("plumbline_agent_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(exposition(look, COUNTS))
        for sample in family.samples
    }


def test_what_is_counted() -> None:
    found = samples(LOOK)
    assert found[("containers",)] == 3
    assert found["containers_unknown",] == 3  # two by themselves, and one that has only a note
    assert found[("drifts", "Process", "high")] == 3
    assert found[("drifts", "Port", "low")] == 2
    assert found[("container_drifts", "shop", "web", "app", "high")] == 5
    assert found[("looks_total",)] == 3
    assert found[("failures_total",)] == 1
    assert found[("lost_total",)] == 5
    assert found[("processes_total",)] == 20
    assert found[("told_total", "new")] == 4
    assert found[("repeated_total",)] == 7
    assert found[("look_seconds",)] == 0.123
    assert found[("look_timestamp_seconds",)] == 1764000000.5


def test_the_readme_has_each_of_them_and_no_other() -> None:
    text = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    table = text.partition("the prefix plumbline_agent_:")[2].partition("\n\nAs a DaemonSet")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named == {name for name, *_ in samples(LOOK)}


def test_hostile_names_are_values_and_no_more() -> None:
    evil = 'a"\\\n} 1\udcff'
    look = ContainerLook(replace(WEB, pod=evil), LOOK.looks[0].drifts[:1])
    found = samples(replace(LOOK, looks=(look,)))
    assert found[("container_drifts", "shop", 'a"\\\n} 1?', "app", "high")] == 1


def test_series_are_bounded() -> None:
    looks = [
        replace(LOOK.looks[0], container=replace(WEB, pod=f"web-{number}")) for number in range(600)
    ]
    found = samples(replace(LOOK, looks=(*looks, UNKNOWN)))
    assert len({key[2] for key in found if key[0] == "container_drifts"}) == 500


def test_what_a_warden_counted() -> None:
    tally = Tally(
        decided=Counter({'a"b': 3}), refused=Counter({'a"b': 2}), containers=4, longest=0.25
    )
    told = {
        (sample.name.removeprefix("plumbline_agent_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(enforcement_exposition(tally, ""))
        for sample in family.samples
    }
    assert told["enforced",] == 1
    assert told["decided_total", 'a"b'] == 3
    assert told["refused_total", 'a"b'] == 2
    assert told["enforced_containers",] == 4
    assert told["held_seconds_max",] == 0.25
    assert "plumbline_agent_enforced 0\n" in enforcement_exposition(None, "no warden answers")
