"""Watches over the process that answers, so that nobody waits for one that is dead or stuck.

Two processes have the group's descriptor: one answers, one keeps. Where the first ends, the marks
stay and the questions wait until it is begun anew; where it gets stuck, it is killed. Where the
keeper ends, the other does (PR_SET_PDEATHSIG), and the kernel lets everything through.
"""

import ctypes
import os
import signal
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from time import monotonic, sleep
from typing import Final

from reconciler.agent.answering import Limits
from reconciler.agent.permitting import Gate
from reconciler.agent.pulse import Pulse

_PR_SET_PDEATHSIG: Final = 1
#: Seconds between two looks at the one that answers.
_TICK: Final = 0.05
#: Seconds that an answer may be late before it is the keeper's to give.
_GRACE: Final = 0.25
#: One that ends within so many seconds, so often in a row, is begun anew only after as many more.
_BRIEF: Final = 1.0
_OFTEN: Final = 10
#: Seconds that a killed process may take to be gone; one that waits for a disk may take for ever.
_DYING: Final = 0.2


class Keeper:
    """Keeps a process that answers.

    Args:
        gate: The group.
        pulse: What the other process writes.
        limits: How long an answer may take, and what is answered else.
        answer: Answers until it is to end; run in the other process.
    """

    def __init__(
        self, gate: Gate, pulse: Pulse, limits: Limits, answer: Callable[[], None]
    ) -> None:
        self._gate = gate
        self._pulse = pulse
        self._limits = limits
        self._answer = answer
        self._child = 0
        self._begun = 0.0
        self._rounds = -1
        self._unread_since = 0.0
        self._not_before = 0.0
        self._brief = 0

    def keep(self, ended: Callable[[], bool]) -> None:
        """Keeps until it is to end; then ends the other process, and asks no more."""
        try:
            while not ended():
                if not self._child and monotonic() >= self._not_before:
                    self._fork()
                self._look()
                sleep(_TICK)
        finally:
            if self._child:
                os.kill(self._child, signal.SIGKILL)
                self._is_gone(_DYING)
            self._gate.close()

    def _fork(self) -> None:
        keeper = os.getpid()
        self._begun, self._rounds, self._unread_since = monotonic(), -1, 0.0
        self._pulse.due = 0.0
        self._child = os.fork()
        if not self._child:
            code = 1
            try:
                die_with(keeper)
                threading.excepthook = _end_with
                self._answer()
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)

    def _look(self) -> None:
        """Begins anew what has ended, ends what is stuck."""
        if self._child and self._is_gone(0.0):
            self._clear()
        elif self._child and self._is_stuck():
            os.kill(self._child, signal.SIGKILL)
            self._is_gone(_DYING)
            self._clear()
        elif not self._child:
            self._stand_in()

    def _is_stuck(self) -> bool:
        """Whether somebody waits for longer than the limit, and no answer comes."""
        now = monotonic()
        due = self._pulse.due
        if due and now > due + _GRACE:
            return True
        if self._pulse.rounds != self._rounds or not self._gate.waiting():
            self._rounds, self._unread_since = self._pulse.rounds, now
            return False
        return now > self._unread_since + self._limits.seconds + _GRACE

    def _clear(self) -> None:
        """Answers what the process that is gone had read."""
        self._child = 0
        self._pulse.restarts += 1
        self._pulse.released += self._gate.release(self._pulse.highest, allow=self._limits.is_open)
        now = monotonic()
        self._brief = self._brief + 1 if now - self._begun < _BRIEF else 0
        self._not_before = now + _BRIEF if self._brief >= _OFTEN else now

    def _stand_in(self) -> None:
        """Answers as it is configured while nobody else does."""
        with suppress(OSError):
            for question in self._gate.questions(1):
                self._gate.answer(question.handle, allow=self._limits.is_open)
                os.close(question.handle)
                self._pulse.released += 1

    def _is_gone(self, seconds: float) -> bool:
        until = monotonic() + seconds
        while True:
            with suppress(ChildProcessError):
                if os.waitpid(self._child, os.WNOHANG)[0] == 0:
                    if monotonic() >= until:
                        return False
                    sleep(0.005)
                    continue
            return True


def _end_with(failed: threading.ExceptHookArgs) -> None:
    """Ends the process where a thread of it fails: the keeper begins it anew, whole."""
    traceback.print_exception(failed.exc_type, failed.exc_value, failed.exc_traceback)
    os._exit(1)


def die_with(parent: int) -> None:
    """Has this process killed when its parent ends, however that comes.

    Args:
        parent: The parent's number, which is another by now where it has ended already.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    if os.getppid() != parent:
        os._exit(1)
