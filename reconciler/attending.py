"""Node agents as they are configured: where the controller hears them, and whom it forgets."""

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.adapters.observations.agent_receiver import AgentReceiver, WordResult
from reconciler.adapters.observations.known_agents import KnownAgents
from reconciler.adapters.serving_tls import Tls
from reconciler.adapters.telemetry.metrics import Metrics
from reconciler.core.errors import ConfigError, PlumblineError
from reconciler.core.moments import rfc3339
from reconciler.ports import AgentRegister, NodeStore
from reconciler.settings import AgentSettings
from reconciler.settings.addresses import address_of
from reconciler.settings.durations import seconds_of

if TYPE_CHECKING:
    from reconciler.adapters.cluster.cluster import KubeCluster

#: For so long a node that the cluster doesn't have any more is told of.
_GONE_AFTER: Final = timedelta(days=1)
#: So many nodes, or reasons why somebody isn't heard, are remembered so as not to be said again.
_SAID: Final = 5000
#: Seconds from one look to the next at when nodes were heard, and at which are gone.
_TELL: Final = 15.0
_TIDY: Final = 3600.0

#: A name, seconds from one time to the next, and what is done.
Chore: TypeAlias = tuple[str, float, Callable[[], None]]


def stale_after(settings: AgentSettings) -> timedelta:
    """Gives for how long a node may be silent.

    Raises:
        ConfigError: That is no duration, or none at all.
    """
    seconds = seconds_of("agents.stale_after", settings.stale_after)
    if seconds <= 0:
        raise ConfigError("agents.stale_after must be longer than nothing", fix="write it as 5m")
    return timedelta(seconds=seconds)


def certificate_of(settings: AgentSettings) -> Tls:
    """Gives the certificate that agents are shown. Reads no file yet.

    Raises:
        ConfigError: None is named.
    """
    if not (settings.certificate and settings.key):
        raise ConfigError(
            "agents.address needs a certificate: agents show their tokens by TLS alone",
            fix="name agents.certificate and agents.key",
        )
    return Tls(Path(settings.certificate), Path(settings.key))


def register_of(settings: AgentSettings, cluster: "KubeCluster") -> AgentRegister:
    """Gives what knows the cluster's agents. Asks nothing yet.

    Raises:
        ConfigError: An account isn't as it must be.
    """
    from reconciler.adapters.cluster.token_reviews import TokenReviews

    for account in settings.service_accounts:
        namespace, _, name = account.partition(":")
        if not namespace or not name or ":" in name or "/" in account:
            raise ConfigError(
                f"agents.service_accounts: {account!r} is no namespace:name",
                fix="write them as plumbline:plumbline-agent",
            )
    return TokenReviews(cluster, settings.service_accounts)


def agents_of(
    settings: AgentSettings,
    cluster: "Callable[[], KubeCluster]",
    store: NodeStore,
    say: Callable[..., None],
    metrics: Metrics,
    stack: ExitStack,
) -> Sequence[Chore]:
    """Begins to take what agents say, if that is configured.

    Args:
        settings: Where, and whose.
        cluster: Opens the cluster, which knows the agents.
        store: Keeps what they say.
        say: Tells in the log what is new.
        metrics: Count what comes, and tell when each node was heard.
        stack: Is given what must be ended.

    Returns:
        What is to be done now and then; nothing where none is heard.

    Raises:
        ConfigError: An address, an account or a certificate isn't as it must be.
    """
    if not settings.address:
        return ()
    patience = stale_after(settings).total_seconds()
    register = register_of(settings, cluster())
    receiver = AgentReceiver(
        address_of("agents.address", settings.address),
        tls=certificate_of(settings),
        agents=KnownAgents(register, monotonic),
        store=store,
        clock=lambda: datetime.now(UTC),
        told=Telling(say, metrics.count_word),
    )
    receiver.start()
    stack.callback(receiver.stop)
    return (
        ("nodes heard", _TELL, lambda: metrics.tell_nodes(store.heard, patience)),
        ("nodes gone", _TIDY, lambda: forget_gone(store, register, say, datetime.now(UTC))),
    )


class Telling:
    """Tells of what agents say: counts all, and says only what is other than before."""

    def __init__(self, say: Callable[..., None], count: Callable[[str], None]) -> None:
        self._say = say
        self._count = count
        self._lock = threading.Lock()
        self._said: dict[tuple[str, str], str] = {}

    def __call__(self, result: WordResult, node: str, why: str) -> None:
        """Takes what became of a word; see `agent_receiver.Told`."""
        self._count(result.value)
        heard = result in (WordResult.TAKEN, WordResult.LACKING)
        state = WordResult.TAKEN.value if heard else result.value
        if not (node or why):
            return
        key = (node, "" if node else why)
        with self._lock:
            if self._said.get(key) == f"{state} {why}":
                return
            if len(self._said) >= _SAID:
                self._said.clear()
            self._said[key] = f"{state} {why}"
        fields = {"node": node, "why": why}
        self._say("agent", result=state, **{name: text for name, text in fields.items() if text})


def forget_gone(
    store: NodeStore, register: AgentRegister, say: Callable[..., None], now: datetime
) -> None:
    """Lets go of nodes that were silent for a day and that the cluster doesn't have any more."""
    before = rfc3339(now - _GONE_AFTER)
    try:
        silent = [node for node, at in store.heard().items() if at < before]
        gone = [node for node in silent if not register.has_node(node)]
        if gone:
            store.forget(gone)
    except PlumblineError as error:
        say("silent nodes could not be let go", error=str(error))
        return
    if gone:
        say("nodes that are gone let go", nodes=sorted(gone))
