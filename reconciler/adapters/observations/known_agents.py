"""Remembers for a while who showed a token, and which pods are where: each agent calls often."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Final

from reconciler.ports import Agent, AgentRegister, Stranger

#: Seconds that a token that was good counts as good, as with kubelet (KubeletConfiguration,
#: authentication.webhook.cacheTTL): a deleted pod's token is believed so much longer.
_GOOD: Final = 120.0
#: Seconds that one that wasn't counts as such.
_BAD: Final = 10.0
#: So many tokens are remembered, those asked for last.
_TOKENS: Final = 5000
#: So many are reviewed at the same time: who tries out tokens shall not burden the API server.
_AT_ONCE: Final = 4
#: Seconds from one reading of a node's pods to the next, and of how many nodes they are remembered.
_PODS: Final = 1.0
_NODES: Final = 1000

_Pods = Mapping[str, tuple[str, str]]


class KnownAgents:
    """See `ports.AgentRegister`.

    Args:
        register: Is asked for what isn't remembered.
        monotonic: A clock.
    """

    def __init__(self, register: AgentRegister, monotonic: Callable[[], float]) -> None:
        self._register = register
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(_AT_ONCE)
        self._tokens: OrderedDict[bytes, tuple[Agent | Stranger, float]] = OrderedDict()
        self._pods: OrderedDict[str, tuple[_Pods, float]] = OrderedDict()

    def identify(self, token: str) -> Agent | Stranger:
        """Says who shows a token. Nothing of the token itself is kept."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        with self._lock:
            known = self._tokens.get(digest)
        if known is not None and self._monotonic() < known[1]:
            return known[0]
        with self._room:
            found = self._register.identify(token)
        until = self._monotonic() + (_GOOD if isinstance(found, Agent) else _BAD)
        with self._lock:
            self._tokens[digest] = (found, until)
            self._tokens.move_to_end(digest)
            if len(self._tokens) > _TOKENS:
                self._tokens.popitem(last=False)
        return found

    def pods_on(self, node: str, wanted: Collection[str] = ()) -> _Pods:
        """Gives the pods on a node, by uid.

        Args:
            node: Which node; one that was identified.
            wanted: Where all of these are known, nothing is asked.
        """
        with self._lock:
            known, at = self._pods.get(node, ({}, float("-inf")))
        if known.keys() >= set(wanted) or self._monotonic() - at < _PODS:
            return known
        found = self._register.pods_on(node)
        with self._lock:
            self._pods[node] = (found, self._monotonic())
            self._pods.move_to_end(node)
            if len(self._pods) > _NODES:
                self._pods.popitem(last=False)
        return found
