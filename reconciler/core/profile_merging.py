"""Profiles put together, and what some say beyond others."""

from collections.abc import Sequence

from reconciler.core.errors import ConfigError
from reconciler.core.profiles import MOST_PATHS, MOST_PROFILES, ImageProfile, Profiles, matches


def merged(base: Profiles, more: Profiles) -> Profiles:
    """Adds profiles to others; nothing that is there goes or is another.

    An image's programs are named only if it is new, or had them named: somebody may have left them
    open on purpose.

    Raises:
        ConfigError: There would be more than a reader takes.
    """
    images = list(base.images)
    for new in more.images:
        at = next((at for at, each in enumerate(images) if each.image == new.image), None)
        if at is None:
            images.append(new)
            continue
        old = images[at]
        known = [rule.path for rule in old.write]
        write = tuple(rule for rule in new.write if not _is_covered(rule.path, known))
        execute = old.execute
        if execute is not None:
            execute += tuple(each for each in new.execute or () if not _is_covered(each, execute))
        images[at] = ImageProfile(old.image, (*old.write, *write), execute, old.until)
    _require_readable(images)
    return Profiles(tuple(images))


def _require_readable(images: Sequence[ImageProfile]) -> None:
    if len(images) > MOST_PROFILES:
        raise ConfigError(
            f"there would be more than {MOST_PROFILES:,} profiles",
            fix="have one fit several images, such as registry.example/shop/*",
        )
    for each in images:
        if max(len(each.write), len(each.execute or ())) > MOST_PATHS:
            raise ConfigError(
                f"the profile of {each.image} would have more than {MOST_PATHS:,} paths",
                fix="have directories stand for their files, such as /var/lib/app/**",
            )


def _is_covered(path: str, known: Sequence[str]) -> bool:
    """Whether a path means nothing that others don't mean already."""
    stem = path.removesuffix("/**")
    return any(
        path == each
        or (each.endswith("/**") and matches(stem, each))
        or ("*" not in path and matches(path, each))
        for each in known
    )


def beyond(base: Profiles, made: Profiles) -> Profiles:
    """Gives what profiles say that others, from which they were made by `merged`, don't."""
    before = {each.image: each for each in base.images}
    news = []
    for each in made.images:
        old = before.get(each.image, ImageProfile(each.image))
        write = tuple(rule for rule in each.write if rule not in old.write)
        execute = tuple(path for path in each.execute or () if path not in (old.execute or ()))
        if write or execute:
            news.append(ImageProfile(each.image, write, execute or None))
    return Profiles(tuple(news))
