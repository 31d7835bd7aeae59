"""What node agents send, read and judged; and what of the cluster is remembered for that."""

import datetime as dt
import gzip
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from email.message import Message
from http import HTTPStatus
from pathlib import Path

import pytest

from reconciler.adapters.observations import known_agents
from reconciler.adapters.observations.agent_receiver import AgentReceiver, WordResult
from reconciler.adapters.observations.agent_words import BodyError, word_in
from reconciler.adapters.observations.known_agents import KnownAgents
from reconciler.adapters.serving_tls import Tls
from reconciler.core.containers import NodeLook, NodeReport
from reconciler.core.errors import ClusterError, HistoryError
from reconciler.core.node_words import whole, word_document
from reconciler.ports import Agent, Stranger
from tests.fakes.nodes import FakeNodeLooks
from tests.tools.controlplane.certificates import Authority
from tests.unit.render.test_containers import DRIFTED, UNKNOWN, WEB

OWN = tuple(replace(one, container=replace(one.container, node="vm")) for one in (DRIFTED, UNKNOWN))
WORD = whole(NodeReport(NodeLook("vm", "2026-11-24T12:00:00Z", OWN), ""))
BODY = json.dumps(word_document(WORD)).encode()
PACKED = gzip.compress(BODY, mtime=0)
TOKEN = "eyJ.s3same.t0ken"


class Register:
    """A cluster's agents, made up; counts what it is asked."""

    def __init__(self) -> None:
        self.found: Agent | Stranger = Agent("vm")
        self.pods: Mapping[str, tuple[str, str]] = {"u-1": ("shop", "web")}
        self.has_it = True
        self.is_away = False
        self.asked: list[str] = []

    def identify(self, token: str) -> Agent | Stranger:
        self._ask(token)
        return self.found

    def pods_on(self, node: str) -> Mapping[str, tuple[str, str]]:
        self._ask(node)
        return self.pods

    def has_node(self, node: str) -> bool:
        self._ask(node)
        return self.has_it

    def _ask(self, what: str) -> None:
        if self.is_away:
            raise ClusterError("the API server is away")
        self.asked.append(what)


class Away(FakeNodeLooks):
    """A database that can't be reached."""

    def take(self, *_: object) -> Collection[str]:
        raise HistoryError("the history in db:5432 can't be written")


class Desk:
    """The door without its socket: what is asked of it, and what it tells."""

    def __init__(self, folder: Path) -> None:
        pair = Authority("it", dt.datetime.now(dt.UTC)).issue_server("it", ["localhost"], [])
        certificate, key = folder / "tls.crt", folder / "tls.key"
        certificate.write_bytes(pair.certificate)
        key.write_bytes(pair.key)
        self.register = Register()
        self.store = FakeNodeLooks()
        self.told: list[tuple[WordResult, str, str]] = []
        self.now = 1000.0
        self.door = AgentReceiver(
            ("127.0.0.1", 0),
            tls=Tls(certificate, key),
            agents=KnownAgents(self.register, lambda: self.now),
            store=self.store,
            clock=lambda: dt.datetime(2026, 11, 24, 12, 0, 5, tzinfo=dt.UTC),
            told=lambda *what: self.told.append(what),
        )

    def ask(self, body: bytes = BODY, token: str = TOKEN, encoding: str = "") -> tuple[int, str]:
        headers = Message()
        headers["Authorization"] = f"Bearer {token}"
        if encoding:
            headers["Content-Encoding"] = encoding
        reply = self.door.refusal(headers, {}) or self.door.answer(body, headers)
        self.door.after(body)
        said = json.loads(reply.body)
        return reply.status, said.get("error", str(said.get("lacking")))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.door.stop()


def test_a_word_is_kept_as_it_was_said(desk: Desk) -> None:
    assert desk.ask() == (200, "[]")
    [report] = desk.store.latest()
    assert (report.look.looks, report.received_at) == (OWN, "2026-11-24T12:00:05Z")
    assert desk.told == [(WordResult.TAKEN, "vm", "")]
    assert desk.register.asked == [TOKEN, "vm"]
    bare = replace(WORD, containers=tuple(replace(one, look=None) for one in WORD.containers))
    body = gzip.compress(json.dumps(word_document(bare)).encode())
    assert desk.ask(body, encoding="gzip") == (200, "[]")
    desk.store.forget(["vm"])
    status, lacking = desk.ask(body, encoding="gzip")
    assert (status, desk.told[-1][0]) == (200, WordResult.LACKING)
    assert WEB.container_id in lacking
    # Nothing was asked again.
    assert desk.register.asked == [TOKEN, "vm"]


def test_who_is_nobody_does_not_fill_the_log(desk: Desk) -> None:
    desk.register.found = Stranger("nobody knows it")
    assert desk.ask() == (401, "nobody knows it")
    assert desk.ask(token="no-token")[0] == 401
    assert desk.told == [(WordResult.REFUSED, "", "")] * 2
    desk.now += 600
    desk.register.found = Stranger("jane is no agent", is_known=True)
    assert desk.ask() == (403, "jane is no agent")
    assert desk.told[-1] == (WordResult.REFUSED, "", "jane is no agent")


def test_what_is_wrong_is_told_to_the_agent(desk: Desk) -> None:
    assert desk.ask(b"{") == (400, "the body is no JSON")
    assert desk.told[-1] == (WordResult.BROKEN, "vm", "the body is no JSON")
    desk.register.found = Agent("other")
    desk.now += 600
    assert desk.ask() == (403, "this token speaks for the node other alone")


