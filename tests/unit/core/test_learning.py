"""Profiles are learned from what containers did: generalised with care, and never what matters."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from reconciler.agent.node import builtin_profile
from reconciler.core.containers import (
    SANDBOX,
    ContainerDrift,
    ContainerLook,
    ContainerRef,
    FileDrift,
    FileState,
    FileType,
    Listener,
    Origin,
    Parent,
    PortDrift,
    ProcessDrift,
    SessionDrift,
)
from reconciler.core.drift import ChangeType, Severity
from reconciler.core.learning import Lesson, lesson_of
from reconciler.core.observed import Observed
from reconciler.core.profiles import ImageProfile, WriteRule, profiles_of
from reconciler.render.profile_documents import profiles_document

RULES = builtin_profile()
FILE = FileState(FileType.REGULAR, 0o644, 0, 0)
FOLDER = FileState(FileType.DIRECTORY, 0o755, 0, 0)
PROGRAM = FileState(FileType.REGULAR, 0o755, 0, 0)
WEB = ContainerRef("shop", "web-1", "u", "app", "c1", "registry.example:5000/shop/web:2")


def drift_of(path: str, state: FileState = FILE, change: str = "added") -> FileDrift:
    now = None if change == "removed" else state
    was = None if change == "added" else state
    grade = RULES.grade(path, was, now)
    return FileDrift(path, ChangeType(change), grade.severity, grade.why, was, now)


def learn(*drifts: ContainerDrift, programs: bool = False, ref: ContainerRef = WEB) -> Lesson:
    observed = Observed()
    observed.take([ContainerLook(ref, drifts)], whole=True)
    return lesson_of(observed, RULES, with_programs=programs)


def paths_of(*drifts: FileDrift) -> list[str]:
    lesson = learn(*drifts)
    assert lesson.left == ()
    return [rule.path for each in lesson.profiles.images for rule in each.write]


def files(folder: str, count: int) -> list[FileDrift]:
    return [drift_of(f"{folder}/f{number}") for number in range(count)]


def folders(*paths: str) -> list[FileDrift]:
    return [drift_of(path, FOLDER) for path in paths]


@pytest.mark.parametrize(
    ("drifts", "paths"),
    [
        ([], []),
        (files("/app/data", 2), ["/app/data/f0", "/app/data/f1"]),
        (files("/app/data", 3), ["/app/data/*"]),
        ([*folders("/app/data", "/app/data/x"), *files("/app/data/x", 1)], ["/app/data/**"]),
        (folders("/data"), ["/data/**"]),
        ([drift_of("/etc/a.conf", change="changed")], ["/etc/a.conf"]),
        ([drift_of("/app/a", change="removed")], ["/app/a"]),
        ([drift_of("/app", FOLDER, "changed")], ["/app"]),
        (files("/etc/app", 3), ["/etc/app/f0", "/etc/app/f1", "/etc/app/f2"]),
        (files("", 3), ["/f0", "/f1", "/f2"]),
        (files("/var/lib", 3), ["/var/lib/f0", "/var/lib/f1", "/var/lib/f2"]),
        ([*folders("/usr/share/x"), *files("/usr/share/x", 1)],
         ["/usr/share/x", "/usr/share/x/f0"]),
        ([*folders("/d/a", "/d/b", "/d/c"), *files("/d/a", 2), *files("/d", 3)], ["/d/**"]),
        (folders("/var/lib/a", "/var/lib/b", "/var/lib/c"),
         ["/var/lib/a/**", "/var/lib/b/**", "/var/lib/c/**"]),
        (folders("/a", "/b", "/c"), ["/a/**", "/b/**", "/c/**"]),
    ],
)  # fmt: skip
def test_files_are_generalised_to_directories(
    drifts: Sequence[FileDrift], paths: list[str]
) -> None:
    assert paths_of(*drifts) == paths


@pytest.mark.parametrize(
    ("drift", "why"),
    [
        (drift_of("/app/x", PROGRAM), "executable"),
        (drift_of("/app/x", PROGRAM, "removed"), "executable"),
        (drift_of("/app/libx.so"), "library"),
        (drift_of("/etc/cron.d/x"), "started by itself"),
        (drift_of("/etc/cron.d/x", change="removed"), "started by itself"),
        (drift_of("/etc/cron.d", FOLDER), "started by itself"),
        (drift_of("/root/.ssh/authorized_keys"), "who may log in"),
        (drift_of("/etc/ssl/certs/x.pem"), "trusted certificates"),
        (drift_of("/app/x.py"), "code of an interpreter"),
        (drift_of("/var/lib/dpkg/status", change="changed"), "installed packages"),
        (drift_of("/app", FOLDER, "removed"), "a directory of the image is gone"),
        (drift_of("/app/a\nb"), "its name can't be written in a profile"),
        (drift_of("/app/*"), "its name can't be written in a profile"),
        (drift_of("/app/" + "x" * 1000), "its name can't be written in a profile"),
    ],
)
def test_what_matters_is_left_out(drift: FileDrift, why: str) -> None:
    lesson = learn(drift)
    assert lesson.profiles.images == ()
    assert [(each.path, each.why) for each in lesson.left] == [(drift.path, why)]


def process(path: str, pid: int, inner: int, *above: int, origin: Origin = Origin.PROFILE) -> (
    ProcessDrift
):  # fmt: skip
    parents = tuple(Parent(each, "p") for each in above)
    return ProcessDrift(pid, inner, path, origin, (), "0", "", Severity.MEDIUM, parents=parents)


def session(pid: int) -> SessionDrift:
    return SessionDrift("exec", pid, 9, "0", (), "", Severity.MEDIUM)


def test_programs_are_learned_but_those_of_sessions() -> None:
    drifts = (
        process("/bin/app", 100, 1, 50),
        process("/bin/worker", 101, 7, 100, 50),
        process("/bin/probe", 102, 8, 50),
        process("/bin/sh", 103, 9, 50),
        process("/bin/ls", 104, 10, 103, 50),
        process("/opt/evil", 105, 11, 100, 50, origin=Origin.ADDED),
        session(103),
        PortDrift(Listener("TCP", "::", 1, 1), Severity.LOW),
    )
    lesson = learn(*drifts, programs=True)
    (image,) = lesson.profiles.images
    assert image == ImageProfile(
        "registry.example:5000/shop/web", execute=("/bin/app", "/bin/worker")
    )
    assert [each.path for each in lesson.left] == ["/bin/ls", "/bin/probe", "/bin/sh"]
    assert {each.why for each in lesson.left} == {"ran in a session from outside"}
    assert learn(*drifts).profiles.images == ()
    # Where the first process isn't known, only sessions are told from it.
    lesson = learn(*drifts[1:], programs=True)
    assert lesson.profiles.images[0].execute == ("/bin/probe", "/bin/worker")
    # One that another container runs by itself isn't left out.
    observed = Observed()
    other = replace(WEB, container_id="c2", pod="web-2")
    observed.take([ContainerLook(WEB, (process("/bin/sh", 103, 9, 50), session(103)))], whole=True)
    observed.take([ContainerLook(other, (process("/bin/sh", 200, 1, 51),))], whole=True)
    lesson = lesson_of(observed, RULES, with_programs=True)
    assert (lesson.profiles.images[0].execute, lesson.left) == (("/bin/sh",), ())


def test_files_are_levels_and_programs_add_up() -> None:
    observed = Observed()
    observed.take([ContainerLook(WEB, (drift_of("/app/a"), process("/bin/a", 1, 1)))], whole=True)
    observed.take([ContainerLook(WEB, (process("/bin/b", 2, 2, 1),))], whole=False)
    observed.take([ContainerLook(WEB, (drift_of("/app/b"),))], whole=True)
    new = replace(WEB, container_id="c2", pod="web-2")
    observed.take([ContainerLook(new, (process("/bin/c", 9, 1),))], whole=False)
    for number in range(100):
        observed.take([ContainerLook(WEB, (process("/bin/b", number, 2, 1),))], whole=False)
    assert len(observed.ran["c1"]["/bin/b"]) == 64
    lesson = lesson_of(observed, RULES, with_programs=True)
    (image,) = lesson.profiles.images
    assert image.write == (WriteRule("/app/b", "learned: 1 file in 1 container"),)
    assert image.execute == ("/bin/a", "/bin/b", "/bin/c")
    (evidence,) = lesson.evidence
    assert (evidence.containers, evidence.files, evidence.programs) == (
        ("shop/web-1/app", "shop/web-2/app"), 1, 3,
    )  # fmt: skip


def test_reasons_count_files_and_who_wrote_them() -> None:
    lesson = learn(*folders("/app/made", "/app/more"), *files("/app/more", 2))
    assert [rule.reason for rule in lesson.profiles.images[0].write] == [
        "learned: a directory in 1 container",
        "learned: 2 files in 1 container",
    ]


def test_sandboxes_and_what_has_no_name_teach_nothing() -> None:
    assert learn(drift_of("/a"), ref=replace(WEB, container=SANDBOX)).evidence == ()
    nameless = replace(WEB, image="")
    assert learn(ref=nameless).left == ()
    (left,) = learn(drift_of("/a"), ref=nameless).left
    assert (left.path, left.why) == ("shop/web-1/app", "its image's name isn't known")
    short = learn(drift_of("/app/a"), ref=replace(WEB, image="docker.io/library/web@sha256:x"))
    assert short.profiles.images[0].image == "docker.io/library/web"


def test_a_profile_of_too_many_rules_is_cut() -> None:
    lesson = learn(*(drift_of(f"/etc/app/{number:03}") for number in range(120)))
    assert len(lesson.profiles.images[0].write) == 100
    assert lesson.left[0].why == "only 100 of 120 rules are kept"


def test_where_no_program_was_seen_all_may_run() -> None:
    (image,) = learn(drift_of("/app/a"), programs=True).profiles.images
    assert image.execute is None


def test_programs_that_are_too_many_are_left_open() -> None:
    lesson = learn(*(process(f"/bin/{n}", n, n) for n in range(2, 503)), programs=True)
    assert lesson.profiles.images == ()
    assert lesson.left[0].why == "501 programs ran: too many to be named"


def test_what_is_learned_can_be_read() -> None:
    lesson = learn(*files("/app/x", 3), process("/bin/a", 1, 1), programs=True)
    assert profiles_of(profiles_document(lesson.profiles)) == lesson.profiles
