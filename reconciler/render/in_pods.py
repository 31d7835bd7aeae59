"""What drifted in running pods, in words."""

from typing import Final

from reconciler.core.drift import DriftType

#: What a pod is or does, by its drift's type.
STATES: Final = {
    DriftType.POD_SPEC: "differs from its template",
    DriftType.FILE: "has a file that isn't its image's",
    DriftType.PROCESS: "runs what its image doesn't hold",
    DriftType.SESSION: "was entered from outside",
    DriftType.PORT: "listens where nothing declares it",
    DriftType.IMAGE: "runs another image than it should",
}
