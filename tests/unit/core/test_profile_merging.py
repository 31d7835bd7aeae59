"""Profiles are put together: what is there stays, and what is new is named."""

import pytest

from reconciler.core.errors import ConfigError
from reconciler.core.profile_merging import beyond, merged
from reconciler.core.profiles import ImageProfile, Profiles, WriteRule


def rules(*paths: str) -> tuple[WriteRule, ...]:
    return tuple(WriteRule(path, "why") for path in paths)


def test_merging_only_adds() -> None:
    base = Profiles((
        ImageProfile("a", rules("/x/**", "/y"), ("/bin/a", "/opt/**")),
        ImageProfile("b", rules("/z")),
    ))  # fmt: skip
    more = Profiles((
        ImageProfile("a", rules("/x/1", "/x/2/**", "/y", "/y/**", "/n/*"), ("/bin/b", "/opt/c")),
        ImageProfile("b", (), ("/bin/b",)),
        ImageProfile("c", rules("/c"), ("/bin/c",)),
    ))  # fmt: skip
    made = merged(base, more)
    assert made.images == (
        ImageProfile("a", rules("/x/**", "/y", "/y/**", "/n/*"), ("/bin/a", "/opt/**", "/bin/b")),
        ImageProfile("b", rules("/z")),
        ImageProfile("c", rules("/c"), ("/bin/c",)),
    )
    assert merged(made, more) == made
    assert beyond(base, made).images == (
        ImageProfile("a", rules("/y/**", "/n/*"), ("/bin/b",)),
        ImageProfile("c", rules("/c"), ("/bin/c",)),
    )
    assert beyond(made, made) == Profiles()
    closed = merged(Profiles((ImageProfile("a", execute=()),)), Profiles((ImageProfile("a"),)))
    assert closed.images[0].execute == ()


def test_more_than_a_reader_takes_is_refused() -> None:
    many = Profiles((ImageProfile("a", rules(*(f"/{n}" for n in range(501)))),))
    with pytest.raises(ConfigError, match="the profile of a would have more than 500 paths"):
        merged(Profiles(), many)
    images = Profiles(tuple(ImageProfile(f"i{n}") for n in range(2001)))
    with pytest.raises(ConfigError, match="more than 2,000 profiles"):
        merged(Profiles(), images)
