"""Node agents and the controller: real tokens, a real API server that judges them, real TLS."""

import base64
import contextlib
import datetime as dt
import gzip
import http.client
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from types import MappingProxyType
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.cluster.token_reviews import TokenReviews
from reconciler.adapters.history.database import DatabaseHistory
from reconciler.adapters.observations.agent_receiver import LIMIT, AgentReceiver, WordResult
from reconciler.adapters.observations.known_agents import KnownAgents
from reconciler.agent.posting import Controller
from reconciler.agent.sending import Sender
from reconciler.core.containers import ContainerLook, NodeLook, NodeReport
from reconciler.core.node_words import NodeWord, whole, word_document
from reconciler.core.ranking import worst_looks_first
from reconciler.core.schema import Schema, from_openapi
from tests.integration.observations.test_observation_servers import Keys
from tests.tools.controlplane import ControlPlane
from tests.tools.controlplane.servers import free_port
from tests.tools.running import until
from tests.unit.render.test_containers import DRIFTED, UNKNOWN

AT = "2026-11-24T12:00:00Z"
NOBODYS = "and the API server has no such pod there"


@dataclass
class Stage:
    """A cluster with two nodes, their agents' accounts and pods, and the controller's door.

    Attributes:
        plane: The API server.
        space: The agents' namespace.
        keys: The door's certificate, and who signed it.
        history: The controller's database.
        cluster: The controller's access.
        told: What became of each word.
    """

    plane: ControlPlane
    space: str
    keys: Keys
    history: DatabaseHistory
    cluster: KubeCluster
    told: list[tuple[WordResult, str, str]] = field(default_factory=list)
    uids: dict[str, str] = field(default_factory=dict)

    def door(self, port: int = 0, host: str = "127.0.0.1") -> AgentReceiver:
        register = TokenReviews(self.cluster, [f"{self.space}:plumbline-agent"])
        return AgentReceiver(
            (host, port),
            tls=self.keys.server(),
            agents=KnownAgents(register, monotonic),
            store=self.history.nodes(),
            evidence=self.history.evidence(),
            clock=lambda: dt.datetime.now(dt.UTC),
            told=lambda *what: self.told.append(what),
        )

    def pod(self, name: str, node: str, account: str = "plumbline-agent") -> None:
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": self.space},
            "spec": {
                "nodeName": node,
                "serviceAccountName": account,
                "containers": [{"name": "app", "image": "app:1"}],
            },
        }
        made = self.plane.kubectl("create", "-f", "-", "-o", "json", input=json.dumps(body))
        self.uids[name] = json.loads(made.stdout)["metadata"]["uid"]

    def token(self, *words: str, account: str = "plumbline-agent", pod: str = "agent-1") -> str:
        bound = ("--bound-object-kind=Pod", f"--bound-object-name={pod}") if pod else ()
        audience = () if any("audience" in word for word in words) else ("--audience=plumbline",)
        told = ("create", "token", account, "-n", self.space, *bound, *audience, *words)
        return self.plane.kubectl(*told).stdout.strip()

    def look(self, *looks: ContainerLook, node: str = "", pod: str = "web") -> NodeLook:
        """Gives a look of a node; all of its containers are said to be of one pod."""
        name = node or self.node(1)
        own = tuple(
            replace(
                each,
                container=replace(
                    each.container,
                    node=name,
                    namespace=self.space,
                    pod=pod,
                    pod_uid=self.uids[pod],
                ),
            )
            for each in looks
        )
        return NodeLook(name, AT, worst_looks_first(own))

    def node(self, number: int) -> str:
        return f"{self.space}-{number}"

    def report(self, number: int = 1) -> NodeReport | None:
        found = self.history.nodes().latest()
        return next((each for each in found if each.look.node == self.node(number)), None)


