"""What of a look is sent where all of it would be too much."""

from dataclasses import replace

from reconciler.agent.cutting import CONTAINER, Shares, fit, notes_of
from reconciler.core.containers import (
    ContainerLook,
    Expected,
    FileDrift,
    Listener,
    NodeLook,
    Outside,
    WrittenPlace,
)
from reconciler.core.node_words import digest_of, look_text
from tests.unit.render.test_containers import DRIFTED, EVIL, FILES, QUIET, WEB

UNSENT = "left out, as it is too long to be sent"


def node(*looks: ContainerLook, notes: tuple[str, ...] = ()) -> NodeLook:
    own = (
        replace(each, container=replace(each.container, container_id=f"c{at}"))
        for at, each in enumerate(looks)
    )
    return NodeLook("vm", "2026-11-24T12:00:00Z", tuple(own), notes)


def many(count: int) -> ContainerLook:
    return ContainerLook(WEB, tuple(replace(FILES[1], path=f"/{n}{EVIL}") for n in range(count)))


def test_what_is_short_is_sent_as_it_is() -> None:
    look = node(DRIFTED, QUIET)
    shares = Shares().of(look)
    assert tuple(share.look for share in shares) == look.looks
    assert [share.digest for share in shares] == [digest_of(look_text(one)) for one in look.looks]


def test_the_worst_is_kept_and_the_rest_is_counted() -> None:
    look = many(5000)
    [share] = Shares().of(node(look))
    assert len(look_text(share.look)) <= CONTAINER
    kept = len(share.look.drifts)
    assert share.look.drifts == look.drifts[:kept]
    assert share.look.unknown == (f"{5000 - kept:,} drifts more were {UNSENT}",)
    assert kept > 500


def test_what_a_measurement_needs_stays_or_is_missed() -> None:
    places = tuple(WrittenPlace(f"/var/cache/{n}", 1, True, False) for n in range(64))
    look = replace(many(5000), started_at="2026-11-24T11:00:00Z", written=places)
    [share] = Shares().of(node(look))
    assert (share.look.started_at, share.look.written) == (look.started_at, places)
    cut = fit(look, 4000)
    assert len(cut.written) < 64
    assert f"{64 - len(cut.written)} places that it wrote in more were {UNSENT}" in cut.unknown


def test_a_long_difference_gives_way_to_other_drifts() -> None:
    long = replace(FILES[0], text_diff="+" * 9000, note="n")
    look = ContainerLook(WEB, (long, *FILES[1:]))
    cut = fit(look, 10_000)
    assert isinstance(cut.drifts[0], FileDrift)
    assert (cut.drifts[0].text_diff, cut.drifts[0].note) == ("", f"n; its difference was {UNSENT}")
    assert cut.drifts[1:] == FILES[1:]
    assert cut.unknown == ()
    bare = fit(replace(look, drifts=(replace(long, note=""),)), 10_000)
    assert isinstance(bare.drifts[0], FileDrift)
    assert bare.drifts[0].note == f"its difference was {UNSENT}"


def test_lists_without_end_are_cut_each() -> None:
    endless = 3000
    look = ContainerLook(
        WEB,
        expected=(Expected("r", "why" * 20, 1, 1),) * endless,
        listening=(Listener("TCP", "::", 1, 1),) * endless,
        outside=(Outside("/x" * 20, "tmpfs", True),) * endless,
        unknown=("not read: " + "x" * 40,) * endless,
    )
    cut = fit(look, 20_000)
    assert len(look_text(cut)) <= 20_000
    assert cut.unknown[0] == look.unknown[0]
    assert [each.partition(" ")[2] for each in cut.unknown[-4:]] == [
        f"{what} more were {UNSENT}"
        for what in (
            "things that couldn't be told",
            "expected differences",
            "places outside of the image",
            "open ports",
        )
    ]


def test_all_containers_together_are_bounded_and_stay_what_they_were() -> None:
    shares = Shares(container=64_000, node=200_000)
    look = node(*(many(200) for _ in range(8)))
    first = shares.of(look)
    assert len(first) == 8
    assert sum(len(look_text(each.look)) for each in first) <= 200_000
    assert all(each.look.unknown for each in first)
    # Nothing moved: nothing is written anew, and each digest stays.
    assert [id(each) for each in shares.of(look)] == [id(each) for each in first]
    other = node(*(many(200) for _ in range(7)), QUIET)
    assert [each.digest for each in shares.of(other)][:7] == [each.digest for each in first][:7]


def test_more_containers_than_there_is_room_for_are_told_of() -> None:
    shares = Shares(container=64_000, node=30_000)
    look = node(*(many(200) for _ in range(20)), notes=())
    sent = len(shares.of(look))
    assert 0 < sent < 20
    assert notes_of(look, sent) == (f"{20 - sent} containers were {UNSENT}: the least drifted",)


def test_notes_are_bounded() -> None:
    look = node(notes=("x" * 900,) * 300)
    notes = notes_of(look, 0)
    assert len(notes) == 100
    assert notes[0] == "x" * 500
    assert notes[-1] == f"201 notes more were {UNSENT}"
    assert notes_of(node(notes=("a",)), 0) == ("a",)
