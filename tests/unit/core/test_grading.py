from dataclasses import replace

import pytest

from reconciler.agent.node import builtin_profile
from reconciler.core.containers import FileDrift, FileState, FileType
from reconciler.core.drift import ChangeType, Severity

PROFILE = builtin_profile()
TEXT = FileState(FileType.REGULAR, 0o644, 0, 0, 5, sha256="aa")
OTHER = replace(TEXT, sha256="bb")
PROGRAM = replace(TEXT, mode=0o755)
FOLDER = FileState(FileType.DIRECTORY, 0o755, 0, 0)
LINK = FileState(FileType.SYMLINK, 0o777, 0, 0, target="/x")
ADDED, CHANGED, REMOVED = ChangeType.ADDED, ChangeType.CHANGED, ChangeType.REMOVED


@pytest.mark.parametrize(
    ("path", "was", "now", "severity", "why"),
    [
        ("/opt/x", None, PROGRAM, Severity.HIGH, "executable"),
        ("/bin/ls", PROGRAM, replace(PROGRAM, sha256="bb"), Severity.HIGH, "executable"),
        ("/bin/ls", PROGRAM, None, Severity.MEDIUM, "executable"),
        ("/bin/su", PROGRAM, replace(PROGRAM, mode=0o4755), Severity.HIGH, "gives its owner's"),
        ("/x", None, replace(PROGRAM, mode=0o2755), Severity.HIGH, "gives its owner's"),
        ("/x", TEXT, replace(TEXT, capabilities="01"), Severity.HIGH, "gives its owner's"),
        ("/lib/a.so.1", TEXT, OTHER, Severity.HIGH, "library"),
        ("/lib/a.so.1", TEXT, None, Severity.MEDIUM, "library"),
        ("/app/main.py", TEXT, OTHER, Severity.HIGH, "code of an interpreter"),
        ("/etc/passwd", TEXT, OTHER, Severity.HIGH, "accounts and rights"),
        ("/root/.ssh/authorized_keys", None, TEXT, Severity.HIGH, "who may log in"),
        ("/etc/cron.d/x", None, TEXT, Severity.HIGH, "started by itself"),
        ("/etc/ssl/certs/x.pem", None, TEXT, Severity.HIGH, "trusted certificates"),
        ("/etc/ld.so.preload", None, TEXT, Severity.HIGH, "loaded into every program"),
        ("/var/lib/dpkg/status", TEXT, OTHER, Severity.MEDIUM, "installed packages"),
        ("/etc/app", None, LINK, Severity.MEDIUM, "configuration"),
        ("/etc/app", TEXT, None, Severity.MEDIUM, "configuration"),
        ("/srv/data", TEXT, OTHER, Severity.MEDIUM, "of the image"),
        ("/srv/data", None, TEXT, Severity.LOW, "new file"),
        ("/srv", None, FOLDER, Severity.LOW, "directory"),
        ("/srv", FOLDER, None, Severity.MEDIUM, "of the image"),
        ("/srv", FOLDER, replace(FOLDER, uid=7), Severity.LOW, "directory"),
        ("/srv", FOLDER, replace(FOLDER, mode=0o777), Severity.HIGH, "anybody may write there"),
        ("/srv", FOLDER, replace(FOLDER, mode=0o1777), Severity.LOW, "directory"),
        ("/srv", TEXT, FOLDER, Severity.MEDIUM, "directory"),
        ("/dev/x", None, FileState(FileType.BLOCK, 0o600, 0, 0), Severity.HIGH, "device"),
    ],
)
def test_how_much_a_file_matters(
    path: str, was: FileState | None, now: FileState | None, severity: Severity, why: str
) -> None:
    grade = PROFILE.grade(path, was, now)
    assert (grade.severity, grade.why[: len(why)]) == (severity, why)


def test_a_setuid_program_that_was_one_and_only_moved_its_owner_is_told_as_that() -> None:
    was = replace(PROGRAM, mode=0o4755, uid=1)
    assert PROFILE.grade("/x", was, replace(was, uid=0)).why.startswith("gives its owner's")
    # Its group's right to read is no right of who runs it.
    assert PROFILE.grade("/x", was, replace(was, mode=0o4711)).why == "executable"


@pytest.mark.parametrize(
    ("path", "change", "now", "rule"),
    [
        ("/tmp/x", ADDED, TEXT, "temporary"),
        ("/tmp/x", REMOVED, None, "temporary"),
        ("/var/log/a/b.log", CHANGED, TEXT, "logs"),
        ("/run/x.pid", ADDED, TEXT, "state-of-running"),
        ("/a/__pycache__/b.pyc", ADDED, TEXT, "python-bytecode"),
        ("/a/__pycache__/b.pyc", CHANGED, TEXT, None),
        ("/tmp/x", ADDED, PROGRAM, None),
        ("/tmp/x.so", ADDED, TEXT, None),
        ("/tmp/x", ADDED, FileState(FileType.CHARACTER, 0o666, 0, 0), None),
        ("/tmp/x", ADDED, LINK, "temporary"),
        ("/tmpx", ADDED, TEXT, None),
        ("/srv/tmp/x", ADDED, TEXT, None),
    ],
)
def test_what_is_expected(
    path: str, change: ChangeType, now: FileState | None, rule: str | None
) -> None:
    found = PROFILE.expecting(path, change, now)
    assert (found and found.name) == rule
    assert found is None or found.reason


@pytest.mark.parametrize(
    ("path", "state", "shown"),
    [
        ("/app/.env", TEXT, False),
        ("/srv/db-password", TEXT, False),
        ("/srv/db-password", replace(TEXT, size=5000), True),
        ("/srv/password-tool", PROGRAM, True),
        ("/srv/data", TEXT, True),
    ],
)
def test_digests_of_what_may_be_guessed_are_withheld(
    path: str, state: FileState, shown: bool
) -> None:
    drift = FileDrift(path, ADDED, Severity.LOW, "new file", None, state)
    told = PROFILE.withholding(drift)
    assert told.now is not None
    assert bool(told.now.sha256) is shown
    assert ("withheld" in told.note) is not shown
    removed = PROFILE.withholding(replace(drift, was=state, now=None, note="with 2 files in it"))
    assert removed.note == "with 2 files in it"
