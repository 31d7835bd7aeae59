"""Evidence of pods' drift, as agents keep it on their nodes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """An archive that an agent has kept on its node.

    Attributes:
        pod_uid: Of which pod.
        digest: The archive's SHA-256, 64 hex digits, which is its name there.
        size: In bytes.
        kept_at: When, RFC 3339.
    """

    pod_uid: str
    digest: str
    size: int
    kept_at: str


@dataclass(frozen=True, slots=True)
class AskedEvidence:
    """What became of asking for a pod's evidence.

    Attributes:
        node: Whose agent was asked.
        since: When for the first time, RFC 3339.
        kept: What it has kept since; None where it hasn't answered.
    """

    node: str
    since: str
    kept: Evidence | None = None
