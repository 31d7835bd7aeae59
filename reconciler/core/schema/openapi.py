"""Nodes from OpenAPI: of a server's document, or of a CustomResourceDefinition.

A custom resource is kept as JSON, and its definition's structural schema decides alone what the
server makes of it: unknown fields are dropped, defaults filled in
(k8s.io/apiextensions-apiserver/pkg/apiserver/schema: pruning, defaulting, listtype).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from reconciler.core.schema.node import Field, Node, Shape, Struct

_Schema = Mapping[str, Any]

_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_KINDS = "x-kubernetes-group-version-kind"
_METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


def from_openapi(document: Mapping[str, Any], api_version: str, kind: str) -> Node | None:
    """Finds a custom kind in a group's OpenAPI v3 document, as `/openapi/v3` gives it.

    Args:
        document: The document, decoded.
        api_version: As manifests give it.
        kind: As manifests give it.

    Returns:
        The kind's root. None where the document doesn't have the kind, and where the kind isn't a
        custom resource but a Go type, of which OpenAPI doesn't tell what the server would make.
    """
    group, _, version = api_version.rpartition("/")
    schemas = (document.get("components") or {}).get("schemas") or {}
    for schema in schemas.values():
        for found in schema.get(_KINDS) or ():
            named = (found.get("group") or "", found.get("version"), found.get("kind"))
            if named == (group, version, kind):
                return _root(schema) if _is_custom(schema) else None
    return None


def from_definition(definition: Mapping[str, Any]) -> dict[tuple[str, str], Node]:
    """Gives the roots of the kinds that one CustomResourceDefinition defines, by version.

    A version without a schema is left out: nothing is known of it. So is what isn't shaped as a
    definition is: it comes from Git, where nobody has checked it.
    """
    spec = _mapping(definition.get("spec"))
    kind = _mapping(spec.get("names")).get("kind")
    nodes: dict[tuple[str, str], Node] = {}
    for version in _items(spec.get("versions")):
        schema = _mapping(_mapping(version).get("schema")).get("openAPIV3Schema")
        if isinstance(schema, Mapping) and isinstance(kind, str) and kind:
            preserved = {**schema, _PRESERVE: True} if spec.get("preserveUnknownFields") else schema
            api_version = f"{spec.get('group')}/{version.get('name')}"
            nodes[api_version, kind] = _root(preserved)
    return nodes


def from_definitions(bodies: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Node]:
    """Gives the roots of all kinds that the CustomResourceDefinitions among the bodies define."""
    return {
        key: node
        for body in bodies
        if body.get("kind") == "CustomResourceDefinition"
        and str(body.get("apiVersion")).startswith("apiextensions.k8s.io/")
        for key, node in from_definition(body).items()
    }


def _is_custom(schema: _Schema) -> bool:
    """Whether a root is a custom resource's: those refer to nothing but Kubernetes' metadata."""
    return all(name.rpartition("/")[2] == _METADATA for name in _references(schema))


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, Mapping):
        name = schema.get("$ref")
        if isinstance(name, str):
            yield name
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def _root(schema: _Schema) -> Node:
    # The server reads metadata as it does for its own kinds, whatever the schema says of it.
    fields = {
        name: child
        for name, child in _mapping(schema.get("properties")).items()
        if name not in ("apiVersion", "kind", "metadata")
    }
    return _object({**schema, "properties": fields}, root=True)


def _node(given: object) -> Node:
    schema = _mapping(given)
    nullable = bool(schema.get("nullable"))
    if "properties" in schema or schema.get("x-kubernetes-embedded-resource"):
        return _object(schema)
    extra = schema.get("additionalProperties")
    if extra is True:
        return Node(Shape.MAP, custom=True, nullable=nullable)
    if isinstance(extra, Mapping):
        atomic = schema.get("x-kubernetes-map-type") == "atomic"
        item = _node(extra)
        return Node(Shape.MAP, item=item, atomic=atomic, custom=True, nullable=nullable)
    items = schema.get("items")
    if schema.get("type") == "array" and isinstance(items, Mapping):
        kind = schema.get("x-kubernetes-list-type") or "atomic"
        names = _items(schema.get("x-kubernetes-list-map-keys")) if kind == "map" else ()
        return Node(
            Shape.LIST,
            item=_node(items),
            merge_keys=tuple(name for name in names if isinstance(name, str)),
            atomic=kind == "atomic",
            custom=True,
            nullable=nullable,
        )
    if schema.get("type") == "object" and not schema.get(_PRESERVE):
        return _object(schema)
    return Node(Shape.ANY, custom=True, nullable=nullable)


def _object(schema: _Schema, root: bool = False) -> Node:
    return Node(
        Shape.STRUCT,
        struct=lambda: _struct(schema),
        atomic=schema.get("x-kubernetes-map-type") == "atomic",
        custom=True,
        nullable=bool(schema.get("nullable")),
        root=root,
    )


def _struct(schema: _Schema) -> Struct:
    properties = _mapping(schema.get("properties"))
    fields = {name: Field(_node(child)) for name, child in properties.items()}
    if schema.get("x-kubernetes-embedded-resource"):
        for name in ("apiVersion", "kind"):
            fields.setdefault(name, Field(Node(Shape.ANY, custom=True)))
        fields["metadata"] = Field(Node(Shape.METADATA, custom=True))
    defaults = {
        name: child["default"]
        for name, child in properties.items()
        if isinstance(child, Mapping) and "default" in child
    }
    return Struct("", fields, defaults, open=bool(schema.get(_PRESERVE)))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _items(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
