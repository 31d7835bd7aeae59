"""When an image is stale: what is wanted of which images."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase

from reconciler.core.images.naming import ImageName
from reconciler.core.images.versions import Step, TagFilter
from reconciler.core.images.vulnerabilities import Grade


@dataclass(frozen=True, slots=True)
class ImagePolicy:
    """What is wanted of some images.

    Attributes:
        name: What it is called in reports.
        image: Of which images, with `*`, `?` and `[...]`, as `docker.io/library/nginx` or `nginx`.
        max_age: How old an image may be; None for any age.
        newer: How far a newer tag may be that is to be run; None where none has to.
        tags: Which tags count as versions.
        digest: Whether the image must be declared by its digest.
        signature: Whether a signature must be there.
        base: Whether the image must be built on what its base image is now.
        vulnerabilities: How severe a vulnerability must be at least to count.
    """

    name: str = "default"
    image: str = "*"
    max_age: timedelta | None = None
    newer: Step | None = None
    tags: TagFilter = field(default_factory=TagFilter)
    digest: bool = False
    signature: bool = False
    base: bool = False
    vulnerabilities: Grade = Grade.UNKNOWN

    def fits(self, name: ImageName) -> bool:
        """Whether it speaks of an image."""
        short = str(ImageName(name.host, name.path))
        return fnmatchcase(name.repository, self.image) or fnmatchcase(short, self.image)


def policy_for(name: ImageName, policies: Sequence[ImagePolicy]) -> ImagePolicy:
    """Gives the first policy that speaks of an image; one that wants nothing where none does."""
    return next((each for each in policies if each.fits(name)), ImagePolicy())
