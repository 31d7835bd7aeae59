"""When what node agents say is news."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from reconciler.core.containers import ContainerLook, ContainerRef, NodeLook, NodeReport
from reconciler.core.errors import HistoryError
from reconciler.core.moments import rfc3339
from reconciler.node_news import NodeNews
from tests.fakes.nodes import FakeNodeLooks

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LOOK = ContainerLook(ContainerRef("shop", "web", "u", "web", "c-1"))


class Away(FakeNodeLooks):
    def latest(self) -> list[NodeReport]:
        raise HistoryError("the database is away", fix="bring it back")


@dataclass
class Clocks:
    """News of one node, and the clocks by which it is asked for."""

    nodes: FakeNodeLooks = field(default_factory=FakeNodeLooks)
    now: datetime = NOON
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.news = NodeNews(
            self.nodes, timedelta(minutes=5), lambda: self.now, lambda: self.seconds
        )

    def say(self, *looks: ContainerLook) -> None:
        time = rfc3339(self.now)
        self.nodes.save(NodeReport(NodeLook("node-1", time, looks), time))

    def later(self, seconds: float) -> "Clocks":
        self.seconds += seconds
        self.now += timedelta(seconds=seconds)
        return self


def test_what_is_said_anew_is_news_and_what_is_said_again_is_none() -> None:
    made = Clocks()
    made.say(LOOK)
    before = made.news.stamp()
    made.later(60).say(LOOK)
    assert not made.news.is_new()
    assert made.news.stamp() == before
    made.later(60).say(replace(LOOK, unknown=("x",)))
    assert made.news.is_new()
    assert made.news.stamp() != before
    assert not made.later(60).news.is_new()


def test_a_silence_is_news() -> None:
    made = Clocks()
    made.say(LOOK)
    made.news.stamp()
    assert not made.later(300).news.is_new()
    assert made.later(6).news.is_new()


def test_it_is_asked_now_and_then_only() -> None:
    made = Clocks()
    assert not made.later(60).news.is_new()
    made.news.stamp()
    made.say(LOOK)
    assert not made.later(4).news.is_new()
    assert made.later(1).news.is_new()
    assert not made.later(4).news.is_new()


def test_where_it_cant_be_read_the_look_says_so() -> None:
    made = Clocks()
    made.say(LOOK)
    made.news.stamp()
    made.news.nodes = Away()
    assert not made.later(60).news.is_new()