@pytest.fixture(scope="module")
def stage(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("agents")
    space = f"test-{uuid.uuid4().hex[:12]}"
    control_plane.create_namespace(space)
    cluster = KubeCluster.connect(
        str(control_plane.kubeconfig),
        None,
        search=[],
        bundled=lambda: Schema({}),
        from_openapi=from_openapi,
    )
    history = DatabaseHistory.open(str(folder / "history.db"))
    with contextlib.closing(cluster), contextlib.closing(history):
        made = Stage(control_plane, space, Keys(folder), history, cluster)
        for account in ("plumbline-agent", "other"):
            control_plane.kubectl("create", "serviceaccount", account, "-n", space)
        nodes = [
            {"apiVersion": "v1", "kind": "Node", "metadata": {"name": made.node(number)}}
            for number in (1, 2)
        ]
        listed = {"apiVersion": "v1", "kind": "List", "items": nodes}
        control_plane.kubectl("create", "-f", "-", input=json.dumps(listed))
        for name, number in (("agent-1", 1), ("agent-2", 2), ("web", 1), ("victim", 2)):
            made.pod(name, made.node(number))
        made.pod("stranger", made.node(1), account="other")
        yield made
    for number in (1, 2):
        control_plane.kubectl("delete", "node", made.node(number), "--wait=false")
    control_plane.delete_namespace(space)


@pytest.fixture
def port(stage: Stage) -> Iterator[int]:
    """The door, open; what was said before is forgotten."""
    stage.history.nodes().forget([stage.node(1), stage.node(2)])
    stage.told.clear()
    door = stage.door()
    door.start()
    yield door.port
    door.stop()


@dataclass(frozen=True)
class Said:
    """What the door answered."""

    status: int
    body: dict[str, Any]


def say(
    stage: Stage,
    port: int,
    token: str,
    body: bytes | NodeLook | NodeWord,
    *,
    encoding: str = "",
    more: Mapping[str, str] = MappingProxyType({}),
) -> Said:
    if isinstance(body, NodeLook):
        body = whole(NodeReport(body, ""))
    if isinstance(body, NodeWord):
        body = json.dumps(word_document(body)).encode()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"Content-Encoding": encoding} if encoding else {}
    headers |= more
    context = stage.keys.context()
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
    with contextlib.closing(connection):
        connection.request("POST", "/agents", body, headers)
        answer = connection.getresponse()
        held = answer.read()
        return Said(answer.status, json.loads(held) if held else {})


def test_an_agent_speaks_for_its_own_node_alone(stage: Stage, port: int) -> None:
    token = stage.token()
    assert say(stage, port, token, stage.look(DRIFTED, UNKNOWN)) == Said(
        200, {"lacking": [], "wanted": []}
    )
    report = stage.report()
    assert report is not None
    assert [each.drifts for each in report.look.looks] == [DRIFTED.drifts, UNKNOWN.drifts]
    other = say(stage, port, token, stage.look(DRIFTED, node=stage.node(2), pod="victim"))
    assert other == Said(403, {"error": f"this token speaks for the node {stage.node(1)} alone"})
    assert stage.report(2) is None
    results = [(result, node) for result, node, _ in stage.told]
    assert results == [(WordResult.TAKEN, stage.node(1)), (WordResult.REFUSED, stage.node(1))]


def test_a_container_cannot_be_claimed_for_a_pod_of_another_node(stage: Stage, port: int) -> None:
    token = stage.token()
    assert say(stage, port, token, stage.look(DRIFTED, pod="victim")).status == 200
    report = stage.report()
    assert report is not None
    [look] = report.look.looks
    assert (look.container.namespace, look.container.pod, look.container.pod_uid) == ("", "", "")
    assert look.drifts == DRIFTED.drifts
    assert NOBODYS in look.unknown[0]
    # It isn't taken for what the agent said: that is asked for again, and judged again.
    word = whole(NodeReport(stage.look(DRIFTED, pod="victim"), ""))
    bare = replace(word, containers=tuple(replace(one, look=None) for one in word.containers))
    lacking = [each.container_id for each in word.containers]
    assert say(stage, port, token, bare) == Said(200, {"lacking": lacking, "wanted": []})


