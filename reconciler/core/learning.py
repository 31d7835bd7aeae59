"""Profiles learned from what containers did: proposed to people, never taken for granted.

What a container wrote is generalised to directories, never to the root nor to the system's own;
what matters much isn't learned at all: executables, libraries, what is started by itself, who may
log in, trusted certificates. That stays drift, and is listed as left out.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.core.container_files import FileState, FileType
from reconciler.core.containers import SANDBOX, FileDrift
from reconciler.core.drift import ChangeType, Severity
from reconciler.core.grading import EXECUTABLE, Profile
from reconciler.core.observed import Observed
from reconciler.core.profiles import (
    MOST_PATHS,
    ImageProfile,
    Profiles,
    WriteRule,
    names_of,
)

#: So many files of a directory are one rule.
_MANY: Final = 3
#: So many rules of an image; a profile that has more says nothing any more.
_RULES: Final = 100
#: Directories that hold what images are made of: only single files of them are learned.
_SYSTEM: Final = frozenset(
    ("bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "root", "sbin", "sys", "usr")
)
#: Directories that belong to nobody in particular.
_SHARED: Final = frozenset(("/var", "/var/lib", "/opt", "/srv", "/home", "/mnt", "/media"))
#: A profile's paths may be a little longer.
_LONGEST: Final = 1000
_PLAIN: Final = FileState(FileType.REGULAR, 0o644, 0, 0)
_PACKAGES: Final = "installed packages"
_SESSION: Final = "ran in a session from outside"


@dataclass(frozen=True, slots=True, order=True)
class LeftOut:
    """Something that isn't learned.

    Attributes:
        image: In containers of which image.
        path: The file.
        why: Why not, in a few words.
    """

    image: str
    path: str
    why: str


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """What was seen of an image.

    Attributes:
        image: The image's name, without a tag.
        containers: In which containers, as people name them.
        files: How many files differed and are learned.
        programs: How many programs ran.
    """

    image: str
    containers: tuple[str, ...]
    files: int
    programs: int


@dataclass(frozen=True, slots=True)
class Lesson:
    """What was learned.

    Attributes:
        profiles: For each image what its containers may do.
        evidence: What that is learned from, by image.
        left: What isn't learned.
    """

    profiles: Profiles
    evidence: tuple[Evidence, ...]
    left: tuple[LeftOut, ...]


@dataclass(slots=True)
class _Study:
    """What was seen of one image."""

    containers: set[str] = field(default_factory=set)
    files: dict[str, FileDrift] = field(default_factory=dict)
    writers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    programs: set[str] = field(default_factory=set)
    left: set[tuple[str, str]] = field(default_factory=set)


def lesson_of(observed: Observed, rules: Profile, *, with_programs: bool) -> Lesson:
    """Makes profiles of what was seen.

    Args:
        observed: What was seen.
        rules: What ships with Plumbline: how much files matter.
        with_programs: Whether it was watched long enough to say which programs run.
    """
    studies: dict[str, _Study] = defaultdict(_Study)
    nameless = set()
    for container_id, look in observed.looks.items():
        if look.container.container == SANDBOX:
            continue  # it is the runtime's own, and runs nothing else
        if not names_of(look.container.image):
            if any(isinstance(drift, FileDrift) for drift in look.drifts):
                nameless.add(LeftOut("", str(look.container), "its image's name isn't known"))
            continue
        study = studies[_bare(look.container.image)]
        study.containers.add(str(look.container))
        for drift in look.drifts:
            if isinstance(drift, FileDrift):
                why = _why_left(drift, rules)
                if why:
                    study.left.add((drift.path, why))
                else:
                    study.files[drift.path] = drift
                    study.writers[drift.path].add(str(look.container))
        for path in observed.ran[container_id] if with_programs else ():
            if observed.is_own(container_id, path):
                study.programs.add(path)
            else:
                study.left.add((path, _SESSION))
    return _lesson(studies, nameless)


def _bare(image: str) -> str:
    """Gives an image's name without tag and digest, in full."""
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def _lesson(studies: Mapping[str, _Study], nameless: Iterable[LeftOut]) -> Lesson:
    images, evidence, left = [], [], set(nameless)
    for name, study in sorted(studies.items()):
        rules = _rules(study)
        for path, why in study.left:
            if why != _SESSION or path not in study.programs:
                left.add(LeftOut(name, path, why))
        if len(rules) > _RULES:
            left.add(LeftOut(name, "", f"only {_RULES} of {len(rules)} rules are kept"))
        write = tuple(WriteRule(path, reason) for path, reason in sorted(rules.items())[:_RULES])
        # Where none was seen, to name none would refuse them all.
        execute = tuple(sorted(study.programs)) or None
        if execute is not None and len(execute) > MOST_PATHS:
            left.add(LeftOut(name, "", f"{len(execute):,} programs ran: too many to be named"))
            execute = None
        if write or execute:
            images.append(ImageProfile(name, write, execute))
        seen = tuple(sorted(study.containers))
        evidence.append(Evidence(name, seen, len(study.files), len(study.programs)))
    return Lesson(Profiles(tuple(images)), tuple(evidence), tuple(sorted(left)))


