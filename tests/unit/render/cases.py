"""The looks that the golden files show, built from core types."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from reconciler.core.acceptance import accepted
from reconciler.core.actors import Actor
from reconciler.core.baseline import KnownDrift, baseline_of
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
from reconciler.core.merge import Effect, Merge, MergeEffect
from reconciler.core.outcome import Outcome, OutcomeType
from reconciler.core.ownership import FieldManager
from reconciler.core.path import Item, Path
from reconciler.core.plan import Create, Delete, Held, Plan, Recreate, Replace
from reconciler.core.policy import worst_first
from reconciler.core.report import Comparison, Report, Requests, Summary, Unproven
from reconciler.core.resource import ResourceKey
from tests.unit.render.pods import DRIFTS as IN_PODS

_PLACE = SourceLocation("apps/web.yaml", 12)
NOW = datetime(2026, 11, 24, 12, 0, 5, tzinfo=UTC)
CHECKED_AT = "2026-11-24T12:00:00Z"
REVISION = "4f0c12a9d1b7e6c05f3a8d2b9c4e7f1a2b3c4d5e"

EDIT = FieldManager("2026-11-24T11:56:00Z", "kubectl-edit", "Update")
SCALE = FieldManager("2026-11-24T10:00:00Z", "kubectl", "Update", "scale")
APPLY = FieldManager("2026-11-20T12:00:00Z", "flux", "Apply")
CLIENT = FieldManager("2026-11-01T12:00:00Z", "kubectl-client-side-apply", "Update")

WEB = ResourceKey("apps", "Deployment", "shop", "web")
SETTINGS = ResourceKey("", "ConfigMap", "shop", "settings")
PASSWORD = ResourceKey("", "Secret", "shop", "database")
JOB = ResourceKey("batch", "Job", "shop", "migrate")
INTRUDER = ResourceKey("", "Pod", "shop", "debug")
WIDGET = ResourceKey("example.com", "Widget", "shop", "spinner")
READER = ResourceKey("rbac.authorization.k8s.io", "ClusterRole", "", "system:shop-reader")
NAMESPACE = ResourceKey("", "Namespace", "", "shop")

POD: Path = ("spec", "template", "spec")
RESTORE = Decision(DecisionAction.RESTORE, "default", "Git is the source of truth")
OBSERVE = Decision(DecisionAction.OBSERVE, "default", "what Git never declared is left alone")


def container(name: str) -> Path:
    return (*POD, "containers", Item((("name", name),)))


OLD_CONF = "\n".join(f"option_{n} = {n}" for n in range(1, 21)) + "\n"
NEW_CONF = OLD_CONF.replace("option_4 = 4", "option_4 = 40").replace("option_18 = 18\n", "")

EVIL = Change(
    container("evil"),
    ChangeType.ADDED,
    None,
    {"name": "evil", "image": "evil:1", "args": ["--listen", ":8080"], "env": []},
    EDIT,
)
REPLICAS = Change(("spec", "replicas"), ChangeType.CHANGED, 2, 5, SCALE)
TEAM = Change(
    ("metadata", "labels", "team"),
    ChangeType.REMOVED,
    "shop",
    None,
    None,
    (EDIT, CLIENT),
    EDIT.time,
)
IMAGE = Change(
    (*container("web"), "image"), ChangeType.CHANGED, "shop/web:1.4.2", "shop/web:1.4.3-hot", APPLY
)
CONFIG = Change(("data", "app.conf"), ChangeType.CHANGED, OLD_CONF, NEW_CONF, EDIT)
SCRIPT = Change(
    ("data", "run.sh"),
    ChangeType.ADDED,
    None,
    "#!/bin/sh\n" + "".join(f"echo step {n}\n" for n in range(1, 31)) + "exit 0",
    EDIT,
)
HOSTS = Change(("data", "hosts"), ChangeType.CHANGED, "a b c", "c,d " * 40 + "x", EDIT)
MASKED = Change(
    ("data", "password"),
    ChangeType.CHANGED,
    "***",
    "***",
    EDIT,
    masked=MaskedDigest("a1b29f0c77de", "c3d4e8a90012"),
)
MASKED_NEW = Change(
    ("data", "token"),
    ChangeType.ADDED,
    None,
    "***",
    EDIT,
    masked=MaskedDigest("", "77aa01bc33de"),
)
REVISION_RULE = Hidden(
    Change(
        ("metadata", "annotations", "deployment.kubernetes.io/revision"),
        ChangeType.ADDED,
        None,
        "7",
        FieldManager("2026-11-24T11:56:01Z", "kube-controller-manager", "Update"),
    ),
    "rollout-revision",
    "the Deployment controller counts its rollouts there",
)

DRIFTS = (
    Drift(
        "d-000000000001",
        DriftType.MODIFIED,
        Severity.HIGH,
        WEB,
        "apps/v1",
        "11111111-2222",
        SourceLocation("apps/web.yaml", 12),
        (EVIL, REPLICAS, IMAGE, TEAM),
        (REVISION_RULE,),
        first_seen="2026-11-24T11:57:00Z",
        decision=RESTORE,
    ),
    Drift(
        "d-000000000002",
        DriftType.UNMANAGED,
        Severity.HIGH,
        INTRUDER,
        "v1",
        "33333333-4444",
        by=FieldManager("2026-11-24T09:00:00Z", "kubectl-run", "Update"),
        first_seen=CHECKED_AT,
        decision=OBSERVE,
    ),
    Drift(
        "d-000000000003",
        DriftType.MODIFIED,
        Severity.HIGH,
        PASSWORD,
        "v1",
        "55555555-6666",
        SourceLocation("apps/secrets.yaml"),
        (MASKED, MASKED_NEW),
        first_seen=CHECKED_AT,
        decision=RESTORE,
    ),
    Drift(
        "d-000000000004",
        DriftType.MODIFIED,
        Severity.MEDIUM,
        SETTINGS,
        "v1",
        "77777777-8888",
        SourceLocation("apps/settings.yaml", 1),
        (CONFIG, SCRIPT, HOSTS),
        note="the object is being deleted",
        first_seen=CHECKED_AT,
        decision=RESTORE,
    ),
    Drift(
        "d-000000000005",
        DriftType.MISSING,
        Severity.MEDIUM,
        READER,
        "rbac.authorization.k8s.io/v1",
        source=SourceLocation("base/rbac.yaml", 40),
        first_seen=CHECKED_AT,
        decision=RESTORE,
    ),
    Drift(
        "d-000000000006",
        DriftType.UNREADABLE,
        Severity.MEDIUM,
        WIDGET,
        "example.com/v1",
        source=SourceLocation("apps/widget.yaml", 3),
        note='the user "ci" may not list widgets in the namespace shop',
        decision=Decision(DecisionAction.OBSERVE, "default", "what can't be read is never written"),
    ),
)

DRIFTED = Report(
    target="shop",
    revision=REVISION,
    checked_at=CHECKED_AT,
    comparison=Comparison.SERVER,
    summary=Summary(resources=166, in_sync=160, drifted=5, unreadable=1, hidden=8),
    requests=Requests(list=14, get=3, dry_run=3),
    drifts=DRIFTS,
    notes=("uncommitted changes in apps/web.yaml are left out",),
)
IN_SYNC = Report(
    target="shop",
    revision=REVISION,
    checked_at=CHECKED_AT,
    comparison=Comparison.SERVER,
    summary=Summary(resources=166, in_sync=166, drifted=0, unreadable=0),
    requests=Requests(list=14),
    drifts=(),
)
OFFLINE = Report(
    target="shop",
    revision="sha256:" + "9a8b7c6d" * 8,
    checked_at="2026-11-21T12:00:00Z",
    comparison=Comparison.OFFLINE,
    summary=Summary(resources=12, in_sync=12, drifted=0, unreadable=0, hidden=1),
    requests=Requests(),
    drifts=(),
    unproven=tuple(
        Unproven(SETTINGS, f"data.key{n}", "no schema of ConfigMap is known") for n in range(10)
    ),
)

JANE = Actor(
    user="jane@example.org",
    groups=("team", "system:authenticated"),
    addresses=("10.0.0.7",),
    user_agent="kubectl/v1.37.2 (linux/amd64) kubernetes/abcdef0",
    request_id="6b1c9a3e-0d4f-4c55-9a51-7a7f3d1c2b10",
    verb="patch",
    time="2026-11-24T11:56:00.482113Z",
    manager="kubectl-edit",
)
DEPLOYER = replace(
    JANE,
    impersonated="system:serviceaccount:ci:deployer",
    addresses=("203.0.113.9", "10.0.0.1"),
)
#: The same drifts, of which somebody knows who it was.
WITNESSED = replace(
    DRIFTED,
    drifts=(
        replace(
            DRIFTS[0],
            changes=(
                replace(EVIL, actor=JANE),
                replace(REPLICAS, actor=replace(JANE, certain=False)),
                replace(IMAGE, actor=DEPLOYER),
                replace(TEAM, actor=replace(JANE, certain=False, others=("bob@example.org",))),
            ),
        ),
        replace(DRIFTS[1], actor=replace(JANE, verb="create", manager="kubectl-run")),
        replace(DRIFTS[2], changes=(replace(MASKED, actor=JANE), replace(MASKED_NEW, actor=JANE))),
        replace(DRIFTS[4], actor=replace(DEPLOYER, verb="delete", manager="")),
    ),
)

#: A commit that isn't rolled out yet, left to whoever deploys.
WAIT = Decision(
    DecisionAction.WAIT,
    "pending",
    "Git has moved on: left to whoever deploys",
    "2026-11-24T12:12:00Z",
)
ASK = Decision(
    DecisionAction.APPROVE, "rules[1]", "a person looks first", plan="p-35cdb6e3ef8aee1a"
)
PENDING = replace(
    DRIFTED,
    summary=Summary(resources=166, in_sync=164, drifted=2, unreadable=0),
    drifts=(
        replace(DRIFTS[0], type=DriftType.PENDING, changes=(IMAGE,), hidden=(), decision=WAIT),
        replace(DRIFTS[3], type=DriftType.PENDING, changes=(CONFIG,), decision=ASK),
    ),
    notes=(),
)

#: Everything that a hostile cluster could put into a report.
HOSTILE_TEXT = (
    "\x1b[2J\x1b]0;owned\x07\r\n\u202egnp.exe\u200b\x9b31m `|<script>alert(1)</script>"
    " @everyone #1 [x](javascript:alert(1)) https://evil.example </details> \ud800 \U000e0041"
)
HOSTILE = Report(
    target="shop\x1b[31m",
    revision="\x1b[1m" + REVISION,
    checked_at=CHECKED_AT,
    comparison=Comparison.SERVER,
    summary=Summary(resources=2, in_sync=0, drifted=2, unreadable=0),
    requests=Requests(list=1),
    drifts=(
        Drift(
            "d-00000000000a",
            DriftType.MODIFIED,
            Severity.HIGH,
            ResourceKey("", "ConfigMap", "shop", HOSTILE_TEXT),
            "v1",
            "uid",
            SourceLocation(HOSTILE_TEXT, 1),
            (
                Change(
                    ("data", HOSTILE_TEXT),
                    ChangeType.ADDED,
                    None,
                    HOSTILE_TEXT,
                    FieldManager(HOSTILE_TEXT, HOSTILE_TEXT, HOSTILE_TEXT, HOSTILE_TEXT),
                    actor=Actor(HOSTILE_TEXT, (), (HOSTILE_TEXT,), HOSTILE_TEXT, HOSTILE_TEXT),
                ),
                Change(
                    ("data", "fence"),
                    ChangeType.CHANGED,
                    "a\n```\n" + HOSTILE_TEXT,
                    "b\n````\n" + HOSTILE_TEXT,
                    EDIT,
                ),
                Change(("data", "look"), ChangeType.CHANGED, "\\x1b[31m", "\x1b[31m", EDIT),
            ),
            note=HOSTILE_TEXT,
        ),
        Drift(
            "d-00000000000b",
            DriftType.UNMANAGED,
            Severity.LOW,
            ResourceKey("", "Pod", "shop", "$(touch owned)"),
            "v1",
            note=HOSTILE_TEXT,
            by=FieldManager("2026-11-24T09:00:00Z", HOSTILE_TEXT, "Update"),
        ),
    ),
    notes=(HOSTILE_TEXT,),
)

RESTORED = Report(
    target="shop",
    revision=REVISION,
    checked_at=CHECKED_AT,
    comparison=Comparison.SERVER,
    summary=Summary(resources=166, in_sync=164, drifted=2, unreadable=0),
    requests=Requests(list=28, get=5, write=4),
    drifts=(DRIFTS[3], DRIFTS[4]),
    outcomes=(
        Outcome(READER, OutcomeType.REFUSED, "clusterroles is forbidden: user ci may not create"),
        Outcome(WEB, OutcomeType.RESTORED),
        Outcome(SETTINGS, OutcomeType.CONFLICT, "it was edited since the plan was made"),
        Outcome(PASSWORD, OutcomeType.UNVERIFIED, "a fresh comparison still finds it modified"),
        Outcome(JOB, OutcomeType.SKIPPED, "its namespace could not be made"),
    ),
)

HEAD = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678"
_BY_HAND = replace(DRIFTS[0], hidden=(), note="made in the cluster; the head declares it otherwise")
#: A pull request, with an effect of every kind.
MERGING = replace(
    DRIFTED,
    merge=Merge(
        REVISION,
        HEAD,
        (
            MergeEffect(Effect.OVERWRITE, replace(_BY_HAND, changes=(EVIL, REPLICAS, TEAM))),
            MergeEffect(Effect.OVERWRITE, replace(DRIFTS[2], changes=(MASKED,))),
            MergeEffect(Effect.OVERWRITE, replace(DRIFTS[4], note="deleted in the cluster")),
            MergeEffect(Effect.UNKNOWN, DRIFTS[5]),
            MergeEffect(Effect.CHANGE, replace(_BY_HAND, changes=(IMAGE,), note="")),
            MergeEffect(Effect.CHANGE, replace(DRIFTS[4], note="")),
            MergeEffect(Effect.CHANGE, replace(DRIFTS[1], source=_PLACE)),
            MergeEffect(Effect.ADOPT, replace(DRIFTS[3], changes=(CONFIG,), note="")),
            MergeEffect(Effect.KEEP, replace(DRIFTS[1], note="")),
        ),
    ),
    declared={WEB: _PLACE, READER: SourceLocation("base/rbac.yaml", 40)},
)
#: The same for one that loses nothing.
HARMLESS = replace(
    MERGING,
    merge=Merge(REVISION, HEAD, (MergeEffect(Effect.CHANGE, replace(_BY_HAND, changes=(IMAGE,))),)),
    notes=(),
)
#: An old cluster, of which most is known.
BASELINED = accepted(
    replace(DRIFTED, declared=MERGING.declared),
    (
        *baseline_of("shop", DRIFTS[1:4], ()),
        KnownDrift("shop", DriftType.MODIFIED, WEB, Severity.LOW, {}, "the old cluster"),
        KnownDrift("shop", DriftType.MISSING, JOB, Severity.LOW, {}, "it ran once"),
    ),
)
ACCEPTED = accepted(
    replace(DRIFTED, drifts=DRIFTS[:4], summary=replace(DRIFTED.summary, unreadable=0)),
    baseline_of("shop", DRIFTS[:4], ()),
)

INSIDE = replace(
    PENDING,
    summary=Summary(166, 165, 1, 0, 4, pods=3),
    drifts=worst_first((DRIFTS[0], *IN_PODS)),
    unproven=(
        Unproven(ResourceKey("", "Node", "", "node-2"), "", "its agent is silent since 11:40"),
    ),
    notes=("Pod shop/web-5d8f-abcde, container web: 1,234 more files that differ, not listed",),
)

REPORTS: Mapping[str, Report] = {
    "pods": INSIDE,
    "drifted": DRIFTED,
    "witnessed": WITNESSED,
    "pending": PENDING,
    "in-sync": IN_SYNC,
    "offline": OFFLINE,
    "hostile": HOSTILE,
    "restored": RESTORED,
    "merging": MERGING,
    "harmless": HARMLESS,
    "baselined": BASELINED,
    "accepted": ACCEPTED,
}

PLAN = Plan(
    target="shop",
    revision=REVISION,
    actions=(
        Create(NAMESPACE, "v1", {"secret": "never shown"}),
        Replace(WEB, "apps/v1", {"secret": "never shown"}, (EVIL, REPLICAS, TEAM), "live"),
        Replace(PASSWORD, "v1", {"secret": "never shown"}, (MASKED, MASKED_NEW), "live"),
        Recreate(JOB, "batch/v1", {"secret": "never shown"}, (IMAGE,), "live", "uid"),
        Delete(INTRUDER, "v1", "live", "uid"),
    ),
    held=(
        Held(WIDGET, "its state is unknown: the user may not list widgets"),
        Held(SETTINGS, "it is being deleted; restore again when it is gone"),
    ),
    digest="p-0123456789abcdef",
)
NO_PLAN = Plan("shop", REVISION, (), (Held(INTRUDER, "it was never declared here"),), "p-0")

PLANS: Mapping[str, Plan] = {"plan": PLAN, "plan-empty": NO_PLAN}

_SOURCE = SourceLocation("apps/web.yaml", 12)


def _declared(path: Path, value: object) -> FieldOrigin:
    return FieldOrigin(path, value, Origin.DECLARED, _SOURCE, CLIENT)


EXPLAINED = Explanation(
    key=WEB,
    api_version="apps/v1",
    uid="11111111-2222",
    source=_SOURCE,
    revision=REVISION,
    checked_at=CHECKED_AT,
    note="modified",
    fields=(
        _declared(("apiVersion",), "apps/v1"),
        _declared(("kind",), "Deployment"),
        FieldOrigin(
            REVISION_RULE.change.path,
            "7",
            Origin.CONTROLLER,
            by=REVISION_RULE.change.by,
            reason="rollout-revision: the Deployment controller counts its rollouts there",
        ),
        FieldOrigin(
            ("metadata", "annotations", "note"),
            "first line\nsecond line\n",
            Origin.IGNORED,
            by=EDIT,
            reason="on-call: the on-call team leaves notes here",
        ),
        FieldOrigin(("metadata", "managedFields"), [{}, {}, {}], Origin.SERVER),
        _declared(("metadata", "name"), "web"),
        FieldOrigin(("metadata", "uid"), "11111111-2222", Origin.SERVER),
        FieldOrigin(("spec", "progressDeadlineSeconds"), 600, Origin.DEFAULTED, by=None, reason=""),
        FieldOrigin(("spec", "replicas"), 5, Origin.DRIFT, by=SCALE, change=REPLICAS),
        _declared(("spec", "selector", "matchLabels", "app"), "web"),
        FieldOrigin((*container("evil"), "name"), "evil", Origin.DRIFT, by=EDIT, change=EVIL),
        FieldOrigin((*container("evil"), "image"), "evil:1", Origin.DRIFT, by=EDIT, change=EVIL),
        _declared((*container("web"), "args", 0), "--listen=:8080"),
        _declared((*container("web"), "args", 1), "--verbose"),
        _declared((*container("web"), "image"), "shop/web:1.4.2"),
        FieldOrigin((*container("web"), "resources"), {}, Origin.DEFAULTED),
        FieldOrigin(
            ("status", "observedGeneration"),
            9,
            Origin.STATUS,
            by=FieldManager("2026-11-24T11:59:00Z", "kube-controller-manager", "Update", "status"),
        ),
        FieldOrigin(TEAM.path, None, Origin.DRIFT, change=TEAM),
    ),
)
MISSING = Explanation(
    READER,
    "rbac.authorization.k8s.io/v1",
    "",
    SourceLocation("base/rbac.yaml", 40),
    REVISION,
    CHECKED_AT,
    "missing: it is declared and not live",
    (),
)
STRANGE = Explanation(
    INTRUDER,
    "v1",
    "33333333-4444",
    None,
    REVISION,
    CHECKED_AT,
    "unmanaged: it is live and not declared",
    (FieldOrigin(("spec", "hostNetwork"), True, Origin.DRIFT, by=EDIT),),
)

EXPLANATIONS: Mapping[str, Explanation] = {
    "explained": EXPLAINED,
    "explained-missing": MISSING,
    "explained-unmanaged": STRANGE,
}
