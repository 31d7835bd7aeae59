"""The desired side: what Git declares, each manifest with its place."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.core.errors import ManifestError, ManifestProblem
from reconciler.core.resource import (
    Catalog,
    JsonObject,
    ResourceKey,
    metadata_of,
    split_api_version,
)
from reconciler.core.sealing import UNKNOWN, Seal

#: Kinds without a namespace in Kubernetes itself; for a comparison without a server's discovery.
CLUSTER_SCOPED: frozenset[tuple[str, str]] = frozenset(
    {
        ("", "ComponentStatus"),
        ("", "Namespace"),
        ("", "Node"),
        ("", "PersistentVolume"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("apiregistration.k8s.io", "APIService"),
        ("certificates.k8s.io", "CertificateSigningRequest"),
        ("certificates.k8s.io", "ClusterTrustBundle"),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
        ("networking.k8s.io", "IPAddress"),
        ("networking.k8s.io", "IngressClass"),
        ("networking.k8s.io", "ServiceCIDR"),
        ("node.k8s.io", "RuntimeClass"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("resource.k8s.io", "DeviceClass"),
        ("resource.k8s.io", "ResourceSlice"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("storage.k8s.io", "CSIDriver"),
        ("storage.k8s.io", "CSINode"),
        ("storage.k8s.io", "StorageClass"),
        ("storage.k8s.io", "VolumeAttachment"),
        ("storage.k8s.io", "VolumeAttributesClass"),
    }
)


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """Where a manifest stands in the repository.

    Attributes:
        path: The file, as a path inside the repository; for Helm the chart's template.
        line: The line of the manifest's first key, from 1; 0 where the renderer can't tell.
    """

    path: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Manifest:
    """One declared object, as rendered.

    Attributes:
        body: The object as JSON; has `apiVersion`, `kind` and `metadata`. Never changed in place.
        source: Where it is declared.
        digest: Of the body as rendered, where the source knows one; empty where it doesn't.
        seals: Which of its fields came encrypted.
    """

    body: JsonObject
    source: SourceLocation
    digest: str = field(default="", compare=False)
    seals: tuple[Seal, ...] = field(default=(), compare=False)

    @property
    def api_version(self) -> str:
        """Its `apiVersion`."""
        return str(self.body["apiVersion"])

    @property
    def kind(self) -> str:
        """Its kind."""
        return str(self.body["kind"])

    @property
    def namespace(self) -> str:
        """Its namespace as written, empty where it names none."""
        return str(metadata_of(self.body).get("namespace") or "")

    @property
    def name(self) -> str:
        """Its name, or its `generateName` and a `*`."""
        metadata = metadata_of(self.body)
        return str(metadata.get("name") or f"{metadata.get('generateName', '')}*")

    @property
    def is_generated(self) -> bool:
        """Whether the server is to choose the name's end."""
        return not metadata_of(self.body).get("name")


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a source gives: the manifests of one pinned revision, as rendered.

    Attributes:
        revision: The commit's full hash; for a folder outside Git `sha256:` and a digest of the
            manifests.
        manifests: In the order of the files.
        notes: What a reader should know of this reading, such as uncommitted changes left out.
    """

    revision: str
    manifests: tuple[Manifest, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DesiredState:
    """The desired state of a target: every key once, namespaces filled in.

    Attributes:
        revision: As in `Rendered`.
        resources: By key, in the order of the files.
        notes: As in `Rendered`.
    """

    revision: str
    resources: Mapping[ResourceKey, Manifest]
    notes: tuple[str, ...] = ()

    def seals(self, key: ResourceKey) -> tuple[Seal, ...]:
        """Says what of an object came encrypted.

        Of one that isn't declared nobody knows: what once came encrypted may be gone from Git. So
        all of it is sealed, where anything is declared that came encrypted.
        """
        declared = self.resources.get(key)
        if declared is not None:
            return declared.seals
        is_encrypting = any(each.seals for each in self.resources.values())
        return UNKNOWN if is_encrypting else ()


def desired_state(rendered: Rendered, catalog: Catalog, default_namespace: str) -> DesiredState:
    """Names every manifest's object, as `kubectl apply -n default_namespace` would.

    Raises:
        ManifestError: Nothing is declared, or an object is declared twice.
    """
    declared_scopes = _declared_scopes(rendered.manifests)
    resources: dict[ResourceKey, Manifest] = {}
    problems: list[ManifestProblem] = []
    for manifest in rendered.manifests:
        group, _ = split_api_version(manifest.api_version)
        namespace = ""
        if _is_namespaced(manifest, catalog, declared_scopes):
            namespace = manifest.namespace or default_namespace
        key = ResourceKey(group, manifest.kind, namespace, manifest.name)
        earlier = resources.get(key)
        if earlier is not None:
            problems.append(_declared_twice(key, manifest, earlier))
            continue
        resources[key] = _placed(manifest, namespace)
    if problems:
        raise ManifestError(*problems)
    if not resources:
        raise ManifestError(
            ManifestProblem(
                "(all)",
                0,
                "no object is declared here",
                "check --path and --render; an empty desired state is never compared, since "
                "everything live would look unmanaged",
            )
        )
    return DesiredState(rendered.revision, resources, rendered.notes)


def _declared_scopes(manifests: Iterable[Manifest]) -> dict[tuple[str, str], bool]:
    """Tells, of the kinds that declared CRDs define, which are namespaced."""
    scopes = {}
    for manifest in manifests:
        if manifest.kind == "CustomResourceDefinition":
            spec = manifest.body.get("spec") or {}
            names = spec.get("names") or {}
            scopes[(str(spec.get("group")), str(names.get("kind")))] = (
                spec.get("scope") == "Namespaced"
            )
    return scopes


def _is_namespaced(
    manifest: Manifest, catalog: Catalog, declared_scopes: Mapping[tuple[str, str], bool]
) -> bool:
    served = catalog.find(manifest.api_version, manifest.kind)
    if served is not None:
        return served.namespaced
    group, _ = split_api_version(manifest.api_version)
    declared = declared_scopes.get((group, manifest.kind))
    if declared is not None:
        return declared
    return (group, manifest.kind) not in CLUSTER_SCOPED


def _placed(manifest: Manifest, namespace: str) -> Manifest:
    """Writes the effective namespace into the manifest, as the server would see it."""
    if manifest.namespace == namespace:
        return manifest
    metadata = {k: v for k, v in metadata_of(manifest.body).items() if k != "namespace"}
    if namespace:
        metadata["namespace"] = namespace
    return replace(manifest, body={**manifest.body, "metadata": metadata})


def _declared_twice(key: ResourceKey, later: Manifest, earlier: Manifest) -> ManifestProblem:
    return ManifestProblem(
        later.source.path,
        later.source.line,
        f"{key} is declared twice; the other one is at {earlier.source}",
        "delete one of the two, or give them different names or namespaces",
    )