def _why_left(drift: FileDrift, rules: Profile) -> str:
    """Says why a file isn't learned; empty where it is."""
    state = drift.now or drift.was
    if drift.severity is Severity.HIGH or drift.why in (EXECUTABLE, _PACKAGES):
        return drift.why
    if state is not None and state.type is FileType.DIRECTORY and drift.now is None:
        return "a directory of the image is gone"
    if len(drift.path) > _LONGEST or any(
        not char.isprintable() or char in "*?" for char in drift.path
    ):
        return "its name can't be written in a profile"
    path = drift.path
    if _is_folder(drift):
        path, state = f"{path}/-", _PLAIN  # what it is there for
    grade = rules.grade(path, None, state)
    return grade.why if grade.severity is Severity.HIGH else ""


def _rules(study: _Study) -> Mapping[str, str]:
    """Gives paths that cover the files, each with its reason."""
    made = {
        path
        for path, drift in study.files.items()
        if drift.change is ChangeType.ADDED and _is_folder(drift)
    }
    found: dict[str, list[str]] = defaultdict(list)
    loose: dict[str, list[str]] = defaultdict(list)
    for path, drift in study.files.items():
        top = _outermost(path, made)
        if top and _may_be_general(top):
            found[f"{top}/**"].append(path)
        elif drift.change is ChangeType.ADDED and not _is_folder(drift):
            loose[path.rpartition("/")[0]].append(path)
        else:
            found[path].append(path)
    for folder, paths in loose.items():
        if len(paths) >= _MANY and _may_be_general(folder):
            found[f"{folder}/*"] += paths
        else:
            for path in paths:
                found[path].append(path)
    return {path: _reason(paths, study) for path, paths in _gathered(found).items()}


def _gathered(found: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    """Puts directories that lie side by side together, such as `/data/1/**` and `/data/2/**`."""
    by_parent: dict[str, list[str]] = defaultdict(list)
    for path in found:
        if path.endswith("/**"):
            by_parent[path.removesuffix("/**").rpartition("/")[0]].append(path)
    gathered = dict(found)
    for parent, paths in by_parent.items():
        if len(paths) >= _MANY and _may_be_general(parent):
            files = [each for path in paths for each in gathered.pop(path)]
            gathered[f"{parent}/**"] = [*gathered.pop(f"{parent}/*", ()), *files]
    return gathered


def _reason(paths: Sequence[str], study: _Study) -> str:
    files = sum(not _is_folder(study.files[path]) for path in paths)
    what = "a directory" if not files else "1 file" if files == 1 else f"{files} files"
    count = len({writer for path in paths for writer in study.writers[path]})
    return f"learned: {what} in {count} container" + ("" if count == 1 else "s")


def _is_folder(drift: FileDrift) -> bool:
    return drift.now is not None and drift.now.type is FileType.DIRECTORY


def _outermost(path: str, made: set[str]) -> str:
    """Gives the outermost directory that the container made, of those that hold a file."""
    parts = path.split("/")
    above = ("/".join(parts[: depth + 1]) for depth in range(1, len(parts)))
    return next((each for each in above if each in made), "")


def _may_be_general(folder: str) -> bool:
    first = folder.strip("/").partition("/")[0]
    return first != "" and first not in _SYSTEM and folder not in _SHARED
