"""Rounds in a thread of their own, and for how long what failed is left alone."""

import threading

from reconciler.rounds import BackOff, Rounds


class Counted(Rounds):
    """Counts its rounds, and ends by itself after so many."""

    def __init__(self, pauses: list[float], idle: float) -> None:
        super().__init__("counted", idle)
        self.pauses = pauses
        self.rounds = 0
        self.complaints: list[str] = []
        self.begun, self.ended = threading.Event(), threading.Event()

    def start(self) -> None:
        self._begin()

    def round(self) -> float:
        self.rounds += 1
        self.begun.set()
        if self.rounds > len(self.pauses):
            self._stopping.set()
            self.ended.set()
            raise KeyError("a secret value")
        return self.pauses[self.rounds - 1]

    def _complain(self, error: str) -> None:
        self.complaints.append(error)


def test_what_failed_is_left_alone_for_longer_each_time() -> None:
    back_off, pauses = BackOff(2.0, 30.0), []
    for _ in range(1100):
        pauses.append(back_off.pause)
        back_off.note(failed=True)
    assert pauses[:6] == [2, 4, 8, 16, 30, 30]
    assert pauses[-1] == 30
    back_off.note(failed=False)
    assert back_off.pause == 2


def test_rounds_go_on_though_nothing_happens() -> None:
    made = Counted([0.0, 0.0, 0.001], idle=0.001)
    made.start()
    assert made.ended.wait(30)
    made.stop()
    assert made.rounds == 4
    assert made.complaints[0].startswith("a bug in Plumbline: KeyError at ")
    assert "secret" not in made.complaints[0]


def test_news_begin_a_round_at_once() -> None:
    made = Counted([0.0], idle=3600.0)
    made.start()
    assert made.begun.wait(30)
    made.wake()
    assert made.ended.wait(30)
    made.stop()
    assert made.rounds == 2


def test_who_was_never_started_can_be_stopped() -> None:
    made = Counted([], idle=3600.0)
    made.stop()
    made.start()
    made._thread.join(30)
    assert made.rounds == 0
