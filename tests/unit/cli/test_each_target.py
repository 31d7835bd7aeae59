"""What is done for each of several targets."""

import pytest

from reconciler.cli.each_target import of_each_target
from reconciler.core.errors import SourceError
from reconciler.settings import SourceSettings, TargetSettings


def _target(name: str) -> TargetSettings:
    return TargetSettings(name, SourceSettings(name))


def _length(target: TargetSettings) -> int:
    if target.name == "away":
        raise SourceError("it is away", fix="wait")
    return len(target.name)


def test_one_target_s_trouble_is_not_the_others() -> None:
    found, errors = of_each_target([_target("shop"), _target("away"), _target("till2")], _length)
    assert found == [4, 5]
    (error,) = errors
    assert error.startswith("away: it is away")


def test_the_only_target_s_trouble_is_the_verb_s() -> None:
    with pytest.raises(SourceError):
        of_each_target([_target("away")], _length)
