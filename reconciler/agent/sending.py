"""Sends the node's state to the controller: the latest one, whole, however long that takes."""

import gzip
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from random import random
from time import monotonic, time
from typing import Final

from reconciler.agent.cutting import Share, Shares, notes_of
from reconciler.agent.metrics import Family, families_text
from reconciler.agent.posting import Controller, PostError
from reconciler.core.containers import NodeLook
from reconciler.core.node_words import ContainerWord, NodeWord, word_document
from reconciler.rounds import BackOff, Rounds

#: Seconds after which an unchanged state is said again, as a sign of life.
_ALIVE: Final = 50.0
#: Seconds before the second try, and the most between two.
_FIRST: Final = 1.0
_LONGEST: Final = 60.0
#: So often is a controller that lacks something told more at once.
_TURNS: Final = 3

Post = Callable[[bytes], frozenset[str]]


class Sender(Rounds):
    """Sends in a thread of its own; a state that wasn't sent yet gives way to the next one.

    Args:
        controller: Takes it.
        complain: Is told once that it isn't taken, and once that it is again.
        lasts: So many seconds a look counts: an older one isn't sent again, as nobody looks.
        shares: Cut it.
    """

    def __init__(
        self,
        controller: Controller,
        complain: Callable[[str], None],
        *,
        lasts: float,
        shares: Shares | None = None,
    ) -> None:
        super().__init__("sender", _ALIVE)
        self._controller = controller
        self._say = complain
        self._lasts = lasts
        self._shares = shares or Shares()
        self._back_off = BackOff(_FIRST, _LONGEST)
        self._lock = threading.Lock()
        self._latest: tuple[NodeLook, float] | None = None
        #: What the controller said that it has: digests by container, and the notes.
        self._acknowledged: tuple[Mapping[str, str], tuple[str, ...]] | None = None
        self._acknowledged_at = float("-inf")
        self._trouble = ""
        self._sent = {"taken": 0, "failed": 0}
        self._bytes = 0
        self._when = 0.0

    def start(self) -> None:
        """Begins to send what is offered."""
        self._begin()

    def offer(self, look: NodeLook) -> None:
        """Takes the node's state in place of the one before; returns at once."""
        with self._lock:
            self._latest = (look, monotonic())
        self.wake()

    def round(self) -> float:
        """Sends, if there is something to say."""
        with self._lock:
            latest = self._latest
        if latest is None or monotonic() - latest[1] > self._lasts:
            return 0.0
        look = latest[0]
        shares = self._shares.of(look)
        notes = notes_of(look, len(shares))
        state = ({each.look.container.container_id: each.digest for each in shares}, notes)
        if state == self._acknowledged and monotonic() - self._acknowledged_at < _ALIVE:
            return 0.0
        try:
            self._send(look, shares, notes)
        except PostError as error:
            return self._failed(str(error))
        self._acknowledged = state
        self._acknowledged_at = monotonic()
        self._note(failed=False)
        if self._trouble:
            self._trouble = ""
            self._say("the controller is told again")
        return 0.0

    def _send(self, look: NodeLook, shares: Sequence[Share], notes: tuple[str, ...]) -> None:
        whole = self._unheard(shares)
        for _ in range(_TURNS):
            words = (
                ContainerWord(name, each.digest, each.look if name in whole else None)
                for each in shares
                for name in (each.look.container.container_id,)
            )
            word = NodeWord(look.node, look.checked_at, tuple(words), notes)
            text = json.dumps(word_document(word), separators=(",", ":"))
            body = gzip.compress(text.encode(), compresslevel=6, mtime=0)
            lacking = self._controller.post(body)
            with self._lock:
                self._bytes += len(body)
            if not lacking:
                return
            whole |= lacking
        raise PostError("it asks again and again for what it was told")

    def _unheard(self, shares: Sequence[Share]) -> frozenset[str]:
        """Gives the containers that are said whole at once.

        None at first and after a failure: what was said before a restart is mostly still known,
        and who is turned away hears why only where little was sent.
        """
        if self._acknowledged is None or self._trouble:
            return frozenset()
        known = self._acknowledged[0]
        names = ((each.look.container.container_id, each.digest) for each in shares)
        return frozenset(name for name, digest in names if known.get(name) != digest)

    def _failed(self, why: str) -> float:
        pause = self._back_off.pause
        self._note(failed=True)
        if why != self._trouble:
            self._trouble = why
            self._say(f"the controller can't be told: {why}; it is tried again and again")
        # Not all at once, when the controller is back.
        return pause * (0.5 + random() / 2)  # noqa: S311 - no secret

    def _note(self, *, failed: bool) -> None:
        self._back_off.note(failed=failed)
        with self._lock:
            self._sent["failed" if failed else "taken"] += 1
            if not failed:
                self._when = time()

    def _complain(self, error: str) -> None:
        self._say(f"a bug keeps the controller from being told for a while: {error}")

    def metrics(self) -> str:
        """Gives the metrics' text."""
        with self._lock:
            sent, held, when = dict(self._sent), self._bytes, self._when
        by_result = {(("result", name),): count for name, count in sent.items()}
        families: tuple[Family, ...] = (
            ("sends_total", "counter", "States sent to the controller.", by_result),
            ("sent_bytes_total", "counter", "Bytes sent to it.", {(): held}),
            ("sent_timestamp_seconds", "gauge", "When it took one last.", {(): when}),
        )
        return families_text(families)
