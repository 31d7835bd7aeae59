"""How much a file's drift matters, and which differences are expected. The rules are data."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import translate
from typing import Any, TypeAlias

from reconciler.core.containers import FileDrift, FileState, FileType
from reconciler.core.drift import ChangeType, Severity

Pattern: TypeAlias = re.Pattern[str]

_EXECUTE = 0o111
#: The bits that lend the owner's or the group's rights to who runs a file.
SET_ID = 0o6000
_OTHERS_WRITE = 0o002
_STICKY = 0o1000
_DEVICES = (FileType.CHARACTER, FileType.BLOCK)

#: Why a file matters that can be run, or that lends its owner's rights to who runs it.
EXECUTABLE = "executable"
_RIGHTS = "gives its owner's rights to whoever runs it"


@dataclass(frozen=True, slots=True)
class ExpectedRule:
    """Differences that are no drift, unless what was written can be run.

    Attributes:
        name: The rule's name.
        reason: Why it's expected.
        pattern: Of paths.
        changes: Which changes it expects.
        needed: Whether a program needs to write there; else it goes on where it can't.
        reaches: Whether it also expects what would else matter much, such as scripts.
    """

    name: str
    reason: str
    pattern: Pattern
    changes: frozenset[ChangeType] = frozenset(ChangeType)
    needed: bool = True
    reaches: bool = True


@dataclass(frozen=True, slots=True)
class GradeRule:
    """How much a drift of some paths matters.

    Attributes:
        why: In a few words.
        severity: How much.
        pattern: Of paths.
    """

    why: str
    severity: Severity
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Grade:
    """How much a drift matters, and why."""

    severity: Severity
    why: str


#: Bytes of a file that may be one password, or a few: longer ones nobody tries.
_GUESSABLE = 4096
_WITHHELD = "its digest is withheld: it may hold a secret"


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of files and programs in containers.

    Attributes:
        expected: The first that matches counts.
        grades: Likewise.
        graded: Paths that any of these matches.
        untold: Paths of which content is never shown.
        shells: Where shells are.
        interpreters: File names of programs that run what their words name.
        loaders: File names of the loader of dynamic libraries.
        runtimes: Where a machine has the program that starts containers.
        execute: Paths of programs that the image's profile has run; None where it may be any.
    """

    expected: tuple[ExpectedRule, ...]
    grades: tuple[GradeRule, ...]
    graded: Pattern
    untold: Pattern
    shells: tuple[str, ...]
    interpreters: Pattern
    loaders: Pattern
    runtimes: tuple[str, ...]
    execute: Pattern | None = None

    def runs(self, path: str) -> bool:
        """Whether a program of the image is one that its profile has run."""
        return self.execute is None or self.execute.match(path) is not None

    def withholding(self, drift: FileDrift) -> FileDrift:
        """Gives a file's drift without digests that would let people try secrets.

        Only of what may be guessed: a small file of such a name that isn't a program. Whoever
        looks into an attack needs the digests of programs, however they are called.
        """
        if self.untold.match(drift.path) is None:
            return drift
        was, now = _withheld(drift.was), _withheld(drift.now)
        if (was, now) == (drift.was, drift.now):
            return drift
        return replace(drift, was=was, now=now, note=drift.note or _WITHHELD)

    def expecting(
        self, path: str, change: ChangeType, now: FileState | None
    ) -> ExpectedRule | None:
        """Gives the rule by which a difference is expected; never of what can be run."""
        if now is not None and (now.type in _DEVICES or _is_program(path, now)):
            return None
        return next(
            (
                rule
                for rule in self.expected
                if change in rule.changes
                and rule.pattern.match(path) is not None
                and (rule.reaches or not self._matters(path))
            ),
            None,
        )

    def grade(self, path: str, was: FileState | None, now: FileState | None) -> Grade:
        """Says how much a difference matters.

        Args:
            path: As the container sees it.
            was: As the image has it; None for what was added.
            now: As it is; None for what was removed.
        """
        if now is not None and _gains_rights(was, now):
            return Grade(Severity.HIGH, _RIGHTS)
        if now is not None and now.type in _DEVICES:
            return Grade(Severity.HIGH, "device")
        one = now or was
        if one is not None and one.type is FileType.DIRECTORY and was is not None:
            return _grade_of_folder(was, now)
        if now is not None and _runs(now):
            return Grade(Severity.HIGH, EXECUTABLE)
        found = self._rule_of(path)
        if one is not None and one.type is FileType.DIRECTORY:
            return Grade(Severity.LOW, "directory")
        if found is not None:
            # What is gone can't be run or read any more.
            gone = now is None and found.severity is Severity.HIGH
            return Grade(Severity.MEDIUM if gone else found.severity, found.why)
        if was is not None:
            runs = _runs(was)
            return Grade(Severity.MEDIUM, EXECUTABLE if runs else "of the image")
        return Grade(Severity.LOW, "new file")

    def _matters(self, path: str) -> bool:
        found = self._rule_of(path)
        return found is not None and found.severity is Severity.HIGH

    def _rule_of(self, path: str) -> GradeRule | None:
        """Gives the first rule that matches; most paths match none, and one look tells that."""
        if self.graded.match(path) is None:
            return None
        return next(rule for rule in self.grades if rule.pattern.match(path) is not None)


