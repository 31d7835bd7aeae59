"""Rights as roles and bindings: manifests for kubectl and kustomize, values for the Helm chart."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Final

from reconciler.core.resource import JsonObject
from reconciler.core.rights import Right
from reconciler.render.serialized import yaml_text

_API: Final = "rbac.authorization.k8s.io"
#: The order in which people write verbs; others follow by the alphabet.
_VERBS: Final = ("get", "list", "watch", "create", "update", "delete")

_WIDTH: Final = 98

#: What a reader of the rules must be told.
_REASONS: Final[Mapping[str, str]] = {
    "escalate": (
        "escalate: the server lets nobody write a role with rights that he hasn't himself. To "
        "restore the declared roles this account may write any, so whoever may act as it, or write "
        "to the repository, has all rights there. Leave it out, and Plumbline says which role it "
        "could not restore; or replace it by the rules of the declared roles."
    ),
    "bind": (
        "bind: the server lets nobody bind a role with rights that he hasn't himself. To restore "
        "the declared bindings this account may bind the roles that they name, and no others."
    ),
    "secrets": (
        "secrets: declared or in scope, so their values are read. Nothing that Plumbline keeps or "
        "says has one in it."
    ),
}


def rules_of(rights: Iterable[Right]) -> dict[str, list[JsonObject]]:
    """Puts rights together to as few rules as say exactly them.

    Returns:
        The rules (`PolicyRule`) by namespace, sorted; those of kinds without one under "".
    """
    verbs: dict[tuple[str, str, str, str], set[str]] = {}
    for right in rights:
        place = (right.namespace, right.group, right.name, right.plural)
        verbs.setdefault(place, set()).add(right.verb)
    alike: dict[tuple[str, str, tuple[str, ...], str], list[str]] = {}
    for (namespace, group, name, plural), found in verbs.items():
        ordered = tuple(sorted(found, key=_rank))
        alike.setdefault((namespace, group, ordered, name), []).append(plural)
    merged: dict[tuple[str, str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (namespace, group, ordered, name), plurals in alike.items():
        # Rules that name objects are put together by their names, all others by their kinds.
        words = tuple(sorted(plurals))
        merged.setdefault((namespace, group, words, ordered), []).append(name)
    rules: dict[str, list[JsonObject]] = {}
    for (namespace, group, words, ordered), names in sorted(merged.items()):
        for named in _split(names):
            rule: JsonObject = {"apiGroups": [group], "resources": list(words)}
            rule |= {"resourceNames": named} if named else {}
            rules.setdefault(namespace, []).append(rule | {"verbs": list(ordered)})
    return rules


def _split(names: Sequence[str]) -> Iterator[list[str]]:
    """Keeps a rule of all objects apart from that of some: together they would be of none."""
    if "" in names:
        yield []
    named = sorted(name for name in names if name)
    if named:
        yield named


def _rank(verb: str) -> tuple[int, str]:
    return (_VERBS.index(verb) if verb in _VERBS else len(_VERBS), verb)


def access_manifests(head: Sequence[str], rights: Iterable[Right], account: tuple[str, str]) -> str:
    """Writes roles and bindings for an account, as YAML documents.

    Args:
        head: Sentences that begin the file.
        rights: What the account may do.
        account: Its namespace and name.
    """
    space, name = account
    documents = []
    for namespace, rules in rules_of(rights).items():
        # Of a ClusterRole's name there is one in the whole cluster.
        title = name if namespace else f"{name}-{space}"
        documents.append(_role(namespace, title, rules) + _binding(namespace, title, account))
    return _comment(head) + "---\n".join(documents)


def _role(namespace: str, name: str, rules: Sequence[JsonObject]) -> str:
    kind = "Role" if namespace else "ClusterRole"
    body = {"apiVersion": f"{_API}/v1", "kind": kind, "metadata": _metadata(namespace, name)}
    return _comment(_reasons(rules)) + yaml_text(body | {"rules": list(rules)})


def _binding(namespace: str, name: str, account: tuple[str, str]) -> str:
    kind = "Role" if namespace else "ClusterRole"
    subject = {"kind": "ServiceAccount", "name": account[1], "namespace": account[0]}
    return "---\n" + yaml_text(
        {
            "apiVersion": f"{_API}/v1",
            "kind": f"{kind}Binding",
            "metadata": _metadata(namespace, name),
            "roleRef": {"apiGroup": _API, "kind": kind, "name": name},
            "subjects": [subject],
        }
    )


def _metadata(namespace: str, name: str) -> JsonObject:
    return {"name": name, **({"namespace": namespace} if namespace else {})}


def access_values(head: Sequence[str], rights: Iterable[Right], config: JsonObject) -> str:
    """Writes values for the Helm chart: the configuration, and the rights that it needs.

    Args:
        head: Sentences that begin the file.
        rights: What the release's account may do.
        config: What `plumbline.yaml` says.
    """
    rules = rules_of(rights)
    everywhere = rules.pop("", [])
    reasons = _comment(_reasons([*everywhere, *(r for each in rules.values() for r in each)]))
    values = yaml_text({"rbac": {"cluster": everywhere, "namespaces": rules}})
    return _comment(head) + yaml_text({"config": config}) + "\n" + reasons + values


def _reasons(rules: Sequence[JsonObject]) -> list[str]:
    words = {word for rule in rules for word in (*rule["verbs"], *rule["resources"])}
    return [reason for word, reason in _REASONS.items() if word in words]


def _comment(sentences: Sequence[str]) -> str:
    # Wrapping makes spaces of line breaks, so that all of it stays a comment.
    return "".join(f"# {line}\n" for each in sentences for line in wrap(each, _WIDTH))
