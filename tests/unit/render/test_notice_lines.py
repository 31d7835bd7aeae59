"""One drift in one line: the most important first, cut to its bytes, harmless."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.drift import DriftType, Severity
from reconciler.core.history import DIGESTS
from reconciler.core.notices import Episode, Standing
from reconciler.core.resource import ResourceKey
from reconciler.render.notice_lines import episode_line
from tests.unit.render.cases import HOSTILE_TEXT

KEY = ResourceKey("apps", "Deployment", "shop", "web")
EPISODE = Episode(
    "shop",
    "d-1",
    "2026-11-24T12:00:00Z",
    KEY,
    DriftType.MODIFIED,
    Severity.HIGH,
    before={"spec.replicas": 2},
    after={"spec.replicas": 5},
)
ASKED = replace(
    EPISODE,
    note="look at this",
    actor="jane with kubectl-edit",
    standing=Standing.ASKED,
    reason="a person looks first",
    plan="p-1",
)


def test_what_is_known_is_told_the_most_important_first() -> None:
    assert episode_line(EPISODE, 500) == "differs from Git (high); Found; ~ spec.replicas: 2 → 5"
    assert episode_line(ASKED, 500) == (
        "differs from Git (high); Waits for a yes: a person looks first; plan p-1; "
        "by jane with kubectl-edit; look at this; ~ spec.replicas: 2 → 5"
    )


def test_what_does_not_fit_is_left_out() -> None:
    assert episode_line(ASKED, 60) == "differs from Git (high) …"
    assert episode_line(ASKED, 20) == "differs from Git …"
    whole = episode_line(ASKED, 500)
    # Room is kept for the ellipsis, also where the rest would just have fitted.
    assert episode_line(ASKED, len(whole.encode())).endswith("look at this …")


def test_a_secret_shows_only_that_it_changed() -> None:
    masked = replace(
        EPISODE,
        before={"data.password": "***", DIGESTS: {"data.password": "aaaa1111"}},
        after={"data.password": "***", DIGESTS: {"data.password": "bbbb2222"}},
    )
    assert episode_line(masked, 500).endswith("~ data.password: *** → *** (aaaa → bbbb)")


@pytest.mark.parametrize("limit", [4, 100, 1024])
@given(text=st.text(max_size=300))
def test_any_line_fits_and_is_one(limit: int, text: str) -> None:
    wild = replace(ASKED, actor=text, note=HOSTILE_TEXT, reason=text, after={text: text})
    line = episode_line(wild, limit)
    assert len(line.encode()) <= limit
    assert line.isprintable()
