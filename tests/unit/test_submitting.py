"""One pull request of adoptions a target, whatever goes wrong meanwhile."""

from dataclasses import replace

import pytest

from reconciler.core.errors import ForgeError, SourceError
from reconciler.core.pull_requests import PullRequestState
from reconciler.proposing import Repository
from reconciler.submitting import branch_of, submit, submit_fixes
from tests.fakes.forge import FakeForge
from tests.unit.render.adopting import ADOPTIONS
from tests.unit.render.fixing import FIXINGS

DAY, NOTHING = ADOPTIONS["edited"], ADOPTIONS["nothing"]
BRANCH = "plumbline/adopt/shop"


def repository(forge: FakeForge) -> Repository:
    return Repository(forge, forge, "main", "gitea")


def test_it_is_opened_once_and_brought_up_to_date() -> None:
    forge = FakeForge()
    first = submit(DAY, repository(forge))
    assert first is not None
    assert (first.base, forge.branch_of(first.number)) == ("main", BRANCH)
    assert branch_of("shop") == BRANCH
    assert submit(DAY, repository(forge)) == forge.shown(1)
    assert forge.pushes == 1
    moved = replace(DAY, adopted=DAY.adopted[:1], revision="b" * 40)
    again = submit(moved, repository(forge))
    assert again is not None
    assert (again.number, len(forge.pulls), forge.pushes) == (1, 1, 2)
    assert "prices" in forge.pulls[1].title


def test_after_its_end_there_is_another() -> None:
    forge = FakeForge()
    submit(DAY, repository(forge))
    forge.end(1, "jane", PullRequestState.CLOSED)
    second = submit(DAY, repository(forge))
    assert second is not None
    assert second.number == 2


def test_nothing_to_adopt_closes_it_with_a_word() -> None:
    forge = FakeForge()
    assert submit(NOTHING, repository(forge)) is None
    submit(DAY, repository(forge))
    assert submit(NOTHING, repository(forge)) is None
    assert forge.pulls[1].state is PullRequestState.CLOSED
    assert "Nothing is left to adopt" in forge.comments[1][0]
    assert not forge.has(BRANCH)


def test_a_forge_that_is_away_is_told_and_doubles_nothing() -> None:
    forge = FakeForge()
    forge.down = True
    with pytest.raises((ForgeError, SourceError)):
        submit(DAY, repository(forge))
    forge.down = False
    submit(DAY, repository(forge))
    assert len(forge.pulls) == 1


def test_fixes_have_a_request_of_their_own() -> None:
    forge = FakeForge()
    submit(DAY, repository(forge))
    images = submit_fixes(FIXINGS["images"], repository(forge))
    hardened = submit_fixes(FIXINGS["hardened"], repository(forge))
    assert images is not None
    assert hardened is not None
    assert [forge.branch_of(each) for each in (1, images.number, hardened.number)] == [
        BRANCH,
        "plumbline/images/shop",
        "plumbline/harden/shop",
    ]
    assert submit_fixes(FIXINGS["images"], repository(forge)) == forge.shown(images.number)
    assert submit_fixes(FIXINGS["nothing"], repository(forge)) is None
    assert forge.pulls[hardened.number].state is PullRequestState.CLOSED
    assert forge.pulls[images.number].state is PullRequestState.OPEN
