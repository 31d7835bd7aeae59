"""The form of a rule."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Rule:
    """A conditional default of one type.

    Attributes:
        apply: Changes a converted object of the type, but nothing inside it.
        decides: Fields of which the bundled table's default doesn't hold everywhere.
        whole: Whether it speaks of whole objects alone, not of such a type inside another.
    """

    apply: Callable[[dict[str, Any]], None]
    decides: frozenset[str] = frozenset()
    whole: bool = False
