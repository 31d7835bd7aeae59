"""Every fault of every sort of request, one after the other: each is got over, none is a fight."""

import time
from pathlib import Path

import pytest

from tests.tools.faults.faults import BREAKS, ON_WATCHES, Fault, On, Refused, Reset
from tests.tools.faults.judging import judge
from tests.tools.faults.world import Ground, World, world
from tests.tools.running import until

pytestmark = pytest.mark.xdist_group("faults")

_REQUEST_FAULTS: list[Fault] = [
    *(Refused(status) for status in (409, 410, 429, 500, 503)),
    *BREAKS,
    Refused(429, retry_after=1),
]
_WATCH_FAULTS: list[Fault] = [*_REQUEST_FAULTS, *ON_WATCHES]
#: By the sort of request that each befalls, once.
_FAULTS = [
    (on, fault)
    for on in (On.WRITE, On.GET, On.LIST, On.WATCH)
    for fault in (_WATCH_FAULTS if on is On.WATCH else _REQUEST_FAULTS)
]


def test_whatever_goes_wrong_once_is_got_over(ground: Ground, folder: Path) -> None:
    with world(ground, folder, len(_FAULTS)) as made:
        made.controller.start()
        made.controller.await_ready()
        for number, (on, fault) in enumerate(_FAULTS):
            made.api.inject(on, fault, 1, "/configmaps" if on in (On.LIST, On.WATCH) else "")
            if on is On.WATCH:
                made.api.drop_watches("/configmaps")
            name = f"c{number}"
            made.hand.recolour(name, f"by-hand-{number}")
            _await_restored(made, name, f"{on} {fault}")
            made.heal()
            if on is On.WATCH:
                # Else the next one would be tried later and later: a server that cuts every watch
                # within a second is left alone for longer each time.
                time.sleep(1.1)
        judged = judge(made)
    assert judged.count == len(_FAULTS)


def test_a_server_that_refuses_again_and_again_is_no_rival(ground: Ground, folder: Path) -> None:
    with world(ground, folder, 8) as made:
        made.controller.start()
        made.controller.await_ready()
        faults: list[Fault] = [Refused(503), Refused(500), Reset()]
        for number, fault in enumerate(faults):
            made.api.inject(On.WRITE, fault, 4 * 5)
            name = f"c{number}"
            made.hand.recolour(name, f"by-hand-{number}")
            until(
                lambda name=name: made.controller.lives(name).count("intended") >= 5,  # type: ignore[misc]
                lambda name=name: f"tried anew: {made.controller.lives(name)}",  # type: ignore[misc]
            )
            made.heal()
            _await_restored(made, name, str(fault))
        judged = judge(made)
    assert judged.count == 3


def _await_restored(made: World, name: str, what: str) -> None:
    until(
        lambda: made.hand.colours()[name] == made.colours[name],
        lambda: f"{name} is restored, {what}; {made.why()}",
        30,
    )
    until(
        lambda: made.controller.lives(name)[-1:] == ["gone"],
        lambda: f"{name} is gone, {what}; {made.why()}",
        30,
    )