def test_nobody_else_is_heard(stage: Stage, port: int) -> None:
    look = stage.look(DRIFTED)
    unbound = "the token isn't bound to a pod: give the agent that of a projected volume"
    unknown = "the API server doesn't know this token for the audience plumbline"
    cases = [
        ("", 401, "show a service account's token: Authorization: Bearer …"),
        ("no.such.token", 401, unknown),
        ("x" * 9000, 401, "show a service account's token: Authorization: Bearer …"),
        (stage.token("--audience=other"), 401, unknown),
        (stage.token(pod=""), 403, unbound),
        (stage.token()[:-4] + "AAAA", 401, unknown),
    ]
    for token, status, why in cases:
        assert say(stage, port, token, look) == Said(status, {"error": why})
    # The API server's own audience opens nothing here.
    usual = ("create", "token", "plumbline-agent", "-n", stage.space)
    assert say(stage, port, stage.plane.kubectl(*usual).stdout.strip(), look).status == 401
    refused = say(stage, port, stage.token(account="other", pod="stranger"), look)
    assert refused.status == 403
    assert f"system:serviceaccount:{stage.space}:other is no agent's account" in str(refused.body)
    # A pod that is gone took its tokens along.
    stage.pod("short", stage.node(1))
    token = stage.token(pod="short")
    stage.plane.kubectl("delete", "pod", "short", "-n", stage.space, "--force", "--grace-period=0")
    until(lambda: say(stage, port, token, look).status == 401, "the token is worth nothing")
    assert stage.report() is None
    assert {result for result, _, _ in stage.told} == {WordResult.REFUSED}
    assert "eyJ" not in str(stage.told)


def test_a_token_that_ran_out_is_nobody_s(stage: Stage, port: int) -> None:
    token, hour = stage.token(), 3600
    unknown = "the API server doesn't know this token for the audience plumbline"
    ran_out = _resigned(stage, token, -2 * hour)
    assert say(stage, port, ran_out, stage.look(DRIFTED)) == Said(401, {"error": unknown})
    # It isn't for the signature.
    assert say(stage, port, _resigned(stage, token, 60), stage.look(DRIFTED)).status == 200


