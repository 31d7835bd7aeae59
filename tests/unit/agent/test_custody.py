from datetime import UTC, datetime
from pathlib import Path

from reconciler.agent.custody import EvidenceFolder
from reconciler.agent.evidence import Kept
from reconciler.core.containers import ContainerLook, ContainerRef, NodeLook
from reconciler.core.evidence import Evidence

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
AT = "2026-11-24T12:00:00Z"


def look(*uids: str) -> NodeLook:
    looks = (ContainerLook(ContainerRef("shop", uid, uid, "web", f"c-{uid}")) for uid in uids)
    return NodeLook("n1", AT, tuple(looks))


class Office:
    """Keeps archives in words; `trouble` has it fail."""

    def __init__(self, folder: Path) -> None:
        self.trouble = ""
        self.made: list[str] = []
        self.said: list[str] = []
        self.folder = EvidenceFolder(folder, self._keep, lambda: NOW, self.said.append)

    def _keep(self, look: NodeLook, uid: str) -> Kept:
        if self.trouble:
            raise OSError(28, self.trouble)
        self.made.append(uid)
        return Kept(f"{len(self.made):064}", 9, 1, 0)


def test_what_is_wished_for_and_seen_is_kept_once(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.folder.wish(["u1"])
    assert not office.folder.keep()  # nothing was seen yet
    office.folder.looked(look("u1", "u2"))
    assert office.folder.keep()
    assert not office.folder.keep()
    office.folder.wish(["u1", "u2", "gone"])
    assert office.folder.keep()
    assert office.made == ["u1", "u2"]
    assert office.folder.kept() == (
        Evidence("u1", f"{1:064}", 9, AT),
        Evidence("u2", f"{2:064}", 9, AT),
    )


def test_what_is_asked_for_again_is_told_as_the_latest(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.folder.looked(look("u1", "u2"))
    office.folder.wish(["u1", "u2"])
    office.folder.keep()
    before = office.folder.kept()
    office.folder.wish(["u1"])
    assert office.folder.kept() == (before[1], before[0])
    assert not office.folder.keep()


def test_what_cannot_be_kept_is_said_once_and_tried_again(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.folder.looked(look("u1"))
    office.folder.wish(["u1"])
    office.trouble = "No space left on device"
    assert not office.folder.keep()
    assert not office.folder.keep()
    assert office.said == [f"evidence can't be kept in {tmp_path}: No space left on device"]
    office.trouble = ""
    assert office.folder.keep()


def test_a_full_folder_takes_no_more(tmp_path: Path) -> None:
    office = Office(tmp_path)
    with (tmp_path / "old.tar.gz").open("wb") as file:
        file.truncate(4 << 30)  # holes take no room
    office.folder.looked(look("u1"))
    office.folder.wish(["u1"])
    assert not office.folder.keep()
    assert "take archives away" in office.said[0]
    assert office.made == []
