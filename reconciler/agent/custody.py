"""Keeps the evidence that the controller asks for, before it replaces a pod."""

import threading
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path
from typing import Final

from reconciler.agent.evidence import Kept
from reconciler.core.containers import NodeLook
from reconciler.core.evidence import Evidence
from reconciler.core.moments import rfc3339

#: So many bytes of archives are kept; who examines them takes them away.
_FOLDER: Final = 4 << 30
#: So many pods are remembered as kept.
_KEPT: Final = 500


class EvidenceFolder:
    """A folder of archives; looked after by the thread that looks at containers.

    Args:
        folder: Where archives are kept.
        keep: Keeps a pod's there; given the last look, and the pod's uid.
        now: The clock.
        complain: Is told what can't be kept.
    """

    def __init__(
        self,
        folder: Path,
        keep: Callable[[NodeLook, str], Kept],
        now: Callable[[], datetime],
        complain: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._keep_one = keep
        self._now = now
        self._complain = complain
        self._look: NodeLook | None = None
        self._lock = threading.Lock()
        self._wished: frozenset[str] = frozenset()
        self._kept: dict[str, Evidence] = {}
        self._trouble = ""

    def wish(self, pods: Collection[str]) -> None:
        """Takes which pods' evidence is wanted, by uid; called by any thread."""
        with self._lock:
            self._wished = frozenset(pods)
            for uid in self._kept.keys() & self._wished:
                # The controller hasn't heard of it, or has forgotten: it is told again.
                self._kept[uid] = self._kept.pop(uid)

    def kept(self) -> tuple[Evidence, ...]:
        """Gives what was kept, the latest last; called by any thread."""
        with self._lock:
            return tuple(self._kept.values())

    def looked(self, look: NodeLook) -> None:
        """Takes the last whole look."""
        self._look = look

    def keep(self) -> bool:
        """Keeps what is wanted and can be had; says whether there was any."""
        with self._lock:
            missing = self._wished - self._kept.keys()
        look = self._look
        if not missing or look is None:
            return False
        here = {each.container.pod_uid for each in look.looks}
        done = [self._keep(look, uid) for uid in sorted(missing & here)]
        return any(done)

    def _keep(self, look: NodeLook, uid: str) -> bool:
        try:
            held = sum(each.stat().st_size for each in self._folder.glob("*.tar.gz"))
            if held >= _FOLDER:
                self._say(f"there are {held} bytes of it already: take archives away")
                return False
            kept = self._keep_one(look, uid)
        except OSError as error:
            self._say(error.strerror or str(error))
            return False
        evidence = Evidence(uid, kept.digest, kept.size, rfc3339(self._now()))
        with self._lock:
            self._kept[uid] = evidence
            while len(self._kept) > _KEPT:
                del self._kept[next(iter(self._kept))]
        self._trouble = ""
        return True

    def _say(self, why: str) -> None:
        if why != self._trouble:
            self._trouble = why
            self._complain(f"evidence can't be kept in {self._folder}: {why}")
