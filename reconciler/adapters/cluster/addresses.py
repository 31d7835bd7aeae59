"""The REST addresses of objects (kubernetes.io/docs/reference/using-api/api-concepts)."""

from urllib.parse import quote

from reconciler.core.resource import ResourceKind


def group_version_path(api_version: str) -> str:
    """Gives the address of a group version: `/api/v1`, `/apis/apps/v1`."""
    return f"/apis/{_part(api_version)}" if "/" in api_version else f"/api/{_part(api_version)}"


def collection_path(kind: ResourceKind, namespace: str = "") -> str:
    """Gives the address of all objects of a kind, in one namespace or in all (or in none)."""
    base = group_version_path(kind.api_version)
    if kind.namespaced and namespace:
        base = f"{base}/namespaces/{_part(namespace)}"
    return f"{base}/{_part(kind.plural)}"


def object_path(kind: ResourceKind, namespace: str, name: str) -> str:
    """Gives the address of one object."""
    return f"{collection_path(kind, namespace)}/{quote(name, safe='')}"


def _part(text: str) -> str:
    return quote(text, safe="/")
