"""What a warden and an agent say to each other."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from reconciler.agent.refusals import Tally, refusal_line, refusal_of, tally_line, tally_of
from reconciler.core.containers import Origin, Parent
from reconciler.core.sightings import Occurrence, Sighting
from tests.unit.agent.test_sightings import FILE, PROCESS, WEB

HOSTILE = replace(
    PROCESS,
    executable="/a\n\x1b[2J\udcff",
    origin=Origin.VOLUME,
    command=("sh", "-c", "\udcff"),
    parents=(Parent(7, "sh\n"),),
)
REFUSED = Sighting(Occurrence.REFUSED, "2026-11-25T12:00:00Z", WEB, HOSTILE, "2026-11-25T12:00:00Z")


def test_a_refusal_comes_as_it_was_told() -> None:
    line = refusal_line(replace(REFUSED, note="it repeats"))
    assert "\n" not in line
    assert line.isascii()
    assert refusal_of(json.loads(line)["refusal"]) == replace(REFUSED, note="it repeats")


def test_only_what_a_process_does_is_refused() -> None:
    with pytest.raises(TypeError):
        refusal_line(replace(REFUSED, drift=FILE))


def test_counts_come_as_they_were() -> None:
    tally = Tally(
        decided=Counter({"shop": 3, "": 1}),
        refused=Counter({"shop": 2}),
        late=1,
        seconds=0.25,
        unenforced=("ab12: not overlay",),
        trouble="no file",
    )
    assert tally_of(json.loads(tally_line(tally))["tally"]) == tally


@pytest.mark.parametrize("held", [{}, {"occurrence": "refused"}, {"drift": {"origin": "x"}}])
def test_another_version_is_told_from_a_refusal(held: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"version|valid"):
        refusal_of(held)


def test_another_version_is_told_from_a_tally() -> None:
    with pytest.raises(ValueError, match="another version"):
        tally_of({"surprise": 1})
