"""Following a file that somebody else writes, renames, truncates and deletes."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.observations import audit_log
from reconciler.adapters.observations.audit_log import AuditLog
from reconciler.core.errors import ConfigError
from reconciler.core.resource import ResourceKey
from tests.unit.adapters.test_observations_events import audited


def line(number: int, **more: Any) -> bytes:
    ref = {"resource": "configmaps", "namespace": "shop", "name": f"c{number}"}
    return json.dumps(audited(auditID=f"id-{number}", objectRef=ref, **more)).encode() + b"\n"


def seen(log: AuditLog, count: int = 20) -> list[int]:
    keys = (ResourceKey("", "ConfigMap", "shop", f"c{number}") for number in range(count))
    return [number for number, key in enumerate(keys) if log.events_of(key)]


def append(path: Path, *lines: bytes) -> None:
    with path.open("ab") as file:
        file.writelines(lines)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


Follow = Callable[..., AuditLog]


@pytest.fixture
def follow() -> Iterator[Follow]:
    """Makes logs, and closes them."""
    made: list[AuditLog] = []

    def of(path: Path, kept: Path | None = None) -> AuditLog:
        made.append(AuditLog(path, kept))
        return made[-1]

    yield of
    for log in made:
        with suppress(ConfigError):
            log.stop()


def rotated(path: Path, time: str) -> Path:
    return path.rename(path.with_name(f"audit-2026-11-25T{time}.log"))


def test_lines_are_read_as_they_come(follow: Follow, path: Path) -> None:
    log = follow(path)
    append(path, line(1), line(2))
    assert log.poll() == 2
    assert log.poll() == 0
    append(path, line(3))
    assert log.poll() == 1
    assert seen(log) == [1, 2, 3]


def test_half_a_line_waits_for_its_other_half(follow: Follow, path: Path) -> None:
    log = follow(path)
    whole = line(1)
    append(path, whole[:40])
    assert log.poll() == 0
    append(path, whole[40:70])
    log.poll()
    append(path, whole[70:], line(2)[:10])
    assert log.poll() == 1
    assert seen(log) == [1]
    assert log.tally.broken == 0


def test_what_is_no_json_is_counted_and_passed(follow: Follow, path: Path) -> None:
    log = follow(path)
    append(path, b"{broken\n", b"\n", b"[1]\n", b"\xff\n", line(1))
    log.poll()
    assert (log.tally.lines, log.tally.broken) == (4, 2)
    assert seen(log) == [1]


def test_a_line_that_is_too_long_is_passed_in_bounded_memory(
    follow: Follow, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "_LONGEST_LINE", 2000)
    monkeypatch.setattr(audit_log, "_CHUNK", 500)
    log = follow(path)
    append(path, line(1), b'{"a": "' + b"x" * 10_000)
    log.poll()
    append(path, b"x" * 10_000 + b'"}\n', line(2))
    log.poll()
    assert seen(log) == [1, 2]
    assert log.tally.broken == 1


def test_a_file_that_is_not_there_yet_is_waited_for(follow: Follow, path: Path) -> None:
    log = follow(path)
    assert log.poll() == 0
    assert str(path) in log.tally.trouble
    append(path, line(1))
    assert log.poll() == 1
    assert log.tally.trouble == ""


def test_a_renamed_file_is_read_to_its_end(follow: Follow, path: Path) -> None:
    log = follow(path)
    append(path, line(1))
    log.poll()
    append(path, line(2))
    rotated(path, "02-00")
    # Between the renaming and the new file.
    log.poll()
    append(path, line(3))
    log.poll()
    assert seen(log) == [1, 2, 3]
    assert log.tally.lines == 3


def test_several_rotations_at_once_are_followed_in_their_order(follow: Follow, path: Path) -> None:
    log = follow(path)
    append(path, line(1))
    log.poll()
    for number, time in enumerate(("02-00", "03-00", "04-00"), 2):
        append(path, line(number))
        rotated(path, time)
    append(path, line(5))
    log.poll()
    assert seen(log) == [1, 2, 3, 4, 5]
    assert log.tally.lines == 5


def test_a_file_that_was_deleted_while_it_was_read_loses_only_what_was_deleted(
    follow: Follow, path: Path
) -> None:
    log = follow(path)
    append(path, line(1))
    log.poll()
    rotated(path, "02-00").unlink()
    append(path, line(2))
    rotated(path, "03-00")
    append(path, line(3))
    log.poll()
    assert seen(log) == [1, 2, 3]


def test_a_copied_and_truncated_file_is_read_anew(follow: Follow, path: Path) -> None:
    log = follow(path)
    append(path, line(1), line(2))
    log.poll()
    shutil.copy(path, path.with_suffix(".1"))
    path.write_bytes(line(3))
    log.poll()
    assert seen(log) == [1, 2, 3]
    # Grown past the old end before anybody looked.
    path.write_bytes(line(4) + line(5) + line(6))
    log.poll()
    assert seen(log) == [1, 2, 3, 4, 5, 6]


def test_it_goes_on_where_it_stopped(follow: Follow, path: Path, tmp_path: Path) -> None:
    kept = tmp_path / "state" / "audit.json"
    append(path, line(1), line(2), line(3)[:30])
    first = follow(path, kept)
    first.poll()
    first.stop()
    append(path, line(3)[30:])
    second = follow(path, kept)
    assert seen(second) == [1, 2]
    assert second.poll() == 1
    assert seen(second) == [1, 2, 3]


def test_it_goes_on_in_a_file_that_was_renamed_meanwhile(
    follow: Follow, path: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "state" / "audit.json"
    append(path, line(1))
    first = follow(path, kept)
    first.poll()
    first.stop()
    append(path, line(2))
    rotated(path, "02-00")
    append(path, line(3))
    rotated(path, "03-00")
    append(path, line(4))
    second = follow(path, kept)
    assert second.poll() == 3
    assert seen(second) == [1, 2, 3, 4]


def test_it_begins_anew_where_the_file_is_another(
    follow: Follow, path: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "state" / "audit.json"
    append(path, line(1), line(2))
    first = follow(path, kept)
    first.poll()
    first.stop()
    path.unlink()
    append(path, line(3))
    second = follow(path, kept)
    assert second.poll() == 1
    assert seen(second) == [1, 2, 3]


@pytest.mark.parametrize("position", [None, [], {"head": 1}, {"head": "x:1", "offset": 3}])
def test_a_damaged_position_costs_a_second_reading(
    follow: Follow, path: Path, tmp_path: Path, position: object
) -> None:
    kept = tmp_path / "audit.json"
    kept.write_text(json.dumps({"format": 1, "position": position, "events": []}))
    append(path, line(1))
    assert follow(path, kept).poll() == 1


def test_nothing_is_written_where_nothing_was_read(
    follow: Follow, path: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "state" / "audit.json"
    log = follow(path, kept)
    log.save()
    assert not kept.exists()
    append(path, line(1))
    log.poll()
    log.save()
    before = kept.stat().st_ino
    log.save()
    assert kept.stat().st_ino == before


def test_a_full_disk_is_told_and_reading_goes_on(
    follow: Follow, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "_POLL", 0.001)
    monkeypatch.setattr(audit_log, "_SAVE", 0.001)
    (tmp_path / "file").write_text("")
    log = follow(path, tmp_path / "file" / "audit.json")
    append(path, line(1))
    log.start()
    with pytest.raises(ConfigError, match="audit"):
        log.stop()
    assert seen(log) == [1]
