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


@dataclass(frozen=True)
class TargetSettings:
    """One thing to keep true.

    Attributes:
        name: Shown in reports.
        source: Where it is declared.
        namespace: For manifests that name none; empty for the kubeconfig context's.
        scope: Where unmanaged objects are looked for.
        ignore: What is not drift.
    """

    name: str
    source: SourceSettings
    namespace: str = ""
    scope: ScopeSettings = ScopeSettings()
    ignore: tuple[IgnoreSettings, ...] = ()


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
        cache_dir: Where clones and answers are kept, which can be had again; empty for the
            user's cache folder.
        state_dir: Where sightings and the inventory are kept, which can't; empty for the user's
            state folder.
    """

    targets: tuple[TargetSettings, ...] = ()
    cluster: ClusterSettings = field(default_factory=ClusterSettings)
    programs: ProgramSettings = field(default_factory=ProgramSettings)
    cache_dir: str = ""
    state_dir: str = ""
