"""Both sides as read, and what a comparer said of them: all that detection computes from."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.core.desired import DesiredState
from reconciler.core.expected import Answer
from reconciler.core.live import LiveState
from reconciler.core.resource import Catalog, ResourceKey
from reconciler.core.schema import Schema


@dataclass(frozen=True, slots=True)
class Sides:
    """Everything that was read, before anything is computed.

    Attributes:
        desired: What Git declares.
        live: What the cluster holds.
        catalog: Which kinds the cluster serves.
        schema: What is known of the fields of the kinds that differ.
        answers: What a comparer said of each declared object that is live.
    """

    desired: DesiredState
    live: LiveState
    catalog: Catalog
    schema: Schema
    answers: Mapping[ResourceKey, Answer]
