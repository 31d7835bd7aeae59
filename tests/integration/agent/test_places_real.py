"""Where a container wrote what is no drift, on a real overlay."""

import shutil
from pathlib import Path

from tests.tools.overlays import layer, overlay


def test_places_are_what_a_volume_could_be_mounted_at(tmp_path: Path) -> None:
    with layer(tmp_path, 0) as seen:
        for path in (
            "tmp",
            "run/lock",
            "var/log/app",
            "var/cache/app/deep",
            "opt",
            "srv",
            "usr/lib",
        ):
            (seen / path).mkdir(parents=True)
        (seen / "var/log/app/first").write_text("x")
        (seen / "usr/lib/a.py").write_text("x")
        (seen / "etc").mkdir()
        (seen / "etc/same").write_text("x")
    with overlay(tmp_path, 1) as made:
        root = made.merged
        (root / "tmp/a/b").mkdir(parents=True)
        (root / "tmp/a/b/c").write_text("x")
        (root / "run/app.pid").write_text("1")
        (root / "var/log/app/second").write_text("x")
        (root / "var/cache/app/deep/x").write_text("x")
        (root / "opt/gone").write_text("x")
        (root / "opt/gone").unlink()
        (root / "srv").chmod(0o700)
        (root / "etc/same").write_text("x")
        (root / "usr/lib/__pycache__").mkdir()
        (root / "usr/lib/__pycache__/a.cpython-311.pyc").write_text("x")
        found = made.look(points=["/mnt"])
        assert {(each.path, each.files, each.expected, each.hides) for each in found.written} == {
            ("/tmp", 3, True, False),
            ("/run", 1, True, False),
            ("/var/log/app", 1, True, True),
            ("/var/cache/app/deep", 1, True, False),
            ("/opt", 0, False, False),
            ("/srv", 0, False, False),
            ("/etc", 0, False, True),
        }
        assert [each.path for each in found.drifts] == ["/srv"]
        # A directory that was copied for a mount point says nothing.
        assert "/opt" not in {each.path for each in made.look(points=["/opt"]).written}


def test_places_that_are_too_many_are_counted_together(tmp_path: Path) -> None:
    with layer(tmp_path, 0) as seen:
        for number in range(70):
            (seen / f"var/cache/{number}").mkdir(parents=True)
    with overlay(tmp_path, 1) as made:
        for number in range(70):
            (made.merged / f"var/cache/{number}/x").write_text("x")
        shutil.rmtree(made.merged / "var/cache/0")
        written = {each.path: each for each in made.look().written}
    assert len(written) == 65
    assert written["/"].hides
    assert sum(each.files for each in written.values()) == 70
