"""No signal to end is missed, whenever it comes."""

import os
import signal
import threading

import pytest

from reconciler.cli.endings import ENDING_SIGNALS, asked_to_end


@pytest.mark.parametrize("number", ENDING_SIGNALS)
def test_a_signal_that_came_before_the_wait_ends_it(number: signal.Signals) -> None:
    with asked_to_end() as wait:
        os.kill(os.getpid(), number)
        wait()


@pytest.mark.parametrize("number", ENDING_SIGNALS)
def test_a_signal_that_comes_during_the_wait_ends_it(number: signal.Signals) -> None:
    with asked_to_end() as wait:
        threading.Timer(0.05, os.kill, (os.getpid(), number)).start()
        wait()


def test_another_signal_does_not_end_the_wait() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: seen.append(number))
    try:
        with asked_to_end() as wait:
            os.kill(os.getpid(), signal.SIGUSR1)
            os.kill(os.getpid(), signal.SIGTERM)
            wait()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert seen == [signal.SIGUSR1]


def test_the_handlers_are_as_before_afterwards() -> None:
    before = [signal.getsignal(number) for number in ENDING_SIGNALS]
    with asked_to_end():
        assert [signal.getsignal(number) for number in ENDING_SIGNALS] != before
    assert [signal.getsignal(number) for number in ENDING_SIGNALS] == before
    assert signal.set_wakeup_fd(-1) == -1
