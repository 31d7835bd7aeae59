"""Who is looked at when a forge tells of a push; and what can't be configured."""

import io
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from reconciler.adapters.hooks.receiver import HookResult
from reconciler.adapters.telemetry.logs import Logs
from reconciler.adapters.telemetry.metrics import Metrics
from reconciler.core.errors import ConfigError
from reconciler.settings import HookSettings, SourceSettings, TargetSettings
from reconciler.waking import Others, Waker, hooks_of, telling
from tests.tools.hooking import send_push

_PATIENCE = 30.0


class Gate:
    """A cycle that begins when it's called, and ends when a test lets it."""

    def __init__(self) -> None:
        self.began = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)
        self.count = 0

    def cycle(self) -> None:
        self.count += 1
        self.began.release()
        assert self.may_end.acquire(timeout=_PATIENCE)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.may_end.release(9)


def test_pushes_during_a_cycle_cause_one_more(gate: Gate) -> None:
    waker = Waker({"shop": gate.cycle})
    waker.wake("shop")
    assert gate.began.acquire(timeout=_PATIENCE)
    for _ in range(5):
        waker.wake("shop")
    gate.may_end.release(9)
    assert gate.began.acquire(timeout=_PATIENCE)
    while waker._running:
        threading.Event().wait(0.01)
    assert gate.count == 2
    waker.wake("shop")
    assert gate.began.acquire(timeout=_PATIENCE)
    waker.close()
    assert gate.count == 3


def test_who_is_closed_waits_for_what_is_under_way_and_begins_nothing(gate: Gate) -> None:
    waker = Waker({"shop": gate.cycle})
    waker.wake("shop")
    assert gate.began.acquire(timeout=_PATIENCE)
    waker.wake("shop")
    closing = threading.Thread(target=waker.close)
    closing.start()
    while not waker._is_closed:
        threading.Event().wait(0.01)
    assert closing.is_alive()
    gate.may_end.release(9)
    closing.join(_PATIENCE)
    waker.wake("shop")
    assert gate.count == 1
    assert not waker._running


ALONE = Others(lambda name: None, lambda heard: None)
TARGETS = [
    TargetSettings("shop", SourceSettings("git@git.example:team/shop.git", "main")),
    TargetSettings("stage", SourceSettings("https://git.example/team/shop", "stage")),
    TargetSettings("any", SourceSettings("https://ann:pw@GIT.example/team/shop.git")),
    TargetSettings("local", SourceSettings("/srv/team/shop")),
]


def test_a_push_wakes_the_targets_that_read_what_it_moved(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3same\n")
    looked: set[str] = set()
    told: list[tuple[HookResult, list[str]]] = []
    settings = HookSettings(address="127.0.0.1:0", secret_files=(str(secret),))

    def hear(result: HookResult, woken: Sequence[str]) -> None:
        told.append((result, list(woken)))

    heard: list[Callable[[str], None]] = []
    told_others: list[str] = []
    others = Others(told_others.append, heard.append)
    cycles = {each.name: (lambda n=each.name: looked.add(n)) for each in TARGETS}
    with ExitStack() as stack:
        receiver = hooks_of(settings, TARGETS, cycles, hear, stack, others)
        assert receiver is not None
        repo = "https://git.example/team/shop.git"
        assert send_push(receiver.port, repo, "refs/heads/main", b"s3same") == 202
        assert send_push(receiver.port, repo, "refs/heads/main", b"forged") == 401
        assert send_push(receiver.port, repo + "x", "refs/heads/main", b"s3same") == 202
        heard[0]("stage")
        heard[0]("nobody's")
    woke, refused, ignored = told
    assert told_others == ["shop", "any"]
    assert woke == (HookResult.WOKE, ["shop", "any"])
    assert (refused[0], ignored[0]) == (HookResult.REFUSED, HookResult.IGNORED)
    # Some of them may have been closed before they began.
    assert looked <= {"shop", "any", "stage"}
    with pytest.raises(OSError, match="refused"):
        send_push(receiver.port, repo, "refs/heads/main", b"s3same")


def test_without_an_address_nobody_listens() -> None:
    with ExitStack() as stack:
        assert (
            hooks_of(HookSettings(), TARGETS, {}, lambda result, woken: None, stack, ALONE) is None
        )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (HookSettings("127.0.0.1"), "hooks.address: '127.0.0.1' has no port"),
        (HookSettings("127.0.0.1:0"), "would believe anybody"),
        (HookSettings("127.0.0.1:0", ("/no/such",)), "hooks.secret_files: /no/such can't be read"),
        (HookSettings("127.0.0.1:0", ("empty",)), "hooks.secret_files: empty is empty"),
        (HookSettings("127.0.0.1:0", ("secret",), "a.crt", "a.key"), "a.crt"),
    ],
)
def test_what_cannot_be_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: HookSettings, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "secret").write_text("s3same")
    with ExitStack() as stack, pytest.raises(ConfigError, match=message) as caught:
        hooks_of(settings, TARGETS, {}, lambda result, woken: None, stack, ALONE)
    assert "fix: " in str(caught.value)
    assert "s3same" not in str(caught.value)


def test_each_hook_is_counted_and_a_genuine_one_is_logged() -> None:
    stream, metrics = io.StringIO(), Metrics()
    told = telling(Logs(stream), metrics)
    for result in HookResult:
        told(result, ["shop"] if result is HookResult.WOKE else [])
    for result in HookResult:
        labels = {"result": result.value}
        assert metrics.registry.get_sample_value("plumbline_hooks_total", labels) == 1
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["event"], line["result"]) for line in lines] == [
        ("hook", "woke"),
        ("hook", "ignored"),
        ("hook", "broken"),
    ]
    assert lines[0]["targets"] == ["shop"]
