"""Where a container wrote what is no drift: the directories that it couldn't do without."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.agent.layers import Attributes, Merged, Place
from reconciler.core.containers import WrittenPlace

#: So many directories of a container are named.
_MOST: Final = 64
#: So many files of the image are looked at to say whether a directory of it holds any.
_LOOKED_AT: Final = 1000


@dataclass(frozen=True, slots=True)
class Ground:
    """What a volume would have to be mounted at, for something to be written.

    Attributes:
        path: Without a leading slash; empty for the root.
        image: The directory in the layers of the image; none where the image hasn't got it.
    """

    path: str
    image: tuple[Place, ...]

    def inner(self, path: str, image: tuple[Place, ...]) -> "Ground":
        """Gives the ground of a directory in this one.

        What the container itself made wouldn't be there with a volume, so what counts is the last
        directory that the image has; but of the root, which no volume can be mounted at.
        """
        return Ground(path, image) if image or not self.path else self


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory that is to be looked into.

    Attributes:
        path: Without a leading slash; empty for the root.
        written: Whether the container's own layer has it.
        visible: Of which layers it shows what the container's own layer lacks.
        image: Of which layers the image's directory at this place is made.
        depth: How deep it is.
        ground: What would have to be a volume for something to be written there.
    """

    path: str
    written: bool
    visible: tuple[Place, ...]
    image: tuple[Place, ...]
    depth: int
    ground: Ground


@dataclass(slots=True)
class _Count:
    files: int
    expected: bool
    hides: bool


class Places:
    """Counts what is written, by directory.

    Args:
        attributes: Overlay's marks, by which the image's layers are read.
    """

    def __init__(self, attributes: Attributes) -> None:
        self._attributes = attributes
        self._counts: dict[str, _Count] = {}

    def add(self, ground: Ground, *, files: int, expected: bool) -> None:
        """Counts files that differ; with 0 for a directory in which only the trace of some is left.

        Raises:
            OSError: The image's layers can't be read.
        """
        path = f"/{ground.path}"
        known = self._counts.get(path)
        if known is None and len(self._counts) >= _MOST:
            path, known = "/", self._counts.get("/")
        if known is None:
            hides = path == "/" or holds_files(ground.image, self._attributes)
            known = self._counts[path] = _Count(0, expected, hides)
        known.files += files
        known.expected = known.expected and expected

    def written(self) -> tuple[WrittenPlace, ...]:
        """Gives the directories, by name."""
        return tuple(
            WrittenPlace(path, each.files, each.expected, each.hides)
            for path, each in sorted(self._counts.items())
        )


def holds_files(places: Sequence[Place], attributes: Attributes) -> bool:
    """Whether a directory of the image holds anything but directories; yes where it's too large.

    Raises:
        OSError: The layers can't be read.
    """
    folders, seen = [tuple(places)], 0
    while folders:
        with Merged(folders.pop(), attributes) as folder:
            for name in folder.names():
                found = folder.lookup(name)
                seen += 1
                if found is not None and (not found.places or seen > _LOOKED_AT):
                    return True
                if found is not None:
                    folders.append(found.places)
    return False


def files_below(places: tuple[Place, ...], attributes: Attributes, most: int) -> int:
    """Counts the files and directories below a directory of the image, up to a bound.

    Raises:
        OSError: The layers can't be read.
    """
    count, folders = 0, [places]
    while folders and count < most:
        with Merged(folders.pop(), attributes) as folder:
            for name in folder.names():
                found = folder.lookup(name)
                count += found is not None
                if found is not None and found.places:
                    folders.append(found.places)
    return count
