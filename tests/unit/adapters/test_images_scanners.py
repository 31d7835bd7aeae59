"""Reports of scanners, in files."""

from pathlib import Path

import pytest

from reconciler.adapters.images.scanners import read_scans
from reconciler.core.errors import ConfigError


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("no JSON", "is no vulnerability report"),
        ("{}", "is no vulnerability report"),
        ('{"ArtifactName": "./src", "Results": []}', "doesn't say which image was scanned"),
    ],
)
def test_files_that_are_no_reports(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "report.json"
    file.write_text(content)
    with pytest.raises(ConfigError, match=words):
        read_scans(file)


def test_a_report_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read: No such file"):
        read_scans(tmp_path / "none.json")
    with pytest.raises(ConfigError, match="can't be read: Is a directory"):
        read_scans(tmp_path)
    file = tmp_path / "huge.json"
    with file.open("wb") as sparse:
        sparse.truncate((512 << 20) + 1)
    with pytest.raises(ConfigError, match="larger than 512 MiB"):
        read_scans(file)


def test_a_report_is_read(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text('{"ArtifactName": "web:1", "Results": []}')
    (scan,) = read_scans(file)
    assert scan.image == "web:1"
