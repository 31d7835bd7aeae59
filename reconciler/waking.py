"""Has targets looked at once a forge tells of a push to what they read."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from reconciler.adapters.hooks.pushes import Push
from reconciler.adapters.hooks.receiver import HookReceiver, HookResult
from reconciler.adapters.serving_tls import tls_named
from reconciler.adapters.telemetry.logs import Logs
from reconciler.adapters.telemetry.metrics import Metrics
from reconciler.settings import HookSettings, TargetSettings
from reconciler.settings.addresses import address_of
from reconciler.settings.named_files import bytes_named


class Waker:
    """Runs cycles when asked to, in threads of its own.

    A cycle that is under way may have read Git before the push, so another one follows it; however
    many pushes come meanwhile, one is enough.

    Args:
        cycles: By target, what looks at it; one that runs already must make another wait.
    """

    def __init__(self, cycles: Mapping[str, Callable[[], object]]) -> None:
        self._cycles = dict(cycles)
        self._lock = threading.Lock()
        self._asked: set[str] = set()
        self._running: dict[str, threading.Thread] = {}
        self._is_closed = False

    def wake(self, name: str) -> None:
        """Has a target looked at from now on, if it is one of ours; returns at once."""
        with self._lock:
            if self._is_closed or name not in self._cycles:
                return
            self._asked.add(name)
            if name not in self._running:
                thread = threading.Thread(target=self._run, args=(name,), name=f"hook-{name}")
                self._running[name] = thread
                thread.start()

    def close(self) -> None:
        """Lets the cycles that are under way finish, and begins no more."""
        with self._lock:
            self._is_closed = True
            self._asked.clear()
            running = list(self._running.values())
        for thread in running:
            thread.join()

    def _run(self, name: str) -> None:
        while self._is_asked(name):
            self._cycles[name]()

    def _is_asked(self, name: str) -> bool:
        with self._lock:
            if name in self._asked:
                self._asked.remove(name)
                return True
            # While the lock is held: who asks from now on finds nobody running.
            del self._running[name]
            return False


@dataclass(frozen=True, slots=True)
class Others:
    """The other replicas, one of which may act for a target that a hook tells us of.

    Attributes:
        tell: Tells them of a target.
        listen: Has something called with each target that they tell of.
    """

    tell: Callable[[str], None]
    listen: Callable[[Callable[[str], None]], None]


def hooks_of(
    settings: HookSettings,
    targets: Sequence[TargetSettings],
    cycles: Mapping[str, Callable[[], object]],
    told: Callable[[HookResult, Sequence[str]], None],
    stack: ExitStack,
    others: Others,
) -> HookReceiver | None:
    """Starts to take hooks, if that is configured.

    Args:
        settings: Where, and whom to believe.
        targets: Which repositories and refs matter.
        cycles: As `Waker` takes them.
        told: Is told what became of each hook, and which targets it woke.
        stack: Is given what must be ended.
        others: Are told, and tell.

    Raises:
        ConfigError: An address, a certificate or a secret isn't as it must be.
    """
    if not settings.address:
        return None
    waker = Waker(cycles)

    def wake(push: Push) -> Sequence[str]:
        sources = ((each.name, each.source) for each in targets)
        woken = [name for name, source in sources if push.concerns(source.repo, source.ref)]
        for name in woken:
            waker.wake(name)
            others.tell(name)
        return woken

    receiver = HookReceiver(
        address_of("hooks.address", settings.address),
        tls=tls_named(settings.certificate, settings.key),
        secrets=[_secret(file) for file in settings.secret_files],
        wake=wake,
        told=told,
    )
    stack.callback(waker.close)
    others.listen(waker.wake)
    receiver.start()
    stack.callback(receiver.stop)
    return receiver


def telling(logs: Logs, metrics: Metrics) -> Callable[[HookResult, Sequence[str]], None]:
    """Gives what tells of hooks in logs and metrics."""

    def told(result: HookResult, woken: Sequence[str]) -> None:
        metrics.count_hook(result.value)
        # Who knows no secret shall not fill the log.
        if result is not HookResult.REFUSED:
            logs.say("hook", result=result.value, targets=list(woken))

    return told


def _secret(file: str) -> bytes:
    return bytes_named(
        "hooks.secret_files",
        file,
        "name a file that holds what the forge signs with",
        if_empty="give it a secret, such as of head -c 32 /dev/urandom | base64, and the forge too",
    )
