"""What was learned, as it is remembered beside the profiles until people have agreed to it."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.core.errors import ConfigError
from reconciler.core.learning import Evidence, LeftOut
from reconciler.core.profiles import Profiles
from reconciler.core.records import value_of

#: So many windows are remembered, the latest; and so much of each.
MOST_WINDOWS = 50
MOST_TOLD = 500


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which it was learned on a machine.

    Attributes:
        node: The machine's name.
        since: When it began, RFC 3339.
        until: When it ended.
        images: What was seen, by image.
        left: What wasn't learned.
        unknown: What couldn't be told.
    """

    node: str
    since: str
    until: str
    images: tuple[Evidence, ...] = ()
    left: tuple[LeftOut, ...] = ()
    unknown: tuple[str, ...] = ()


def windows_of(document: Mapping[str, object]) -> tuple[Window, ...]:
    """Reads the windows of a document of profiles.

    Raises:
        ConfigError: Something in them is wrong; says which field.
    """
    try:
        return value_of(_Windows, {"windows": document.get("learned", [])}, "").windows
    except ValueError as error:
        message = str(error).replace("windows", "learned", 1)
        raise ConfigError(message, fix="learn again, into another file") from None


@dataclass(frozen=True, slots=True)
class _Windows:
    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class ProfileProposal:
    """Profiles that Git is to hold.

    Attributes:
        target: The target's name.
        revision: The commit (or plain folder) that the file begins from.
        path: The file, from the repository's top.
        before: What it holds; None where it isn't there.
        after: What it is to hold.
        added: What it didn't allow before.
        windows: What that was learned from.
    """

    target: str
    revision: str
    path: str
    before: str | None
    after: str
    added: Profiles
    windows: tuple[Window, ...]

    @property
    def files(self) -> Mapping[str, str | None]:
        """What is to be written, by path; nothing where nothing is new."""
        return {self.path: self.after} if self.added.images else {}
