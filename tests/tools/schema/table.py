"""Puts what the server publishes and what the Go types say together into one compact table."""

import json
from collections.abc import Mapping
from typing import Any

from reconciler.core.schema.builtin import LETTERS
from tests.tools.schema.gofacts import GoFacts
from tests.tools.schema.published import Published

#: Go's names of leaves, by the letter that the table has for them.
_LEAVES = {
    "string": "s",
    "int": "i",
    "bool": "b",
    "float": "f",
    "quantity": "q",
    "intstr": "x",
    "time": "t",
    "microtime": "m",
    "bytes": "y",
    "any": "a",
}
_SCHEMA_ALTERNATIVES = {"schemaOrBool", "schemaOrArray", "schemaOrStrings"}
_JSON_SCHEMA = "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaProps"
_RESOURCE_LIST = "k8s.io/api/core/v1.ResourceList"

#: Types whose resource lists aren't rounded: their group doesn't call SetDefaults_ResourceList.
_UNROUNDED = frozenset({"node/v1.Overhead"})

_PREFIXES = (
    "k8s.io/apiextensions-apiserver/pkg/apis/",
    "k8s.io/kube-aggregator/pkg/apis/",
    "k8s.io/apimachinery/pkg/apis/",
    "k8s.io/api/",
)

#: Defaults that hold in some places only and which a rule in `reconciler.core.normalize` fills in.
#: A finding that isn't listed here stops the generator: somebody must write a rule for it.
RULED: Mapping[str, frozenset[str]] = {
    "autoscaling/v2.HPAScalingRules": frozenset({"policies", "stabilizationWindowSeconds"}),
    "batch/v1.JobSpec": frozenset(
        {
            "backoffLimit",
            "completionMode",
            "completions",
            "manualSelector",
            "parallelism",
            "podReplacementPolicy",
            "suspend",
        }
    ),
    "core/v1.PersistentVolumeSpec": frozenset({"persistentVolumeReclaimPolicy", "volumeMode"}),
    "core/v1.PodSpec": frozenset({"enableServiceLinks"}),
}

#: What the probing finds that isn't a default: the present moment.
_NO_DEFAULT = {("resource/v1.DeviceTaint", "timeAdded")}


def make(published: Published, facts: GoFacts) -> dict[str, Any]:
    """Gives the table, with everything in an order that doesn't depend on chance.

    Raises:
        ValueError: A conditional default was found that no rule is known for.
    """
    _check_varying(facts)
    kinds: dict[str, dict[str, str]] = {}
    for key, name in sorted(facts.kinds.items()):
        api_version, kind = key.split(" ")
        kinds.setdefault(api_version, {})[kind] = _short(name)
    types: dict[str, Any] = {}
    waiting = [(name, True) for name in sorted(facts.kinds.values())]
    while waiting:
        name, is_root = waiting.pop()
        short = _short(name)
        entry = types.setdefault(short, {"f": {}})
        for field, fact in sorted(facts.types[name].items()):
            # Nobody declares a whole object's status, and comparisons leave it out.
            if field in entry["f"] or (is_root and field == "status"):
                continue
            prop = published.properties.get(_component(name), {}).get(field) or {}
            entry["f"][field] = _word(fact, prop, published)
            if short in _UNROUNDED:
                entry["f"][field] = entry["f"][field].replace("{}r", "{}q")
            waiting.extend((inner, False) for inner in _structs(fact["shape"]))
        defaults = {
            field: value
            for field, value in sorted((facts.defaults.get(name) or {}).items())
            if (short, field) not in _NO_DEFAULT
        }
        if defaults:
            entry["d"] = defaults
        gated = sorted(facts.gated.get(name, frozenset()) & entry["f"].keys())
        if gated:
            entry["g"] = gated
        entry["f"] = dict(sorted(entry["f"].items()))
    return {"server": published.version, "kinds": kinds, "types": dict(sorted(types.items()))}


def dumped(table: Mapping[str, Any]) -> str:
    """Writes the table, one type a line, so that a change reads well in a diff."""
    types = ",\n".join(
        f"{json.dumps(name)}:{json.dumps(entry, separators=(',', ':'))}"
        for name, entry in table["types"].items()
    )
    head = json.dumps({k: v for k, v in table.items() if k != "types"}, separators=(",", ":"))
    return f'{head[:-1]},\n"types":{{\n{types}\n}}}}\n'


def _check_varying(facts: GoFacts) -> None:
    for name, found in facts.varying.items():
        fields = {place.rpartition(" : ")[2] for place in found}
        unknown = fields - RULED.get(_short(name), frozenset())
        if unknown:
            raise ValueError(f"no rule fills in {sorted(unknown)} of {_short(name)}")


def _short(name: str) -> str:
    return next((name.removeprefix(p) for p in _PREFIXES if name.startswith(p)), name)


def _component(name: str) -> str:
    """The name of a Go type in OpenAPI: `k8s.io/api/apps/v1.X` is `io.k8s.api.apps.v1.X`."""
    host, _, rest = name.partition("/")
    return ".".join([*reversed(host.split(".")), *rest.split("/")])


def _structs(shape: Mapping[str, Any]) -> list[str]:
    if shape["kind"] in _SCHEMA_ALTERNATIVES:
        return [_JSON_SCHEMA]
    if shape.get("of"):
        return _structs(shape["of"])
    return [shape["ref"]] if shape["kind"] == "struct" else []


def _word(fact: Mapping[str, Any], prop: Mapping[str, Any], published: Published) -> str:
    flags = "*" if fact.get("pointer") else ""
    flags += "?" if fact.get("omitEmpty") else ""
    flags += "0" if fact.get("omitZero") else ""
    return flags + _shape(fact["shape"], prop, published)


def _shape(shape: Mapping[str, Any], prop: Mapping[str, Any], published: Published) -> str:
    kind = shape["kind"]
    if kind in _SCHEMA_ALTERNATIVES:
        return f"S@{_short(_JSON_SCHEMA)}"
    if kind == "list":
        return _list(shape, prop, published)
    if kind == "map":
        atomic = "^" if prop.get("x-kubernetes-map-type") == "atomic" else ""
        if shape.get("go") == _RESOURCE_LIST:
            return f"{atomic}{{}}r"
        inner = prop.get("additionalProperties")
        return f"{atomic}{{}}{_shape(shape['of'], _mapping(inner), published)}"
    if kind == "struct":
        whole = prop.get("x-kubernetes-map-type") == "atomic"
        atomic = "^" if whole or _component(shape["ref"]) in published.atomic else ""
        return f"{atomic}@{_short(shape['ref'])}"
    letter = _LEAVES[kind]
    assert letter in LETTERS
    return letter


def _list(shape: Mapping[str, Any], prop: Mapping[str, Any], published: Published) -> str:
    kind = prop.get("x-kubernetes-list-type")
    keys = prop.get("x-kubernetes-list-map-keys") if kind == "map" else None
    if keys is None and kind is None and prop.get("x-kubernetes-patch-merge-key"):
        keys = [prop["x-kubernetes-patch-merge-key"]]
    # Without a list type managers own a list of a Go type as a whole.
    atomic = "" if kind in ("map", "set") else "^"
    item = _shape(shape["of"], _mapping(prop.get("items")), published)
    return f"{atomic}[{','.join(keys or ())}]{item}"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
