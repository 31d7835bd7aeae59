"""Profiles of images: what their containers may write, and which of their programs may run.

A profile only ever adds to the rules that ship with Plumbline. What can be run (an executable, a
library, a device) is never expected, wherever it was written. What else matters much, such as
scripts and what is started by itself, is expected only by a path whose last part says which:
`/var/www/**` doesn't reach `shell.php`, and `/var/www/cache/*.php` does.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from typing import Any, Final

from reconciler.core.errors import ConfigError
from reconciler.core.grading import ExpectedRule, Pattern, Profile

PROFILES: Final = "plumbline.dev/profiles/v1"
#: So many profiles a document may hold, and so many paths each: they are matched one by one.
MOST_PROFILES: Final = 2000
MOST_PATHS: Final = 500
_LONGEST: Final = 1024
#: What no path may have in it: it would never match.
_UNFIT: Final = re.compile(r"/\.\.?(/|\Z)|//|./\Z")
_ANY_DEPTH: Final = "**"
#: Each way in which they can be spread over a path is tried.
_DEEP: Final = 3
_NOTHING: Final = re.compile(r"(?!)")


@dataclass(frozen=True, slots=True)
class WriteRule:
    """Files that containers may write.

    Attributes:
        path: As the container sees it; `*` is any part of a name, `**` any number of directories.
        reason: Why they may.
        until: The last day on which they may; None for no end.
    """

    path: str
    reason: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class ImageProfile:
    """What the containers of some images may do.

    Attributes:
        image: Of which images, with `*`, `?` and `[...]`; a name without a tag fits all tags.
        write: Which files they may write, beside what is always expected.
        execute: Which of the image's programs they may run; None for all.
        until: The last day on which this holds; None for no end.
    """

    image: str
    write: tuple[WriteRule, ...] = ()
    execute: tuple[str, ...] | None = None
    until: date | None = None

    def fits(self, image: str) -> bool:
        """Whether an image, by the name that the runtime has for it, is one of these."""
        return any(fnmatchcase(name, self.image) for name in names_of(image))


@dataclass(frozen=True, slots=True)
class Profiles:
    """All profiles. Of several that fit an image, all count."""

    images: tuple[ImageProfile, ...] = ()

    def applied(self, builtin: Profile, image: str, today: date) -> Profile:
        """Gives what is known of containers of an image.

        Args:
            builtin: What is known of all containers.
            image: The image's name, as the runtime has it.
            today: By which rules hold or have ended.
        """
        fitting = [each for each in self.images if _holds(each.until, today) and each.fits(image)]
        rules = [rule for each in fitting for rule in each.write if _holds(rule.until, today)]
        if not fitting:
            return builtin
        named = [each.execute for each in fitting if each.execute is not None]
        return replace(
            builtin,
            expected=(*builtin.expected, *map(_expected, dict.fromkeys(rules))),
            execute=_any_of([path for paths in named for path in paths]) if named else None,
        )

    def ended(self, today: date) -> Iterator[str]:
        """Names what has ended: it allows nothing any more."""
        for at, each in enumerate(self.images):
            if not _holds(each.until, today):
                yield f"profiles[{at}] ended on {each.until}"
                continue
            for number, rule in enumerate(each.write):
                if not _holds(rule.until, today):
                    yield f"profiles[{at}].write[{number}] ended on {rule.until}"


def refusing_all(profile: Profile) -> Profile:
    """Gives a profile by which every program of the image is told: for who learns what runs."""
    return replace(profile, execute=_NOTHING)


def names_of(image: str) -> tuple[str, ...]:
    """Gives the names by which a profile may mean an image: with tag and digest, and without.

    Docker Hub's images go by their short names, too.
    """
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    bare = f"{head}{slash}{last.partition(':')[0]}"
    names = [image, name, bare]
    for prefix in ("docker.io/library/", "docker.io/"):
        if name.startswith(prefix):
            names += [each.removeprefix(prefix) for each in (name, bare)]
            break
    return tuple(dict.fromkeys(filter(None, names)))


def _holds(until: date | None, today: date) -> bool:
    return until is None or today <= until


def _expected(rule: WriteRule) -> ExpectedRule:
    reaches = set(rule.path.rpartition("/")[2]) != {"*"}
    return ExpectedRule(f"profile {rule.path}", rule.reason, _any_of([rule.path]), reaches=reaches)


def _any_of(paths: Sequence[str]) -> Pattern:
    return re.compile("|".join(f"(?:{_expression(path)})" for path in paths) or "(?!)", re.DOTALL)


def matches(path: str, glob: str) -> bool:
    """Whether a profile's path means a file."""
    return _any_of([glob]).match(path) is not None


