"""What an audit log holds already: what is no event is passed over, and the end counts."""

import json
from pathlib import Path

import pytest

from reconciler.adapters.observations import recorded
from reconciler.core.errors import ConfigError


def _line(user: str) -> bytes:
    document = {
        "stage": "ResponseComplete",
        "auditID": user,
        "verb": "patch",
        "user": {"username": user},
        "objectRef": {"resource": "pods", "namespace": "shop", "name": "one"},
        "responseStatus": {"code": 200},
        "requestURI": "/api/v1/namespaces/shop/pods/one",
    }
    return json.dumps(document).encode() + b"\n"


def test_events_are_read_in_their_order_and_all_else_is_passed_over(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_bytes(_line("ann") + b"\nnonsense\n{}\n" + _line("bob") + _line("cut")[:40])
    assert [each.user for each in recorded.recorded_events(log)] == ["ann", "bob"]


def test_of_a_huge_log_the_end_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "audit.log"
    log.write_bytes(_line("old") * 3 + _line("new"))
    monkeypatch.setattr(recorded, "_MOST", len(_line("new")) + 5)
    assert [each.user for each in recorded.recorded_events(log)] == ["new"]


def test_a_log_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        recorded.recorded_events(tmp_path / "none")
