"""Answers whoever is about to execute something, each within a time limit."""

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Final, Protocol

from reconciler.agent.comparing import UnreadError
from reconciler.agent.executable_mounts import path_on
from reconciler.agent.mounts import Mount
from reconciler.agent.notifying import Execution
from reconciler.agent.permitting import Gate
from reconciler.agent.pulse import Pulse
from reconciler.agent.reading import Reader, Reading
from reconciler.agent.refusals import Tally
from reconciler.agent.warded import UnseenError, Ward
from reconciler.core.containers import Origin
from reconciler.core.enforcing import EnforcementRule, Mode

#: So many questions are open at once, each with a descriptor; the others wait in the kernel.
_AT_ONCE: Final = 256
#: So many of one container wait for its content to be read; others' places aren't theirs to take.
_QUEUED: Final = 32
#: Seconds until the loop goes round though nobody asks.
_ROUND: Final = 1.0


class Placing(Protocol):
    """What knows the containers."""

    def place(self, handle: int, pid: int) -> tuple[Ward, Mount | None] | None:
        """Says in which container, and on which of its mounts, a file is."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long somebody waits, and what happens then.

    Attributes:
        seconds: So long; then the answer is `is_open`.
        first: So long instead while what answers doesn't know the containers yet.
        is_open: Whether what can't be told is let through.
    """

    seconds: float
    first: float
    is_open: bool


@dataclass(slots=True, eq=False)
class Question:
    """Somebody who waits.

    Attributes:
        handle: The file that is to be executed.
        pid: Of who executes it.
        since: When it was read, by the monotonic clock.
        due: When it is answered at the latest.
        name: The file's path, as its container sees it.
        ward: The container.
        mount: The mount that holds the file.
    """

    handle: int
    pid: int
    since: float
    due: float
    name: str = ""
    ward: Ward | None = None
    mount: Mount | None = None


@dataclass(frozen=True, slots=True)
class Strange:
    """An execution of what the image doesn't hold, before it is answered.

    Attributes:
        ward: In which container.
        rule: What is done there.
        name: The file's path, as its container sees it.
        origin: Where it comes from.
        mount: The mount that holds it.
        pid: Of who executes it.
    """

    ward: Ward
    rule: EnforcementRule
    name: str
    origin: Origin
    mount: Mount | None
    pid: int