def _expression(glob: str) -> str:
    """Writes a path with wildcards as a regular expression; `/x/**` is `/x` itself, too."""
    names = glob.split("/")[1:]
    return (
        "".join(
            "(?:/[^/]+)*" if name == _ANY_DEPTH else f"/{_name_expression(name)}" for name in names
        )
        + r"\Z"
    )


def _name_expression(name: str) -> str:
    """Writes a name with wildcards; what `*` stands for is as short as it can be, and stays so.

    A long name of a container can't have it tried again and again (as in `fnmatch.translate`).
    """
    first, *rest = (
        "".join("[^/]" if c == "?" else re.escape(c) for c in each)
        for each in re.split(r"\*+", name)
    )
    middle = "".join(f"(?>[^/]*?{each})" for each in rest[:-1])
    return f"{first}{middle}[^/]*{rest[-1]}" if rest else first


# Reading


def profiles_of(document: object) -> Profiles:
    """Reads profiles.

    Raises:
        ConfigError: Something is missing, misspelt or wrong; says which field, and what may stand
            there.
    """
    top = _fields(document, "", ("schema", "profiles", "learned"), ("profiles",))
    if top.get("schema", PROFILES) != PROFILES:
        raise ConfigError("schema: it is another format", fix=f"write {PROFILES}")
    entries = _list(top["profiles"], "profiles", MOST_PROFILES)
    return Profiles(tuple(_image(each, f"profiles[{at}]") for at, each in enumerate(entries)))


def _image(document: object, where: str) -> ImageProfile:
    held = _fields(document, where, ("image", "write", "execute", "until"), ("image",))
    write = _list(held.get("write", []), f"{where}.write", MOST_PATHS)
    execute = None
    if "execute" in held:
        paths = _list(held["execute"], f"{where}.execute", MOST_PATHS)
        execute = tuple(_path(each, f"{where}.execute[{at}]") for at, each in enumerate(paths))
    return ImageProfile(
        _text(held["image"], f"{where}.image"),
        tuple(_write(each, f"{where}.write[{at}]") for at, each in enumerate(write)),
        execute,
        _day(held.get("until"), f"{where}.until"),
    )


def _write(document: object, where: str) -> WriteRule:
    held = _fields(document, where, ("path", "reason", "until"), ("path", "reason"))
    path = _path(held["path"], f"{where}.path")
    if {"*", "?"} & set(path.split("/")[1]):
        raise ConfigError(
            f"{where}.path: it means all of the container",
            fix="begin it with a directory's name, such as /var/lib/app/**",
        )
    reason = _text(held["reason"], f"{where}.reason")
    return WriteRule(path, reason, _day(held.get("until"), f"{where}.until"))


def _fields(
    document: object, where: str, known: Sequence[str], needed: Sequence[str]
) -> Mapping[str, Any]:
    if not isinstance(document, Mapping):
        raise ConfigError(f"{where or 'the document'}: it is no map", fix=f"of {', '.join(known)}")
    place = f"{where}." if where else ""
    for name in document:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, 1, 0.5)
            fix = f"did you mean {close[0]}?" if close else f"it may be any of {', '.join(known)}"
            raise ConfigError(f"{place}{str(name)[:80]!r} is no field", fix=fix)
    missing = next((name for name in needed if name not in document), None)
    if missing is not None:
        raise ConfigError(f"{place}{missing} is missing", fix="add it")
    return document


def _list(value: object, where: str, most: int) -> Sequence[object]:
    if not isinstance(value, list) or len(value) > most:
        raise ConfigError(f"{where}: it is no list, or too long", fix=f"list at most {most:,}")
    return value


def _text(value: object, where: str) -> str:
    is_text = isinstance(value, str) and value.strip() != "" and value.isprintable()
    if not isinstance(value, str) or not is_text or len(value) > _LONGEST:
        raise ConfigError(
            f"{where}: it is no text, empty or too long, or has characters that can't be shown",
            fix=f"write from 1 to {_LONGEST:,} characters, in one line",
        )
    return value


def _path(value: object, where: str) -> str:
    path = _text(value, where)
    if not path.startswith("/") or path == "/" or _UNFIT.search(path):
        raise ConfigError(
            f"{where}: it is no path from the container's root",
            fix="write it as the container sees it, such as /var/lib/app/**, without . and ..",
        )
    names = path.split("/")
    if names.count(_ANY_DEPTH) > _DEEP or any(
        _ANY_DEPTH in name and name != _ANY_DEPTH for name in names
    ):
        raise ConfigError(
            f"{where}: ** stands for directories, between slashes, at most {_DEEP} times",
            fix="write * for a part of a name",
        )
    return path


def _day(value: object, where: str) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ConfigError(f"{where}: it is no day", fix="write it as 2027-01-31") from None
