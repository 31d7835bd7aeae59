"""Random reports, plans and explanations, with any text where a cluster could put any."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from reconciler.core.actors import Actor
from reconciler.core.containers import (
    ContainerRef,
    FileDrift,
    FileState,
    FileType,
    Listener,
    Parent,
    PortDrift,
    ProcessDrift,
    SessionDrift,
)
from reconciler.core.containers import Origin as CodeOrigin
from reconciler.core.desired import SourceLocation
from reconciler.core.drift import (
    Change,
    ChangeType,
    Decision,
    DecisionAction,
    Drift,
    DriftType,
    Hidden,
    MaskedDigest,
    Severity,
)
from reconciler.core.explain import Explanation, FieldOrigin, Origin
from reconciler.core.in_containers import type_of
from reconciler.core.merge import Effect, Merge, MergeEffect
from reconciler.core.outcome import Outcome, OutcomeType
from reconciler.core.ownership import FieldManager
from reconciler.core.path import Item
from reconciler.core.plan import Create, Delete, Held, Plan, Recreate, Replace
from reconciler.core.report import Comparison, Report, Requests, Summary, Unproven
from reconciler.core.resource import ResourceKey

#: Characters that matter here come up often; all others come up too, halves of pairs included.
HARD = st.sampled_from(
    "\x00\x07\x1b\x7f\x85\x9b\u202e\u200b\u2028\ufeff\ud800\u0301\r\n\t`|<>@#\\\"'"
)
TEXT = st.text(HARD | st.characters(exclude_categories=()), max_size=40)
WORDS = st.text(st.sampled_from('ab -:{}[],\n\\"0e.~'), max_size=120)
VALUE_TEXT = TEXT | WORDS | st.sampled_from(["***", "", "true", "80", "x" * 500, "a\nb\nc\n"])

TIMES = st.sampled_from(["", "2026-11-24T11:56:00Z", "2027-01-01T00:00:00+01:00"]) | TEXT
MANAGERS = st.builds(FieldManager, TIMES, TEXT, TEXT, TEXT | st.just(""))
KEYS = st.builds(ResourceKey, TEXT, TEXT, TEXT, TEXT)
SOURCES = st.builds(SourceLocation, TEXT, st.integers(0, 9999))

NAMES = st.lists(TEXT, max_size=5).map(tuple)
ACTORS = st.none() | st.builds(
    Actor, TEXT, NAMES, NAMES, TEXT, TEXT, TEXT, TEXT, TIMES, TEXT, st.booleans(), NAMES
)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | VALUE_TEXT
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)

ITEMS = st.builds(
    lambda key, value: Item(((key, value),)), st.sampled_from(["name", "containerPort"]), TEXT
)
PATHS = st.lists(TEXT | st.integers(0, 20) | ITEMS, min_size=1, max_size=6).map(
    lambda steps: ("spec", *steps)
)
DIGESTS = st.builds(
    MaskedDigest,
    st.sampled_from(["", "a1b29f0c77de", "a1b2ffffffff"]),
    st.sampled_from(["", "a1b2ffffffff", "c3d4e8a90012"]),
)


@st.composite
def changes(draw: st.DrawFn) -> Change:
    how = draw(st.sampled_from(ChangeType))
    return Change(
        path=draw(PATHS),
        change=how,
        desired=None if how is ChangeType.ADDED else draw(VALUES),
        live=None if how is ChangeType.REMOVED else draw(VALUES),
        by=draw(st.none() | MANAGERS),
        candidates=tuple(draw(st.lists(MANAGERS, max_size=2))),
        last_changed=draw(TIMES),
        masked=draw(st.none() | DIGESTS),
        actor=draw(ACTORS),
    )


CHANGES = changes()
TUPLES_OF_CHANGES = st.lists(CHANGES, max_size=3).map(tuple)
DRIFTS = st.builds(
    Drift,
    id=st.just("d-0123456789ab"),
    type=st.sampled_from(DriftType),
    severity=st.sampled_from(Severity),
    key=KEYS,
    api_version=TEXT,
    uid=TEXT,
    source=st.none() | SOURCES,
    changes=TUPLES_OF_CHANGES,
    hidden=st.lists(st.builds(Hidden, CHANGES, TEXT, TEXT), max_size=1).map(tuple),
    note=TEXT,
    by=st.none() | MANAGERS,
    first_seen=TIMES,
    decision=st.none() | st.builds(Decision, st.sampled_from(DecisionAction), TEXT, TEXT, TIMES),
    actor=ACTORS,
)
COUNTS = st.integers(0, 50_000)
CONTAINERS = st.builds(ContainerRef, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT)
SEVERITIES = st.sampled_from(Severity)
STATES = st.none() | st.builds(
    FileState,
    st.sampled_from(FileType),
    *(st.integers(0, 0o7777), COUNTS, COUNTS, COUNTS, TIMES, TEXT, TEXT, TEXT, TEXT),
)
PARENTS = st.lists(st.builds(Parent, COUNTS, TEXT), max_size=2).map(tuple)
SEEN = st.one_of(
    st.builds(
        FileDrift,
        *(TEXT, st.sampled_from(ChangeType), SEVERITIES, TEXT, STATES, STATES, VALUE_TEXT, TEXT),
    ),
    st.builds(
        ProcessDrift,
        *(COUNTS, COUNTS, TEXT, st.sampled_from(CodeOrigin), NAMES, TEXT, TIMES, SEVERITIES),
        *(TEXT, PARENTS, TEXT),
    ),
    st.builds(
        SessionDrift,
        *(st.sampled_from(["exec", "enter"]), COUNTS, COUNTS, TEXT, NAMES, TIMES, SEVERITIES),
        *(PARENTS, TEXT),
    ),
    st.builds(
        PortDrift,
        st.builds(Listener, st.sampled_from(["TCP", "UDP"]), TEXT, COUNTS, COUNTS),
        SEVERITIES,
    ),
)
#: Of one pod, or of several, under an object that drifted, or not.
IN_PODS = st.builds(
    lambda seen, drift, container, owner: replace(
        drift, type=type_of(seen), changes=(), seen=seen, container=container, owner=owner
    ),
    SEEN,
    DRIFTS,
    CONTAINERS,
    st.none() | KEYS,
)
REPORTS = st.builds(
    Report,
    target=TEXT,
    revision=TEXT,
    checked_at=st.sampled_from(["2026-11-24T12:00:00Z", "2026-11-01T12:00:00Z"]),
    comparison=st.sampled_from(Comparison),
    summary=st.builds(Summary, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS),
    requests=st.builds(Requests, COUNTS, COUNTS, COUNTS, COUNTS),
    drifts=st.lists(DRIFTS | IN_PODS, max_size=3).map(tuple),
    unproven=st.lists(st.builds(Unproven, KEYS, TEXT, TEXT), max_size=2).map(tuple),
    outcomes=st.lists(st.builds(Outcome, KEYS, st.sampled_from(OutcomeType), TEXT), max_size=3).map(
        tuple
    ),
    notes=st.lists(TEXT, max_size=2).map(tuple),
)

EFFECTS = st.lists(st.builds(MergeEffect, st.sampled_from(Effect), DRIFTS), max_size=4)
MERGES = st.builds(Merge, TEXT, TEXT, EFFECTS.map(tuple))
#: Also of pull requests, and with places that a repository can hold.
ANY_REPORTS = st.builds(
    replace,
    REPORTS,
    merge=st.none() | MERGES,
    declared=st.dictionaries(KEYS, SOURCES, max_size=3),
)

BODIES = st.just({"secret": "never shown"})
ACTIONS = st.one_of(
    st.builds(Create, KEYS, TEXT, BODIES),
    st.builds(Replace, KEYS, TEXT, BODIES, TUPLES_OF_CHANGES, st.just("live")),
    st.builds(Recreate, KEYS, TEXT, BODIES, TUPLES_OF_CHANGES, st.just("live"), TEXT),
    st.builds(Delete, KEYS, TEXT, st.just("live"), TEXT),
)
PLANS = st.builds(
    Plan,
    TEXT,
    TEXT,
    st.lists(ACTIONS, max_size=3).map(tuple),
    st.lists(st.builds(Held, KEYS, TEXT), max_size=2).map(tuple),
    st.just("p-0123456789abcdef"),
)

FIELDS = st.builds(
    FieldOrigin,
    path=PATHS,
    value=VALUES,
    origin=st.sampled_from(Origin),
    source=st.none() | SOURCES,
    by=st.none() | MANAGERS,
    reason=TEXT,
    change=st.none() | CHANGES,
)
EXPLANATIONS = st.builds(
    Explanation,
    key=KEYS,
    api_version=TEXT,
    uid=TEXT,
    source=st.none() | SOURCES,
    revision=TEXT,
    checked_at=st.just("2026-11-24T12:00:00Z"),
    note=TEXT | st.just("in sync"),
    fields=st.lists(FIELDS, max_size=6).map(tuple),
)