def _resigned(stage: Stage, token: str, seconds: int) -> str:
    """Has a token run out so many seconds later, signed as the API server signs."""
    head, body, _ = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    for claim in ("exp", "iat", "nbf"):
        claims[claim] += seconds
    claims["iat"] = claims["nbf"] = min(claims["iat"], int(time.time()))
    text = f"{head}.{_base64(json.dumps(claims).encode())}"
    key = serialization.load_pem_private_key(stage.plane._identity.signing_key.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    r, s = utils.decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{_base64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def test_what_is_malformed_or_huge_is_refused_and_says_why(stage: Stage, port: int) -> None:
    token = stage.token()
    look = stage.look(DRIFTED)
    good = json.dumps(word_document(whole(NodeReport(look, "")))).encode()
    bomb = gzip.compress(b" " * (LIMIT + 1))
    cases: Sequence[tuple[bytes, str, int, str]] = [
        (b"", "", 400, "the body is no JSON"),
        (b"[]", "", 400, "schema: "),
        (b"{" * 100, "", 400, "the body is no JSON"),
        (b"[" * 200_000, "", 400, "the body is nested too deep"),
        (good.replace(b'"pid": 70', b'"pid": NaN'), "", 400, "the body is no JSON"),
        (good.replace(b'"high"', b'"dire"'), "", 400, "severity: one of high, medium, low"),
        (good, "br", 400, "Content-Encoding: only gzip is taken"),
        (good, "gzip", 400, "the body is no gzip"),
        (gzip.compress(good)[:-9], "gzip", 400, "the body isn't one whole gzip"),
        (gzip.compress(good) + b"x", "gzip", 400, "the body isn't one whole gzip"),
        (bomb, "gzip", 400, f"the body is longer than {LIMIT:,} bytes once it is unpacked"),
        (b"\xff\xfe", "", 400, "the body is no JSON"),
    ]
    for body, encoding, status, why in cases:
        answer = say(stage, port, token, body, encoding=encoding)
        assert answer.status == status
        assert why in answer.body["error"]
    length = {"Content-Length": str(LIMIT + 1)}
    assert say(stage, port, token, b"", more=length).status == 413
    assert stage.report() is None
    assert say(stage, port, token, gzip.compress(good), encoding="gzip").status == 200


def test_the_latest_state_arrives_after_an_outage(stage: Stage, tmp_path: Path) -> None:
    store = stage.history.nodes()
    store.forget([stage.node(1)])
    port, complaints = free_port(), list[str]()
    token = tmp_path / "token"
    token.write_text(stage.token(), encoding="ascii")
    controller = Controller.at(f"https://127.0.0.1:{port}", str(stage.keys.ca), str(token))
    sender = Sender(controller, complaints.append, lasts=600)
    sender.start()
    with contextlib.ExitStack() as ending:
        ending.callback(sender.stop)
        sender.offer(stage.look(DRIFTED))
        until(lambda: bool(complaints), "it complains")
        assert "Connection refused" in complaints[0]
        first = _served(stage, port)
        until(lambda: stage.report() is not None, "it is told")
        until(lambda: len(complaints) == 2, "it says that it is told again")
        first.stop()
        for number in range(3):
            sender.offer(stage.look(replace(DRIFTED, drifts=DRIFTED.drifts[: number + 1])))
            until(lambda: "failed" in sender.metrics(), "it is tried")
        last = stage.look(replace(DRIFTED, drifts=DRIFTED.drifts[:2]), UNKNOWN)
        sender.offer(last)
        ending.callback(_served(stage, port).stop)
        until(lambda: _looks(stage) == last.looks, "the latest arrives")
        # What the controller has lost it is told again.
        store.forget([stage.node(1)])
        renewed = stage.look(replace(DRIFTED, drifts=()), UNKNOWN)
        sender.offer(renewed)
        until(lambda: _looks(stage) == renewed.looks, "all is told again")
        # kubelet renews the token: the next one is read.
        token.write_text("no.such.token", encoding="ascii")
        sender.offer(last)
        until(lambda: "doesn't know this token" in complaints[-1], "it complains")
        token.write_text(stage.token(), encoding="ascii")
        until(lambda: _looks(stage) == last.looks, "the renewed token is shown")
    assert "eyJ" not in str(complaints)


def _served(stage: Stage, port: int) -> AgentReceiver:
    door = stage.door(port)
    door.start()
    return door


def _looks(stage: Stage) -> tuple[ContainerLook, ...]:
    report = stage.report()
    return report.look.looks if report is not None else ()


def test_an_agent_shows_its_token_to_nobody_else(stage: Stage, port: int, tmp_path: Path) -> None:
    complaints = list[str]()
    token = tmp_path / "token"
    token.write_text(stage.token(), encoding="ascii")
    (tmp_path / "other").mkdir()
    other = Keys(tmp_path / "other").ca

    def tried(url: str, authority: Path) -> str:
        sender = Sender(Controller.at(url, str(authority), str(token)), complaints.append, lasts=9)
        sender.offer(stage.look(DRIFTED))
        assert sender.round() > 0
        return complaints[-1]

    assert "certificate isn't good: " in tried(f"https://127.0.0.1:{port}", other)
    elsewhere = stage.door(host="127.0.0.2")
    elsewhere.start()
    said = tried(f"https://127.0.0.2:{elsewhere.port}", stage.keys.ca)
    elsewhere.stop()
    assert "IP address mismatch, certificate is not valid for '127.0.0.2'" in said
    assert stage.told == []


def test_the_cluster_says_which_nodes_and_pods_there_are(stage: Stage) -> None:
    register = TokenReviews(stage.cluster, [])
    pods = register.pods_on(stage.node(1))
    assert pods[stage.uids["web"]] == (stage.space, "web")
    assert stage.uids["victim"] not in pods
    assert register.has_node(stage.node(1))
    assert not register.has_node("there-is-none")


def test_a_missing_right_is_named(stage: Stage) -> None:
    kubeconfig = stage.plane.user_kubeconfig("nobody", [])
    words: list[str] = []
    with contextlib.closing(
        KubeCluster.connect(
            str(kubeconfig), None, search=[], bundled=lambda: Schema({}), from_openapi=from_openapi
        )
    ) as cluster:
        register = TokenReviews(cluster, [])
        asked: Sequence[Callable[[TokenReviews], object]] = (
            lambda one: one.identify("a.b.c"),
            lambda one: one.pods_on("x"),
            lambda one: one.has_node("x"),
        )
        for ask in asked:
            with pytest.raises(Exception, match="cannot") as caught:
                ask(register)
            words.append(str(caught.value).partition("fix: ")[2])
    assert words == [
        "grant create on tokenreviews.authentication.k8s.io in the whole cluster",
        "grant list on pods in the whole cluster",
        "grant get on nodes in the whole cluster",
    ]
