"""Takes what node agents say, from those that the cluster knows."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from email.message import Message
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

from reconciler.adapters.observations.agent_words import BodyError, word_in
from reconciler.adapters.observations.known_agents import KnownAgents
from reconciler.adapters.receiving import Bounds, JsonServer, Reply
from reconciler.adapters.serving_tls import Tls
from reconciler.core.containers import ContainerLook, ContainerRef
from reconciler.core.errors import PlumblineError
from reconciler.core.moments import rfc3339
from reconciler.core.node_words import ContainerWord, NodeWord, digest_of, look_text
from reconciler.ports import Agent, NodeStore

PATH: Final = "/agents"
#: Bytes of a body, as it comes and unpacked. Agents send at most 4 MiB (`agent.cutting`); in memory
#: it may be thirty times as large, where somebody means harm.
LIMIT: Final = 5 << 20
#: A token of a service account has some 1,200 characters.
_TOKEN: Final = 8192
#: Begins the digest of a look that isn't kept as the agent said it. An agent's is of hex digits,
#: so this look is asked for again.
_ASK_AGAIN: Final = "x"


class WordResult(StrEnum):
    """What became of what an agent said."""

    TAKEN = "taken"  # kept
    LACKING = "lacking"  # not kept: it leaves out what isn't known
    REFUSED = "refused"  # not from an agent, or not about its own node
    BROKEN = "broken"  # can't be read
    FAILED = "failed"  # the cluster or the database couldn't be asked


#: Is told what became of what an agent said: of which node (empty where nobody knows), and why.
Told = Callable[[WordResult, str, str], None]


class AgentReceiver(JsonServer):
    """Takes what agents say, one word at a time.

    Args:
        address: Host and port to listen at; port 0 for any free one.
        tls: The certificate; tokens are shown to nobody without.
        agents: Says who shows a token.
        store: Keeps what they say.
        clock: The time of day.
        told: See `Told`.

    Raises:
        ConfigError: It can't listen there, or the certificate is unusable.
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        tls: Tls,
        agents: KnownAgents,
        store: NodeStore,
        clock: Callable[[], datetime],
        told: Told,
    ) -> None:
        super().__init__(address, PATH, Bounds(body=LIMIT), tls)
        self._agents = agents
        self._store = store
        self._clock = clock
        self._told = told
        # What a body is unpacked to may be many times as large in memory: one at a time.
        self._reading = threading.Lock()

    def refusal(self, headers: Message, certificate: Mapping[str, Any]) -> Reply | None:
        """Turns away whoever isn't an agent, before anything of the body is read."""
        found = self._speaker(headers)
        return found if isinstance(found, Reply) else None

    def _speaker(self, headers: Message) -> Agent | Reply:
        scheme, _, token = str(headers.get("Authorization", "")).partition(" ")
        if scheme != "Bearer" or token.count(".") != 2 or len(token) > _TOKEN:
            why = "show a service account's token: Authorization: Bearer …"
            return self._turned_away(HTTPStatus.UNAUTHORIZED, WordResult.REFUSED, "", why)
        try:
            found = self._agents.identify(token)
        except PlumblineError as error:
            return self._failed("", error)
        if isinstance(found, Agent):
            return found
        status = HTTPStatus.FORBIDDEN if found.is_known else HTTPStatus.UNAUTHORIZED
        # Who isn't known shall not fill the log.
        named = found.why if found.is_known else ""
        self._told(WordResult.REFUSED, "", named)
        return Reply(status, _error(found.why))

    def answer(self, body: bytes, headers: Message) -> Reply:
        """Takes a word; says which containers it must name whole."""
        agent = self._speaker(headers)
        if isinstance(agent, Reply):
            return agent
        node = agent.node
        try:
            with self._reading:
                word = word_in(body, str(headers.get("Content-Encoding", "")), LIMIT)
        except BodyError as error:
            bad = HTTPStatus.BAD_REQUEST
            return self._turned_away(bad, WordResult.BROKEN, node, str(error))
        if word.node != node:
            why = f"this token speaks for the node {node} alone"
            return self._turned_away(HTTPStatus.FORBIDDEN, WordResult.REFUSED, node, why)
        try:
            lacking = self._store.take(self._judged(word), rfc3339(self._clock()))
        except PlumblineError as error:
            return self._failed(node, error)
        self._told(WordResult.LACKING if lacking else WordResult.TAKEN, node, "")
        return Reply(HTTPStatus.OK, json.dumps({"lacking": list(lacking)}).encode())

    def _judged(self, word: NodeWord) -> NodeWord:
        """Takes the names of pods away that aren't on the node: the container is no such pod's.

        Raises:
            ClusterError: The node's pods can't be read.
        """
        whole = [each.look for each in word.containers if each.look is not None]
        claimed = {each.container.pod_uid for each in whole if _claims(each.container)}
        if not claimed:
            return word
        pods = self._agents.pods_on(word.node, claimed)
        containers = tuple(_with_its_pod(each, pods) for each in word.containers)
        return replace(word, containers=containers)

    def _turned_away(self, status: HTTPStatus, result: WordResult, node: str, why: str) -> Reply:
        self._told(result, node, why if node else "")
        return Reply(status, _error(why))

    def _failed(self, node: str, error: PlumblineError) -> Reply:
        self._told(WordResult.FAILED, node, error.message)
        # What is wrong here is for whoever runs the controller, who finds it in the log.
        return Reply(HTTPStatus.SERVICE_UNAVAILABLE, _error("it can't be taken now; see its log"))

    def after(self, body: bytes) -> None:
        """Does nothing: what was taken is kept before the agent is told so."""


def _claims(container: ContainerRef) -> bool:
    """Whether a container is said to be of a pod."""
    return bool(container.namespace or container.pod or container.pod_uid)


def _with_its_pod(word: ContainerWord, pods: Mapping[str, tuple[str, str]]) -> ContainerWord:
    if word.look is None or not _claims(word.look.container):
        return word
    container, name = word.look.container, (word.look.container.namespace, word.look.container.pod)
    # Where the runtime can't be asked, an agent knows a pod by its uid alone.
    if container.pod_uid in pods and name in (pods[container.pod_uid], ("", "")):
        return word
    look = _nameless(word.look)
    return replace(word, digest=_ASK_AGAIN + digest_of(look_text(look))[1:], look=look)


def _nameless(look: ContainerLook) -> ContainerLook:
    container = look.container
    why = f"its agent says that it is of {container}, and the API server has no such pod there"
    nobodys = replace(container, namespace="", pod="", pod_uid="")
    return replace(look, container=nobodys, unknown=(why, *look.unknown))


def _error(why: str) -> bytes:
    return json.dumps({"error": why}).encode()
