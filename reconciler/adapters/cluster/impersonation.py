"""Dry runs of what others would write (kubernetes.io/docs/reference/access-authn-authz)."""

import re
from contextlib import closing
from dataclasses import replace

from reconciler.adapters.cluster.access import Access
from reconciler.adapters.cluster.addresses import collection_path, object_path
from reconciler.adapters.cluster.rejection import why_refused
from reconciler.adapters.cluster.tally import Tally
from reconciler.adapters.cluster.transport import Timing, Transport
from reconciler.adapters.cluster.wire import Answer, Wire
from reconciler.core.errors import ClusterError, Rejected
from reconciler.core.guard.subjects import AUTHENTICATED, Sender
from reconciler.core.guard.trials import Tried
from reconciler.core.resource import JsonObject, ResourceKind, metadata_of

_REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_QUERY = {"dryRun": "All", "fieldManager": "plumbline-guard", "fieldValidation": "Ignore"}
_METHODS = {"create": "POST", "update": "PUT", "delete": "DELETE"}
_FORBIDDEN = 403
_MAY_NOT_ACT = re.compile(r"\bcannot impersonate resource\b")
#: A header's `299 - "text"` (RFC 7234, section 5.5), with backslashes before quotes.
_WARNING = re.compile(r'\d{3} \S+ "((?:[^"\\]|\\.)*)"')


class Trials:
    """Asks by dry runs what writes of others would come to; implements `ports.Trials`."""

    def __init__(
        self, access: Access, timing: Timing, tally: Tally, wire: Wire | None = None
    ) -> None:
        """Makes no request yet.

        Args:
            access: Which server, and who we are to it.
            timing: How to wait.
            tally: Counts the requests.
            wire: Makes them; one that suits the access if None.
        """
        self._access = access
        self._wire = wire
        self._timing = timing
        self._tally = tally

    def whoami(self) -> Sender:
        """Says who we are; see `ports.Trials`."""
        self._tally.got()
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        with closing(Transport(self._access, self._timing, self._wire)) as transport:
            answer = transport.ask("POST", _REVIEW, None, review)
        body = answer.json()
        info = ((body.get("status") or {}).get("userInfo") or {}) if isinstance(body, dict) else {}
        if not answer.ok or not info:
            raise ClusterError(
                f"the server can't be asked who we are: {why_refused(answer)}",
                fix="bind the ClusterRole system:basic-user to this user",
            )
        return Sender(
            str(info.get("username") or ""), frozenset(map(str, info.get("groups") or ()))
        )

    def tried(self, sender: Sender, verb: str, kind: ResourceKind, body: JsonObject) -> Tried:
        """Asks what a write of somebody else would come to; see `ports.Trials`."""
        metadata = metadata_of(body)
        namespace = str(metadata.get("namespace") or "") if kind.namespaced else ""
        path = collection_path(kind, namespace)
        if verb != "create":
            path = object_path(kind, namespace, str(metadata.get("name")))
        sent: JsonObject = body
        if verb == "delete":
            sent = {"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"]}
        self._tally.dry_run()
        access = replace(self._access, acting_as=(sender.user, _group_of(sender)))
        with closing(Transport(access, self._timing, self._wire)) as transport:
            query = None if verb == "delete" else _QUERY
            answer = transport.ask(_METHODS[verb], path, query, sent)
        return _tried(sender, answer)


def _group_of(sender: Sender) -> str:
    """Gives the group to be named: the server adds those that every user or account has."""
    named = [
        each
        for each in sender.groups
        if each != AUTHENTICATED and each.partition(":serviceaccounts")[0] != "system"
    ]
    return min(named, default="")


def _tried(sender: Sender, answer: Answer) -> Tried:
    status = answer.json()
    message = str(status.get("message") or "") if isinstance(status, dict) else ""
    if answer.status == _FORBIDDEN and _MAY_NOT_ACT.search(message):
        raise Rejected(
            f"we may not act as {sender.user}, by dry runs, to see whether a policy locks it out",
            code=answer.status,
            reason="Forbidden",
            fix="grant the verb impersonate on users, groups and serviceaccounts",
        )
    warnings = tuple(
        found[1].replace('\\"', '"') for each in answer.warnings if (found := _WARNING.match(each))
    )
    return Tried(answer.status, warnings, "" if answer.ok else message)
