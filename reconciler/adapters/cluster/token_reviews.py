"""Who shows a service account's token, and which pods are where, asked of the API server.

A TokenReview says whose a token is, for which audience, and of which pod (since Kubernetes 1.30
also on which node; k8s.io/apiserver/pkg/authentication/serviceaccount, ServiceAccountInfo).
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from reconciler.adapters.cluster.addresses import collection_path, object_path
from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.cluster.rejection import grant, why_refused
from reconciler.adapters.cluster.wire import Answer
from reconciler.core.errors import ClusterError
from reconciler.core.resource import JsonObject, ResourceKind
from reconciler.ports import Agent, Stranger

#: Tokens of agents are made for this audience alone: they open nothing else.
AUDIENCE: Final = "plumbline"
REVIEW: Final = ResourceKind("authentication.k8s.io", "v1", "TokenReview", "tokenreviews", False)
POD: Final = ResourceKind("", "v1", "Pod", "pods", True)
NODE: Final = ResourceKind("", "v1", "Node", "nodes", False)

_USER: Final = "system:serviceaccount:"
_EXTRA: Final = "authentication.kubernetes.io/"
_METADATA: Final = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"
#: What kubelet calls a pod that it has from a file: the mirror pod in the API has another uid
#: (k8s.io/kubernetes/pkg/kubelet/types, ConfigHashAnnotationKey).
_STATIC: Final = "kubernetes.io/config.hash"
_NOT_FOUND = 404


class TokenReviews:
    """See `ports.AgentRegister`. Every call asks anew."""

    def __init__(self, cluster: KubeCluster, accounts: Collection[str]) -> None:
        """Asks nothing yet.

        Args:
            cluster: Is asked.
            accounts: Whose tokens are those of agents, each as `namespace:name`.
        """
        self._transport = cluster.transport
        self._accounts = frozenset(accounts)

    def identify(self, token: str) -> Agent | Stranger:
        """Says who shows a token."""
        review = {
            "apiVersion": REVIEW.api_version,
            "kind": REVIEW.kind,
            "spec": {"token": token, "audiences": [AUDIENCE]},
        }
        answer = self._transport.ask("POST", collection_path(REVIEW), None, review)
        body = answer.json()
        if not answer.ok or not isinstance(body, dict):
            raise _unasked("tokens can't be reviewed", answer, "create", REVIEW)
        status = body.get("status") or {}
        # A server that knows no audiences names none, and takes tokens for any.
        if not status.get("authenticated") or AUDIENCE not in (status.get("audiences") or ()):
            text = f"the API server doesn't know this token for the audience {AUDIENCE}"
            return Stranger(text)
        return self._agent(status.get("user") or {})

    def _agent(self, user: Mapping[str, Any]) -> Agent | Stranger:
        name = str(user.get("username") or "")
        account = name.removeprefix(_USER)
        if account == name or account not in self._accounts:
            text = f"{name[:300]} is no agent's account; agents.service_accounts names those"
            return Stranger(text, is_known=True)
        extra = user.get("extra") or {}
        pod, uid, node = (_first(extra, each) for each in ("pod-name", "pod-uid", "node-name"))
        if not pod or not uid:
            text = "the token isn't bound to a pod: give the agent that of a projected volume"
            return Stranger(text, is_known=True)
        found = node or self._node_of(account.partition(":")[0], pod, uid)
        return Agent(found) if found else Stranger("its pod is on no node", is_known=True)

    def _node_of(self, namespace: str, pod: str, uid: str) -> str:
        """Gives the node that a pod is on; empty where it isn't, or isn't there any more."""
        answer = self._transport.get(object_path(POD, namespace, pod))
        if answer.status == _NOT_FOUND:
            return ""
        body = answer.json()
        if not answer.ok or not isinstance(body, dict):
            raise _unasked("an agent's pod can't be read", answer, "get", POD)
        if (body.get("metadata") or {}).get("uid") != uid:
            return ""
        return str((body.get("spec") or {}).get("nodeName") or "")

    def pods_on(self, node: str) -> Mapping[str, tuple[str, str]]:
        """Gives namespace and name of the pods on a node, by the uids that its kubelet uses."""
        query = {"fieldSelector": f"spec.nodeName={node}"}
        answer = self._transport.get(collection_path(POD), query, _METADATA.format("List"))
        body = answer.json()
        if not answer.ok or not isinstance(body, dict):
            raise _unasked("the pods of a node can't be read", answer, "list", POD)
        return dict(_named(each.get("metadata") or {}) for each in body.get("items") or ())

    def has_node(self, node: str) -> bool:
        """Whether the cluster has such a node."""
        answer = self._transport.get(object_path(NODE, "", node), None, _METADATA.format(""))
        if answer.status != _NOT_FOUND and not answer.ok:
            raise _unasked("a node can't be read", answer, "get", NODE)
        return answer.ok


def _named(metadata: JsonObject) -> tuple[str, tuple[str, str]]:
    static = (metadata.get("annotations") or {}).get(_STATIC)
    name = (str(metadata.get("namespace")), str(metadata.get("name")))
    return str(static or metadata.get("uid")), name


def _first(extra: Mapping[str, Any], name: str) -> str:
    values = extra.get(f"{_EXTRA}{name}")
    return str(values[0]) if isinstance(values, list) and values else ""


def _unasked(what: str, answer: Answer, verb: str, kind: ResourceKind) -> ClusterError:
    return ClusterError(f"{what}: {why_refused(answer)}", fix=grant(verb, kind, ""))
