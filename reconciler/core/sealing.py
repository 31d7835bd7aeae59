"""Which fields of a manifest came encrypted: their values are secrets, whatever they are named.

A path alone wouldn't do: what somebody adds beside an encrypted field, or what an earlier commit
had there, is as likely a secret as that field. So a seal covers all fields of a map but those that
Git shows in the clear.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.core.path import Item, Path, Step, named_step

#: What names an object can't be hidden in a report about it.
_IDENTITY: frozenset[Path] = frozenset(
    {
        ("apiVersion",),
        ("kind",),
        ("metadata", "name"),
        ("metadata", "generateName"),
        ("metadata", "namespace"),
    }
)

#: Maps in which the server writes, too: there only what came encrypted is sealed.
_SERVERS_TOO: tuple[Path, ...] = ((), ("metadata",))

#: Shorter values are looked for as whole values only: they stand in half of all texts.
_SHORTEST_PART = 4


@dataclass(frozen=True, slots=True)
class Seal:
    """Covers the fields of one map, or the items of one list, with all that is below them; or one
    scalar.

    Attributes:
        path: Where the map or list is, list items on the way named where they have a name; or one
            field's own path.
        clear: Fields of the map that stand in the clear.
    """

    path: Path
    clear: frozenset[str] = frozenset()


#: For an object of which nobody knows what came encrypted: all but what names and labels it.
UNKNOWN = (Seal((), frozenset({"apiVersion", "kind", "metadata", "status"})),)


def covers(seals: Collection[Seal], path: Path) -> bool:
    """Whether a scalar at a path is sealed; one in the place of a sealed map is, too.

    Args:
        seals: Those of the object.
        path: Where; list items named as far as they have a name.
    """
    for seal in seals:
        depth = len(seal.path)
        if not all(map(_alike, path, seal.path)):
            continue
        if len(path) <= depth or path[depth] not in seal.clear:
            return True
    return False


def _alike(one: Step, other: Step) -> bool:
    """Whether two steps may be the same; of list items only what both name tells them apart."""
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    if isinstance(one, Item) and isinstance(other, Item):
        known = dict(other.keys)
        return all(known.get(name, value) == value for name, value in one.keys)
    return True


def seals_of(body: Any, sealed: Collection[Path]) -> tuple[Seal, ...]:
    """Gives the seals for these fields of a body.

    Args:
        body: The manifest, decrypted.
        sealed: Paths of its values that came encrypted, as `leaves` gives them.
    """
    wanted = set(sealed) - _IDENTITY
    found: list[Seal] = []
    for path, shown, parent in _parents(body, (), ()):
        mine = {each[-1] for each in wanted if each[:-1] == path}
        if not mine:
            continue
        if shown in _SERVERS_TOO:
            found += [Seal((*shown, name)) for name in parent if name in mine]
        elif isinstance(parent, Mapping):
            found.append(Seal(shown, frozenset(name for name in parent if name not in mine)))
        else:
            found.append(Seal(shown))
    return tuple(found)


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Gives all scalars of a body with their paths, list items by their index."""
    if isinstance(value, Mapping):
        for name, child in value.items():
            yield from leaves(child, (*path, name))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from leaves(child, (*path, index))
    else:
        yield path, value


@dataclass(frozen=True, slots=True)
class Secrets:
    """Values that came encrypted, for finding them again in what was rendered with them.

    Attributes:
        whole: As texts, in every form in which one may be a whole value.
        parts: Those that are looked for inside of longer values, too.
    """

    whole: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, texts: Collection[str]) -> "Secrets":
        """Makes them of forms of values."""
        whole = frozenset(texts) - {"", "true", "false"}
        return cls(whole, frozenset(text for text in whole if len(text) >= _SHORTEST_PART))

    def stand_in(self, value: Any) -> bool:
        """Whether a scalar is one of them, or holds one."""
        if value is None or isinstance(value, bool):
            return False
        text = str(value)
        if "\n" in text and self._stands_in("".join(text.split())):
            # Base64 that is broken into lines.
            return True
        return self._stands_in(text)

    def _stands_in(self, text: str) -> bool:
        return text in self.whole or any(part in text for part in self.parts)


def _parents(value: Any, path: Path, shown: Path) -> Iterator[tuple[Path, Path, Any]]:
    """Gives all maps and lists, each with its path by index and its path by names."""
    children: Iterator[tuple[Step, Any]]
    if isinstance(value, Mapping):
        children = iter(value.items())
    elif isinstance(value, list):
        children = iter(enumerate(value))
    else:
        return
    yield path, shown, value
    for step, child in children:
        yield from _parents(child, (*path, step), (*shown, named_step(step, child)))
