"""Does the same for each of several targets: the trouble of one is not that of the others."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from reconciler.core.errors import PlumblineError
from reconciler.settings import TargetSettings

T = TypeVar("T")


def of_each_target(
    targets: Sequence[TargetSettings], made: Callable[[TargetSettings], T]
) -> tuple[list[T], list[str]]:
    """Gives what is made of each target, in order, and what was wrong with the rest.

    Args:
        targets: At least one.
        made: Makes it of one target.

    Returns:
        What could be made, and a sentence for each target of which it could not.

    Raises:
        PlumblineError: It could not be made of the only target.
    """
    found: list[T] = []
    errors: list[str] = []
    for target in targets:
        try:
            found.append(made(target))
        except PlumblineError as error:
            if len(targets) == 1:
                raise
            errors.append(f"{target.name}: {error}")
    return found, errors
