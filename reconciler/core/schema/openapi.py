"""Nodes from OpenAPI: of a server's document, or of a CustomResourceDefinition.

A custom resource is kept as JSON, and its definition's structural schema decides alone what the
server makes of it: unknown fields are dropped, defaults filled in
(k8s.io/apiextensions-apiserver/pkg/apiserver/schema: pruning, defaulting, listtype).
"""

from collections.abc import Iterable, Iterator, Mapping
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
                return _Reader(schemas).root(schema) if _is_custom(schema) else None
    return None


def from_definition(definition: Mapping[str, Any]) -> dict[tuple[str, str], Node]:
    """Gives the roots of the kinds that one CustomResourceDefinition defines, by version.

    A version without a schema is left out: nothing is known of it.
    """
    spec = definition.get("spec") or {}
    kind = (spec.get("names") or {}).get("kind") or ""
    nodes: dict[tuple[str, str], Node] = {}
    for version in spec.get("versions") or ():
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if isinstance(schema, Mapping) and kind:
            preserved = {**schema, _PRESERVE: True} if spec.get("preserveUnknownFields") else schema
            api_version = f"{spec.get('group')}/{version.get('name')}"
            nodes[api_version, kind] = _Reader({}).root(preserved)
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


class _Reader:
    def __init__(self, schemas: Mapping[str, _Schema]) -> None:
        self._schemas = schemas

    def root(self, schema: _Schema) -> Node:
        # The server reads metadata as it does for its own kinds, whatever the schema says of it.
        fields = {
            name: child
            for name, child in (schema.get("properties") or {}).items()
            if name not in ("apiVersion", "kind", "metadata")
        }
        return self._object({**schema, "properties": fields}, root=True)

    def _node(self, schema: _Schema) -> Node:
        nullable = bool(schema.get("nullable"))
        if "properties" in schema or schema.get("x-kubernetes-embedded-resource"):
            return self._object(schema)
        extra = schema.get("additionalProperties")
        if extra is True or extra == {}:
            return Node(Shape.ANY, custom=True, nullable=nullable)
        if isinstance(extra, Mapping):
            atomic = schema.get("x-kubernetes-map-type") == "atomic"
            item = self._node(extra)
            return Node(Shape.MAP, item=item, atomic=atomic, custom=True, nullable=nullable)
        items = schema.get("items")
        if schema.get("type") == "array" and isinstance(items, Mapping):
            kind = schema.get("x-kubernetes-list-type") or "atomic"
            keys = tuple(schema.get("x-kubernetes-list-map-keys") or ()) if kind == "map" else ()
            return Node(
                Shape.LIST,
                item=self._node(items),
                merge_keys=keys,
                atomic=kind == "atomic",
                custom=True,
                nullable=nullable,
            )
        if schema.get("type") == "object" and not schema.get(_PRESERVE):
            return self._object(schema)
        return Node(Shape.ANY, custom=True, nullable=nullable)

    def _object(self, schema: _Schema, root: bool = False) -> Node:
        return Node(
            Shape.STRUCT,
            struct=lambda: self._struct(schema),
            atomic=schema.get("x-kubernetes-map-type") == "atomic",
            custom=True,
            nullable=bool(schema.get("nullable")),
            root=root,
        )

    def _struct(self, schema: _Schema) -> Struct:
        properties: Mapping[str, _Schema] = schema.get("properties") or {}
        fields = {name: Field(self._node(child)) for name, child in properties.items()}
        if schema.get("x-kubernetes-embedded-resource"):
            for name in ("apiVersion", "kind"):
                fields.setdefault(name, Field(Node(Shape.ANY, custom=True)))
            fields["metadata"] = Field(Node(Shape.METADATA, custom=True))
        defaults = {n: child["default"] for n, child in properties.items() if "default" in child}
        return Struct("", fields, defaults, open=bool(schema.get(_PRESERVE)))
