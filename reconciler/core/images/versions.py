"""Tags as versions: which of a repository's tags are newer than one, and by how much.

Tags aren't quite semantic versions: `1.27` and `1.27.3` move differently, `-alpine` is another
build and no pre-release. So a tag is only compared with tags of the same form: as many numbers,
the same rest. (Renovate's `docker` versioning does likewise; semver's own order would take
`1.27.3-alpine` for older than `1.27.3`.)
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """How far one version is from another, the smallest first."""

    PATCH = "patch"
    MINOR = "minor"
    MAJOR = "major"


_STEPS = tuple(Step)

_VERSION = re.compile(
    r"(?P<v>[vV]?)(?P<numbers>\d{1,12}(?:\.\d{1,12}){0,3})"
    r"(?:[-.]?(?P<pre>(?:alpha|beta|rc|pre|preview|dev|snapshot|nightly|canary|[abM](?=\d))"
    r"(?:[.-]?\d{1,12}(?:\.\d{1,12}){0,2})?)(?=[-_+]|\Z))?"
    r"(?P<rest>[-_+.][A-Za-z0-9_.+-]*[A-Za-z0-9])?\Z",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+")
#: So many digits at once are a date or a build's number, never compared with `1`.
_LONG = 6


@dataclass(frozen=True, slots=True)
class Version:
    """A tag that is a version.

    Attributes:
        tag: As written.
        numbers: Such as (1, 27, 3); as many as were written.
        pre: Of a pre-release, its word and numbers, such as ("rc", 2); empty for a release.
        rest: What comes behind, such as `-alpine`.
        prefix: `v`, or nothing.
    """

    tag: str
    numbers: tuple[int, ...]
    pre: tuple[str | int, ...]
    rest: str
    prefix: str

    @property
    def form(self) -> tuple[int, bool, str]:
        """What two tags must share to be compared."""
        return len(self.numbers), self.numbers[0] >= 10**_LONG, self.rest

    @property
    def order(self) -> tuple[tuple[int, ...], bool, str, tuple[int, ...]]:
        """Where it stands among versions of its form: a pre-release before its release."""
        word = str(self.pre[0]) if self.pre else ""
        return self.numbers, not self.pre, word, tuple(int(each) for each in self.pre[1:])


def version_of(tag: str, text: str = "") -> Version | None:
    """Reads a tag as a version; None where it is none.

    Args:
        tag: The tag.
        text: The part of it that says the version, if that isn't all of it.
    """
    found = _VERSION.match(text or tag)
    if found is None:
        return None
    pre = (found["pre"] or "").lower()
    words = re.match(r"[a-z]*", pre)
    word = words[0] if words else ""
    return Version(
        tag,
        tuple(int(each) for each in found["numbers"].split(".")),
        (word, *(int(each) for each in _NUMBER.findall(pre))) if pre else (),
        found["rest"] or "",
        found["v"].lower(),
    )


def step_between(old: Version, new: Version) -> Step:
    """Says how far a newer version of the same form is."""
    differing = (n for n, (a, b) in enumerate(zip(old.numbers, new.numbers, strict=True)) if a != b)
    first = next(differing, len(_STEPS) - 1)
    return (Step.MAJOR, Step.MINOR, Step.PATCH, Step.PATCH)[first]


@dataclass(frozen=True, slots=True)
class TagFilter:
    """Which tags of a repository are taken for versions.

    Attributes:
        pattern: A regular expression that all of a tag must match; its group `version`, if it has
            one, is the part that says the version. None for any tag.
        prereleases: Whether pre-releases are newer versions, too. To a pre-release they always
            are.
    """

    pattern: re.Pattern[str] | None = None
    prereleases: bool = False

    def version(self, tag: str) -> Version | None:
        """Reads a tag as a version; None where it is none, or isn't meant."""
        if self.pattern is None:
            return version_of(tag)
        found = self.pattern.fullmatch(tag)
        if found is None:
            return None
        text = found["version"] if "version" in self.pattern.groupindex else tag
        return version_of(tag, text) if text else None


@dataclass(frozen=True, slots=True)
class Newer:
    """A newer tag.

    Attributes:
        tag: The tag.
        step: How far it is from the one that is declared.
    """

    tag: str
    step: Step


def newer_tags(tag: str, tags: Iterable[str], chosen: TagFilter) -> tuple[Newer, ...]:
    """Gives the newest tag of each step, the smallest step first.

    Args:
        tag: The one that is declared.
        tags: All that the repository has.
        chosen: Which of them count.
    """
    current = chosen.version(tag) or version_of(tag)
    if current is None:
        return ()
    best: dict[Step, Version] = {}
    for each in tags:
        version = chosen.version(each)
        if version is None or version.form != current.form or version.order <= current.order:
            continue
        if version.pre and not (chosen.prereleases or current.pre):
            continue
        step = step_between(current, version)
        known = best.get(step)
        if known is None or _rank(version, current) > _rank(known, current):
            best[step] = version
    return tuple(Newer(best[step].tag, step) for step in _STEPS if step in best)


def _rank(version: Version, current: Version) -> tuple[object, ...]:
    # Of `v1.2` and `1.2`, the one that is written as the one that is declared.
    return (*version.order, version.prefix == current.prefix, version.tag)


def within(newer: Iterable[Newer], step: Step | None) -> Newer | None:
    """Gives the newest tag that is no further than a step; None where there is none."""
    if step is None:
        return None
    allowed = _STEPS[: _STEPS.index(step) + 1]
    return max(
        (each for each in newer if each.step in allowed),
        key=lambda each: _STEPS.index(each.step),
        default=None,
    )
