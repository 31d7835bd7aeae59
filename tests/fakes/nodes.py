"""What node agents said, in memory."""

from collections.abc import Collection, Mapping, Sequence

from reconciler.core.containers import ContainerLook, NodeReport
from reconciler.core.node_words import NodeWord, report_of, whole


class FakeNodeLooks:
    """See `ports.NodeStore`, and so `ports.NodeLooks`."""

    def __init__(self, *reports: NodeReport) -> None:
        self._kept: dict[str, NodeReport] = {}
        self._digests: dict[str, dict[str, tuple[str, ContainerLook]]] = {}
        for report in reports:
            self.save(report)

    def latest(self) -> Sequence[NodeReport]:
        return [report for _, report in sorted(self._kept.items())]

    def save(self, report: NodeReport) -> None:
        self.take(whole(report), report.received_at)

    def forget(self, nodes: Collection[str]) -> None:
        for node in nodes:
            self._kept.pop(node, None)
            self._digests.pop(node, None)

    def take(self, word: NodeWord, received_at: str) -> Collection[str]:
        held = self._digests.get(word.node, {})
        looks, lacking = dict[str, tuple[str, ContainerLook]](), list[str]()
        for each in word.containers:
            known = held.get(each.container_id)
            if each.look is not None:
                looks[each.container_id] = (each.digest, each.look)
            elif known is not None and known[0] == each.digest:
                looks[each.container_id] = known
            else:
                lacking.append(each.container_id)
        if not lacking:
            self._digests[word.node] = looks
            plain = {name: look for name, (_, look) in looks.items()}
            times = (word.checked_at, received_at)
            self._kept[word.node] = report_of(word.node, *times, word.notes, plain)
        return lacking

    def heard(self) -> Mapping[str, str]:
        return {node: report.received_at for node, report in self._kept.items()}
