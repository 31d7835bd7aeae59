"""What can be set of a target: where it is declared, and what is done about its drift."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Renderer(StrEnum):
    """How manifests are made of what the repository holds."""

    AUTO = "auto"  # found by what the folder holds
    PLAIN = "plain"  # YAML and JSON files as they are
    KUSTOMIZE = "kustomize"
    HELM = "helm"


class VerifyMode(StrEnum):
    """What a commit must be to be acted on, where keys are named."""

    SIGNED = "signed"  # signed by one of the keys
    FORWARD = "forward"  # and a descendant of the one that was accepted last


@dataclass(frozen=True)
class VerifySettings:
    """Which commits may be acted on. One that may not is refused: nothing is compared with it.

    Attributes:
        keys: Files with OpenPGP public keys, or SSH allowed signers, of those who may sign; empty
            to ask for no signature.
        mode: `signed`, or `forward` to refuse a branch that was set back, too.
        accept: The full hash of a commit that is accepted though it is behind; empty for none.
    """

    keys: tuple[str, ...] = ()
    mode: VerifyMode = VerifyMode.FORWARD
    accept: str = ""


class DecryptProvider(StrEnum):
    """What decrypts files of the repository."""

    NONE = "none"  # an encrypted file is an error
    SOPS = "sops"


class KeyService(StrEnum):
    """A key service that sops may ask, with this process's own credentials for it."""

    AWS = "aws"
    GCP = "gcp"
    AZURE = "azure"
    VAULT = "vault"


@dataclass(frozen=True)
class DecryptSettings:
    """How encrypted files of the repository are decrypted.

    Attributes:
        provider: What they are encrypted by: `sops`, or `none`: then an encrypted file is an error.
        age_key_file: A file with the age identities that decrypt them.
        kms: Key services that may be asked too: `aws`, `gcp`, `azure`, `vault`. Each is told of
            its own environment variables and of no others.
    """

    provider: DecryptProvider = DecryptProvider.NONE
    age_key_file: str = ""
    kms: tuple[KeyService, ...] = ()


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
        verify: Which commits may be acted on.
        decrypt: How encrypted files are decrypted.
    """

    repo: str
    ref: str = ""
    path: str = ""
    render: Renderer = Renderer.AUTO
    values: tuple[str, ...] = ()
    release: str = ""
    verify: VerifySettings = VerifySettings()
    decrypt: DecryptSettings = DecryptSettings()


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
    PROPOSE = "propose"  # opens a pull request, and restores what its merge agrees to
    APPROVE = "approve"  # restores what a person has agreed to
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
        type: The drift's type, such as `Missing`; empty for any of an object. Drift of running
            pods (`PodSpec`, `File`, `Process`, `Session`, `Port`, `Image`) must be named.
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
