"""What a container may do against who looks at it: it waits for nothing, and leaves nothing."""

import fcntl
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.agent.bounds import Bounds
from reconciler.agent.contents import Contents
from reconciler.agent.opening import _walked, open_folder, open_in, opened_content
from reconciler.core.containers import FileDrift
from tests.tools.overlays import BOUNDS, Overlay, layer, overlay

SECRET = "of the machine\n"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Overlay]:
    """A container's root, with a few files of its image."""
    folder = tmp_path / "root"
    with layer(folder, 0) as seen:
        (seen / "etc").mkdir()
        (seen / "etc/app.conf").write_text("colour=blue\n")
        (seen / "etc/shadow").write_text("root:x\n")
        (seen / "etc/gone").mkdir()
        (seen / "etc/gone/a").write_text("a")
    with overlay(folder, 1) as mounted:
        yield mounted


def one(made: Overlay, path: str) -> FileDrift:
    (drift,) = (each for each in made.look().drifts if each.path == path)
    return drift


def test_nothing_is_waited_for(made: Overlay, tmp_path: Path) -> None:
    os.mkfifo(made.merged / "etc/fifo.conf")
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(made.merged / "etc")
        try:
            listening.bind("socket")
        finally:
            os.chdir(tmp_path)
    # Whoever opens a file on which another process has a lease waits for it, up to 45 seconds.
    (made.merged / "etc/app.conf").write_text("colour=reds\n")
    with (made.upper / "etc/app.conf").open("r+") as leased:
        # Whoever has one is told by a signal that somebody wants in.
        before = signal.signal(signal.SIGIO, signal.SIG_IGN)
        fcntl.fcntl(leased, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        findings = made.look()
        fcntl.fcntl(leased, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        signal.signal(signal.SIGIO, before)
    assert {drift.path for drift in findings.drifts} == {"/etc/fifo.conf", "/etc/socket"}
    assert findings.unknown == [
        "/etc/app.conf: could not be read: Resource temporarily unavailable"
    ]
    # It is not told as the image's, and found once it can be read.
    assert one(made, "/etc/app.conf").text_diff == "@@ -1 +1 @@\n-colour=blue\n+colour=reds"


def test_no_link_is_followed(made: Overlay, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    (made.merged / "etc/app.conf").unlink()
    (made.merged / "etc/app.conf").symlink_to(tmp_path / "secret")
    (made.merged / "folder").symlink_to(tmp_path)
    drift = one(made, "/etc/app.conf")
    assert drift.now is not None
    assert (drift.now.target, drift.now.sha256) == (str(tmp_path / "secret"), "")
    assert drift.text_diff == ""
    assert not any(each.path.startswith("/folder/") for each in made.look().drifts)

    root = os.open(made.merged, os.O_RDONLY)
    for path in ("folder", "etc/app.conf", "folder/root", ".."):
        with pytest.raises(OSError, match=r"."):
            os.close(open_folder(root, path))
        if path != "..":
            with pytest.raises(OSError, match=r"."):
                os.close(_walked(root, path))
    with pytest.raises(OSError, match="no regular file"), opened_content(root, "folder"):
        pass
    # Seen from the container's root, the link leads to nothing.
    with pytest.raises(FileNotFoundError):
        open_in(root, "/etc/app.conf")
    os.close(root)


def test_what_is_secret_is_not_shown(made: Overlay) -> None:
    (made.merged / "etc/shadow").write_text("root:$6$hash\n")
    (made.merged / "etc/app.conf").write_text("colour=blue\napi_key: abcdef123\n")
    shadow = one(made, "/etc/shadow")
    assert shadow.text_diff == ""
    # Nor what lets people try passwords.
    assert shadow.now is not None
    assert (shadow.now.sha256, shadow.note) == ("", "its digest is withheld: it may hold a secret")
    assert one(made, "/etc/app.conf").text_diff.endswith("+api_key: ***")


def test_bounds_are_kept_and_told(made: Overlay) -> None:
    for number in range(30):
        (made.merged / f"file{number}").write_text("x")
    (made.merged / "program").write_text("x")
    (made.merged / "program").chmod(0o755)
    deep = made.merged
    for _ in range(12):
        deep /= "d"
        deep.mkdir()
    (made.merged / "etc/app.conf").write_text("colour=reds\n")
    findings = made.look(bounds=Bounds(files=10))
    # What matters most has room of its own.
    assert "/program" in {drift.path for drift in findings.drifts}
    unlisted = sum(findings.unlisted.values())
    assert len(findings.drifts) == 10
    assert findings.unknown == [findings.unlisted_words()]
    assert findings.unknown[0].startswith(f"{unlisted} differences more are not listed (")
    assert len(findings.drifts) + unlisted == 30 + 1 + 12 + 1

    shallow = made.look(bounds=Bounds(depth=5))
    assert shallow.unknown == ["/d/d/d/d/d/d: not looked into: deeper than 5 directories"]
    few = made.look(bounds=Bounds(entries=7))
    assert few.unknown == ["only 7 files of its own layer were looked at"]
    unread = made.look(bounds=Bounds(file_bytes=4))
    assert unread.unknown == ["/etc/app.conf: too long to be compared with the image's"]


def test_paths_longer_than_the_kernel_takes_are_looked_into(made: Overlay) -> None:
    root = os.open(made.merged, os.O_RDONLY)
    inner = root
    for _ in range(30):
        os.mkdir("n" * 200, dir_fd=inner)
        inner = os.open("n" * 200, os.O_RDONLY, dir_fd=inner)
    os.close(os.open("last", os.O_CREAT | os.O_WRONLY, dir_fd=inner))
    findings = made.look()
    assert findings.unknown == []
    assert max(len(drift.path) for drift in findings.drifts) == 30 * 201 + 5


def test_mount_points_that_the_kubelet_makes_are_no_drift(made: Overlay) -> None:
    for path in ("etc/hosts", "run/secrets/token"):
        (made.merged / path).parent.mkdir(parents=True, exist_ok=True)
        (made.merged / path).touch()
    points = ("/etc", "/etc/hosts", "/run", "/run/secrets", "/run/secrets/token")
    assert made.look(points=points).drifts == []
    (made.merged / "etc/hosts").write_text("6.6.6.6 bank")
    (drift,) = made.look(points=points).drifts
    assert drift.path == "/etc/hosts"


def test_a_file_that_is_as_the_image_has_it_again_is_no_drift(made: Overlay) -> None:
    (made.merged / "etc/app.conf").write_text("other")
    (made.merged / "etc/app.conf").write_text("colour=blue\n")
    assert made.look().drifts == []
    assert made.judge("/etc/app.conf") == ""
    (made.merged / "etc/app.conf").write_text("colour=reds\n")
    assert made.judge("/etc/app.conf") == "changed"
    (made.merged / "etc").rename(made.merged / "moved")
    assert made.judge("/moved/shadow") == "added"
    assert made.judge("/moved/nothing/at/all") == "added"
    assert made.judge("/nothing/at/all") == ""


def test_a_second_look_reads_nothing_that_did_not_change(made: Overlay) -> None:
    for number in range(5):
        (made.merged / f"file{number}").write_text(f"text {number}")
    reads: list[str] = []

    class Counting(Contents):
        def _read(self, content: int, expected: int) -> str:
            reads.append(os.readlink(f"/proc/self/fd/{content}"))
            return super()._read(content, expected)

    contents = Counting(BOUNDS)
    first = made.look(contents)
    assert len(reads) == 5
    contents.renew()
    again = made.look(contents)
    assert (len(reads), again.drifts) == (5, first.drifts)
    contents.renew()
    before = os.stat(made.merged / "file3")
    (made.merged / "file3").write_text("text x")  # as long as before
    os.utime(made.merged / "file3", ns=(before.st_atime_ns, before.st_mtime_ns))
    changed = made.look(contents)
    assert [os.path.basename(path) for path in reads[5:]] == ["file3"]
    assert changed.drifts != first.drifts


def test_a_directory_that_is_gone_is_told_once_with_how_much_was_in_it(made: Overlay) -> None:
    (made.merged / "etc/gone/a").unlink()
    (made.merged / "etc/gone").rmdir()
    drift = one(made, "/etc/gone")
    assert (drift.change.value, drift.note) == ("removed", "with 1 file in it")