def test_a_token_that_runs_out_meanwhile_is_refused(desk: Desk) -> None:
    headers = Message()
    headers["Authorization"] = f"Bearer {TOKEN}"
    assert desk.door.refusal(headers, {}) is None
    desk.now += 600
    desk.register.found = Stranger("it ran out")
    assert desk.door.answer(BODY, headers).status == HTTPStatus.UNAUTHORIZED


def test_what_is_wrong_here_is_for_the_log_alone(desk: Desk) -> None:
    desk.register.is_away = True
    assert desk.ask() == (503, "it can't be taken now; see its log")
    assert desk.told[-1] == (WordResult.FAILED, "", "the API server is away")
    desk.register.is_away = False
    assert desk.ask()[0] == 200
    desk.door._store = Away()
    assert desk.ask() == (503, "it can't be taken now; see its log")
    assert desk.told[-1] == (WordResult.FAILED, "vm", "the history in db:5432 can't be written")


@pytest.mark.parametrize(
    ("pods", "is_believed"),
    [
        ({"u-1": ("shop", "web")}, True),
        ({"u-1": ("shop", "other")}, False),
        ({"u-2": ("shop", "web")}, False),
        ({}, False),
    ],
)
def test_pods_that_are_not_there_are_nobody_s(
    desk: Desk, pods: Mapping[str, tuple[str, str]], is_believed: bool
) -> None:
    desk.register.pods = pods
    assert desk.ask()[0] == 200
    by_id = {each.container.container_id: each for each in desk.store.latest()[0].look.looks}
    container = by_id[WEB.container_id].container
    assert bool(container.pod) is is_believed
    assert bool(container.namespace or container.pod_uid) is is_believed
    assert by_id[WEB.container_id].drifts == DRIFTED.drifts
    assert by_id[UNKNOWN.container.container_id] == OWN[1]


def test_what_is_nobody_s_is_kept_as_it_is_now(desk: Desk) -> None:
    desk.register.pods = {}
    for drifts in (DRIFTED.drifts, DRIFTED.drifts[:1], ()):
        moved = replace(OWN[0], drifts=drifts)
        said = NodeReport(NodeLook("vm", "2026-11-24T12:00:00Z", (moved,)), "")
        assert desk.ask(json.dumps(word_document(whole(said))).encode())[0] == 200
        [look] = desk.store.latest()[0].look.looks
        assert (look.container.pod, look.drifts) == ("", drifts)


@pytest.mark.parametrize("named", [{"pod": ""}, {"namespace": "", "pod": ""}, {"namespace": ""}])
def test_half_a_name_is_a_claim_too(desk: Desk, named: Mapping[str, str]) -> None:
    claimed = replace(OWN[0], container=replace(OWN[0].container, **named))
    body = json.dumps(word_document(whole(NodeReport(NodeLook("vm", "2026-11-24T12:00:00Z",
                                                              (claimed,)), ""))))  # fmt: skip
    assert desk.ask(body.encode())[0] == 200
    [look] = desk.store.latest()[0].look.looks
    # A pod that is on the node may be known by its uid alone.
    assert bool(look.container.pod_uid) is (named == {"namespace": "", "pod": ""})


def test_the_pods_of_a_node_are_read_once_for_a_while(desk: Desk) -> None:
    desk.register.pods = {}
    for _ in range(3):
        desk.ask()
    assert desk.register.asked == [TOKEN, "vm"]
    desk.now += 6
    desk.register.pods = {"u-1": ("shop", "web")}
    desk.ask()
    desk.now += 6
    desk.ask()
    assert desk.register.asked == [TOKEN, "vm", "vm"]


def test_pods_of_so_many_nodes_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_agents, "_NODES", 2)
    register, now = Register(), [0.0]
    agents = KnownAgents(register, lambda: now[0])
    for node in ("a", "b", "c", "b", "a"):
        now[0] += 10
        assert agents.pods_on(node, ["u-1"]) == register.pods
    assert register.asked == ["a", "b", "c", "a"]


def test_tokens_are_reviewed_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_agents, "_TOKENS", 2)
    register, now = Register(), [0.0]
    agents = KnownAgents(register, lambda: now[0])
    for token in ("a", "a", "b", "a"):
        assert agents.identify(token) == Agent("vm")
    assert register.asked == ["a", "b"]
    now[0] = 121.0
    register.found = Stranger("no")
    for token in ("a", "a"):
        assert agents.identify(token) == Stranger("no")
    assert register.asked == ["a", "b", "a"]
    now[0] = 132.0
    # Two are remembered, those that were asked for last.
    for token in ("a", "c", "\udcff", "a"):
        agents.identify(token)
    assert register.asked[3:] == ["a", "c", "\udcff", "a"]


@pytest.mark.parametrize(
    ("body", "encoding", "why"),
    [
        (BODY, "br", "only gzip is taken"),
        (b"not gzip", "gzip", "the body is no gzip"),
        (
            gzip.compress(b" " * 20_001, mtime=0),
            "gzip",
            "longer than 20,000 bytes once it is unpacked",
        ),
        (PACKED[:-1], "gzip", "isn't one whole gzip"),
        (PACKED + b"x", "gzip", "isn't one whole gzip"),
        (b"[" * 200_000, "", "nested too deep"),
        (b'{"a": Infinity}', "", "no JSON"),
        (b"\xff", "", "no JSON"),
        (b"{}", "identity", "schema: "),
    ],
)
def test_a_body_that_is_no_word(body: bytes, encoding: str, why: str) -> None:
    with pytest.raises(BodyError, match=why):
        word_in(body, encoding, 20_000)
