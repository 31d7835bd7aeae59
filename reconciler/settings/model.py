"""All that can be set: the fields, their types and defaults, written once."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

#: Of the environment variables that are settings.
ENV_PREFIX = "PLUMBLINE_"


class Renderer(StrEnum):
    """How manifests are made of what the repository holds."""

    AUTO = "auto"  # found by what the folder holds
    PLAIN = "plain"  # YAML and JSON files as they are
    KUSTOMIZE = "kustomize"
    HELM = "helm"


@dataclass(frozen=True)
class SourceSettings:
    """Where a target is declared.

    Attributes:
        repo: A Git URL or a folder.
        ref: Branch, tag or commit; empty for the default branch (of a folder: what is checked out).
        path: Folder or file inside the repository; empty for all of it.
        render: How the manifests are made.
        values: Helm's values files, as paths inside the repository, the last one winning.
        release: Helm's release name; empty for the target's name.
    """

    repo: str
    ref: str = ""
    path: str = ""
    render: Renderer = Renderer.AUTO
    values: tuple[str, ...] = ()
    release: str = ""


@dataclass(frozen=True)
class ScopeSettings:
    """Where unmanaged objects are looked for.

    Attributes:
        namespaces: Their names; empty for nowhere.
    """

    namespaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class IgnoreSettings:
    """A difference that is not drift. Every pattern takes `*`, `?` and `[...]`.

    Attributes:
        reason: Why; shown wherever the rule hides something.
        path: The field, with everything below it, such as `metadata.annotations["example.com/*"]`;
            empty for whole objects, which then are never unmanaged.
        kind: The object's kind.
        group: Its API group.
        namespace: Its namespace.
        name: Its name.
        manager: Who set the field, by field manager.
        value: The live value, as text.
        until: The last day on which the rule holds; needed in a shared file where it isn't meant
            for good.
    """

    reason: str
    path: str = ""
    kind: str = "*"
    group: str = "*"
    namespace: str = "*"
    name: str = "*"
    manager: str = ""
    value: str = "*"
    until: date | None = None


class Mode(StrEnum):
    """What the controller does about drift of a target."""

    OBSERVE = "observe"  # reports it
    APPROVE = "approve"  # restores what a person has agreed to, by `plumbline approve`
    RESTORE = "restore"  # restores it by itself


@dataclass(frozen=True)
class RuleSettings:
    """What the controller does about some drifts. The first rule that speaks of a change decides.

    Attributes:
        action: What is done.
        reason: Why; kept with every decision.
        kind: The object's kind, with `*`, `?` and `[...]`, as in the next three.
        group: Its API group.
        namespace: Its namespace.
        name: Its name.
        label: A label of it, such as `team=payments`.
        path: The field that differs, with everything below it.
        type: The drift's type, such as `Missing`; empty for any.
        severity: How much it must matter at least: `high`, `medium` or `low`.
        manager: Who set it, by field manager.
    """

    action: Mode
    reason: str
    kind: str = "*"
    group: str = "*"
    namespace: str = "*"
    name: str = "*"
    label: str = ""
    path: str = ""
    type: str = ""
    severity: str = "low"
    manager: str = ""


@dataclass(frozen=True)
class WindowSettings:
    """Hours of the week in which the controller may write, or may not.

    Attributes:
        hours: Such as `Mon-Fri 22:00-04:00`, `Sat,Sun 00:00-24:00` or `daily 02:00-03:00`.
        zone: Whose clock, such as `Europe/Zurich`.
        allow: Whether it may write then, and at no other time; else it may not.
        reason: Why; shown while it waits.
    """

    hours: str
    zone: str = "UTC"
    allow: bool = True
    reason: str = ""


@dataclass(frozen=True)
class TargetSettings:
    """One thing to keep true.

    Attributes:
        name: Shown in reports.
        source: Where it is declared.
        namespace: For manifests that name none; empty for the kubeconfig context's.
        scope: Where unmanaged objects are looked for.
        ignore: What is not drift.
        mode: What the controller does about drift where no rule speaks.
        prune: Whether it deletes what was declared once and isn't any more.
        rules: What it does about some drifts, tried in order.
        windows: When it may write.
        grace: How long a drift must have been seen before it is restored, such as `2m`.
    """

    name: str
    source: SourceSettings
    namespace: str = ""
    scope: ScopeSettings = ScopeSettings()
    ignore: tuple[IgnoreSettings, ...] = ()
    mode: Mode = Mode.OBSERVE
    prune: bool = False
    rules: tuple[RuleSettings, ...] = ()
    windows: tuple[WindowSettings, ...] = ()
    grace: str = ""


@dataclass(frozen=True)
class ScheduleSettings:
    """When the controller looks.

    Attributes:
        interval: From one look at a target to the next, such as `3m`.
        jitter: Up to so much more or less, so that targets don't all look at once.
        watch: Whether it also looks at once when something moved in the cluster.
        workers: How many targets it looks at at the same time.
    """

    interval: str = "3m"
    jitter: str = "20s"
    watch: bool = True
    workers: int = 4


@dataclass(frozen=True)
class LeaseSettings:
    """Which replica acts, where there are several.

    Attributes:
        namespace: Where the Leases are by which they agree; empty where there is only one.
    """

    namespace: str = ""


@dataclass(frozen=True)
class HistorySettings:
    """Where the controller remembers what happened.

    Attributes:
        database: A PostgreSQL URL, for several replicas; empty for a file in the state folder.
        key_file: Holds the secret key of the chain, the same for all replicas; empty for one of
            this installation's own.
        retention: For how long events are kept, such as `8760h`; empty for good.
    """

    database: str = ""
    key_file: str = ""
    retention: str = ""


@dataclass(frozen=True)
class WitnessSettings:
    """Who sees the requests that change objects: field managers name programs, these persons.

    Attributes:
        audit_log: The API server's audit log, as `--audit-log-path` names it.
        audit_webhook: Host and port where API servers send audit events to.
        admission: Host and port of a webhook that only records, where no audit log can be had.
        certificate: The PEM certificate of the two.
        key: Its key.
        client_authority: Whose certificates may send; empty for anybody with the token.
        token_file: Holds the bearer token that the audit webhook's kubeconfig has.
    """

    audit_log: str = ""
    audit_webhook: str = ""
    admission: str = ""
    certificate: str = ""
    key: str = ""
    client_authority: str = ""
    token_file: str = ""


@dataclass(frozen=True)
class ServeSettings:
    """Where the controller answers `/healthz`, `/readyz` and `/metrics`.

    Attributes:
        address: Host and port; empty for nowhere.
    """

    address: str = "127.0.0.1:8080"


@dataclass(frozen=True)
class ClusterSettings:
    """Which cluster.

    Attributes:
        kubeconfig: The file; empty for `$KUBECONFIG`, `~/.kube/config`, or the pod's own account.
        context: Which of its contexts; empty for the current one.
    """

    kubeconfig: str = ""
    context: str = ""


@dataclass(frozen=True)
class ProgramSettings:
    """Which programs render manifests.

    Attributes:
        helm: Path or name of Helm 3.
        kustomize: Path or name of kustomize or kubectl; empty for whichever is found.
        credential_helper: Git's `credential.helper` for https repositories; empty for none.
    """

    helm: str = "helm"
    kustomize: str = ""
    credential_helper: str = ""


@dataclass(frozen=True)
class Settings:
    """All settings.

    Attributes:
        targets: What to keep true.
        cluster: Which cluster.
        programs: Which programs render manifests.
        schedule: When the controller looks.
        lease: Which replica acts.
        history: Where the controller remembers what happened.
        witnesses: Who sees the requests that change objects.
        serve: Where the controller answers.
        cache_dir: Where clones and answers are kept, which can be had again; empty for the
            user's cache folder.
        state_dir: Where sightings and the inventory are kept, which can't; empty for the user's
            state folder.
    """

    targets: tuple[TargetSettings, ...] = ()
    cluster: ClusterSettings = field(default_factory=ClusterSettings)
    programs: ProgramSettings = field(default_factory=ProgramSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    lease: LeaseSettings = field(default_factory=LeaseSettings)
    history: HistorySettings = field(default_factory=HistorySettings)
    witnesses: WitnessSettings = field(default_factory=WitnessSettings)
    serve: ServeSettings = field(default_factory=ServeSettings)
    cache_dir: str = ""
    state_dir: str = ""
