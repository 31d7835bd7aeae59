"""Where something that a process runs comes from."""

from dataclasses import dataclass

from reconciler.agent.mounts import Mount
from reconciler.core.containers import Origin
from reconciler.core.drift import Severity


@dataclass(frozen=True, slots=True)
class Code:
    """Where something that a process runs comes from.

    Attributes:
        path: As the container sees it.
        origin: Whence; None for the image.
        mount: The mount that holds it; None where it's none of the container's.
        note: What a reader must know.
    """

    path: str
    origin: Origin | None
    mount: Mount | None = None
    note: str = ""

    @property
    def severity(self) -> Severity:
        """How much it matters that it runs: less, where an image or a volume gave it."""
        is_given = self.origin in (Origin.VOLUME, Origin.SCRIPT) and self.mount is not None
        return Severity.MEDIUM if is_given or self.origin is Origin.PROFILE else Severity.HIGH
