"""Cuts a look to what may be sent: the worst stays, and what is left out is said."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from reconciler.core.containers import ContainerDrift, ContainerLook, FileDrift, NodeLook
from reconciler.core.node_words import digest_of, look_text
from reconciler.core.records import record_of

#: Bytes of one container, and of all of a node together, as JSON. A controller takes a little
#: more in one body.
CONTAINER: Final = 256 << 10
NODE: Final = 4 << 20
#: What is left for saying what was left out.
_SPARE: Final = 1 << 10
#: A node's notes are cut to so many of so many characters.
_NOTES: Final = 100
_NOTE: Final = 500
#: Below this a container's share isn't made any smaller.
_LEAST: Final = 4 << 10
#: What else a body has of each container: its id, its digest.
_FRAME: Final = 256
#: So many containers are sent; a controller takes no more.
_CONTAINERS: Final = 5000
_UNSENT: Final = "left out, as it is too long to be sent"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Share:
    """A container's look as it is sent.

    Attributes:
        whole: As it was seen.
        size: Its bytes as JSON.
        limit: To how many it was cut.
        look: What is sent.
        digest: Of that.
    """

    whole: ContainerLook
    size: int
    limit: int
    look: ContainerLook
    digest: str


class Shares:
    """Cuts looks, and remembers them: what is the same as before isn't written again."""

    def __init__(self, container: int = CONTAINER, node: int = NODE) -> None:
        self._container = container
        self._node = node
        self._kept: dict[str, Share] = {}

    def of(self, look: NodeLook) -> Sequence[Share]:
        """Gives all containers of a node, the worst first, so that they fit together."""
        sizes = [(each, self._size(each)) for each in look.looks[:_CONTAINERS]]
        limit = self._container
        total = self._node - (_NOTES * _NOTE * 6 if look.notes else 0)
        while limit > _LEAST and sum(min(s, limit) + _FRAME for _, s in sizes) > total:
            limit //= 2
        shares, room = list[Share](), total
        for each, size in sizes:
            room -= min(size, limit) + _FRAME
            if room < 0:
                break
            shares.append(self._share(each, size, limit))
        self._kept = {share.look.container.container_id: share for share in shares}
        return shares

    def _size(self, look: ContainerLook) -> int:
        known = self._kept.get(look.container.container_id)
        return known.size if known and known.whole == look else len(look_text(look))

    def _share(self, look: ContainerLook, size: int, limit: int) -> Share:
        known = self._kept.get(look.container.container_id)
        cut = limit if size > limit else 0
        if known and known.limit == cut and known.whole == look:
            return known
        fitted = fit(look, limit) if cut else look
        return Share(look, size, cut, fitted, digest_of(look_text(fitted)))


def notes_of(look: NodeLook, sent: int) -> tuple[str, ...]:
    """Gives a node's notes as they are sent.

    Args:
        look: The node's.
        sent: How many of its containers are sent.
    """
    notes = [each[:_NOTE] for each in look.notes[:_NOTES]]
    if len(look.notes) > len(notes):
        notes[-1] = f"{len(look.notes) - len(notes) + 1:,} notes more were {_UNSENT}"
    if sent < len(look.looks):
        notes.append(f"{len(look.looks) - sent:,} containers were {_UNSENT}: the least drifted")
    return tuple(notes)


def fit(look: ContainerLook, limit: int) -> ContainerLook:
    """Cuts a look to so many bytes, as far as it can be: what is left out is said as unknown."""
    bare = ContainerLook(look.container, started_at=look.started_at, shells=look.shells)
    room = limit - len(look_text(bare)) - _SPARE
    unknown, room = _prefix(look.unknown, room)
    written, room = _prefix(look.written, room)
    drifts, room = _drifts(look.drifts, room)
    expected, room = _prefix(look.expected, room)
    outside, room = _prefix(look.outside, room)
    listening, room = _prefix(look.listening, room)
    left = (
        (len(look.drifts) - len(drifts), "drifts"),
        (len(look.unknown) - len(unknown), "things that couldn't be told"),
        (len(look.written) - len(written), "places that it wrote in"),
        (len(look.expected) - len(expected), "expected differences"),
        (len(look.outside) - len(outside), "places outside of the image"),
        (len(look.listening) - len(listening), "open ports"),
    )
    said = tuple(f"{number:,} {what} more were {_UNSENT}" for number, what in left if number)
    return replace(
        bare,
        drifts=drifts,
        expected=expected,
        listening=listening,
        outside=outside,
        unknown=(*unknown, *said),
        written=written,
    )


def _cost(item: object) -> int:
    """Gives an item's bytes as JSON, with the comma."""
    return len(json.dumps(record_of(item), separators=(",", ":"))) + 1


def _prefix(items: Iterable[_T], room: int) -> tuple[tuple[_T, ...], int]:
    """Gives the first items that there is room for, and what room is left."""
    taken: list[_T] = []
    for each in items:
        if (left := room - _cost(each)) < 0:
            return tuple(taken), 0
        room = left
        taken.append(each)
    return tuple(taken), room


def _drifts(drifts: Sequence[ContainerDrift], room: int) -> tuple[tuple[ContainerDrift, ...], int]:
    """Gives the worst drifts that there is room for; a long difference of texts goes first."""
    taken: list[ContainerDrift] = []
    for each in drifts:
        drift, cost = each, _cost(each)
        if isinstance(each, FileDrift) and each.text_diff and cost > room // 4:
            note = f"{each.note}; " if each.note else ""
            drift = replace(each, text_diff="", note=f"{note}its difference was {_UNSENT}")
            cost = _cost(drift)
        if cost > room:
            return tuple(taken), 0
        room -= cost
        taken.append(drift)
    return tuple(taken), room
