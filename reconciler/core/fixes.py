"""Fields that Git is to declare otherwise, whoever wishes it, and what came of that."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reconciler.core.desired import SourceLocation
from reconciler.core.path import Path, value_at, with_value
from reconciler.core.resource import JsonObject, ResourceKey


class Purpose(StrEnum):
    """Why Git is edited; part of the branch's name."""

    IMAGES = "images"
    HARDEN = "harden"

    def branch(self, target: str) -> str:
        """Names the branch of a target's pull request."""
        return f"plumbline/{self.value}/{target}"


@dataclass(frozen=True, slots=True)
class Fix:
    """One field that is to be declared otherwise.

    Attributes:
        key: The object.
        source: Where it is declared.
        container: The container's name; empty where all of the pod is meant.
        path: The field, from the object's root.
        value: What it is to be.
        rule: By which rule.
        reason: Why, in a sentence.
        before: What is there, for people.
        age: How old that is, for people; empty where that isn't known, or has no meaning.
        caution: What may go wrong with it; empty where nothing is known to.
        together: Fixes of an object with the same words here are made all or not at all; empty for
            one that stands by itself.
    """

    key: ResourceKey
    source: SourceLocation
    container: str
    path: Path
    value: Any
    rule: str
    reason: str
    before: str = ""
    age: str = ""
    caution: str = ""
    together: str = ""

    def is_in(self, body: JsonObject) -> bool:
        """Whether an object is declared so already."""
        there = value_at(body, self.path)
        return bool(there == self.value and type(there) is type(self.value))


@dataclass(frozen=True, slots=True)
class Unfixed:
    """Something that Git isn't made to declare otherwise.

    Attributes:
        key: The object.
        container: As in `Fix`.
        rule: By which rule it should be.
        reason: Why it stays, in a sentence.
    """

    key: ResourceKey
    container: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fixed:
    """A fix that was proven.

    Attributes:
        fix: The fix.
        files: The files that were changed for it; none where the edit of another one brings it.
    """

    fix: Fix
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be fixed in a target, before any edit was tried.

    Attributes:
        fixes: What can be written.
        left: What can't, and why.
        others: By rule, how many findings are no business of this.
    """

    fixes: tuple[Fix, ...]
    left: tuple[Unfixed, ...] = ()
    others: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Fixing:
    """What makes Git declare the fixes, as far as edits were found and proven.

    Attributes:
        purpose: Why.
        target: The target's name.
        revision: The commit (or plain folder) that the files begin from.
        files: By path, what each file is to hold; None for one that goes.
        before: The same files as they are; None for one that isn't there.
        fixed: What is fixed by that.
        left: What isn't, and why.
        others: By rule, how many findings are no business of this.
        secrets: Texts in these files that nobody is to be shown.
    """

    purpose: Purpose
    target: str
    revision: str
    files: Mapping[str, str | None]
    before: Mapping[str, str | None]
    fixed: tuple[Fixed, ...]
    left: tuple[Unfixed, ...]
    others: Mapping[str, int]
    secrets: frozenset[str] = frozenset()


def units_of(fixes: Iterable[Fix]) -> list[list[Fix]]:
    """Puts together which fixes of one object are made all or not at all."""
    units: dict[str, list[Fix]] = {}
    for number, each in enumerate(fixes):
        units.setdefault(each.together or f"#{number}", []).append(each)
    return list(units.values())


def with_fixes(body: JsonObject, fixes: Iterable[Fix]) -> JsonObject:
    """Gives an object as it is with some fixes."""
    for fix in fixes:
        body = with_value(body, fix.path, fix.value)
    return body