def _grade_of_folder(was: FileState, now: FileState | None) -> Grade:
    if now is None:
        return Grade(Severity.MEDIUM, "of the image")
    if _is_open(now) and not _is_open(was):
        return Grade(Severity.HIGH, "anybody may write there")
    return Grade(Severity.LOW if now.type is was.type else Severity.MEDIUM, "directory")


def _is_open(state: FileState) -> bool:
    is_folder = state.type is FileType.DIRECTORY
    return is_folder and bool(state.mode & _OTHERS_WRITE) and not state.mode & _STICKY


def _withheld(state: FileState | None) -> FileState | None:
    if state is None or _runs(state) or state.size > _GUESSABLE:
        return state
    return replace(state, sha256="")


def _runs(state: FileState) -> bool:
    return state.type is FileType.REGULAR and bool(state.mode & _EXECUTE)


def _is_program(path: str, state: FileState) -> bool:
    if state.type is not FileType.REGULAR:
        return False
    return bool(state.mode & (_EXECUTE | SET_ID)) or _LIBRARY.search(path) is not None


#: A library needs no right of execution to be loaded.
_LIBRARY = re.compile(r"\.so(\.[0-9.]+)?\Z")


def _gains_rights(was: FileState | None, now: FileState) -> bool:
    """Whether a file now gives rights to who runs it that it didn't, or is another that does."""
    if now.type is not FileType.REGULAR or not (now.mode & SET_ID or now.capabilities):
        return False
    return was is None or (was.mode & SET_ID, was.uid, was.gid, was.capabilities, was.sha256) != (
        now.mode & SET_ID,
        now.uid,
        now.gid,
        now.capabilities,
        now.sha256,
    )


def profile_of(data: Mapping[str, Any]) -> Profile:
    """Reads the rules as they ship: `reconciler/data/containers.json`."""
    return Profile(
        expected=tuple(_expected_rule(each) for each in data["expected"]),
        grades=tuple(
            GradeRule(each["why"], Severity(each["severity"]), _pattern(each["paths"]))
            for each in data["grades"]
        ),
        graded=_pattern([glob for each in data["grades"] for glob in each["paths"]]),
        untold=_pattern(data["untold"], re.IGNORECASE),
        shells=tuple(data["shells"]),
        interpreters=_pattern(data["interpreters"]),
        loaders=_pattern(data["loaders"]),
        runtimes=tuple(data["runtimes"]),
    )


def _expected_rule(data: Mapping[str, Any]) -> ExpectedRule:
    changes: Iterable[str] = data.get("changes", tuple(ChangeType))
    kinds = frozenset(map(ChangeType, changes))
    pattern, needed = _pattern(data["paths"]), data.get("needed", True)
    return ExpectedRule(data["name"], data["reason"], pattern, kinds, needed)


def _pattern(globs: Sequence[str], flags: int = 0) -> Pattern:
    return re.compile("|".join(map(translate, globs)), flags)