@dataclass(slots=True)
class Answering:
    """Reads questions and answers them.

    Attributes:
        gate: Asks.
        wards: Knows the containers.
        pulse: Tells whoever watches over this that it lives.
        limits: How long it may take.
        tell: Is given what is strange, before it is answered.
        own: Processes of ours, which nobody holds up.
        tally: What was counted; this writes to it.
        ready: Set once the containers are known.
    """

    gate: Gate
    wards: Placing
    pulse: Pulse
    limits: Limits
    tell: Callable[[Strange], None]
    own: frozenset[int]
    tally: Tally = field(default_factory=Tally)
    ready: threading.Event = field(default_factory=threading.Event)
    _open: dict[int, Question] = field(default_factory=dict)
    _early: list[Question] = field(default_factory=list)
    _later: dict[Ward, deque[Question]] = field(default_factory=dict)
    _reader: Reader = field(default_factory=Reader)

    def run(self, ending: threading.Event) -> None:
        """Answers until it is to end.

        Raises:
            OSError: The kernel gives no questions any more.
        """
        poll = select.poll()
        poll.register(self._reader.bell, select.POLLIN)
        asks = False
        while not ending.is_set():
            wants = len(self._open) < _AT_ONCE
            if wants and not asks:
                poll.register(self.gate.group, select.POLLIN)
            elif asks and not wants:
                poll.unregister(self.gate.group)
            asks = wants
            poll.poll(self._patience() * 1000)
            self.pulse.rounds += 1
            for reading in self._reader.results():
                self._read(reading)
            if self._early and self.ready.is_set():
                early, self._early = self._early, []
                for question in early:
                    if self._open.get(question.handle) is question:
                        self._try(question)
            for asked in self.gate.questions(_AT_ONCE - len(self._open)) if asks else ():
                self._take(asked)
            self._end_late()
        for question in tuple(self._open.values()):
            self._answer(question, allow=self.limits.is_open)

    def wake(self) -> None:
        """Has the loop go round where somebody waits for containers to be looked for."""
        if self._early:
            self._reader.ring()

    def _patience(self) -> float:
        if not self._open:
            return _ROUND
        return max(min(self.pulse.due - monotonic(), _ROUND), 0.0)

    def _take(self, asked: Execution) -> None:
        now = monotonic()
        ready = self.ready.is_set()
        due = now + (self.limits.seconds if ready else self.limits.first)
        question = Question(asked.handle, asked.pid, now, due)
        self._open[asked.handle] = question
        self.pulse.highest = max(self.pulse.highest, asked.handle)
        self.pulse.due = min(self.pulse.due or due, due)
        if asked.pid in self.own:
            self._answer(question, allow=True)
        elif ready:
            self._try(question)
        else:
            self._early.append(question)

    def _try(self, question: Question) -> None:
        """Answers where that can be told at once; else has the content read."""
        try:
            placed = self.wards.place(question.handle, question.pid)
            if placed is None or placed[0].rule is None:
                self._answer(question, allow=True)
                return
            question.ward, question.mount = placed
            question.name = os.readlink(f"/proc/self/fd/{question.handle}")
            self._judge(question, self._origin(question.ward, question))
        except UnseenError:
            self._early.append(question)  # until the containers were looked for again
        except UnreadError:
            if question.ward is not None:
                self._queue(question.ward, question)
        except (FileNotFoundError, ProcessLookupError):
            self._answer(question, allow=True)  # who asked has ended
        except OSError:
            self.tally.undecided += 1
            self._answer(question, allow=self.limits.is_open)

    def _origin(self, ward: Ward, question: Question) -> Origin | None:
        mount = question.mount
        if mount is None:
            return Origin.OUTSIDE
        if mount.device != ward.root.device:
            return Origin.VOLUME
        return ward.comparison.quick(path_on(mount, question.name), question.handle)

    def _queue(self, ward: Ward, question: Question) -> None:
        """Has content read, one file of a container at a time: none can hold up others so."""
        queue = self._later.get(ward)
        if queue is not None and len(queue) >= _QUEUED:
            self.tally.late += 1
            self._answer(question, allow=self.limits.is_open)
        elif queue is not None:
            queue.append(question)
        elif question.mount is not None:
            self._later[ward] = deque()
            self._reader.read(ward, path_on(question.mount, question.name), question.handle)

    def _read(self, reading: Reading) -> None:
        """Takes in what the content says, and goes on with who waits for the next one."""
        waited = self._later.pop(reading.ward, deque())
        question = self._open.get(reading.number)
        if question is not None and question.ward is reading.ward and not reading.is_late(question):
            if reading.failed:
                self.tally.undecided += 1
                self._answer(question, allow=self.limits.is_open)
            else:
                self._judge(question, reading.origin)
        for each in waited:
            if self._open.get(each.handle) is each:
                self._try(each)

    def _judge(self, question: Question, origin: Origin | None) -> None:
        ward = question.ward
        rule = ward.rule if ward is not None else None
        if (
            ward is None
            or rule is None
            or origin is None
            or rule.allows(question.name)
            or (origin is Origin.VOLUME and rule.volumes)
        ):
            self._answer(question, allow=True)
            return
        strange = Strange(ward, rule, question.name, origin, question.mount, question.pid)
        namespace = ward.container.ref.namespace
        if rule.mode is Mode.REFUSE:
            self.tally.refused[namespace] += 1
        else:
            self.tally.would_refuse[namespace] += 1
        # Who asks stands still until it has its answer: now it can be described.
        with suppress(OSError):
            self.tell(strange)
        self._answer(question, allow=rule.mode is not Mode.REFUSE)

    def _answer(self, question: Question, *, allow: bool) -> None:
        self.gate.answer(question.handle, allow=allow)
        del self._open[question.handle]
        os.close(question.handle)
        self.pulse.due = min((each.due for each in self._open.values()), default=0.0)
        seconds = monotonic() - question.since
        self.tally.seconds += seconds
        self.tally.longest = max(self.tally.longest, seconds)
        ward = question.ward
        self.tally.decided[ward.container.ref.namespace if ward is not None else ""] += 1

    def _end_late(self) -> None:
        now = monotonic()
        for question in [each for each in self._open.values() if each.due <= now]:
            self.tally.late += 1
            self._answer(question, allow=self.limits.is_open)
