"""The form of a rule."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Rule:
    """A conditional default of one type.

    Attributes:
        fill: Changes a converted object of the type, but nothing inside it.
        decides: Fields of which the bundled table's default doesn't hold everywhere.
        whole: Whether it speaks of whole objects alone, not of such a type inside another.
    """

    fill: Callable[[dict[str, Any]], None]
    decides: frozenset[str] = frozenset()
    whole: bool = False

    def apply(self, made: dict[str, Any]) -> None:
        """Changes a converted object; leaves it as it is where it hasn't its type's shape.

        The server refuses such a declaration, such as a text in place of a list: what is declared
        shows as a difference, and must not end the comparison of all the others.
        """
        try:
            self.fill(made)
        except (AttributeError, KeyError, TypeError, ValueError):
            return
