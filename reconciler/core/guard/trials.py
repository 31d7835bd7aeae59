"""What a policy would refuse, as the API server itself says when it only warns."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from reconciler.core.guard.objects import LABEL, WRITES, GuardObject, with_mode
from reconciler.core.guard.rules import Mode
from reconciler.core.resource import JsonObject

#: How the authorizer's refusals read (k8s.io/apiserver, handlers/responsewriters/errors.go).
_RBAC = re.compile(r"\bcannot \w+ resource\b")
#: What trial policies' names end with; no target's part is called so.
_SUFFIX = ".trial"
#: Their label's value.
TRIAL: Final = "trial"


@dataclass(frozen=True, slots=True)
class Tried:
    """What a write that was only asked for came to.

    Attributes:
        code: The HTTP status.
        warnings: What the server warned of.
        message: Why it refused; empty where it didn't.
    """

    code: int
    warnings: tuple[str, ...] = ()
    message: str = ""

    @property
    def has_rights(self) -> bool:
        """Whether the sender got past authorization, so that policies were asked."""
        return not _RBAC.search(self.message)

    def refused_by(self, names: Sequence[str]) -> bool:
        """Whether one of these policies would have refused it."""
        marks = [f"ValidatingAdmissionPolicy '{name}'" for name in names]
        return any(mark in warning for warning in self.warnings for mark in marks)


@dataclass(frozen=True, slots=True)
class LockedOut:
    """Somebody who must write, and could not.

    Attributes:
        who: Who, as settings or Kubernetes name him.
        what: What he could not do.
    """

    who: str
    what: str


def trial_objects(objects: Sequence[GuardObject]) -> tuple[GuardObject, ...]:
    """Gives the same policies under other names, as ones that only warn, of dry runs, too."""
    return tuple(_trial(each) for each in objects)


def _trial(each: GuardObject) -> GuardObject:
    warning = with_mode(each, Mode.WARN)
    body: JsonObject = {**warning.body, "spec": {**warning.body["spec"]}}
    metadata = body["metadata"]
    labels = {**metadata["labels"], LABEL: TRIAL}
    body["metadata"] = {**metadata, "name": f"{metadata['name']}{_SUFFIX}", "labels": labels}
    if "policyName" in body["spec"]:
        body["spec"]["policyName"] += _SUFFIX
    if "matchConditions" in body["spec"]:
        conditions = body["spec"]["matchConditions"]
        body["spec"]["matchConditions"] = [c for c in conditions if c["name"] != WRITES]
    return replace(warning, body=body)
