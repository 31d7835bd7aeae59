"""Comparison by local reasoning alone: for dumps, and for users who may not write."""

from collections.abc import Mapping

from reconciler.core.desired import DesiredState
from reconciler.core.diff import same
from reconciler.core.expected import Answer, InSync
from reconciler.core.live import LiveState, comparable
from reconciler.core.normalize import expect
from reconciler.core.report import Comparison
from reconciler.core.resource import Catalog, ResourceKey
from reconciler.core.schema import from_definitions
from reconciler.ports import Live


class OfflineComparer:
    """Knows what the server would make of a declaration from its schema and the field managers."""

    comparison = Comparison.OFFLINE

    def __init__(self, live: Live) -> None:
        self._live = live

    def compare(
        self, desired: DesiredState, live: LiveState, catalog: Catalog
    ) -> Mapping[ResourceKey, Answer]:
        """Gives an answer for every declared object that is live; see `ports.Comparer`."""
        kinds = {catalog.find(m.api_version, m.kind) for m in desired.resources.values()}
        schema = self._live.schema({kind for kind in kinds if kind is not None})
        # What a dump lacks, Git may define.
        declared = from_definitions(manifest.body for manifest in desired.resources.values())
        schema = schema.extended({k: n for k, n in declared.items() if schema.node(*k) is None})
        answers: dict[ResourceKey, Answer] = {}
        for key, manifest in desired.resources.items():
            body = live.find(manifest.api_version, key)
            if body is not None:
                expected = expect(
                    manifest.body, body, schema.node(manifest.api_version, manifest.kind)
                )
                proven = not expected.unproven and same(expected.body, comparable(body))
                answers[key] = InSync(expected.hidden) if proven else expected
        return answers
