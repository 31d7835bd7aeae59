"""The schedule: who is looked at, when, and never twice at the same time."""

import threading
from typing import cast

from reconciler.keeper import Keeper
from reconciler.schedule import Schedule


class Counted:
    """In place of a keeper: counts its cycles, and can be held in one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.began = threading.Semaphore(0)
        self.may_end = threading.Event()
        self.may_end.set()
        self.cycles = 0
        self.inside = 0
        self.worst = 0

    def cycle(self) -> None:
        self.inside += 1
        self.worst = max(self.worst, self.inside)
        self.cycles += 1
        self.began.release()
        self.may_end.wait()
        self.inside -= 1

    def await_cycle(self) -> None:
        assert self.began.acquire(timeout=30)


def scheduled(*keepers: Counted, interval: float, jitter: float = 0.0) -> Schedule:
    each = [cast("Keeper", keeper) for keeper in keepers]
    return Schedule(each, interval=interval, jitter=jitter, workers=4)


def test_every_target_is_looked_at_at_once() -> None:
    one, two = Counted("one"), Counted("two")
    schedule = scheduled(one, two, interval=3600.0, jitter=20.0)
    assert one.cycles == 0
    schedule.start()
    one.await_cycle()
    two.await_cycle()
    schedule.stop()
    assert (one.cycles, two.cycles) == (1, 1)


def test_it_is_looked_at_again_and_again() -> None:
    one = Counted("one")
    schedule = scheduled(one, interval=0.02)
    schedule.start()
    for _ in range(3):
        one.await_cycle()
    schedule.stop()
    assert one.worst == 1


def test_a_cycle_that_takes_long_is_not_begun_twice_and_holds_nobody_up() -> None:
    slow, other = Counted("slow"), Counted("other")
    slow.may_end.clear()
    schedule = scheduled(slow, other, interval=0.02)
    schedule.start()
    slow.await_cycle()
    for _ in range(5):
        other.await_cycle()
    assert slow.cycles == 1
    slow.may_end.set()
    slow.await_cycle()
    schedule.stop()
    assert slow.worst == 1


def test_what_is_under_way_ends_before_it_stops() -> None:
    one = Counted("one")
    one.may_end.clear()
    schedule = scheduled(one, interval=3600.0)
    schedule.start()
    one.await_cycle()
    stopped = threading.Event()

    def stop() -> None:
        schedule.stop()
        stopped.set()

    thread = threading.Thread(target=stop)
    thread.start()
    assert not stopped.wait(0.05)
    one.may_end.set()
    thread.join(30)
    assert stopped.is_set()
    assert (one.cycles, one.inside) == (1, 0)


def test_chores_are_done_besides() -> None:
    done = threading.Semaphore(0)
    schedule = scheduled(interval=3600.0)
    schedule.also("tidying", 0.02, done.release)
    schedule.start()
    for _ in range(3):
        assert done.acquire(timeout=30)
    schedule.stop()
