"""All that can be set: the fields, their types and defaults, written once."""

from dataclasses import dataclass, field

from reconciler.settings.agents import AgentSettings
from reconciler.settings.forge import ForgeSettings
from reconciler.settings.guard import GuardSettings
from reconciler.settings.images import ImageSettings
from reconciler.settings.notify import NotifySettings
from reconciler.settings.people import ApprovalSettings
from reconciler.settings.target import TargetSettings

#: Of the environment variables that are settings.
ENV_PREFIX = "PLUMBLINE_"


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
class HookSettings:
    """Where forges tell of pushes, so that a commit is rolled out at once.

    Attributes:
        address: Host and port where they are told; empty for nowhere.
        secret_files: Files that each hold a secret that a forge signs with; each signature is
            tried with all, so that a secret can be renewed.
        certificate: The PEM certificate; empty for plain HTTP, as behind a proxy.
        key: Its key.
    """

    address: str = ""
    secret_files: tuple[str, ...] = ()
    certificate: str = ""
    key: str = ""


@dataclass(frozen=True)
class ServeSettings:
    """Where the controller answers `/healthz`, `/readyz` and `/metrics`.

    Attributes:
        address: Host and port; empty for nowhere.
    """

    address: str = "127.0.0.1:8080"


@dataclass(frozen=True)
class TraceSettings:
    """Where the controller's traces go, by OTLP over HTTP; needs `plumbline[otel]`.

    Attributes:
        endpoint: Such as `http://collector:4318/v1/traces`; empty for nowhere.
        headers_file: Holds what is sent along, a line each, such as `Authorization: Bearer …`.
    """

    endpoint: str = ""
    headers_file: str = ""


@dataclass(frozen=True)
class ClusterSettings:
    """Which cluster.

    Attributes:
        kubeconfig: The file; empty for `$KUBECONFIG`, `~/.kube/config`, or the pod's own account.
        context: Which of its contexts; empty for the current one.
        dry_runs: Whether the server is asked by dry runs, for which we need the right to write.
    """

    kubeconfig: str = ""
    context: str = ""
    dry_runs: bool = True


@dataclass(frozen=True)
class ProgramSettings:
    """Which programs render manifests.

    Attributes:
        helm: Path or name of Helm 3.
        kustomize: Path or name of kustomize or kubectl; empty for whichever is found.
        credential_helper: Git's `credential.helper` for https repositories; empty for none.
        sops: Path or name of sops, which decrypts what is encrypted.
    """

    helm: str = "helm"
    kustomize: str = ""
    credential_helper: str = ""
    sops: str = "sops"


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
        approvals: Whose yes counts, and for how long.
        guard: Who may write what targets declare.
        forge: Where pull requests are opened.
        hooks: Where forges tell of pushes.
        images: When images are stale, and how registries are asked.
        agents: Where node agents tell what they see.
        notify: Whom the controller tells.
        serve: Where the controller answers.
        traces: Where the controller's traces go.
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
    approvals: ApprovalSettings = field(default_factory=ApprovalSettings)
    guard: GuardSettings = field(default_factory=GuardSettings)
    forge: ForgeSettings = field(default_factory=ForgeSettings)
    hooks: HookSettings = field(default_factory=HookSettings)
    images: ImageSettings = field(default_factory=ImageSettings)
    agents: AgentSettings = field(default_factory=AgentSettings)
    notify: NotifySettings = field(default_factory=NotifySettings)
    serve: ServeSettings = field(default_factory=ServeSettings)
    traces: TraceSettings = field(default_factory=TraceSettings)
    cache_dir: str = ""
    state_dir: str = ""
